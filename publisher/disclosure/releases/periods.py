"""When the period that a released value names was over: written from the published forms alone."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta

from publisher.policy import GeneraliseDate, ShiftGroup
from publisher.published import PublishedTable

_FORM = re.compile(r"(?P<y>\d{4})(?:-(?:W(?P<w>\d\d)|Q(?P<q>\d)|(?P<to>\d{4})|(?P<m>\d\d)(?:-(?P<d>\d\d).*)?))?")
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def period_columns(table: PublishedTable) -> list[str]:
    """Return the columns of an aggregate that name a period: dates under a date's action, or kept as they are."""
    names = table.aggregate.group_by if table.aggregate else []
    return [name for name in names if _names_period(table, name)]


def last_day(table: PublishedTable, column: str, text: str | None) -> date | None:
    """Return the last day of the period that a value names; null when it names none."""
    found = _FORM.fullmatch(text or "")
    if found is None:
        return None
    action = table.source.privacy.action_of(column)
    try:
        return _last_day(found, action.to if isinstance(action, ShiftGroup) else "day")
    except ValueError:
        return None


def _names_period(table: PublishedTable, name: str) -> bool:
    action = table.source.privacy.action_of(name)
    if isinstance(action, GeneraliseDate | ShiftGroup):
        return True
    is_kept = getattr(action, "action", "") == "keep"
    return is_kept and table.source.schema_.field(name).type in {"date", "year", "yearmonth"}


def _last_day(found: re.Match[str], length: str) -> date:
    year = int(found["y"])
    if found["w"]:
        return date.fromisocalendar(year, int(found["w"]), 7)
    if not found["d"]:
        month = int(found["m"] or 3 * int(found["q"] or 4))
        return _month_end(int(found["to"] or year), month)
    return _last_day_from(date(year, int(found["m"]), int(found["d"])), length)


def _last_day_from(first: date, length: str) -> date:
    """Return the last day of the period of some length that a day lies in."""
    if length == "week":
        return first + timedelta(days=6 - first.weekday())
    if length in _MONTHS:
        months = _MONTHS[length]
        return _month_end(first.year, (first.month - 1) // months * months + months)
    return first


def _month_end(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
