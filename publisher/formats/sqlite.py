"""SQLite: one database for each dataset, holding all its tables; what the query service opens."""

from __future__ import annotations

import importlib.util
import sqlite3
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from publisher.errors import StorageError
from publisher.formats.columns import code_fields, text_fields, time_fields
from publisher.formats.rows import column_to_text
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.published import PublishedTable

MAX_INDEXES = 4
FEW_VALUES = 1_000
WORDS_SUFFIX = "_words"
TOKENIZER = "unicode61 remove_diacritics 2"
_DECLARED = {"integer": "INTEGER", "year": "INTEGER", "boolean": "INTEGER", "number": "REAL"}
# A half-written file is thrown away, so that neither journal nor fsync earns anything here. The cache keeps its default
# size and sorting its files: with more memory the indexes take twice the time.
_SETTINGS = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE")

TableSinks = Callable[[PublishedTable], AbstractContextManager[Sink]]


@contextmanager
def sqlite_database(tables: Sequence[PublishedTable], output: Path, *, release: str) -> Iterator[TableSinks]:
    """Write the released database; gives a function that opens the sink of one of the tables, used one after the other.

    Same tables, rows and release give the same bytes, as long as Arrow's own driver is there for both or for neither. `rowid`
    counts in release order. Booleans become 0 and 1, dates and datetimes their ISO text. Tables with texts have an index of
    words beside them (FTS5, named `<table>_words`), in which `đ` stands as `d` like every other letter without its accent.
    `PRAGMA schema_version` and `user_version` differ from release to release, because Datasette keeps the table list it
    knows as long as the number stays the same.

    Raises:
        StorageError: the file cannot be written.
    """
    with whole_file(output) as part, _storage_errors(output):
        words = words_indexes(tables)
        yield lambda table: _table_sink(part, table, words.get(table.name, ()))
        with closing(_connect(part)) as database:
            database.execute("ANALYZE")
            if database.execute("PRAGMA freelist_count").fetchone()[0]:
                database.execute("VACUUM")
            number = release_number(release)
            database.execute("BEGIN")
            database.execute(f"PRAGMA user_version = {number}")
            database.execute(f"PRAGMA schema_version = {number}")
            database.execute("COMMIT")


def release_number(release: str) -> int:
    """Return the number from 1 to 2^31-1 that stands for the release in the database's header."""
    return (zlib.crc32(release.encode()) & 0x7FFF_FFFF) or 1


def words_indexes(tables: Sequence[PublishedTable]) -> dict[str, list[str]]:
    """Return the fields in each table's index of words; tables without such an index are left out.

    FTS5 keeps the names `rank` and `rowid` to itself, and an index gives way to a table that has its name.
    """
    names = {table.name for table in tables}
    fields = {table.name: [name for name in text_fields(table) if name not in {"rank", "rowid"}] for table in tables}
    return {
        name: listed
        for name, listed in fields.items()
        if listed and not any(other.startswith(name + WORDS_SUFFIX) for other in names)
    }


def has_arrow_driver() -> bool:
    """Tell whether rows can go into SQLite without becoming Python objects."""
    return importlib.util.find_spec("adbc_driver_sqlite") is not None


@contextmanager
def _table_sink(path: Path, table: PublishedTable, words: Sequence[str]) -> Iterator[Sink]:
    values = _FewValues([*code_fields(table), *text_fields(table)])
    with _storage_errors(path):
        with closing(_connect(path)) as database:
            columns = ", ".join(f"{quoted(f.name)} {_DECLARED.get(f.type, 'TEXT')}" for f in table.fields)
            database.execute(f"CREATE TABLE {quoted(table.name)} ({columns})")
        with _arrow_loader(path, table) if has_arrow_driver() else _plain_loader(path, table) as load:

            def put(batch: pa.RecordBatch) -> None:
                values.see(batch)
                load(pa.record_batch([_stored(column) for column in batch.columns], names=batch.schema.names))

            yield put
        with closing(_connect(path)) as database:
            # The index of words first: the pages that its merges leave free are what the others begin with.
            if words:
                _index_words(database, table, words)
            for name in _indexed(table, values):
                index = quoted(f"{table.name}_{name}")
                database.execute(f"CREATE INDEX {index} ON {quoted(table.name)} ({quoted(name)})")


