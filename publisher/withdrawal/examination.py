"""One public release, looked at again: are its bytes what was published, and do they pass what is asked today?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import publisher.disclosure
from publisher.definition import DatasetDefinition
from publisher.disclosure.budget import ledger_names
from publisher.disclosure.guarantees import Check, Known, check_release, check_texts
from publisher.earlier_files import earlier_of
from publisher.errors import StorageError
from publisher.facilities import Facilities
from publisher.ledger import entries_of
from publisher.rulebook import rulebook_in_force
from publisher.store import ReleaseRow
from publisher.withdrawal.as_released import AsReleased, tables_as_released
from publisher.withdrawal.stored import refuse_other_bytes, release_folder

_SAME_BYTES = "G1"
"""The forms of a release were compared when it was made; that no byte has changed since is seen by the hashes."""


def examine_release(
    definition: DatasetDefinition, facilities: Facilities, row: ReleaseRow, *, now: datetime
) -> list[Check]:
    """Return what a stored release fails today, by number; none when everything holds.

    Its tables are checked against today's policy, detectors and rulebook. A release that cannot be judged has failed.

    Args:
        definition: the dataset as it is defined today.
        facilities: the publisher's.
        row: the release.
        now: aware; waivers must hold on this day, in the dataset's time zone.

    Raises:
        StorageError: the storage does not answer.
    """
    today = now.astimezone(ZoneInfo(definition.release.time_zone)).date()
    with release_folder(facilities, definition.name, row.release) as folder:
        try:
            refuse_other_bytes(folder, definition.name, row.summary["manifest_sha256"])
        except StorageError as error:
            return [Check("G1", "", passed=False, detail=error.message)]
        try:
            released = tables_as_released(definition, folder)
        except (KeyError, ValueError, TypeError, OSError) as error:
            return [_untold(error)]
        earlier = None
        ledgers = entries_of(facilities.store, ledger_names(released.tables))
        if released.is_of_today:
            earlier = earlier_of(definition, facilities, day=row.summary["as_of"], before=row.release)
        return _failures(definition, folder, released, Known(earlier, ledgers), today=today)


def _failures(
    definition: DatasetDefinition, folder: Path, released: AsReleased, known: Known, *, today: date
) -> list[Check]:
    try:
        reports = json.loads((folder / "privacy.json").read_bytes())["tables"]
        rows_before = {table: report["rows"] for table, report in reports.items() if report["kind"] == "rows"}
    except (KeyError, ValueError, TypeError, OSError) as error:
        return [_untold(error)]
    verdict = check_release(
        folder,
        released.tables,
        dataset=definition.name,
        today=today,
        definitions=definition.folder,
        rows_before=rows_before,
        formats=("parquet",),
        known=known,
    )
    judged = [*verdict.failures, *check_texts(folder, released.tables).failures]
    faults = [Check("G5", "", passed=False, detail=fault) for fault in released.faults]
    return faults + [check for check in dict.fromkeys(judged) if check.id != _SAME_BYTES]


def _untold(error: Exception) -> Check:
    detail = f"what it published is not told in a way that can be judged ({type(error).__name__})"
    return Check("G1", "", passed=False, detail=detail)


def asked_today(definition: DatasetDefinition, *, today: date) -> str:
    """Return a hash of everything that an examination depends on besides the bytes: definition, rulebook, detectors, waivers."""
    waivers = [
        [table.name, field, waiver.kind, today <= waiver.until]
        for table in definition.resources
        for field, action in table.privacy.fields.items()
        if (waiver := action.waive)
    ]
    parts = [definition.digest, rulebook_in_force().digest(today), _checker_digest(), json.dumps(sorted(waivers))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def _checker_digest() -> str:
    """Return a hash of the checker itself, its word lists included: detectors that learned something look at everything again."""
    digest = hashlib.sha256()
    [room] = publisher.disclosure.__path__
    for path in sorted(Path(room).rglob("*")):
        if path.is_file() and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(room)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def told(failures: Sequence[Check]) -> str:
    """Return failures as one line without values."""
    return "; ".join(f"{check.id}{f' {check.table}' if check.table else ''}: {check.detail}" for check in failures)
