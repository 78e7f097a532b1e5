"""When runs are due: standard cron in a time zone, as pure functions.

APScheduler counts weekdays from Monday = 0; cron counts from Sunday = 0. `cron_trigger` translates.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from publisher.definition import Release
from publisher.errors import DescriptorError

_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOWS = (timedelta(hours=1), timedelta(days=1), timedelta(days=35), timedelta(days=400))


def cron_trigger(expression: str, time_zone: str) -> BaseTrigger:
    """Return the trigger for a standard five-field cron expression (weekday 0 and 7 are Sunday).

    As in cron, a day of the month and a weekday that are both restricted mean either of the two.

    Raises:
        DescriptorError: the expression is no cron expression, or the time zone is unknown.
    """
    cure = "write minute, hour, day, month, weekday, such as `15 2 * * 1-5`"
    fields = expression.split()
    if len(fields) != 5:
        raise DescriptorError(f"The schedule has {len(fields)} fields instead of 5.", cure=cure)
    minute, hour, day, month, weekday = fields
    try:
        names = ",".join(_weekdays(part) for part in weekday.split(","))
        fixed = {"minute": minute, "hour": hour, "month": month, "timezone": time_zone}
        if day.startswith("*") or weekday.startswith("*"):
            return CronTrigger(day=day, day_of_week=names, **fixed)
        return OrTrigger([CronTrigger(day=day, **fixed), CronTrigger(day_of_week=names, **fixed)])
    except (ValueError, KeyError, LookupError) as error:
        raise DescriptorError(f"The schedule cannot be read: {error}.", cure=cure) from None


def _weekdays(part: str) -> str:
    """Translate one item of a weekday list to names; ranges are written out, for names may not wrap around Sunday."""
    span, _, step = part.partition("/")
    if span == "*" and not step:
        return "*"
    first, _, last = ("0", "-", "6") if span == "*" else span.partition("-")
    if not first.isdigit():
        return part
    if not all(number.isdigit() and int(number) <= 7 for number in (first, last or first)):
        raise ValueError("weekdays run from 0 to 7")
    days = range(int(first), int(last or first) + 1, int(step or 1))
    return ",".join(_WEEKDAYS[day] for day in days)


def next_run_at(release: Release, now: datetime) -> datetime | None:
    """Return the next due time after `now` (both naive UTC), or null when nothing is scheduled."""
    if release.schedule is None:
        return None
    due = cron_trigger(release.schedule, release.time_zone).get_next_fire_time(None, now.replace(tzinfo=UTC))
    return None if due is None else due.astimezone(UTC).replace(tzinfo=None)


def last_due_at(release: Release, *, after: datetime, now: datetime) -> datetime | None:
    """Return the newest due time in (after, now], or null; many missed ones are one (coalesced). Naive UTC."""
    for window in _WINDOWS:  # the shortest that holds one, so that a frequent schedule is not walked through a year
        due = next_run_at(release, max(after + timedelta(seconds=1), now - window))
        if due is None or due > now:
            continue
        while (following := next_run_at(release, due + timedelta(seconds=1))) is not None and following <= now:
            due = following
        return due
    return None
