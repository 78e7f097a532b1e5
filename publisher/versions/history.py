"""What earlier releases of a dataset say, as the publisher remembers them: versions, contracts, measured numbers."""

from __future__ import annotations

from collections.abc import Sequence

from publisher.definition import DatasetDefinition
from publisher.errors import DescriptorError
from publisher.manifest import is_data_file
from publisher.quality.document import KEPT_RELEASES, Measured
from publisher.store import ReleaseRow, Store
from publisher.versions.contract import contract_of
from publisher.versions.schema_version import EarlierVersion, SchemaVersion, next_version

_KNOWN_GOOD = {"published", "superseded", "deleted"}
"""States of releases that were right as far as anybody knows."""


def version_of(definition: DatasetDefinition, store: Store) -> SchemaVersion:
    """Return the schema version that a release of this definition gets now.

    Raises:
        DescriptorError: the definition states a lower version than the change needs.
    """
    current = store.current(definition.name)
    return next_version(
        contract_of(definition),
        stated=definition.version,
        current=_earlier(current) if current else None,
        used=[_earlier(row) for row in store.releases(definition.name)],
        dataset=definition.name,
    )


def measured_releases(rows: Sequence[ReleaseRow]) -> list[Measured]:
    """Return the numbers of earlier releases, the oldest first; those that were rolled back or withdrawn tell nothing."""
    known = (row for row in rows if row.state in _KNOWN_GOOD and not row.summary.get("was_rolled_back"))
    good = sorted(known, key=lambda row: row.created_at)
    return [measured_release(row) for row in good[-KEPT_RELEASES:]]


def measured_release(row: ReleaseRow) -> Measured:
    """Return the numbers that are followed of one release."""
    said = row.summary
    return Measured(
        release=row.release,
        as_of=said["as_of"],
        rows=said["rows"],
        size_bytes=sum(file["bytes"] for file in said["files"] if is_data_file(file["path"])),
        totals=said.get("totals") or {},
        q=(said.get("score") or {}).get("q"),
    )


def refuse_correction(dataset: str, release: str, store: Store) -> None:
    """See that a release that shall be corrected was ever public.

    Raises:
        DescriptorError: it was not.
    """
    row = store.release(dataset, release)
    if row is None or row.state == "staged":
        cure = "name a release from the list of the dataset's releases"
        raise DescriptorError(f"There is no public release {release} to correct.", dataset=dataset, cure=cure)


def _earlier(row: ReleaseRow) -> EarlierVersion:
    said = row.summary
    return EarlierVersion(said.get("version") or "", said.get("stated_version") or "", said.get("contract") or {})
