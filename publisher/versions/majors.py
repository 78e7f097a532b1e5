"""Majors side by side: when the contract changes for the worse, the last release of the old major stays under its own address.

`/latest/<dataset>/` leads to the newest release whatever its major; `/latest/<dataset>/v1/` to the newest release of major 1, with
`Deprecation` (RFC 9745) from the day the next major came and `Sunset` (RFC 8594) on the day after which it is no longer promised.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from publisher.published import ReleaseSummary
from publisher.versions.schema_version import major_of


def older_majors(
    summary: ReleaseSummary, current: ReleaseSummary | None, *, now: datetime, sunset_days: int
) -> list[dict[str, Any]]:
    """Return the older majors as of a publication, newest first.

    Args:
        summary: the release that becomes public.
        current: the release that is public until now; null for the first one.
        now: aware; when the older major becomes deprecated if this release begins a new one.
        sunset_days: how long it is promised from then on.
    """
    if current is None or not current.version or not summary.version:
        return []
    if current.release == summary.release:
        return summary.majors
    major = major_of(summary.version)
    known = [one for one in current.majors if one["major"] < major]
    if major_of(current.version) >= major:
        return known
    replaced = {
        "major": major_of(current.version),
        "version": current.version,
        "release": current.release,
        "deprecated_at": _utc_text(now),
        "sunset": _utc_text(now + timedelta(days=sunset_days)),
    }
    return [replaced, *(one for one in known if one["major"] != replaced["major"])]


def served_releases(majors: Iterable[dict[str, Any]], now: datetime) -> set[str]:
    """Return the releases that older majors still lead to; `now` is aware."""
    return {one["release"] for one in majors if datetime.fromisoformat(one["sunset"]) > now}


def _utc_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
