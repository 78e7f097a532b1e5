"""Which files of an old release are gone, by which rule: read from its signed `deleted.json`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cityportal.public.dataset import Dataset, Release
from cityportal.public.reading import CatalogueReader

DELETED = "deleted"


@dataclass(frozen=True)
class Deletion:
    """When the data files of a release went, by which rule (`month_end`, `year_end`), and which release stands for it."""

    deleted_at: datetime
    rule: str
    kept_instead: str
    files: tuple[str, ...]


def deletion_of(reader: CatalogueReader, dataset: Dataset, release: Release, file: str = "") -> Deletion | None:
    """Return the deletion of a release, null where its files are there; of one file, null where that file stayed."""
    if release.state != DELETED:
        return None
    said = reader.document_of(dataset.name, release.id, "deleted.json")
    if said is None:
        return None
    deletion = Deletion(
        deleted_at=datetime.fromisoformat(said["deleted_at"]),
        rule=str(said["rule"]),
        kept_instead=str(said.get("kept_instead") or ""),
        files=tuple(str(gone["path"]) for gone in said["files"]),
    )
    return deletion if not file or file in deletion.files else None
