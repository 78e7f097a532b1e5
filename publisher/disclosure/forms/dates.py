"""Forms of dates: periods as text or as typed values, and the first days of periods."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

Fits = Callable[[Any], bool]
_PERIODS = {
    "week": re.compile(r"\d{4}-W(?:0[1-9]|[1-4]\d|5[0-3])"),
    "month": re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"),
    "quarter": re.compile(r"\d{4}-Q[1-4]"),
    "year": re.compile(r"\d{4}"),
}


def period_judge(level: str) -> Fits:
    """Return what tells whether a value is a period of that level."""
    if level == "*":
        return lambda value: bool(value == "*")
    if level == "day":
        return _is_day
    if level == "hour":
        return _is_hour
    if level in _PERIODS:
        return lambda value: bool(_PERIODS[level].fullmatch(str(value).zfill(4)))
    return lambda value: _is_years(str(value), int(level[:-1]))


def starts_period(to: str) -> Fits:
    """Return what tells whether a date is the first day of its week (Monday), month, quarter or year."""
    first: dict[str, Fits] = {
        "week": lambda day: bool(day.weekday() == 0),
        "month": lambda day: bool(day.day == 1),
        "quarter": lambda day: (day.day, day.month % 3) == (1, 1),
        "year": lambda day: (day.day, day.month) == (1, 1),
    }

    def fits(value: Any) -> bool:
        day = date.fromisoformat(value) if isinstance(value, str) else value
        return isinstance(day, date) and not isinstance(day, datetime) and first[to](day)

    return fits


def _is_day(value: Any) -> bool:
    if isinstance(value, date):
        return True
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except ValueError:
        return False


def _is_hour(value: Any) -> bool:
    if isinstance(value, datetime):
        return (value.minute, value.second, value.microsecond) == (0, 0, 0)
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}[T ](?:[01]\d|2[0-3])(?::00:00)?", str(value)))


def _is_years(text: str, width: int) -> bool:
    if not re.fullmatch(r"\d{4}-\d{4}", text):
        return False
    low, high = int(text[:4]), int(text[5:])
    return low % width == 0 and high - low == width - 1
