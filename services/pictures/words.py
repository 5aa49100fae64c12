"""One language of the pictures: its words by code, its numbers, days, fonts. Called by everything that says something.

The words stand in `english` and `chinese`, which have the same codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.pictures import chinese, english

Language = Literal["en", "zh"]
LANGUAGES: dict[str, dict[str, str]] = {"en": english.WORDS, "zh": chinese.WORDS}

#: Fonts that systems bring, by language: a picture is text, so each viewer takes the first that it has.
FONTS = {
    "en": "'Segoe UI','Helvetica Neue',Helvetica,Arial,'Liberation Sans','DejaVu Sans',sans-serif",
    "zh": "'paidan zh','Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Hiragino Sans GB',"
    "'Microsoft YaHei','WenQuanYi Micro Hei','Droid Sans Fallback',sans-serif",
}
TAGS = {"en": "en", "zh": "zh-Hans"}


@dataclass(frozen=True)
class Words:
    """One language. KeyError for a language or a code there is none of."""

    language: Language

    def __call__(self, code: str, **values: object) -> str:
        """Return what a code says."""
        said = LANGUAGES[self.language][code]
        return said.format(**values).replace("） ", "）") if values else said

    def maybe(self, kind: str, code: str) -> str:
        """Return what a code says that somebody else made; one without words is said as it is."""
        return LANGUAGES[self.language].get(f"{kind}.{code}", code)

    def counted(self, noun: str, numbers: list[int]) -> str:
        """Return how many of something there are, the last number, and how many there were where that differs."""
        said = self(f"{'one' if numbers[-1] == 1 else 'many'}.{noun}", n=count(numbers[-1]))
        return said if numbers[0] == numbers[-1] else self("was", before=count(numbers[0]), after=said)

    def joined(self, sentences: list[str]) -> str:
        """Put sentences behind each other."""
        return (" " if self.language == "en" else "").join(sentences)

    def was(self, told: list[str]) -> str:
        """Return what is told of the plan after, and of the one before where that differs."""
        return told[-1] if told[0] == told[-1] else self("was", before=told[0], after=told[-1])

    def named(self, name: str, said: str) -> str:
        """Return a name and what is said of it."""
        return f"{name}{self('colon')}{said}"

    @property
    def fonts(self) -> str:
        """Return the fonts to look for, best first."""
        return FONTS[self.language]

    @property
    def tag(self) -> str:
        """Return the language's tag (BCP 47): it chooses between Chinese and Japanese shapes of a character."""
        return TAGS[self.language]

    def day(self, day: date) -> str:
        """Return a day of the week and its date."""
        return f"{self(f'weekday.{day.isoweekday()}')} {day:%m-%d}"

    def sides(self, names: list[str]) -> list[str]:
        """Return how the sides are called."""
        return [self(f"side.{name}") for name in names]


def count(value: float) -> str:
    """Return a number in groups of three digits."""
    return f"{value:,.0f}"


def kilometres(metres: float) -> str:
    """Return metres as kilometres; where they are few, to a tenth."""
    return f"{metres / 1000:,.0f}" if metres >= 100_000 else f"{metres / 1000:.1f}"


def percent(part: float, whole: float) -> str:
    """Return a share; of nothing it is a dash."""
    return f"{100 * part / whole:.0f} %" if whole else "–"
