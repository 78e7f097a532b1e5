"""G1: the written files hold the declared columns and nothing else, and CSV and SQLite equal Parquet cell by cell.

Each function returns what is wrong in words and numbers; an empty list means that nothing is. Files are streamed side by side.
"""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from publisher.published import PublishedTable

_BATCH_ROWS = 65_536
_METADATA_KEYS = {b"ARROW:schema", b"phusa.release", b"phusa.table", b"phusa.table_schema"}
_DESCRIBING = {
    "datapackage.json", "csv-metadata.json", "croissant.json", "quality.json", "privacy.json", "changes.json",
    "manifest.json", "manifest.sig",
}  # fmt: skip
_GZIP_NAME_OR_COMMENT = 0x04 | 0x08 | 0x10
_STATISTICS = {"sqlite_stat1", "sqlite_stat4"}
_WORDS = re.compile(
    r"""CREATE VIRTUAL TABLE "\w+" USING fts5\((?P<fields>"\w+"(?:, "\w+")*), content="(?P<table>\w+)", tokenize='[\w ]+'\)"""
)
_PARTS_OF_WORDS = ("_data", "_idx", "_docsize", "_config")


def data_files(tables: Sequence[PublishedTable], *, dataset: str, formats: Sequence[str]) -> set[str]:
    """Return the names of the data files that a release declares."""
    endings = {"parquet": ".parquet", "csv": ".csv.gz", "ndjson": ".ndjson.gz"}
    names = {table.name + ending for table in tables for form, ending in endings.items() if form in formats}
    return names | {f"{dataset}.sqlite"} if "sqlite" in formats else names


def wrong_files(folder: Path, declared: set[str]) -> list[str]:
    """Compare the folder with the declared data files and the files that describe a release."""
    found = {path.name for path in folder.iterdir()}
    faults = [f"the declared file {name} is missing" for name in sorted(declared - found)]
    undeclared = len(found - declared - _DESCRIBING)
    return faults + [f"{undeclared} undeclared files or folders"] * bool(undeclared)


def wrong_parquet(path: Path, table: PublishedTable) -> list[str]:
    """Compare a Parquet file's columns, types and metadata with what the policy publishes."""
    schema = pq.read_schema(path)
    metadata = pq.read_metadata(path).metadata or {}
    wanted = table.arrow_schema
    faults = []
    if schema.names != wanted.names:
        faults.append("the columns are not the declared ones")
    elif wrong := [field.name for field in wanted if schema.field(field.name).type != field.type]:
        faults.append(f"other types than declared: {', '.join(wrong)}")
    if strange := {*metadata, *(schema.metadata or {})} - _METADATA_KEYS:
        faults.append(f"{len(strange)} undeclared entries in the file's metadata")
    if any(set(field.metadata or {}) - {b"PARQUET:field_id"} for field in schema):
        faults.append("undeclared metadata on a column")
    return faults


def wrong_csv(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a gzipped CSV file with the Parquet file, cell by cell; null and empty text are both an empty field."""
    if has_gzip_names(path):
        return ["the gzip header carries a name or a comment"]
    header = ",".join(table.arrow_schema.names)
    with gzip.open(path, "rb") as text:
        if text.readline() != header.encode() + b"\n":
            return ["the header is not the declared fields"]
    with pa.input_stream(str(path), compression="gzip") as stream:
        reader = pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=1 << 23),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(table.arrow_schema.names, pa.string()), strings_can_be_null=False
            ),
        )
        return differences(reader, parquet_batches(parquet), _read_texts)


def has_gzip_names(path: Path) -> bool:
    """Tell whether a gzip file says more of itself than its content."""
    with path.open("rb") as raw:
        return bool(raw.read(4)[3] & _GZIP_NAME_OR_COMMENT)


def wrong_sqlite(path: Path, parquets: dict[str, Path], tables: Sequence[PublishedTable]) -> list[str]:
    """Compare a SQLite file with the Parquet files: its tables, their columns and every cell, and no trace of deleted rows."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        if _undeclared_tables(database, tables):
            return ["other tables or views than declared"]
        if database.execute("PRAGMA freelist_count").fetchone()[0]:
            return ["free pages that may hold deleted rows"]
        faults = []
        for table in tables:
            names = [row[1] for row in database.execute(f'PRAGMA table_info("{table.name}")')]
            if names != table.arrow_schema.names:
                faults.append(f"the columns of {table.name} are not the declared ones")
                continue
            rows = _sqlite_batches(database, table)
            found = differences(rows, parquet_batches(parquets[table.name]), _read_stored)
            faults += [f"{table.name}: {fault}" for fault in found]
        return faults


def _undeclared_tables(database: sqlite3.Connection, tables: Sequence[PublishedTable]) -> bool:
    """Tell whether there are other tables than the declared ones, their indexes of words and SQLite's own statistics."""
    declared = {table.name: table for table in tables}
    found = {
        name: str(sql) for name, sql in database.execute("SELECT name, sql FROM sqlite_master WHERE type <> 'index'")
    }
    indexed = {name: table for name, sql in found.items() if (table := _words_of(sql, declared)) is not None}
    allowed = {*declared, *indexed, *_STATISTICS, *(name + part for name in indexed for part in _PARTS_OF_WORDS)}
    wrong_size = [
        name for name, table in indexed.items() if _count(database, f"{name}_docsize") != _count(database, table)
    ]
    return bool(set(found) - allowed or set(declared) - set(found) or wrong_size)


def _words_of(sql: str, declared: Mapping[str, PublishedTable]) -> str | None:
    """Return the declared table whose texts an index of words is made of; null for any other statement."""
    words = _WORDS.fullmatch(sql)
    table = declared.get(words["table"]) if words else None
    if words is None or table is None:
        return None
    texts = {field.name for field in table.arrow_schema if pa.types.is_string(field.type)}
    return table.name if set(re.findall(r'"(\w+)"', words["fields"])) <= texts else None


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0])  # noqa: S608  declared names


def parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file, 65,536 at a time."""
    # Reading ahead in threads of its own costs more than it saves: whoever compares waits for the other side.
    yield from pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=_BATCH_ROWS, use_threads=False)


def _sqlite_batches(database: sqlite3.Connection, table: PublishedTable) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([pa.field(field.name, _stored_type(field.type)) for field in table.arrow_schema])
    columns = ", ".join(f'"{name}"' for name in schema.names)
    cursor = database.execute(f'SELECT {columns} FROM "{table.name}" ORDER BY rowid')  # noqa: S608  declared names
    while rows := cursor.fetchmany(_BATCH_ROWS):
        arrays = [pa.array(values, field.type) for values, field in zip(zip(*rows, strict=True), schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _stored_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_boolean(kind):
        return pa.int64()
    return pa.string() if pa.types.is_temporal(kind) else kind


def differences(
    left: Iterator[pa.RecordBatch],
    right: Iterator[pa.RecordBatch],
    read: Callable[[pa.Array, pa.DataType], pa.Array],
    *,
    tells_empty: bool = False,
) -> list[str]:
    """Walk both streams in step.

    Args:
        left: rows of the form that is checked.
        right: the same rows from Parquet.
        read: turns a column of the left into the right one's type.
        tells_empty: null and the empty text are apart in the left.
    """
    start = 0
    for ours, theirs in _in_step(left, right):
        if ours is None or theirs is None:
            return [f"the number of rows differs after row {start}"]
        for name, column in zip(theirs.schema.names, theirs.columns, strict=True):
            wanted = column if tells_empty else without_empty(column)
            if not read(ours.column(name), column.type).equals(wanted):
                return [
                    f"cells of the column {name} differ from Parquet within rows {start + 1} to {start + len(column)}"
                ]
        start += theirs.num_rows
    return []


def _in_step(
    left: Iterator[pa.RecordBatch], right: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch | None]]:
    """Yield slices of equal length; null on one side when only the other has rows left."""
    ours, theirs = _next_rows(left), _next_rows(right)
    while ours is not None and theirs is not None:
        rows = min(ours.num_rows, theirs.num_rows)
        yield ours.slice(0, rows), theirs.slice(0, rows)
        ours = ours.slice(rows) if ours.num_rows > rows else _next_rows(left)
        theirs = theirs.slice(rows) if theirs.num_rows > rows else _next_rows(right)
    if ours is not None or theirs is not None:
        yield ours, theirs


def _next_rows(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    return next((batch for batch in batches if batch.num_rows), None)


def without_empty(column: pa.Array) -> pa.Array:
    """Return texts with null for the empty one: the formats do not tell them apart."""
    return _empty_to_null(column) if pa.types.is_string(column.type) else column


def _empty_to_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _read_texts(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return CSV texts in the type of Parquet; any other writing of a whole number or boolean than the plain one is a difference."""
    texts = _empty_to_null(column)
    if pa.types.is_string(kind):
        return texts
    values = pc.cast(texts, kind)
    if pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        return values
    return values if pc.cast(values, pa.string()).equals(texts) else texts


def _read_stored(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if pa.types.is_string(kind):
        return _empty_to_null(column)
    return pc.cast(column, kind)
