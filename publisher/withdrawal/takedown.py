"""Taking releases from the public, one way for both kinds.

A *withdrawn* release is hidden and its bytes are gone, in every version that the storage kept; manifest, signature and a signed statement
with the reason stay. A *quarantined* one is hidden at once and its bytes are kept, until a person withdraws it or gives it back. The
intention is written into the publisher's memory first, so that whoever is killed in the middle is gone on with by the next call.
Order: the public loses it, then the bytes go, then the last good release takes its place.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.disclosure.personal.spans import detect_text
from publisher.earlier_files import forget_earlier
from publisher.errors import CatalogueRejected, DescriptorError, PublisherError
from publisher.facilities import Facilities
from publisher.healing import heal_if_possible
from publisher.lease import Lease
from publisher.retention.tombstone import Tombstone, put_tombstone, stated_files, utc_text
from publisher.store import ReleaseRow
from publisher.versions.row_changes import ENDING
from publisher.withdrawal.stored import KEPT
from publisher.withdrawal.successor import publish_last_good

logger = logging.getLogger(__name__)

_ON_THE_WAY = {"withdrawing": "withdrawn", "quarantining": "quarantined"}
_WITHDRAWABLE = {"published", "superseded", "rolled_back", "deleted", "quarantined", *_ON_THE_WAY}
_GONE = {"withdrawing", "withdrawn"}
_HIDABLE = {"published", "superseded", "rolled_back"}

Dataset = DatasetDefinition | str
"""A dataset by its definition, or by its name alone where that is gone or has mistakes."""


@dataclass(frozen=True)
class Why:
    """Why releases are taken from the public, in words that the public reads, and who decided it.

    `failed` names the guarantees that no longer hold when the audit decided; pages then say it in their own words.
    """

    reason: str
    by: str
    reason_translated: Mapping[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakenDown:
    """What a call did: the releases that the public lost, and which one it sees now, null for none."""

    dataset: str
    releases: tuple[str, ...]
    current: str | None


def known_as(definitions: Path, name: str) -> Dataset:
    """Return a dataset's definition below a folder; its name alone where there is none, or none that can be read.

    Whatever became of the definition, what it let out can be withdrawn.
    """
    try:
        path = dataset_paths(definitions).get(name)
        return load_dataset(path, to_judge=True) if path else name
    except (PublisherError, OSError) as error:
        logger.warning("%s: withdrawn by its name alone, its definition cannot be read: %s", name, error)
        return name


def withdraw(
    dataset: Dataset, facilities: Facilities, releases: Sequence[str] | None, *, why: Why, now: datetime
) -> TakenDown:
    """Withdraw the releases named, or all that were ever public; nobody else has to agree.

    When the current release is among them the dataset is put on hold, so that the next due run does not bring back what was taken away,
    and releases that wait for approval are cancelled, for they come from the same rows.

    Args:
        dataset: as it is defined today; with its name alone no other release takes the place of the current one, for none can be judged.
        facilities: the publisher's.
        releases: ids; null for all.
        why: shown on pages and in the statement; must not repeat what shall be hidden.
        now: aware.

    Raises:
        DescriptorError: there is no such dataset or release, or the reason itself holds personal data.
        LeaseHeld: a run works on the dataset.
        EnvironmentFault: catalogue or storage did not do their part; what is left is done by the next call.
    """
    name, store = _name_of(dataset), facilities.store
    refuse_telling_reason(why, name)
    with Lease(store, name, seconds=facilities.settings.lease_seconds):
        heal_if_possible(name, facilities)
        chosen = _chosen(dataset, facilities, releases)
        current = store.current(name)
        if releases is None or (current and current.release in _ids(chosen)):
            store.hold(name, why.by, why.reason.strip())
            _cancel_waiting(facilities, name, why)
        store.take_down(name, _ids(chosen), "withdrawing", _said(why, now))
        finish_taking_down(dataset, facilities, now=now)
    after = store.current(name)
    return TakenDown(name, tuple(_ids(chosen)), after.release if after else None)


def quarantine(
    definition: DatasetDefinition, facilities: Facilities, releases: Sequence[str], *, why: Why, now: datetime
) -> None:
    """Hide releases at once and keep their bytes; the caller holds the dataset's lease. Raises what `withdraw` raises."""
    rows = [row for row in facilities.store.releases(definition.name) if row.release in releases]
    hidable = [row for row in rows if row.state in _HIDABLE]
    facilities.store.take_down(definition.name, _ids(hidable), "quarantining", _said(why, now))
    finish_taking_down(definition, facilities, now=now)


def finish_taking_down(dataset: Dataset, facilities: Facilities, *, now: datetime) -> None:
    """Carry out what was decided and not finished yet; every step can be done twice. The caller holds the dataset's lease.

    A catalogue that does not answer does not keep the bytes in place: they go first, and the catalogue is told by the next call.

    Raises:
        EnvironmentFault: something around us failed; the releases stay on their way and the next call goes on.
    """
    name = _name_of(dataset)
    rows = [row for row in facilities.store.releases(name) if row.state in _ON_THE_WAY]
    if not rows:
        return
    unanswered: CatalogueRejected | None = None
    try:
        facilities.register.note_withdrawn(name, {row.release: _told(row) for row in rows})
    except CatalogueRejected as error:
        unanswered = error
    for row in rows:
        if row.state == "withdrawing":
            _erase(facilities, row)
    kept = {row.release for row in facilities.store.releases(name) if row.state not in _GONE}
    forget_earlier(name, facilities, keep=kept | facilities.store.staged_releases(name))
    if unanswered is not None:
        raise unanswered
    if isinstance(dataset, DatasetDefinition):
        publish_last_good(dataset, facilities, gone=set(_ids(rows)), now=now)
    for row in rows:
        said = row.summary["withdrawal"]
        action = "withdraw" if row.state == "withdrawing" else "quarantine"
        facilities.store.settle(name, row.release, _ON_THE_WAY[row.state])
        facilities.store.decide(action, name, said["by"], subject=row.release, reason=said["reason"])
        logger.warning("dataset=%s release=%s %s", name, row.release, _ON_THE_WAY[row.state])


