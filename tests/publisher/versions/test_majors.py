"""Older majors: which release stands for each, since when, until when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from publisher.published import ReleaseSummary
from publisher.versions.majors import older_majors, served_releases

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
FIRST = ReleaseSummary("2026-11-20.1", date(2026, 11, 20), NOW, NOW, None, {}, {}, [], "", "", version="1.4.2")


def test_the_first_release_has_none() -> None:
    assert older_majors(FIRST, None, now=NOW, sunset_days=180) == []


def test_a_new_major_leaves_the_last_release_of_the_old_one() -> None:
    new = replace(FIRST, release="2026-11-22.1", version="2.0.0")
    [old] = older_majors(new, FIRST, now=NOW, sunset_days=180)
    assert old == {
        "major": 1,
        "version": "1.4.2",
        "release": "2026-11-20.1",
        "deprecated_at": "2026-11-22T03:00:00Z",
        "sunset": "2027-05-21T03:00:00Z",
    }
    assert served_releases([old], NOW + timedelta(days=179)) == {"2026-11-20.1"}
    assert served_releases([old], NOW + timedelta(days=181)) == set()


def test_they_stay_from_release_to_release_and_a_second_call_changes_nothing() -> None:
    second = replace(FIRST, release="2026-11-22.1", version="2.0.0")
    second = replace(second, majors=older_majors(second, FIRST, now=NOW, sunset_days=180))
    third = replace(FIRST, release="2026-11-23.1", version="2.1.0")
    assert older_majors(third, second, now=NOW, sunset_days=180) == second.majors
    assert older_majors(second, second, now=NOW + timedelta(days=1), sunset_days=180) == second.majors
    fourth = replace(FIRST, release="2026-11-24.1", version="3.0.0")
    majors = older_majors(fourth, replace(third, majors=second.majors), now=NOW, sunset_days=200)
    assert [one["major"] for one in majors] == [2, 1]


def test_going_back_to_an_older_major_does_not_deprecate_the_newer_one() -> None:
    second = replace(
        FIRST, release="2026-11-22.1", version="2.0.0", majors=[{"major": 1, "release": "x", "sunset": ""}]
    )
    assert older_majors(replace(FIRST, release="2026-11-23.1", version="1.5.0"), second, now=NOW, sunset_days=180) == []
