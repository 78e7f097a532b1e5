"""Releases of datasets: the pointer in the extra `release`, the rows in `dataset_release` that follow it.

The newest row is not necessarily the current one: after a roll-back the pointer names an older release, and the releases
published after it are rolled back until the pointer moves to a release again.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.errors import ValidationError
from catalogue.model import DatasetRelease, Package
from catalogue.times import read_time

PUBLISHED = "published"
SUPERSEDED = "superseded"
ROLLED_BACK = "rolled_back"
WITHDRAWN = "withdrawn"
DELETED = "deleted"
"""The data files went by the rules of retention; manifest, differences and hashes stay."""
WITHDRAWAL = "withdrawal"
"""Key in a release's summary: why the publisher took it from the public (`at`, `reason`, `reason_translated`, `under_review`)."""


def dataset_releases(session: Session, package_id: str) -> list[DatasetRelease]:
    """Return all releases of a dataset, the last published first."""
    rows = session.scalars(select(DatasetRelease).where(DatasetRelease.dataset_id == package_id)).all()
    return sorted(rows, key=_age, reverse=True)


def follow_pointer(session: Session, package: Package, now: datetime) -> None:
    """Bring the releases of a dataset in line with its extras; call it in the transaction of the write.

    Raises:
        ValidationError: the extra `release` names a release that was withdrawn.
    """
    pointer = package.extras.get("release")
    releases = {row.release: row for row in dataset_releases(session, package.id)}
    _withdraw(releases, _read_summary(package.extras.get("releases_withdrawn")))
    if not pointer:
        _retire(list(releases.values()), state=WITHDRAWN)
        return
    summary = _read_summary(package.extras.get("release_summary"))
    current = releases.pop(pointer, None)
    if current is None:
        current = DatasetRelease(
            dataset_id=package.id,
            release=pointer,
            summary=summary,
            published_at=_published_at(summary, now),
            state=PUBLISHED,
        )
        session.add(current)
    elif current.state == WITHDRAWN and WITHDRAWAL in current.summary:
        raise ValidationError({"release": [f"Release {pointer} was withdrawn; the pointer cannot lead to it."]})
    elif summary.get("release") == pointer and summary != current.summary:
        current.summary = summary
    newer = [row for row in releases.values() if _age(row) > _age(current)]
    older = [row for row in releases.values() if _age(row) <= _age(current)]
    _retire(newer, state=ROLLED_BACK, of=(PUBLISHED, SUPERSEDED))
    _retire(older, state=SUPERSEDED)
    current.state = PUBLISHED
    deleted = _read_summary(package.extras.get("releases_deleted"))
    _retire([row for row in releases.values() if row.release in deleted], state=DELETED, of=(SUPERSEDED, ROLLED_BACK))


def _withdraw(releases: dict[str, DatasetRelease], told: dict[str, Any]) -> None:
    """Take releases from the public with the reason, or give one back for which null is told."""
    for row in releases.values():
        if row.release not in told:
            continue
        said = told[row.release]
        if isinstance(said, dict):
            row.state, row.summary = WITHDRAWN, {**row.summary, WITHDRAWAL: said}
        elif row.state == WITHDRAWN and WITHDRAWAL in row.summary:
            row.summary = {key: value for key, value in row.summary.items() if key != WITHDRAWAL}
            row.state = SUPERSEDED


def _retire(rows: list[DatasetRelease], *, state: str, of: tuple[str, ...] = (PUBLISHED,)) -> None:
    for row in rows:
        if row.state in of:
            row.state = state


def _age(row: DatasetRelease) -> tuple[datetime, str, int, str]:
    day, _, counter = row.release.partition(".")
    return row.published_at, day, int(counter) if counter.isdecimal() else 0, row.release


def _read_summary(written: object) -> dict[str, Any]:
    """Return the summary; one that is no JSON object counts as absent, the pointer moves all the same."""
    try:
        summary = json.loads(written) if isinstance(written, str) else None
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}


def _published_at(summary: dict[str, Any], now: datetime) -> datetime:
    try:
        return read_time(str(summary["published_at"]))
    except (KeyError, ValueError, OverflowError):
        return now
