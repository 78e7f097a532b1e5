"""When things happen in the city: working weeks, the dip around Tết, the rainy season, rush hours and noisy nights."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import numpy.typing as npt

from publisher.sandbox.facts import Floats, Ints, shares

Moments = npt.NDArray[np.datetime64]
_WEEKDAYS = np.array([1.18, 1.08, 1.05, 1.02, 1.04, 0.78, 0.60])  # Monday first
_RAIN_BY_MONTH = np.array([0.03, 0.02, 0.05, 0.20, 0.65, 0.90, 0.95, 0.95, 1.0, 0.95, 0.55, 0.15])
_NEW_YEARS = np.array(
    ["2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06", "2028-01-26", "2029-02-13", "2030-02-02"],
    dtype="datetime64[D]",
)
_OFFICE_HOURS = np.array([1, 1, 1, 1, 1, 2, 5, 9, 14, 15, 14, 11, 7, 9, 13, 14, 12, 9, 7, 6, 6, 5, 3, 2], dtype=float)
_RUSH_HOURS = np.array([7, 8, 17, 18])
_NIGHT_HOURS = np.array([20, 21, 22, 23, 0, 1])


def day_weights(days: Moments, *, office: bool = False) -> Floats:
    """Return how busy each day is; offices are closed on Sundays and for a week around the new year."""
    weekday = (days.astype("datetime64[D]").astype(np.int64) + 3) % 7
    after = (days[:, None] - _NEW_YEARS[None, :]).astype("timedelta64[D]").astype(np.int64)
    holiday = ((after >= -2) & (after <= 5)).any(axis=1)
    weights = _WEEKDAYS[weekday] * np.where(holiday, 0.25, 1.0)
    return np.where((weekday == 6) | holiday, 0.02, weights) if office else weights


def rain(days: Moments) -> Floats:
    """Return how rainy the season is on each day, from 0 to 1."""
    months = days.astype("datetime64[M]").astype(np.int64) % 12
    return _RAIN_BY_MONTH[months]


def hour_profiles(rush: Floats, night: Floats) -> Floats:
    """Return one row of 24 shares for each kind of event, lifted in rush hours and at night by its factors."""
    profiles = np.repeat(_OFFICE_HOURS[None, :], len(rush), axis=0)
    profiles[:, _RUSH_HOURS] *= rush[:, None]
    profiles[:, _NIGHT_HOURS] *= night[:, None] ** 2
    scaled: Floats = profiles / profiles.sum(axis=1, keepdims=True)
    return scaled


def draw_moments(rng: np.random.Generator, days: Moments, *, profiles: Floats, until: datetime) -> Moments:
    """Put each event of a day on a second of that day; what would lie in the future moves a week back."""
    cumulated = profiles.cumsum(axis=1)
    hours = (rng.random(len(days))[:, None] > cumulated).sum(axis=1).clip(0, 23)
    seconds = hours * 3600 + rng.integers(0, 3600, len(days))
    moments = days.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    past: Moments = np.where(moments >= np.datetime64(until, "s"), moments - np.timedelta64(7, "D"), moments)
    return past


def last_days(until: datetime, count: int) -> Moments:
    """Return the days up to and including the given one."""
    days: Moments = np.datetime64(until.date(), "D") - np.arange(count - 1, -1, -1).astype("timedelta64[D]")
    return days


def draw_day_and_kind(rng: np.random.Generator, count: int, weights: Floats) -> tuple[Ints, Ints]:
    """Draw positions of day and kind from a table of weights (days down, kinds across)."""
    cells = rng.choice(weights.size, count, p=shares(weights.ravel()))
    return cells // weights.shape[1], cells % weights.shape[1]


def iso(moments: Moments) -> list[str]:
    """Return moments as `2026-11-22T08:15:00`."""
    texts: list[str] = np.datetime_as_string(moments, unit="s").tolist()
    return texts
