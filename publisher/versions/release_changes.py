"""`changes.json` and the lists of changed rows: how a release differs from the one that is public."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from publisher.facilities import Facilities
from publisher.published import PublishedTable
from publisher.versions.row_changes import ENDING, TableChanges, table_changes, total_changes
from publisher.versions.schema_version import SchemaVersion


@dataclass(frozen=True)
class Correction:
    """Which release the new one corrects, and what was wrong, in a sentence for readers."""

    release: str
    note: str


def changes_since(
    dataset: str,
    facilities: Facilities,
    tables: Sequence[tuple[PublishedTable, Path]],
    folder: Path,
    *,
    version: SchemaVersion,
    correction: Correction | None = None,
) -> dict[str, Any]:
    """Return the changes since the release that the public has now, and write the rows that differ into the release folder.

    Args:
        dataset: its name.
        facilities: the publisher's; the earlier files are read from its storage.
        tables: the published tables with the Parquet file of each.
        folder: the release folder; beside it lie the temporary files.
        version: of the new release.
        correction: what it corrects, null for a release that corrects nothing.
    """
    current = facilities.store.current(dataset)
    said: dict[str, Any] = {"since": current.release if current else None, "version": _told(version), "tables": []}
    if correction is not None:
        said["corrects"] = asdict(correction)
    if current is None:
        return said
    previous = folder.with_name("previous")
    previous.mkdir()
    compared: list[TableChanges] = []
    for table, path in tables:
        before = _fetched(facilities, f"releases/{dataset}/{current.release}/{table.name}.parquet", previous)
        compared.append(
            table_changes(
                before,
                path,
                table,
                spill=previous,
                listed=folder / f"{table.name}{ENDING}",
                list_removed=not version.lets_less_out,
            )
        )
        if before is not None:
            before.unlink()
    return {**said, "tables": [one.to_dict() for one in compared], **total_changes(compared)}


def has_changes(changes: dict[str, Any]) -> bool:
    """Tell whether rows, columns or the contract differ from the release before."""
    parts = ("added", "removed", "changed", "columns_added", "columns_removed", "columns_retyped")
    is_other = changes["since"] is None or changes["version"].get("differences")
    return bool(is_other or any(table[part] for table in changes["tables"] for part in parts))


def _told(version: SchemaVersion) -> dict[str, Any]:
    said: dict[str, Any] = {"to": version.version, "from": version.since or None, "level": version.level}
    differences = [one.to_dict() for one in version.differences]
    return {name: value for name, value in {**said, "differences": differences}.items() if value not in (None, [])}


def _fetched(facilities: Facilities, key: str, folder: Path) -> Path | None:
    """Copy a stored file into the folder; null when the earlier release has none of that name."""
    if facilities.storage.info(key) is None:
        return None
    copy = folder / key.rpartition("/")[2]
    with facilities.storage.open(key) as stored, copy.open("wb") as file:
        shutil.copyfileobj(stored, file, 1 << 20)
    return copy
