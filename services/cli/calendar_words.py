"""What `paidan calendar` says to a person, in English and Chinese. Called by `calendar.py` only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from matcher.calendar import Due
from matcher.seasons import Window, WindowKind
from matcher.weeks import ReportWeek
from producers.calendars import WARN_DAYS


class Words(Protocol):
    """One language."""

    def due(self, start: date, working_days: int, due: Due) -> str:
        """Say by when."""

    def week(self, week: ReportWeek) -> str:
        """Say one month's week."""

    def window(self, window: Window) -> str:
        """Say one campaign or surge."""

    def no_festival(self, year: int) -> str:
        """Say that nobody knows when the year's Spring Festival is."""

    def difference(self, day: date, sources: Mapping[str, bool]) -> str:
        """Say what each source holds of a day."""

    def certain(self, until: date | None, days_left: int) -> str:
        """Say until when the calendar is certain, and what to do when that is soon."""


def choose(lang: str | None, environment: Mapping[str, str]) -> Words:
    """Return the language that was asked for, else that of LC_ALL, LC_MESSAGES or LANG, else English."""
    found = lang or next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return Chinese() if found.lower().startswith("zh") else English()


class English:
    """English."""

    def due(self, start: date, working_days: int, due: Due) -> str:
        unsure = " (provisional: not all days on the way are published yet; ask again later)" if due.provisional else ""
        return f"{working_days} working days after {start}: {due.date}, {due.date:%A}{unsure}"

    def week(self, week: ReportWeek) -> str:
        parts = [f"{week.start:%a} {week.start} to {week.end:%a} {week.end}", f"theme day {week.theme_day}"]
        parts += [f"theme: {week.theme}"] if week.theme else []
        parts += [f"moved from {week.moved_from}"] if week.moved_from else []
        parts += [f"holidays: {_listed(week.holidays)}"] if week.holidays else []
        parts += ["a week must be chosen (--choose)"] if week.undecided else []
        parts += ["provisional"] if week.provisional else []
        return f"{week.month:2}  " + "; ".join(parts)

    def window(self, window: Window) -> str:
        kind = "campaign" if window.kind is WindowKind.CAMPAIGN else f"surge x{window.factor:g}"
        parts = [f"{window.start} to {window.end}  {window.name} ({kind})"]
        parts += [f"shares days with the report week of month {_listed(window.report_weeks)}"] * bool(
            window.report_weeks
        )
        parts += ["provisional"] if window.provisional else []
        return "; ".join(parts)

    def no_festival(self, year: int) -> str:
        return f"Spring Festival of ({year}) is not known: no campaigns are listed."

    def difference(self, day: date, sources: Mapping[str, bool]) -> str:
        said = ", ".join(f"{source} says {'worked' if worked else 'off'}" for source, worked in sources.items())
        return f"differs: {day} {day:%A}: {said}"

    def certain(self, until: date | None, days_left: int) -> str:
        remedy = "Update the packages holidays and chinesecalendar; later days are provisional."
        if until is None or days_left < 0:
            return f"The calendar has run out ({until or 'no year is held by both sources'}). {remedy}"
        soon = f" {remedy}" if days_left < WARN_DAYS else ""
        return f"The calendar is certain until {until}: {days_left} more days.{soon}"


class Chinese:
    """中文。"""

    def due(self, start: date, working_days: int, due: Due) -> str:
        unsure = "（暂定：其中有的日子放假安排尚未公布，请届时再查）" if due.provisional else ""
        return f"{start} 起 {working_days} 个工作日：{due.date}，{_weekday(due.date)}{unsure}"

    def week(self, week: ReportWeek) -> str:
        parts = [f"{week.start}（{_weekday(week.start)}）至 {week.end}（{_weekday(week.end)}）"]
        parts += [f"主题党日 {week.theme_day}"]
        parts += [f"主题：{week.theme}"] if week.theme else []
        parts += [f"原为 {week.moved_from}"] if week.moved_from else []
        parts += [f"放假：{_listed(week.holidays, '、')}"] if week.holidays else []
        parts += ["须人工选定一周（--choose）"] if week.undecided else []
        parts += ["暂定"] if week.provisional else []
        return f"{week.month:2} 月  " + "；".join(parts)

    def window(self, window: Window) -> str:
        kind = "专项行动" if window.kind is WindowKind.CAMPAIGN else f"高峰，需求 {window.factor:g} 倍"
        parts = [f"{window.start} 至 {window.end}  {window.name}（{kind}）"]
        parts += [f"与 {_listed(window.report_weeks, '、')} 月集中报到周有重合"] * bool(window.report_weeks)
        parts += ["暂定"] if window.provisional else []
        return "；".join(parts)

    def no_festival(self, year: int) -> str:
        return f"不知道（{year}）年春节是哪一天，未列出专项行动。"

    def difference(self, day: date, sources: Mapping[str, bool]) -> str:
        said = "，".join(f"{source} 为{'上班' if worked else '放假'}" for source, worked in sources.items())
        return f"不一致：{day} {_weekday(day)}：{said}"

    def certain(self, until: date | None, days_left: int) -> str:
        remedy = "请升级 holidays 和 chinesecalendar 两个包；此后的日子均为暂定。"
        if until is None or days_left < 0:
            return f"日历已到期（{until or '没有两个来源都有的年份'}）。{remedy}"
        soon = remedy if days_left < WARN_DAYS else ""
        return f"日历确定到 {until}，还有 {days_left} 天。{soon}"


def _weekday(day: date) -> str:
    return "星期" + "一二三四五六日"[day.weekday()]


def _listed(things: tuple[object, ...], between: str = ", ") -> str:
    return between.join(map(str, things))
