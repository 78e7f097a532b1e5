"""Rows that organizations push: one SQLite file for each table, with one writer at a time and its own index of words.

The catalogue's `PushedTable` is the truth about a table; a file that none of them names is rubbish. In the file the columns
are called `c0` and on, because SQLite takes `Ward` and `ward` for the same name.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.actions.context import Context
from catalogue.model import PushedTable
from catalogue.rows.column_types import declared_as
from catalogue.rows.connections import Connections
from catalogue.rows.word_index import create_words, words_sql
from catalogue.settings import CatalogueSettings
from catalogue.store import afterwards

Fields = Sequence[dict[str, Any]]
WAIT_SECONDS = 30
_FRESH_SECONDS = 600
_CONNECTIONS = Connections()


def pushed_folder(settings: CatalogueSettings) -> Path:
    """Return the folder of all pushed rows."""
    return settings.home / "pushed"


def pushed_path(settings: CatalogueSettings, pushed: PushedTable) -> Path:
    """Return the file of a table; one that was dropped and made again is another file."""
    return pushed_folder(settings) / f"{pushed.resource_id}.{pushed.created:%Y%m%d%H%M%S%f}.db"


# ---- reading and writing -------------------------------------------------------------------------------------------


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection that cannot write and sees one state of the rows."""
    with _CONNECTIONS.lease_opened((str(path),), lambda: _opened_to_read(path)) as connection:
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.rollback()


def _opened_to_read(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=WAIT_SECONDS,
        check_same_thread=False,
        isolation_level=None,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection in a transaction: all of it is on the disk at the end, or nothing of it.

    Who only tries may roll back.
    """
    with closing(sqlite3.connect(path, timeout=WAIT_SECONDS, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            if connection.in_transaction:
                connection.execute("UPDATE state SET version = version + 1")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


# ---- shape of a table ----------------------------------------------------------------------------------------------


def create_file(path: Path, fields: Fields) -> None:
    """Write the file of a table without rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_file(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN")
        columns = "".join(f", {field['column']} {declared_as(field['type'])}" for field in fields)
        connection.execute(f"CREATE TABLE rows (_id INTEGER PRIMARY KEY AUTOINCREMENT{columns})")
        connection.execute("CREATE TABLE state (version INTEGER NOT NULL)")
        connection.execute("INSERT INTO state VALUES (1)")
        index_words(connection, fields)
        connection.execute("COMMIT")


def add_columns(connection: sqlite3.Connection, fields: Fields) -> None:
    """Add columns to a table; its rows have no value there. One that a broken call left behind is taken."""
    present = {row[1] for row in connection.execute("PRAGMA table_info(rows)")}
    for field in [field for field in fields if field["column"] not in present]:
        connection.execute(f"ALTER TABLE rows ADD COLUMN {field['column']} {declared_as(field['type'])}")


def drop_columns(connection: sqlite3.Connection, fields: Fields) -> None:
    """Take columns and their values out of a table; indexes must be gone."""
    drop_words(connection)
    for field in fields:
        connection.execute(f"ALTER TABLE rows DROP COLUMN {field['column']}")


def set_indexes(connection: sqlite3.Connection, *, key: Sequence[str], indexes: Sequence[Sequence[str]]) -> None:
    """Make the unique index of the primary key and the other indexes anew; all names are of the file's columns.

    Raises:
        sqlite3.IntegrityError: two rows share a key.
    """
    statement = "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    for (name,) in connection.execute(statement).fetchall():
        connection.execute(f"DROP INDEX {name}")
    if key:
        connection.execute(f"CREATE UNIQUE INDEX primary_key ON rows ({', '.join(key)})")
    for number, columns in enumerate(indexes):
        connection.execute(f"CREATE INDEX index_{number} ON rows ({', '.join(columns)})")


def index_words(connection: sqlite3.Connection, fields: Fields) -> None:
    """Index the words of all rows anew; from then on triggers keep the index equal to the rows."""
    drop_words(connection)
    columns = [str(field["column"]) for field in fields]
    if not columns:
        return
    create_words(connection, columns)
    connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(words, row)")
    names = ", ".join(columns)

    def values(row: str) -> str:
        return ", ".join(words_sql(f"{row}{column}") for column in columns)

    add = f"INSERT INTO words (rowid, {names}) VALUES (new._id, {values('new.')});"  # noqa: S608  names are ours
    remove = f"INSERT INTO words (words, rowid, {names}) VALUES ('delete', old._id, {values('old.')});"  # noqa: S608
    connection.execute(f"CREATE TRIGGER words_insert AFTER INSERT ON rows BEGIN {add} END")
    connection.execute(f"CREATE TRIGGER words_delete AFTER DELETE ON rows BEGIN {remove} END")
    connection.execute(f"CREATE TRIGGER words_update AFTER UPDATE ON rows BEGIN {remove} {add} END")
    connection.execute(f"INSERT INTO words (rowid, {names}) SELECT _id, {values('')} FROM rows")  # noqa: S608


def drop_words(connection: sqlite3.Connection) -> None:
    """Remove the index of words and what keeps it."""
    for name in ("words_insert", "words_delete", "words_update"):
        connection.execute(f"DROP TRIGGER IF EXISTS {name}")
    for name in ("terms", "words"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


# ---- the end of a table --------------------------------------------------------------------------------------------


def remove_file(path: Path) -> None:
    """Remove a table's file; who still reads it reads on."""
    _CONNECTIONS.forget(path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def close_pushed_rows(settings: CatalogueSettings) -> None:
    """Let go of the files of this home."""
    _CONNECTIONS.forget(pushed_folder(settings))


def remove_after_commit(session: Session, paths: Sequence[Path]) -> None:
    """Remove files once the catalogue has forgotten their tables; a transaction that fails leaves them."""

    def remove() -> None:
        for path in paths:
            remove_file(path)

    afterwards(session, remove)


def forget_rows(context: Context, resource_ids: Sequence[str]) -> None:
    """Let the rows of resources that are about to vanish vanish with them; call it in that transaction."""
    wanted = PushedTable.resource_id.in_(resource_ids)
    tables = context.session.scalars(select(PushedTable).where(wanted)).all() if resource_ids else []
    if tables:
        remove_after_commit(context.session, [pushed_path(context.settings, table) for table in tables])


def drop_lost_rows(context: Context, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Let the rows of resources that a write of their dataset leaves out vanish with them."""
    kept = {resource["id"] for resource in after["resources"]}
    forget_rows(context, [resource["id"] for resource in before["resources"] if resource["id"] not in kept])


def remove_orphans(session: Session, settings: CatalogueSettings) -> list[Path]:
    """Remove files that belong to no table; return them. Fresh ones may be of a transaction that is not over yet."""
    known = {pushed_path(settings, table).name for table in session.scalars(select(PushedTable))}
    removed = []
    for path in sorted(pushed_folder(settings).glob("*.db")):
        with suppress(FileNotFoundError):  # another process was quicker
            if path.name not in known and path.stat().st_mtime < time.time() - _FRESH_SECONDS:
                remove_file(path)
                removed.append(path)
    return removed
