"""Back to an earlier release: only when its bytes still pass what today's policy asks."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from publisher.definition import DatasetDefinition
from publisher.disclosure.guarantees import Known, check_release
from publisher.earlier_files import earlier_of
from publisher.errors import DescriptorError
from publisher.facilities import Facilities
from publisher.formats.release_files import formats_in
from publisher.lease import Lease
from publisher.ledger import entries_of, ledgers_of
from publisher.publication import refuse_unsafe, summary_from_dict
from publisher.published import published_tables
from publisher.retention.tombstone import DELETED
from publisher.store import utc_now
from publisher.withdrawal.stored import release_folder
from publisher.withdrawal.takedown import finish_taking_down


def roll_back_to(definition: DatasetDefinition, facilities: Facilities, release: str) -> None:
    """Point the public at an earlier release; files, pages, API and Datasette follow the one call to the catalogue.

    Raises:
        DescriptorError: there is no such release to go back to, or it is the current one, or its files were removed.
        DisclosureRisk: the old bytes do not satisfy today's policy; make a new release instead.
        LeaseHeld: a run works on the dataset.
    """
    with Lease(facilities.store, definition.name, seconds=facilities.settings.lease_seconds):
        row = facilities.store.release(definition.name, release)
        finish_taking_down(definition, facilities, now=datetime.now(UTC))
        if row is None or row.state not in {"superseded", "rolled_back", "deleted"}:
            cure = "choose an earlier release from the list"
            raise DescriptorError(f"There is no earlier release {release}.", dataset=definition.name, cure=cure)
        deleted = f"releases/{definition.name}/{release}/{DELETED}"
        if row.state == "deleted" or facilities.storage.info(deleted) is not None:
            cure = "choose a release that still has its files"
            raise DescriptorError(f"The data files of {release} were removed.", dataset=definition.name, cure=cure)
        earlier = earlier_of(definition, facilities, day=row.summary["as_of"], before=release)
        with release_folder(facilities, definition.name, release) as folder:
            _refuse_when_unsafe(
                definition, folder, Known(earlier, entries_of(facilities.store, ledgers_of(definition)))
            )
        facilities.register.publish(definition, summary_from_dict(row.summary))
        facilities.store.point_at(definition.name, release, rolled_back=True)


def _refuse_when_unsafe(definition: DatasetDefinition, folder: Path, known: Known) -> None:
    tables = [published for table in definition.resources for published in published_tables(table)]
    privacy = json.loads((folder / "privacy.json").read_bytes())["tables"]
    verdict = check_release(
        folder,
        tables,
        dataset=definition.name,
        today=utc_now().date(),
        definitions=definition.folder,
        rows_before={table: report["rows"] for table, report in privacy.items() if report["kind"] == "rows"},
        formats=formats_in(folder),
        known=known,
    )
    refuse_unsafe(definition.name, verdict.failures, what="The old release does not satisfy today's policy: ")
