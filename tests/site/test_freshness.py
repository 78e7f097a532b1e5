from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from cityportal.freshness import freshness

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAY = date(2026, 11, 1)


@pytest.mark.parametrize(
    ("cadence", "age", "word", "score"),
    [
        ("daily", timedelta(days=2), "on_time", 1),
        ("daily", timedelta(days=3), "late", 0.5),
        ("daily", timedelta(days=3, hours=1), "stale", 0.48),
        ("daily", timedelta(days=4), "stopped", 0),
        ("weekly", timedelta(days=14), "late", 0.57),
        ("hourly", timedelta(hours=2), "on_time", 1),
        ("hourly", timedelta(hours=4), "stopped", 0),
        ("static", timedelta(days=4000), "complete", 1),
    ],
)
def test_the_word_follows_from_cadence_and_age(cadence, age, word, score):
    judged = freshness(cadence, as_of=DAY, checked_at=NOW - age, now=NOW)
    assert judged.word == word
    assert judged.score == pytest.approx(score, abs=0.005)


def test_without_a_check_the_age_counts_from_the_end_of_the_day_in_the_city():
    end_of_day = datetime(2026, 11, 1, 17, 0, tzinfo=UTC)
    assert freshness("daily", as_of=DAY, checked_at=None, now=end_of_day + timedelta(days=2)).is_on_time
    assert freshness("daily", as_of=DAY, checked_at=None, now=end_of_day + timedelta(days=2, minutes=1)).word == "late"


def test_naive_moments_are_utc():
    assert freshness("hourly", as_of=DAY, checked_at=NOW.replace(tzinfo=None), now=NOW).is_on_time


def test_without_a_release_nothing_is_claimed():
    assert freshness("daily", as_of=None, checked_at=None, now=NOW).word == "unknown"
    assert freshness("", as_of=DAY, checked_at=NOW, now=NOW).word == "unknown"
