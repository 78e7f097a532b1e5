"""SQLite: one database for each dataset, holding all its tables; what the query service opens."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import StorageError
from publisher.formats.rows import column_to_text, read_groups
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedField, PublishedTable

MAX_INDEXES = 5
FEW_VALUES = 1_000
_BATCH_ROWS = 16_384
_DECLARED = {"integer": "INTEGER", "year": "INTEGER", "boolean": "INTEGER", "number": "REAL"}
_TIMES = {"date", "datetime", "year", "yearmonth"}


def write_sqlite(tables: Sequence[tuple[PublishedTable, Path]], output: Path, *, release: str) -> dict[str, int]:
    """Write the released database and return the rows of each table; same rows and release give the same bytes.

    Each source is Parquet in its table's Arrow schema; `rowid` counts in release order. Booleans become 0 and 1, dates and
    datetimes their ISO text. `PRAGMA schema_version` and `user_version` differ from release to release, because Datasette
    keeps the table list it knows as long as the number stays the same.

    Raises:
        ReleaseRefused: the columns are not those the policy publishes, or a number is not finite.
        StorageError: the file cannot be written.
    """
    with whole_file(output) as part:
        try:
            with closing(sqlite3.connect(part, isolation_level=None)) as database:
                return _fill(database, tables, number=release_number(release))
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"The database {output.name} cannot be written: {error.sqlite_errorname}.",
                step="write",
                cure=f"free space in {output.parent} and run the release again",
            ) from None


def release_number(release: str) -> int:
    """Return the number from 1 to 2^31-1 that stands for the release in the database's header."""
    return (zlib.crc32(release.encode()) & 0x7FFF_FFFF) or 1


def _fill(
    database: sqlite3.Connection, tables: Sequence[tuple[PublishedTable, Path]], *, number: int
) -> dict[str, int]:
    # A half-written file is thrown away, so that neither journal nor fsync earns anything here.
    for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE"):
        database.execute(f"PRAGMA {setting}")
    database.execute("BEGIN")
    rows = {table.name: _load(database, table, source) for table, source in tables}
    for table, source in tables:
        for name in _indexed(table, source):
            index = _quoted(f"{table.name}_{name}")
            database.execute(f"CREATE INDEX {index} ON {_quoted(table.name)} ({_quoted(name)})")
    database.execute(f"PRAGMA user_version = {number}")
    database.execute(f"PRAGMA schema_version = {number}")
    database.execute("COMMIT")
    return rows


def _load(database: sqlite3.Connection, table: PublishedTable, source: Path) -> int:
    columns = ", ".join(f"{_quoted(f.name)} {_DECLARED.get(f.type, 'TEXT')}" for f in table.fields)
    database.execute(f"CREATE TABLE {_quoted(table.name)} ({columns})")
    marks = ", ".join("?" for _ in table.fields)
    insert = f"INSERT INTO {_quoted(table.name)} VALUES ({marks})"  # noqa: S608  names come from checked definitions
    rows = 0
    for batch in read_groups(source, table, rows=_BATCH_ROWS):
        database.executemany(insert, _rows(batch))
        rows += batch.num_rows
    return rows


def _rows(batch: pa.RecordBatch) -> Iterator[tuple[object, ...]]:
    return zip(*(_stored(column).to_pylist() for column in batch.columns), strict=True)


def _stored(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return pc.cast(column, pa.int8())
    return column_to_text(column) if pa.types.is_temporal(column.type) else column


def _indexed(table: PublishedTable, source: Path) -> list[str]:
    """Return the fields worth an index: the order of the rows, then times, then texts of few values, fewest first."""
    times = [field.name for field in table.fields if field.type in _TIMES]
    texts = [field for field in table.fields if field.type == "string"]
    wanted = [*table.sort_by, *times, *_few_valued(texts, source)]
    return list(dict.fromkeys(wanted))[:MAX_INDEXES]


def _few_valued(fields: Sequence[PublishedField], source: Path) -> list[str]:
    if not fields:
        return []
    counts = ", ".join(f"approx_count_distinct({_quoted(field.name)})" for field in fields)
    with closing(duckdb.connect(config={"threads": 1})) as engine:
        found = engine.execute(f"SELECT {counts} FROM read_parquet(?)", [str(source)]).fetchone()  # noqa: S608
    by_count = sorted(zip(found or (), (field.name for field in fields), strict=True), key=lambda pair: pair[0])
    return [name for count, name in by_count if 1 < count <= FEW_VALUES]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
