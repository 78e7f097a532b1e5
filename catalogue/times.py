"""Times as the CKAN API writes them: naive UTC with microseconds and no Z."""

from __future__ import annotations

from datetime import UTC, datetime


def show_time(moment: datetime | None) -> str | None:
    """Return `2026-11-22T16:02:37.134054`, or null."""
    return moment.isoformat(timespec="microseconds") if moment else None


def show_given_time(moment: datetime | None) -> str | None:
    """Return the time as a client may have written it: `2024-01-02T03:04:05`, microseconds only where it has any."""
    return moment.isoformat() if moment else None


def read_time(written: str) -> datetime:
    """Return the naive UTC time of an ISO text; one with an offset is converted.

    Raises:
        ValueError: the text is no ISO date or time.
    """
    moment = datetime.fromisoformat(written.strip())
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
