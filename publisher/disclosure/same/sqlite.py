"""G1 for SQLite: declared tables, columns and indexes only, every cell that of Parquet, and no trace of rows that were taken out."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.same.cells import differences, parquet_batches, without_empty
from publisher.disclosure.same.sqlite_pages import DamagedTableError, UnplainFileError, table_batches
from publisher.published import PublishedTable

_BATCH_ROWS = 65_536
_STATISTICS = {"sqlite_stat1", "sqlite_stat4"}
_WORDS = re.compile(
    r"""CREATE VIRTUAL TABLE "\w+" USING fts5\((?P<fields>"\w+"(?:, "\w+")*), content="(?P<table>\w+)", tokenize='[\w ]+'\)"""
)
_STATISTIC = re.compile(r"\d+(?: \d+)*(?: unordered| noskipscan| sz=\d+)*")
_PARTS_OF_WORDS = ("_data", "_idx", "_docsize", "_config")
_COLUMN = r'"((?:[^"]|"")+)" (?:INTEGER|REAL|TEXT)'
_TABLE = re.compile(rf'CREATE TABLE "(?:[^"]|"")+" \({_COLUMN}(?:, {_COLUMN})*\)')
_INDEX = re.compile(r'CREATE INDEX "(?:[^"]|"")+" ON "((?:[^"]|"")+)" \("((?:[^"]|"")+)"\)')


def wrong_sqlite(path: Path, parquets: dict[str, Path], tables: Sequence[PublishedTable]) -> list[str]:
    """Compare a SQLite file with the Parquet files: its tables, their columns and every cell, and no trace of deleted rows."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as database:
        if _undeclared_tables(database, tables):
            return ["other tables or views than declared"]
        if _wordy_statements(database, tables):
            return ["statements that say more than names and types"]
        if database.execute("PRAGMA freelist_count").fetchone()[0]:
            return ["free pages that may hold deleted rows"]
        if _says_more(path, database):
            return ["a header, a statistic or bytes behind the last page that say more than the tables"]
        faults = []
        for table in tables:
            names = [row[1] for row in database.execute(f'PRAGMA table_info("{table.name}")')]
            if names != table.arrow_schema.names:
                faults.append(f"the columns of {table.name} are not the declared ones")
                continue
            found = _wrong_cells(path, database, table, parquets[table.name])
            faults += [f"{table.name}: {fault}" for fault in found]
        return faults


def _wrong_cells(path: Path, database: sqlite3.Connection, table: PublishedTable, parquet: Path) -> list[str]:
    schema = pa.schema([pa.field(field.name, _stored_type(field.type)) for field in table.arrow_schema])
    query = "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?"
    [[root]] = database.execute(query, [table.name]).fetchall()
    try:
        return differences(table_batches(path, root, schema), parquet_batches(parquet), _read_stored)
    except UnplainFileError:
        return differences(_driver_batches(database, table.name, schema), parquet_batches(parquet), _read_stored)
    except DamagedTableError as error:
        return [str(error)]


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


def _wordy_statements(database: sqlite3.Connection, tables: Sequence[PublishedTable]) -> bool:
    """Tell whether a statement holds more than names and types: a default, a comment, a computed column, an index of an expression."""
    columns = {table.name: set(table.arrow_schema.names) for table in tables}
    for kind, name, sql in database.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL"):
        if kind == "table" and name in columns and not _TABLE.fullmatch(sql):
            return True
        index = _INDEX.fullmatch(sql) if kind == "index" else None
        if kind == "index" and (index is None or index[2].replace('""', '"') not in columns.get(index[1], ())):
            return True
    return False


def _says_more(path: Path, database: sqlite3.Connection) -> bool:
    """Tell whether something stands in places that no table has: behind the last page, in the header, in the planner's statistics."""
    [[pages], [size], [application], [number], [schema]] = [
        database.execute(f"PRAGMA {name}").fetchone()
        for name in ("page_count", "page_size", "application_id", "user_version", "schema_version")
    ]
    if path.stat().st_size != pages * size or application or number not in {0, schema}:
        return True
    known = {name for (name,) in database.execute("SELECT name FROM sqlite_master")} | {None}
    if "sqlite_stat1" not in known:
        return False
    told = database.execute("SELECT tbl, idx, stat FROM sqlite_stat1").fetchall()
    return any(not {table, index} <= known or not _STATISTIC.fullmatch(stat) for table, index, stat in told)


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


def _driver_batches(database: sqlite3.Connection, table: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of any SQLite file by its driver, an object a cell."""
    columns = ", ".join(f'"{name}"' for name in schema.names)
    cursor = database.execute(f'SELECT {columns} FROM "{table}" ORDER BY rowid')  # noqa: S608  declared names
    kinds = [pa.int64() if pa.types.is_boolean(field.type) else field.type for field in schema]
    while rows := cursor.fetchmany(_BATCH_ROWS):
        arrays = [pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, names=schema.names)


def _stored_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_temporal(kind) else kind


def _read_stored(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return without_empty(column) if pa.types.is_string(kind) else pc.cast(column, kind)
