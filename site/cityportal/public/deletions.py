"""Which files of a release are gone, by which rule: read from the signed `deleted.json`, and for single lists from `redacted.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cityportal.public.dataset import Dataset, Release
from cityportal.public.reading import CatalogueReader

DELETED = "deleted"


@dataclass(frozen=True)
class Deletion:
    """When files of a release went, by which rule (`month_end`, `year_end`, `redacted`), and which release stands for it."""

    deleted_at: datetime
    rule: str
    kept_instead: str
    files: tuple[str, ...]
    statement: str


def deletion_of(reader: CatalogueReader, dataset: Dataset, release: Release, file: str = "") -> Deletion | None:
    """Return the deletion of a release, null where its files are there; of one file, null where that file stayed."""
    statement = "deleted.json"
    if file.endswith(".changes.parquet"):  # they outlive the data files, unless they repeated what was withdrawn
        statement = "redacted.json"
    elif release.state != DELETED:
        return None
    said = reader.document_of(dataset.name, release.id, statement)
    if said is None:
        return None
    deletion = Deletion(
        deleted_at=datetime.fromisoformat(said["deleted_at"]),
        rule=str(said["rule"]),
        kept_instead=str(said.get("kept_instead") or ""),
        files=tuple(str(gone["path"]) for gone in said["files"]),
        statement=statement,
    )
    return deletion if not file or file in deletion.files else None
