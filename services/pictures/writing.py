"""A planned week as a folder of files: pictures, their numbers, the theme day's service list, an index.

Called by `paidan rematch --plot` and benchmarks. The same values give the same bytes; files of the same name are
replaced, others are left alone. Plans nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from matcher.weekly.week import WeekPlan
from services.pictures import changing, days, distances, duty, load, mapping, unfilled
from services.pictures.figures import figures
from services.pictures.page import index_page, list_page, readme
from services.pictures.picture import Picture
from services.pictures.service_list import list_csv, service_list
from services.pictures.sides import Shown, shown
from services.pictures.subject import Subject
from services.pictures.words import Language, Words

BOTH: tuple[Language, ...] = ("en", "zh")


def write(
    directory: Path,
    subject: Subject,
    *,
    before: WeekPlan | None,
    after: WeekPlan,
    languages: tuple[Language, ...] = BOTH,
    why: Mapping[tuple[str, str, str], str] | None = None,
) -> list[Path]:
    """Write everything about a planned week; return the files, the index first.

    `before`: what stood, or another plan of the same week; None: nothing. `why`: why visits of it moved or were
    dropped, by (request, requirement, person before), where that is known. The folder is made where it is missing.
    OSError where it cannot be written.
    """
    both = shown(subject, before, after, why)
    pictures = pictures_of(both)
    files = _pictures(pictures, languages)
    files["figures.json"] = json.dumps(figures(both), ensure_ascii=False, indent=1) + "\n"
    lists: list[str] = []
    if subject.theme_day is not None:
        found = _lists(subject, after, subject.theme_day, languages)
        lists = list(found)
        files |= found
    index = {
        f"index.{words.language}.html": _index(words, both, pictures, lists, languages) for words in _words(languages)
    }
    return _written(directory, index | {"README.md": readme(both, pictures, lists, languages)} | files)


def write_service_list(
    directory: Path, subject: Subject, plan: WeekPlan, day: date, languages: tuple[Language, ...] = BOTH
) -> list[Path]:
    """Write one day's service list, as CSV and as a page to print in each language; return the files."""
    return _written(directory, _lists(subject, plan, day, languages))


def pictures_of(both: Shown) -> list[Picture]:
    """Return the pictures, in the order in which they are shown."""
    return [file.picture(both) for file in (mapping, distances, load, unfilled, duty, changing, days)]


def _words(languages: tuple[Language, ...]) -> list[Words]:
    return [Words(language) for language in languages]


def _pictures(pictures: list[Picture], languages: tuple[Language, ...]) -> dict[str, str]:
    files = {}
    for picture in pictures:
        for words in _words(languages):
            files[f"{picture.name}.{words.language}.svg"] = picture.svg(words)
        files[f"{picture.name}.csv"] = picture.csv
    return files


def _lists(subject: Subject, plan: WeekPlan, day: date, languages: tuple[Language, ...]) -> dict[str, str]:
    visits, stem = service_list(subject, plan, day), f"service-list-{day.isoformat()}"
    pages = {
        f"{stem}.{words.language}.html": list_page(words, subject.zone, day, visits) for words in _words(languages)
    }
    return pages | {f"{stem}.csv": list_csv(visits)}


def _index(
    words: Words, both: Shown, pictures: list[Picture], lists: list[str], languages: tuple[Language, ...]
) -> str:
    mine = [name for name in lists if name.endswith(".csv") or f".{words.language}." in name]
    return index_page(words, both, pictures, mine, languages)


def _written(directory: Path, files: dict[str, str]) -> list[Path]:
    directory.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        # spreadsheets take a CSV for UTF-8 only by its mark
        encoding = "utf-8-sig" if name.endswith(".csv") else "utf-8"
        (directory / name).write_text(content, encoding=encoding, newline="")
    return [directory / name for name in files]
