"""Pages for people: the printable service list, and the index of a folder of pictures. Called by `writing`.

One file each, no script, nothing fetched: readable from a memory stick.
"""

from __future__ import annotations

from datetime import date
from html import escape

from services.pictures import lettering
from services.pictures.picture import Picture
from services.pictures.service_list import Visit, by_compound
from services.pictures.sides import Shown
from services.pictures.words import Language, Words

STYLE = """
body{max-width:960px;margin:24px auto;padding:0 16px;font-size:15px;line-height:1.5;color:#222}
h1{font-size:22px;margin:0 0 4px}h2{font-size:17px;margin:24px 0 6px}p{margin:4px 0}a{color:#005a8f}
table{border-collapse:collapse;width:100%}
th,td{border:1px solid #999;padding:4px 8px;text-align:left;vertical-align:top}
th{background:#eef1f5}table{table-layout:fixed}td{overflow-wrap:anywhere}
th:nth-child(1){width:17%}th:nth-child(2){width:27%}th:nth-child(3){width:16%}th:nth-child(5){width:9%}
img{width:100%;height:auto}
section{break-inside:avoid-page}tr{break-inside:avoid}h2{break-after:avoid}thead{display:table-header-group}
figure{margin:20px 0;border:1px solid #d9dde3}figcaption{padding:0 28px 12px;font-size:14px}
@media print{body{margin:0;max-width:none;font-size:11pt}@page{margin:14mm}}
"""


def list_page(words: Words, zone: str, day: date, visits: list[Visit]) -> str:
    """Return the service list of a day: a table a compound, with a column to tick."""
    title = words("list.title", day=f"{day.isoformat()} ({words(f'weekday.{day.isoweekday()}')})")
    groups = by_compound(visits)
    people = {person for visit in visits for person in visit.people}
    sentence = words(
        "list.sentence",
        visits=words.counted("calls", [len(visits)]),
        places=words.counted("places", [len(groups)]),
        people=words.counted("people", [len(people)]),
    )
    body = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(zone)} · {escape(sentence if visits else words('list.none'))}</p>",
    ]
    for compound, rows in groups:
        name = compound or words("list.nowhere")
        total = words("list.total", visits=words.counted("calls", [len(rows)]))
        body += [f"<section><h2>{escape(name)} · {total}</h2>", _table(words, rows), "</section>"]
    return _page(words, f"{zone} · {title}", body)


def _table(words: Words, visits: list[Visit]) -> str:
    heads = "".join(f"<th>{words(f'list.{key}')}</th>" for key in ("time", "request", "requirement", "people", "done"))
    lines = [f"<table><thead><tr>{heads}</tr></thead><tbody>"]
    for visit in visits:
        until = f"{visit.end:%H:%M}" if visit.end.date() == visit.begin.date() else f"{visit.end:%m-%d %H:%M}"
        cells = [escape(visit.request), escape(visit.requirement), escape(", ".join(visit.people))]
        lines.append(
            f"<tr><td>{visit.begin:%H:%M}–{until}</td>"
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "<td></td></tr>"
        )
    return "\n".join([*lines, "</tbody></table>"])


def index_page(
    words: Words, shown: Shown, pictures: list[Picture], lists: list[str], languages: tuple[Language, ...]
) -> str:
    """Return the index in one language: every picture with its sentence and its numbers."""
    title = index_title(words, shown)
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(words('index.staff'))}</p>"]
    links = [
        ("figures.json", words("index.figures")),
        *((name, words.named(words("index.lists"), name)) for name in lists),
    ]
    links += [(f"index.{other}.html", words("index.language")) for other in languages if other != words.language]
    body.append("<p>" + " · ".join(f'<a href="{link}">{escape(said)}</a>' for link, said in links) + "</p>")
    for picture in pictures:
        said = escape(words.named(words(f"{picture.name}.title"), picture.sentence(words)), quote=True)
        source = f"{picture.name}.{words.language}.svg"
        body.append(
            f'<figure><a href="{source}"><img src="{source}" alt="{said}"></a>'
            f'<figcaption><a href="{picture.name}.csv">{escape(words("index.numbers"))}</a></figcaption></figure>'
        )
    return _page(words, title, body)


def index_title(words: Words, shown: Shown) -> str:
    """Return how a folder of pictures is called."""
    days = shown.subject.days()
    return words("index.title", zone=shown.subject.zone, first=days[0].isoformat(), last=days[-1].isoformat())


def readme(shown: Shown, pictures: list[Picture], lists: list[str], languages: tuple[Language, ...]) -> str:
    """Return the same index as plain text (Markdown), one language after the other."""
    lines: list[str] = []
    for words in map(Words, languages):
        lines += [f"# {index_title(words, shown)}", "", words("index.staff"), ""]
        for picture in pictures:
            links = f"[SVG]({picture.name}.{words.language}.svg), [CSV]({picture.name}.csv)"
            said = words.named(words(f"{picture.name}.title"), picture.sentence(words))
            lines.append(f"- {said} ({links})")
        lines += [
            f"- {words.named(words('index.lists'), f'[{name}]({name})')}"
            for name in lists
            if f".{words.language}." in name
        ]
        lines += [f"- {words.named(words('index.figures'), '[figures.json](figures.json)')}", ""]
    return "\n".join(lines)


def _page(words: Words, title: str, body: list[str]) -> str:
    style = f"{lettering.style(words.language)}body{{font-family:{words.fonts}}}{STYLE}"
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{words.tag}"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<style>{style}</style></head><body>",
            *body,
            "</body></html>",
            "",
        ]
    )
