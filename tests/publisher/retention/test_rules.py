"""The rules of retention: everything for a while, then month-ends, then year-ends."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.definition import Retention
from publisher.retention.rules import Candidate, expired

TODAY = date(2026, 11, 22)
RULES = Retention()


def daily(days: int) -> list[Candidate]:
    return [Candidate(f"{TODAY - timedelta(days=n)}.1", TODAY - timedelta(days=n)) for n in range(days)]


def left(candidates: list[Candidate], **protected: str) -> list[Candidate]:
    gone = {one.release for one in expired(candidates, RULES, today=TODAY, protected=protected)}
    return [one for one in candidates if one.release not in gone]


def test_two_years_of_every_release_then_months_then_years() -> None:
    kept = left(daily(12 * 365))
    ages = [(TODAY - one.as_of).days for one in kept]
    assert [age for age in ages if age <= 730] == list(range(731))
    months = [one.as_of for one in kept if 730 < (TODAY - one.as_of).days <= 3650]
    assert all((day + timedelta(days=1)).day == 1 for day in months)
    assert len(months) == len({f"{day:%Y-%m}" for day in months}) >= 94
    years = [one.as_of for one in kept if (TODAY - one.as_of).days > 3650]
    assert [f"{day:%m-%d}" for day in years] == ["12-31", "12-31"]


def test_of_one_day_the_last_counter_stands() -> None:
    old = date(2020, 3, 31)
    candidates = [Candidate(f"2020-03-31.{number}", old) for number in (9, 10, 2)]
    found = expired(candidates, RULES, today=TODAY, protected={})
    assert [(one.release, one.kept_instead) for one in found] == [
        ("2020-03-31.2", "2020-03-31.10"),
        ("2020-03-31.9", "2020-03-31.10"),
    ]
    assert found[0].rule == "month_end"
    assert "2020-03" in found[0].reason


def test_what_was_rolled_back_stands_for_no_month() -> None:
    candidates = [
        Candidate("2020-03-30.1", date(2020, 3, 30)),
        Candidate("2020-03-31.1", date(2020, 3, 31), was_rolled_back=True),
    ]
    assert [one.release for one in expired(candidates, RULES, today=TODAY, protected={})] == ["2020-03-31.1"]


def test_what_is_protected_stays() -> None:
    candidates = [Candidate(f"2020-03-0{day}.1", date(2020, 3, day)) for day in (1, 2, 3)]
    assert [one.release for one in expired(candidates, RULES, today=TODAY, protected={"2020-03-01.1": "why"})] == [
        "2020-03-02.1"
    ]


def test_months_may_not_end_before_all_releases_do() -> None:
    with pytest.raises(ValueError, match="month_end_days"):
        Retention(all_days=900, month_end_days=800)


@given(st.sets(st.dates(date(2010, 1, 1), TODAY), min_size=1, max_size=40), st.integers(0, 400))
def test_every_year_that_had_a_release_keeps_one_and_time_only_takes(days: set[date], later: int) -> None:
    candidates = [Candidate(f"{day}.1", day) for day in days]
    kept = left(candidates)
    assert {one.as_of.year for one in kept} == {day.year for day in days}
    tomorrow = {one.release for one in expired(kept, RULES, today=TODAY + timedelta(days=later), protected={})}
    direct = {one.release for one in expired(candidates, RULES, today=TODAY + timedelta(days=later), protected={})}
    assert tomorrow | {one.release for one in candidates if one not in kept} >= direct - tomorrow
