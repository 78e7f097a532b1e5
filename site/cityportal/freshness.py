"""How fresh a dataset is: the formula of the method page, as a word and a score.

With the cadence P and the grace G = max(10 % of P, 1 day), or G = P for cadences under a day, and the age a:
F = 1 if a <= P + G, else max(0, 1 - (a - P - G) / 2P). The age counts from the last comparison with the source, whether
it made a release or found nothing new: a month without change is no delay. Where nobody says when that was, it counts
from the end of the as-of day in the city's time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from cityportal.formatting import CITY_TIME

CADENCES = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(days=7),
    "monthly": timedelta(days=31),
    "quarterly": timedelta(days=92),
    "yearly": timedelta(days=366),
}


@dataclass(frozen=True)
class Freshness:
    """A score from 0 to 1 and its word: on_time, late, stale, stopped, complete, or unknown without a release."""

    word: str
    score: float

    @property
    def is_on_time(self) -> bool:
        """Tell whether nobody has to worry."""
        return self.word in {"on_time", "complete"}


def freshness(cadence: str, *, as_of: date | None, checked_at: datetime | None, now: datetime) -> Freshness:
    """Judge a dataset; `checked_at` and `now` carry a zone, or are UTC."""
    if cadence == "static":
        return Freshness("complete", 1.0)
    period = CADENCES.get(cadence)
    if period is None or as_of is None:
        return Freshness("unknown", 0.0)
    if checked_at is not None:
        return _judge(_with_zone(now) - _with_zone(checked_at), period)
    return _judge(_with_zone(now) - datetime.combine(as_of + timedelta(days=1), time(), CITY_TIME), period)


def _judge(age: timedelta, period: timedelta) -> Freshness:
    day = timedelta(days=1)
    grace = period if period < day else max(period / 10, day)
    if age <= period + grace:
        return Freshness("on_time", 1.0)
    score = max(0.0, 1 - (age - period - grace) / (2 * period))
    return Freshness("late" if score >= 0.5 else "stale" if score > 0 else "stopped", score)


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
