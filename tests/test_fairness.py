"""Shares of a quarter: figures that anybody can compute again, prices that rise, and calendar quarters."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matcher.city_days import CityDays, Weeks
from matcher.fairness import duty_price, points, shares
from matcher.history import History, Quarter, quarter_of
from matcher.policy import Costs
from matcher.problem import I64
from matcher.weeks import SecondWeek, Shift

COUNTS = st.lists(st.integers(0, 50), min_size=1, max_size=12)


def column(counts: list[int]) -> I64:
    return np.array(counts, np.int64)


@given(COUNTS)
def test_gini_is_half_the_mean_difference_of_all_pairs_over_the_mean(counts: list[int]) -> None:
    """The definition, pair by pair."""
    said = shares(column(counts), np.zeros(len(counts), np.bool_))
    people, total = len(counts), sum(counts)
    apart = sum(abs(a - b) for a in counts for b in counts)
    assert said.gini == pytest.approx(apart / (2 * people * total) if total else 0.0)
    assert (said.most, said.least, said.visits, said.people) == (max(counts), min(counts), total, people)


def test_everybody_alike_is_0_and_one_person_for_all_is_almost_1() -> None:
    nobody = np.zeros(100, np.bool_)
    assert shares(np.full(100, 3), nobody).gini == 0
    assert shares(column([0] * 99 + [7]), nobody).gini == pytest.approx(0.99)
    assert shares(column([]), np.zeros(0, np.bool_)).gini == 0


def test_cadres_without_a_visit_owe_one() -> None:
    assert shares(column([0, 0, 1, 2]), np.array([True, False, True, False])).owing == 1


def test_the_price_of_the_next_visit_rises_with_each_up_to_a_limit() -> None:
    costs = Costs(fairness_points=300, fairness_points_max=1000)
    said = points(costs, column([0, 1, 2, 3, 4, 99]), np.zeros(6, np.bool_), Quarter(0, 1, 90))
    assert said["fairness"].tolist() == [0, 300, 600, 900, 1000, 1000]
    assert set(said) == {"fairness"}


def test_the_duty_is_a_price_for_all_but_those_who_owe_and_rises_through_the_quarter() -> None:
    cadre, visits = np.array([True, True, False]), column([0, 1, 0])
    prices = []
    for day in (1, 45, 90):
        said = points(Costs(duty_points=900), visits, cadre, Quarter(0, day, 90))
        assert said["duty"][0] == 0
        assert said["duty"][1] == said["duty"][2]
        prices.append(int(said["duty"][1]))
    assert prices == [10, 450, 900]
    assert duty_price(Costs(duty_points=900), Quarter(0, 90, 90)) == 900


@pytest.mark.parametrize(
    ("quarter", "begins"), [(8104, "2026-03-09"), (8105, "2026-06-08"), (8107, "2026-12-07"), (8103, "2025-12-08")]
)
def test_the_last_report_week_begins_on_the_monday_before_the_second_friday_of_the_last_month(
    quarter: int, begins: str
) -> None:
    monday = datetime.fromisoformat(begins + "T00:00:00+00:00")
    before, first = quarter_of(monday - timedelta(seconds=1), "UTC"), quarter_of(monday, "UTC")
    assert (before.number, first.number) == (quarter, quarter)
    assert first.today == monday.date()
    assert not CityDays().last_week_began(before)
    assert CityDays().last_week_began(first)
    assert CityDays().last_week_began(first._replace(day=first.days))


def test_the_last_report_week_is_the_citys_own() -> None:
    """Its rule, a week that it chose, and a day that it declared free, which moves the week."""
    fourth = lambda day: quarter_of(datetime(2026, 12, day, tzinfo=UTC), "UTC")  # noqa: E731
    rule = CityDays(weeks=Weeks(second_week=SecondWeek.DAYS_8_14))
    assert [rule.last_week_began(fourth(day)) for day in (7, 8)] == [False, True]
    chosen = CityDays(weeks=Weeks(chosen=[date(2026, 11, 30)]))
    november = quarter_of(datetime(2026, 11, 29, 12, tzinfo=UTC), "UTC")
    assert [chosen.last_week_began(day) for day in (november, november._replace(day=november.day + 1))] == [False, True]
    own = CityDays(own={date(2026, 12, 9): False}, weeks=Weeks(shift=Shift.NEXT_WORKING_WEEK))
    assert [own.last_week_began(fourth(day)) for day in (7, 13, 14)] == [False, False, True]


def test_from_the_last_report_week_on_the_duty_has_its_own_price() -> None:
    costs, day = Costs(duty_points=900, duty_last_week_points=6000), Quarter(0, 81, 90)
    assert (duty_price(costs, day), duty_price(costs, day, 0), duty_price(costs, day, 10**6)) == (810, 6000, 6000)
    assert duty_price(Costs(duty_points=9000, duty_last_week_points=1), day, 0) == 8100
    first = Costs(duty_points=900, duty_last_week_first=True)
    assert (duty_price(first, day), duty_price(first, day, 10**6), duty_price(first, day, 5)) == (810, 10**6, 810)
    assert points(Costs(duty_last_week_points=6000), column([0]), np.zeros(1, np.bool_), day)["duty"].tolist() == [0]


@pytest.mark.parametrize(
    ("at", "timezone", "quarter"),
    [
        ("2026-01-01T00:00:00+08:00", "Asia/Shanghai", (8104, 1, 90)),
        ("2025-12-31T16:00:00+00:00", "Asia/Shanghai", (8104, 1, 90)),
        ("2025-12-31T15:59:59+00:00", "Asia/Shanghai", (8103, 92, 92)),
        ("2028-03-31T12:00:00+00:00", "UTC", (8112, 91, 91)),
        ("2026-07-15T12:00:00+00:00", "UTC", (8106, 15, 92)),
    ],
)
def test_a_quarter_begins_at_local_midnight(at: str, timezone: str, quarter: tuple[int, int, int]) -> None:
    assert quarter_of(datetime.fromisoformat(at), timezone) == quarter


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)))
def test_days_of_a_quarter_follow_each_other(at: datetime) -> None:
    today, tomorrow = quarter_of(at, "UTC"), quarter_of(at + timedelta(days=1), "UTC")
    assert 1 <= today.day <= today.days
    same = today.number == tomorrow.number
    assert tomorrow.day == (today.day + 1 if same else 1)
    assert same or (today.day == today.days and tomorrow.number == today.number + 1)


def test_a_new_quarter_begins_from_nothing_and_remembers_who_helped_whom() -> None:
    history = History(quarter=quarter_of(datetime(2026, 3, 30, tzinfo=UTC), "UTC").number)
    history.served(1, 1000, 60, datetime(2026, 3, 30, tzinfo=UTC), "UTC")
    history.helped("zhao", "r1", 1, 1000)
    history.helped("zhao", "r1", 2, 1000)
    assert (history.visits, history.minutes) == ({1: 1}, {1: 60})
    april = datetime(2026, 4, 1, tzinfo=UTC)
    assert history.visits_in(quarter_of(april, "UTC")) == {}
    history.served(2, 2000, 30, april, "UTC")
    assert (history.visits, history.minutes) == ({2: 1}, {2: 30})
    assert history.lately == {1: [1000], 2: [2000]}
    assert history.people_who_helped("zhao") == [1, 2]
    history.helped("zhao", "r2", 3, 2000)
    assert history.people_who_helped("zhao") == [3]
    assert history.people_who_helped(None) == history.people_who_helped("li") == []
    history.forget(2000 + 366 * 86_400)
    assert history.people_who_helped("zhao") == []


def test_visits_of_long_ago_fill_no_day_that_can_still_come() -> None:
    history = History(quarter=0, lately={1: [1000, 900_000], 2: [2000]})
    history.forget(1000 + 8 * 86_400)
    assert history.lately == {1: [900_000], 2: [2000]}
    history.forget(2000 + 8 * 86_400)
    assert history.lately == {1: [900_000]}
