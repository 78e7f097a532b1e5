"""When the window of a cell closes: the first day after the period that its group columns name, such as a month or a week."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta

from publisher.policy import GeneraliseDate, ShiftGroup
from publisher.published import PublishedTable

_STEPS = {"week": 7, "month": 31, "quarter": 92, "year": 366}
_DATED = {"date", "year", "yearmonth"}
_WEEK = re.compile(r"(\d{4})-W(\d\d)")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")
_BAND = re.compile(r"(\d{4})-(\d{4})")


def window_fields(table: PublishedTable) -> list[str]:
    """Return the group fields of an aggregate that name a period."""
    if table.aggregate is None:
        return []
    return [name for name in table.aggregate.group_by if _is_period(table, name)]


def window_end(table: PublishedTable, names: Sequence[str], labels: Sequence[str | None]) -> date | None:
    """Return the first day after the last of the periods named; null when one of them names none, so that it never closes.

    Args:
        table: the aggregate.
        names: its window fields.
        labels: what a cell says in them, as text.
    """
    ends = [_end(label, _unit(table, name)) for name, label in zip(names, labels, strict=True)]
    known = [end for end in ends if end is not None]
    return max(known) if known and len(known) == len(ends) else None


def _is_period(table: PublishedTable, name: str) -> bool:
    action = table.source.privacy.action_of(name)
    kind = table.source.schema_.field(name).type
    return isinstance(action, GeneraliseDate | ShiftGroup) or (kind in _DATED and _plain(table, name))


def _plain(table: PublishedTable, name: str) -> bool:
    return str(getattr(table.source.privacy.action_of(name), "action", "")) == "keep"


def _unit(table: PublishedTable, name: str) -> str:
    action = table.source.privacy.action_of(name)
    return action.to if isinstance(action, ShiftGroup) else "day"


def _end(label: str | None, unit: str) -> date | None:
    """Return the first day after a period; `unit` is how long one is that is told by its first day."""
    try:
        return _end_of(label or "", unit)
    except (ValueError, OverflowError):
        return None


def _end_of(label: str, unit: str) -> date | None:
    if match := _WEEK.fullmatch(label):
        return date.fromisocalendar(int(match[1]), int(match[2]), 1) + timedelta(days=7)
    if match := _QUARTER.fullmatch(label):
        return _first_after(date(int(match[1]), 3 * int(match[2]), 1), "month")
    if match := _BAND.fullmatch(label):
        return date(int(match[2]) + 1, 1, 1)
    if re.fullmatch(r"\d{4}", label):
        return date(int(label) + 1, 1, 1)
    if re.fullmatch(r"\d{4}-\d\d", label):
        return _first_after(date.fromisoformat(f"{label}-01"), "month")
    first = date.fromisoformat(label[:10])
    return first + timedelta(days=1) if unit == "day" else _first_after(first, unit)


def _first_after(first: date, unit: str) -> date:
    """Return the first day of the next period, given any day of one."""
    beyond = first + timedelta(days=_STEPS[unit])
    if unit == "week":
        return beyond - timedelta(days=beyond.weekday())
    if unit == "year":
        return date(first.year + 1, 1, 1)
    months = 3 if unit == "quarter" else 1
    begun = (first.month - 1) // months * months
    year, month = divmod(first.year * 12 + begun + months, 12)
    return date(year, month + 1, 1)
