"""What changed in a table's rows from one release to the next: counts, fields, and the rows themselves where they may be listed.

Rows listed are those of the new release (added, changed), and for removed ones the key alone: a client needs no more to follow, and
what an agency took back does not come to light again in the list of what it took back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from publisher.formats.datapackage import published_key
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

MEMORY_LIMIT = "256MB"
CHANGE = "_change"
"""The column that says `added`, `changed` or `removed`; no published column may begin with an underscore."""
ENDING = ".changes.parquet"

Unlisted = Literal["first", "person", "columns", "most"]
_BATCH_ROWS = 65_536
_ALWAYS_LISTED = 10_000
_MOST = 0.5


@dataclass(frozen=True)
class TableChanges:
    """The difference of two releases of one table; `key` is empty when whole rows were compared.

    Without a key an altered row counts as one removed and one added. Columns that only one of the two releases has, or that
    have another type, are named and left out of the comparison. `fields` says in how many changed rows each column differs.
    `unlisted` says why no file lists the rows: `first` (nothing to compare with), `person` (rows about persons or households),
    `columns` (nothing comparable), `most` (most rows differ, so the whole table is the shorter list); null when one does.
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
    fields: dict[str, int] = field(default_factory=dict)
    unlisted: Unlisted | None = "first"
    removed_listed: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the changes as plain values."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def compare_key(table: PublishedTable) -> tuple[str, ...]:
    """Return the columns that tell the released rows apart: the groups of an aggregate, or the key when all of it leaves as it is."""
    return tuple(table.aggregate.group_by) if table.aggregate else published_key(table)


def may_list_rows(table: PublishedTable) -> bool:
    """Tell whether changed rows of a table may be listed: never single rows about persons or households.

    The list outlives the release, and a row that is alone in it stands out where it hid among others.
    """
    return table.aggregate is not None or table.source.privacy.subject not in {"person", "household"}


def table_changes(
    before: Path | None,
    after: Path,
    table: PublishedTable,
    *,
    spill: Path | None = None,
    listed: Path | None = None,
    list_removed: bool = True,
) -> TableChanges:
    """Compare two Parquet files of one table, streamed; what outgrows the memory limit goes to a temporary folder.

    Args:
        before: the earlier release; null when the table is new.
        after: the new release's rows in their order.
        table: what is published.
        spill: where the temporary folder is made; null: the system's place.
        listed: gets the rows that differ, where they may be listed: added and changed ones in release order, then removed keys.
        list_removed: false where the policy lets less out than before, so that not even a key may be repeated.
    """
    new = pq.read_schema(after)
    rows = pq.read_metadata(after).num_rows
    if before is None:
        return TableChanges(table.name, 0, rows, rows, 0, 0, columns_added=tuple(new.names))
    old = pq.read_schema(before)
    rows_before = pq.read_metadata(before).num_rows
    shared = [name for name in new.names if name in old.names and old.field(name).type == new.field(name).type]
    key = compare_key(table)
    key = key if set(key) <= set(shared) else ()
    counts = TableChanges(
        table=table.name,
        rows_before=rows_before,
        rows=rows,
        added=rows,
        removed=rows_before,
        changed=0,
        columns_added=tuple(name for name in new.names if name not in old.names),
        columns_removed=tuple(name for name in old.names if name not in new.names),
        columns_retyped=tuple(n for n in new.names if n in old.names and old.field(n).type != new.field(n).type),
        unlisted="columns",
    )
    if not shared:
        return counts
    with _engine(spill) as engine:
        added, removed, changed = _find(engine, before, after, key=key or tuple(shared), shared=shared)
        fields = _count_fields(engine, before, after, [n for n in shared if n not in key]) if changed else {}
        unlisted = _unlisted(table, added + changed, rows)
        with_removed = bool(key) and list_removed
        if listed is not None and unlisted is None:
            removed_key = key if with_removed else ()
            _write_list(engine, listed, table, before=before, after=after, removed_key=removed_key)
    return replace(
        counts,
        added=added,
        removed=removed,
        changed=changed,
        key=key,
        fields=fields,
        unlisted=unlisted,
        removed_listed=with_removed and unlisted is None,
    )


def _write_list(
    engine: duckdb.DuckDBPyConnection,
    path: Path,
    table: PublishedTable,
    *,
    before: Path,
    after: Path,
    removed_key: tuple[str, ...],
) -> None:
    """Write the rows that differ; without a key for removed rows there are none of them."""
    schema = pa.schema([pa.field(CHANGE, pa.string()), *table.arrow_schema])
    removed = _removed_rows(engine, before, removed_key, schema) if removed_key else iter(())
    with _new_list(path, schema) as writer:
        for batch in chain(_new_rows(engine, after, schema), removed):
            writer.write_batch(batch)


def total_changes(changes: Iterable[TableChanges]) -> dict[str, int]:
    """Return added, removed and changed rows over all tables, as the catalogue is told them."""
    listed = list(changes)
    return {name: sum(getattr(one, name) for one in listed) for name in ("added", "removed", "changed")}


def _unlisted(table: PublishedTable, differing: int, rows: int) -> Unlisted | None:
    if not may_list_rows(table):
        return "person"
    return "most" if differing > max(_ALWAYS_LISTED, _MOST * rows) else None


