"""What changed from one release of a table to the next: rows added, removed, changed. Counts only, no values."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.formats.datapackage import published_key
from publisher.published import PublishedTable

MEMORY_LIMIT = "256MB"


@dataclass(frozen=True)
class TableChanges:
    """The difference of two releases of one table; `key` is empty when whole rows were compared.

    Without a key an altered row counts as one removed and one added. Columns that only one of the two releases has, or that
    have another type, are named and left out of the comparison.
    """

    table: str
    rows_before: int
    rows: int
    added: int
    removed: int
    changed: int
    key: tuple[str, ...] = ()
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_retyped: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the changes as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self.__dict__.items()}


def table_changes(
    before: Path | None, after: Path, table: PublishedTable, *, spill: Path | None = None
) -> TableChanges:
    """Compare two Parquet files of one table; `before` is null when the table is new.

    Reads both files once, streamed; rows are grouped by 64-bit hashes, and what outgrows the memory limit goes to a
    temporary folder inside `spill` (null: the system's).
    """
    new = pq.read_schema(after)
    rows = pq.read_metadata(after).num_rows
    if before is None:
        return TableChanges(table.name, 0, rows, rows, 0, 0, columns_added=tuple(new.names))
    old = pq.read_schema(before)
    shared = [name for name in new.names if name in old.names and old.field(name).type == new.field(name).type]
    key = published_key(table)
    key = key if set(key) <= set(shared) else ()
    added, removed, changed = _count(before, after, key=key or tuple(shared), shared=shared, spill=spill)
    return TableChanges(
        table=table.name,
        rows_before=pq.read_metadata(before).num_rows,
        rows=rows,
        added=added,
        removed=removed,
        changed=changed,
        key=key,
        columns_added=tuple(name for name in new.names if name not in old.names),
        columns_removed=tuple(name for name in old.names if name not in new.names),
        columns_retyped=_retyped(old, new),
    )


def total_changes(changes: Iterable[TableChanges]) -> dict[str, int]:
    """Return added, removed and changed rows over all tables, as the catalogue is told them."""
    listed = list(changes)
    return {name: sum(getattr(one, name) for one in listed) for name in ("added", "removed", "changed")}


def _retyped(old: pa.Schema, new: pa.Schema) -> tuple[str, ...]:
    both = [name for name in new.names if name in old.names]
    return tuple(name for name in both if old.field(name).type != new.field(name).type)


def _count(
    before: Path, after: Path, *, key: tuple[str, ...], shared: list[str], spill: Path | None
) -> tuple[int, int, int]:
    """Return rows added, removed and changed; `key` holds all shared columns when whole rows are compared."""
    if not shared:
        rows = (pq.read_metadata(after).num_rows, pq.read_metadata(before).num_rows)
        return (*rows, 0)
    sides = " UNION ALL ".join(
        f"SELECT hash({_columns(key)}) AS k, hash({_columns(shared)}) AS h, {side} AS side FROM read_parquet(?)"  # noqa: S608  checked names
        for side in (0, 1)
    )
    # A key that stands more than once is counted like a bag: the surplus of either side was added or removed.
    query = f"""
        WITH groups AS (
            SELECT count(*) FILTER (side = 0) AS old, count(*) FILTER (side = 1) AS new,
                   sum(h::HUGEINT) FILTER (side = 0) AS old_rows, sum(h::HUGEINT) FILTER (side = 1) AS new_rows
            FROM ({sides}) GROUP BY k
        )
        SELECT coalesce(sum(greatest(new - old, 0)), 0), coalesce(sum(greatest(old - new, 0)), 0),
               coalesce(sum(least(old, new)) FILTER (old > 0 AND new > 0 AND old = new AND old_rows <> new_rows), 0)
        FROM groups
    """  # noqa: S608  names come from checked definitions
    with tempfile.TemporaryDirectory(dir=spill) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": 2,
            "temp_directory": folder,
        }
        with closing(duckdb.connect(config=config)) as engine:
            found = engine.execute(query, [str(before), str(after)]).fetchone()
    added, removed, changed = (int(count) for count in found or (0, 0, 0))
    return added, removed, changed


def _columns(names: Iterable[str]) -> str:
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)
