"""`phusa prune`: removes the data files of releases that the retention rules let go, and what dead runs left behind.

For each dataset, with its lease held: put a signed statement of what goes beside each manifest, tell the catalogue, remove the files,
record that they are gone. Killed anywhere, the next call goes on from the statements; nobody can go back to a release that has one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from publisher.definition import DatasetDefinition
from publisher.facilities import Facilities
from publisher.healing import heal
from publisher.lease import Lease
from publisher.manifest import MANIFEST
from publisher.publication import summary_from_dict
from publisher.retention.rules import Candidate, Expiry, expired
from publisher.retention.tombstone import DELETED, Tombstone, plan_tombstone, put_tombstone, read_tombstone
from publisher.store import ReleaseRow
from publisher.versions.majors import served_releases
from publisher.withdrawal.takedown import finish_taking_down

logger = logging.getLogger(__name__)

_MAY_GO = ("superseded", "rolled_back")


@dataclass(frozen=True)
class Pruned:
    """What a call removed, or would remove, of one dataset.

    Attributes:
        dataset: its name.
        deleted: the releases that lose their data files.
        protected: releases that the rules let go but that stay, with the reason.
        orphans: storage keys that belong to no release: uploads that a killed run left behind.
    """

    dataset: str
    deleted: tuple[Tombstone, ...]
    protected: Mapping[str, str]
    orphans: tuple[str, ...]


def prune_dataset(
    definition: DatasetDefinition, facilities: Facilities, *, now: datetime, dry_run: bool = False
) -> Pruned:
    """Apply the retention rules of a dataset; a dry run changes nothing.

    Args:
        definition: the dataset, with its rules.
        facilities: the publisher's.
        now: aware; the day is taken in the dataset's time zone.
        dry_run: only tell what would go.

    Raises:
        LeaseHeld: a run works on the dataset.
        StorageError: the storage failed, or a manifest is not the published one.
        CatalogueRejected: the catalogue could not be asked or told; no file was removed since.
    """
    with Lease(facilities.store, definition.name, seconds=facilities.settings.lease_seconds) as lease:
        if not dry_run:
            heal(definition.name, facilities)
            finish_taking_down(definition, facilities, now=now)
        rows = facilities.store.releases(definition.name)
        today = now.astimezone(ZoneInfo(definition.release.time_zone)).date()
        stored = _stored(definition.name, facilities)
        chosen, protected = _choose(definition, facilities, rows, today=today, now=now)
        tombstones = list(_planned(definition.name, facilities, rows, chosen, stored=stored, now=now))
        oldest = today - timedelta(days=facilities.settings.keep_work_days)
        staged = facilities.store.staged_releases(definition.name)
        known = {row.release for row in rows} | staged
        orphans = tuple(_orphans(definition.name, stored, known, oldest=oldest))
        if not dry_run:
            lease.check()
            _remove(definition, facilities, tombstones)
            for key in orphans:
                facilities.storage.delete(key)
    return Pruned(definition.name, tuple(tombstones), protected, orphans)


def sweep(facilities: Facilities, now: datetime) -> int:
    """Remove old working folders and quarantine, and what interrupted uploads left in the storage; return how many of the latter."""
    facilities.sweep(now.astimezone(UTC).replace(tzinfo=None))
    return facilities.storage.sweep(now - timedelta(days=facilities.settings.keep_work_days))


def _choose(
    definition: DatasetDefinition, facilities: Facilities, rows: Iterable[ReleaseRow], *, today: date, now: datetime
) -> tuple[dict[str, Expiry], dict[str, str]]:
    """Return the releases that go, and those that would but are protected, with the reason."""
    there = [row for row in rows if row.state in {*_MAY_GO, "published"}]
    candidates = [
        Candidate(row.release, date.fromisoformat(row.summary["as_of"]), row.state == "rolled_back") for row in there
    ]
    reasons = _protected(definition, facilities, there, now=now)
    retention = definition.release.retention
    let_go = {one.release: one for one in expired(candidates, retention, today=today, protected={})}
    kept = {release: reasons[release] for release in let_go if release in reasons}
    return {one.release: one for one in expired(candidates, retention, today=today, protected=reasons)}, kept


def _protected(
    definition: DatasetDefinition, facilities: Facilities, rows: Iterable[ReleaseRow], *, now: datetime
) -> dict[str, str]:
    """Return the releases that stay whatever the rules say: something public leads to them, or a decision may."""
    reasons: dict[str, str] = {}
    for row in rows:
        if corrected := (row.summary.get("corrects") or {}).get("release"):
            reasons[corrected] = f"{row.release} corrects it"
    for release in facilities.register.linked_releases(definition):
        reasons[release] = "the catalogue links to one of its files"
    current = facilities.store.current(definition.name)
    if current is not None:
        summary = summary_from_dict(current.summary)
        reasons |= dict.fromkeys(
            served_releases(summary.majors, now), "it is the last release of an older major version"
        )
        if summary.parent:
            reasons[summary.parent] = "it is the one to go back to"
        reasons[current.release] = "it is the current release"
    return reasons


def _stored(dataset: str, facilities: Facilities) -> dict[str, set[str]]:
    """Return the names of the files that lie in storage, by release."""
    folders: dict[str, set[str]] = {}
    for info in facilities.storage.list(f"releases/{dataset}/"):
        _, _, release, name = info.key.split("/", 3)
        folders.setdefault(release, set()).add(name)
    return folders


def _planned(
    dataset: str,
    facilities: Facilities,
    rows: Iterable[ReleaseRow],
    chosen: Mapping[str, Expiry],
    *,
    stored: Mapping[str, set[str]],
    now: datetime,
) -> Iterator[Tombstone]:
    """Yield the statements: those that a killed call left beside files that it had begun to remove, and new ones."""
    for row in rows:
        if row.state in _MAY_GO and DELETED in stored.get(row.release, ()):
            yield read_tombstone(facilities.storage, dataset, row.release)
        elif row.release in chosen:
            digest = row.summary["manifest_sha256"]
            yield plan_tombstone(facilities.storage, dataset, chosen[row.release], manifest_sha256=digest, now=now)


def _remove(definition: DatasetDefinition, facilities: Facilities, tombstones: Sequence[Tombstone]) -> None:
    """State, tell, remove, record; each step can be done twice."""
    name, store, storage = definition.name, facilities.store, facilities.storage
    if not tombstones:
        return
    for one in tombstones:
        put_tombstone(storage, one, key=facilities.signing_key)
    told = {one.release: {"deleted_at": one.deleted_at, "rule": one.rule} for one in tombstones}
    facilities.register.note_deleted(definition, told)
    for one in tombstones:
        for file in one.files:
            storage.delete(f"releases/{name}/{one.release}/{file['path']}")
        store.note_deleted(name, one.release)
        store.decide("delete", name, "retention", subject=one.release, reason=f"{one.rule}: {one.reason}")
        logger.info(
            "dataset=%s release=%s deleted files=%d bytes=%d", name, one.release, len(one.files), one.size_bytes
        )


def _orphans(dataset: str, stored: Mapping[str, set[str]], known: set[str], *, oldest: date) -> Iterator[str]:
    """Yield the keys below releases that nobody knows and that have no manifest: an upload that ended in the middle.

    Only old ones, by the day in their name: another publisher on the same storage may be at work on a new one.
    """
    for release, names in stored.items():
        if release not in known and MANIFEST not in names and _day(release) < oldest:
            yield from (f"releases/{dataset}/{release}/{name}" for name in sorted(names))


def _day(release: str) -> date:
    """Return the day in a release's id; what has none is never old."""
    try:
        return date.fromisoformat(release.rpartition(".")[0])
    except ValueError:
        return date.max