@contextmanager
def _engine(spill: Path | None) -> Iterator[duckdb.DuckDBPyConnection]:
    with tempfile.TemporaryDirectory(dir=spill) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": 2,
            "temp_directory": folder,
            "preserve_insertion_order": False,
        }
        with closing(duckdb.connect(config=config)) as engine:
            yield engine


@contextmanager
def _new_list(path: Path, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
    with (
        whole_file(path) as part,
        pq.ParquetWriter(
            part, schema, compression="zstd", compression_level=3, version="2.6", store_schema=False
        ) as file,
    ):
        yield file


def _find(
    engine: duckdb.DuckDBPyConnection, before: Path, after: Path, *, key: tuple[str, ...], shared: list[str]
) -> tuple[int, int, int]:
    """Fill the table `moved` with what differs, by row numbers, and return rows added, removed and changed.

    Rows are grouped by 64-bit hashes of the key; a key that stands more than once is counted like a bag: the surplus of either
    side was added or removed.
    """
    sides = " UNION ALL ".join(
        f"SELECT hash({_columns(key)}) AS k, hash({_columns(shared)}) AS h, {side} AS side, file_row_number AS n "  # noqa: S608  checked names
        "FROM read_parquet(?, file_row_number = true)"
        for side in (0, 1)
    )
    engine.execute(
        f"""
        CREATE TEMP TABLE moved AS
        WITH groups AS (
            SELECT count(*) FILTER (side = 0) AS old, count(*) FILTER (side = 1) AS new,
                   min(n) FILTER (side = 0) AS old_row, min(n) FILTER (side = 1) AS new_row,
                   sum(h::HUGEINT) FILTER (side = 0) AS old_rows, sum(h::HUGEINT) FILTER (side = 1) AS new_rows
            FROM ({sides}) GROUP BY k
        )
        SELECT old, new, old_row, new_row, old > 0 AND old = new AS differs
        FROM groups WHERE old <> new OR old_rows <> new_rows
        """,  # noqa: S608  names come from checked definitions
        [str(before), str(after)],
    )
    [counts] = engine.execute(
        "SELECT coalesce(sum(greatest(new - old, 0)), 0), coalesce(sum(greatest(old - new, 0)), 0),"
        " coalesce(sum(new) FILTER (differs), 0) FROM moved"
    ).fetchall()
    added, removed, changed = (int(count) for count in counts)
    return added, removed, changed


def _count_fields(engine: duckdb.DuckDBPyConnection, before: Path, after: Path, names: list[str]) -> dict[str, int]:
    """Return in how many changed rows each column differs, without columns that differ in none."""
    counted = ", ".join(f"count(*) FILTER (a.{_quoted(n)} IS DISTINCT FROM b.{_quoted(n)})" for n in names)
    sides = [f"(SELECT {_columns(names)}, file_row_number AS n FROM read_parquet(?, file_row_number = true))"] * 2  # noqa: S608  checked names
    [counts] = engine.execute(
        f"SELECT {counted} FROM moved JOIN {sides[0]} a ON a.n = old_row JOIN {sides[1]} b ON b.n = new_row WHERE differs",  # noqa: S608  checked names
        [str(before), str(after)],
    ).fetchall()
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def _new_rows(engine: duckdb.DuckDBPyConnection, after: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield changed rows, and the surplus of rows that came, as they are released, in release order."""
    names = [name for name in schema.names if name != CHANGE]
    query = f"""
        SELECT CASE WHEN differs THEN 'changed' ELSE 'added' END AS {_quoted(CHANGE)}, {_columns(names, "r")}
        FROM (SELECT differs, new_row, unnest(range(CASE WHEN differs THEN new ELSE new - old END)) AS copy
              FROM moved WHERE differs OR new > old) m
        JOIN (SELECT *, file_row_number AS n FROM read_parquet(?, file_row_number = true)) r ON r.n = m.new_row
        ORDER BY m.new_row, m.copy
    """  # noqa: S608  names come from checked definitions
    yield from _batches(engine, query, after, schema)


def _removed_rows(
    engine: duckdb.DuckDBPyConnection, before: Path, key: tuple[str, ...], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Yield the keys of rows that went, in the earlier release's order; every other column is null."""
    columns = ", ".join(
        f"r.{_quoted(name)}" if name in key else f"NULL AS {_quoted(name)}" for name in schema.names if name != CHANGE
    )
    query = f"""
        SELECT 'removed' AS {_quoted(CHANGE)}, {columns} FROM (SELECT old_row FROM moved WHERE old > new) m
        JOIN (SELECT *, file_row_number AS n FROM read_parquet(?, file_row_number = true)) r ON r.n = m.old_row
        ORDER BY m.old_row
    """  # noqa: S608  names come from checked definitions
    yield from _batches(engine, query, before, schema)


def _batches(engine: duckdb.DuckDBPyConnection, query: str, path: Path, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for batch in engine.sql(query, params=[str(path)]).to_arrow_reader(_BATCH_ROWS):
        columns = [batch.column(name).cast(schema.field(name).type) for name in schema.names]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _columns(names: Iterable[str], alias: str = "") -> str:
    return ", ".join(f"{alias}.{_quoted(name)}" if alias else _quoted(name) for name in names)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