def _connect(path: Path) -> sqlite3.Connection:
    # One table's sink is used in one thread, but the next table's in another.
    database = sqlite3.connect(path, isolation_level=None)
    for setting in _SETTINGS:
        database.execute(f"PRAGMA {setting}")
    return database


@contextmanager
def _arrow_loader(path: Path, table: PublishedTable) -> Iterator[Sink]:
    from adbc_driver_manager import Error
    from adbc_driver_sqlite import dbapi

    try:
        with dbapi.connect(str(path), autocommit=True) as connection, connection.cursor() as cursor:
            for setting in _SETTINGS:
                cursor.execute(f"PRAGMA {setting}")
                cursor.fetchall()
            yield lambda batch: _nothing(cursor.adbc_ingest(table.name, batch, mode="append"))
    except Error as error:
        raise _unwritable(path, type(error).__name__) from None


@contextmanager
def _plain_loader(path: Path, table: PublishedTable) -> Iterator[Sink]:
    marks = ", ".join("?" for _ in table.fields)
    insert = f"INSERT INTO {quoted(table.name)} VALUES ({marks})"  # noqa: S608  names come from checked definitions
    with closing(_connect(path)) as database:
        database.execute("BEGIN")

        def load(batch: pa.RecordBatch) -> None:
            database.executemany(insert, zip(*(column.to_pylist() for column in batch.columns), strict=True))

        yield load
        database.execute("COMMIT")


def _nothing(_: Any) -> None:
    """Drop a driver's answer."""


def _stored(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return pc.cast(column, pa.int8())
    return column_to_text(column) if pa.types.is_temporal(column.type) else column


class _FewValues:
    """Counts the different values of columns as the rows pass, up to a thousand each."""

    def __init__(self, names: Sequence[str]) -> None:
        self._seen: dict[str, pa.Array | None] = dict.fromkeys(names)

    def see(self, batch: pa.RecordBatch) -> None:
        for name, seen in list(self._seen.items()):
            new = pc.unique(batch.column(name))
            together = new if seen is None else pc.unique(pa.concat_arrays([seen, new]))
            self._seen[name] = together
            if len(together) > FEW_VALUES:
                del self._seen[name]

    def fewest_first(self) -> list[str]:
        counts = {name: len(seen.drop_null()) for name, seen in self._seen.items() if seen is not None}
        return sorted((name for name, count in counts.items() if count > 1), key=lambda name: counts[name])


def _indexed(table: PublishedTable, values: _FewValues) -> list[str]:
    """Return the fields worth an index: first of the order, first time, then codes and other fields of few values, other times."""
    times = time_fields(table)
    keys = [name for name in table.source.schema_.primaryKey if name in code_fields(table)]
    wanted = [*table.sort_by[:1], *keys, *times[:1], *values.fewest_first(), *table.sort_by, *times]
    return list(dict.fromkeys(wanted))[:MAX_INDEXES]


def _index_words(database: sqlite3.Connection, table: PublishedTable, fields: Sequence[str]) -> None:
    """Make the index of words; `content` names the table, so that Datasette finds it and shows where words stand."""
    words = quoted(table.name + WORDS_SUFFIX)
    names = ", ".join(quoted(name) for name in fields)
    database.execute("BEGIN")
    database.execute(
        f"CREATE VIRTUAL TABLE {words} USING fts5({names}, content={quoted(table.name)}, tokenize='{TOKENIZER}')"
    )
    # The tokenizer takes accents off letters, but `đ` has none: it is a letter of its own.
    values = ", ".join(f"replace(replace({quoted(name)}, 'đ', 'd'), 'Đ', 'D')" for name in fields)
    database.execute(
        f"INSERT INTO {words} (rowid, {names}) SELECT rowid, {values} FROM {quoted(table.name)} ORDER BY rowid"  # noqa: S608  as above
    )
    database.execute("COMMIT")


@contextmanager
def _storage_errors(output: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        raise _unwritable(output, error.sqlite_errorname) from None


def _unwritable(path: Path, what: str) -> StorageError:
    name = path.name.removeprefix(".").removesuffix(".part")
    return StorageError(
        f"The database {name} cannot be written: {what}.",
        step="write",
        cure=f"free space in {path.parent} and run the release again",
    )


def quoted(name: str) -> str:
    """Return a name as SQLite takes it whatever it holds."""
    return '"' + name.replace('"', '""') + '"'