def refuse_telling_reason(why: Why, dataset: str) -> None:
    """See that the reason, which the public reads, is there and holds no personal data itself.

    Raises:
        DescriptorError: names the kinds found.
    """
    texts = [why.reason, *why.reason_translated.values()]
    if not why.reason.strip():
        raise DescriptorError("A withdrawal needs a reason.", dataset=dataset, cure="say why in one sentence")
    if kinds := sorted({kind for text in texts for kind in detect_text(text)}):
        message = f"The reason itself holds {', '.join(kinds)}, and everybody reads it."
        raise DescriptorError(message, dataset=dataset, cure="name the kind of data and the column, never a value")


def _erase(facilities: Facilities, row: ReleaseRow) -> None:
    """State and sign what goes, then remove it with every version that the storage keeps."""
    name, storage = row.dataset, facilities.storage
    said = row.summary["withdrawal"]
    stone = _tombstone(row, said, rule="withdrawn", files=row.summary["files"])
    put_tombstone(storage, stone, key=facilities.signing_key)
    prefix = f"releases/{name}/{row.release}/"
    for key in list(storage.versions(prefix)):
        if key.removeprefix(prefix) not in KEPT:
            storage.erase(key)
    for later in facilities.store.releases(name):
        if later.state not in _GONE and later.summary["changes"].get("since") == row.release:
            _redact(facilities, later, at=row.summary["withdrawal"]["at"])


def _redact(facilities: Facilities, row: ReleaseRow, *, at: str) -> None:
    """Remove from a later release the lists that repeat keys of rows which only the withdrawn release held."""
    tables = [one for one in row.summary["changes"].get("tables", ()) if one.get("removed_listed") and one["removed"]]
    names = {f"{one['table']}{ENDING}" for one in tables}
    files = [entry for entry in row.summary["files"] if entry["path"] in names]
    if not files:
        return
    said = {"at": at, "reason": "This list repeats keys of rows that only a withdrawn release held."}
    put_tombstone(facilities.storage, _tombstone(row, said, rule="redacted", files=files), key=facilities.signing_key)
    for file in files:
        facilities.storage.erase(f"releases/{row.dataset}/{row.release}/{file['path']}")


def _tombstone(row: ReleaseRow, said: Mapping[str, Any], *, rule: str, files: Sequence[Any]) -> Tombstone:
    return Tombstone(
        dataset=row.dataset,
        release=row.release,
        rule=rule,
        reason=said["reason"],
        kept_instead=None,
        deleted_at=said["at"],
        manifest_sha256=row.summary["manifest_sha256"],
        files=stated_files(files),
        reason_translated=dict(said.get("reason_translated") or {}),
    )


def _name_of(dataset: Dataset) -> str:
    return dataset.name if isinstance(dataset, DatasetDefinition) else dataset


def _chosen(dataset: Dataset, facilities: Facilities, releases: Sequence[str] | None) -> list[ReleaseRow]:
    name = _name_of(dataset)
    rows = [row for row in facilities.store.releases(name) if row.state in _WITHDRAWABLE]
    if not rows and isinstance(dataset, str):
        cure = "see that the name is right; a dataset without a definition is known by its releases alone"
        raise DescriptorError(f"There is no dataset `{name}`, and nothing of it was ever public.", cure=cure)
    if releases is None:
        return rows
    chosen = [row for row in rows if row.release in releases]
    if missing := [release for release in releases if release not in _ids(chosen)]:
        cure = f"choose among {', '.join(_ids(rows)) or 'none: nothing of it is public'}"
        raise DescriptorError(f"There is no release {', '.join(missing)}.", dataset=name, cure=cure)
    return chosen


def _ids(rows: Sequence[ReleaseRow]) -> list[str]:
    return [row.release for row in rows]


def _said(why: Why, now: datetime) -> dict[str, Any]:
    return {
        "reason": why.reason.strip(),
        "reason_translated": dict(why.reason_translated),
        "failed": list(why.failed),
        "by": why.by,
        "at": utc_text(now),
    }


def _told(row: ReleaseRow) -> dict[str, Any]:
    """Return what the catalogue is told: not who decided, for that is the publisher's own record."""
    said = row.summary["withdrawal"]
    known = {name: said[name] for name in ("reason", "reason_translated", "failed", "at")}
    return {**known, "under_review": row.state == "quarantining"}


def _cancel_waiting(facilities: Facilities, dataset: str, why: Why) -> None:
    """Cancel releases that wait for approval or their time; their staged files are removed with the next healing."""
    for run in facilities.store.runs(dataset, limit=200):
        if run.state in {"awaiting_approval", "embargoed"}:
            facilities.store.move(run.id, "cancelled", message=f"Withdrawn by {why.by} with the releases before it.")
    heal_if_possible(dataset, facilities)
