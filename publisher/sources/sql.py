"""Rows of one SQL query, read in one read-only transaction; PostgreSQL has its own faster road in `postgres.py`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.spec import SqlSource
from publisher.sources.sql_errors import check_columns, count_from, sql_error
from publisher.sources.stream import PlainStream, SourceStream
from publisher.sources.text import text_batch, text_schema

SNAPSHOT = {
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET LOCAL statement_timeout = {milliseconds}",
    ),
    "mysql": (
        "SET SESSION max_execution_time = {milliseconds}",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "mariadb": (
        "SET SESSION max_statement_time = {seconds}",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "sqlite": ("BEGIN",),
}
"""What makes both queries see one state of the database, for the dialects we know; others use their default."""

STEPS_BETWEEN_LOOKS = 10_000
"""SQLite's virtual machine asks after so many steps whether the time is up."""


def open_sql(spec: SqlSource, *, secrets: Secrets, folder: Path) -> AbstractContextManager[SourceStream]:
    """Open the query; plain `postgresql://` goes through ADBC, `postgresql+driver://` through SQLAlchemy.

    Raises:
        DescriptorError: the address is none.
        SourceError: the database cannot be reached, or refuses the query.
    """
    try:
        url = sa.make_url(secrets.resolve(spec.url))
    except sa.exc.ArgumentError:
        raise DescriptorError(
            f"What {spec.url} names is no database address.", cure="write it as dialect://user:password@host/database"
        ) from None
    if url.drivername in {"postgresql", "postgres"}:
        from publisher.sources.postgres import open_postgres  # an optional extra

        return open_postgres(spec, url)
    return _open_with_sqlalchemy(spec, url, folder)


@contextmanager
def _open_with_sqlalchemy(spec: SqlSource, url: sa.URL, folder: Path) -> Iterator[SourceStream]:
    with ExitStack() as opened:
        engine = _engine(spec, url, folder)
        opened.callback(engine.dispose)
        _close_cursors_with(opened, engine)
        with _translated(spec):
            connection = opened.enter_context(engine.connect())
            opened.callback(connection.invalidate)  # a half-read stream is not worth draining; nothing was written
            connection = connection.execution_options(no_parameters=True)  # a `%` in the query is only a `%`
            _begin_snapshot(connection, spec)
            expected = _count(connection, spec)
            streaming = connection.execution_options(stream_results=True)
            rows = opened.enter_context(closing(streaming.exec_driver_sql(_statement(spec.query))))
            names = check_columns(list(rows.keys()))
        yield PlainStream(_batches(rows, names, spec), expected)


def _close_cursors_with(opened: ExitStack, engine: sa.Engine) -> None:
    """Close every driver cursor in the end; SQLAlchemy forgets them when the connection breaks under them."""

    def remember(_connection: sa.Connection, cursor: sa.engine.interfaces.DBAPICursor, *_: object) -> None:
        opened.callback(_close_quietly, cursor)

    sa.event.listen(engine, "before_cursor_execute", remember)


def _close_quietly(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    with suppress(Exception):  # of whatever driver: the connection may be gone already
        cursor.close()


def _engine(spec: SqlSource, url: sa.URL, folder: Path) -> sa.Engine:
    if url.get_backend_name() == "sqlite":
        return sa.create_engine("sqlite://", creator=lambda: _open_sqlite(spec, url, folder), poolclass=sa.NullPool)
    try:
        return sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise SourceError(
            f"The driver for `{url.drivername}` is not installed.", cure="install it beside phusa, then run again"
        ) from None


def _open_sqlite(spec: SqlSource, url: sa.URL, folder: Path) -> sqlite3.Connection:
    """Open the file so that nothing can be written, and stop a query whose time is up."""
    path = (folder / (url.database or "")).resolve()
    if not path.is_file():
        raise SourceError(
            f"The SQLite file that {spec.url} names is not there.", cure="correct the path, or restore the file"
        )
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    deadline = time.monotonic() + spec.statement_timeout_seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    return connection


def _begin_snapshot(connection: sa.Connection, spec: SqlSource) -> None:
    seconds = spec.statement_timeout_seconds
    for statement in SNAPSHOT.get(connection.dialect.name, ()):
        connection.exec_driver_sql(statement.format(seconds=seconds, milliseconds=seconds * 1000))


def _count(connection: sa.Connection, spec: SqlSource) -> int | None:
    if spec.count_query is None:
        return None
    return count_from(list(connection.exec_driver_sql(_statement(spec.count_query)).fetchmany(2)))


def _statement(query: str) -> str:
    return query.strip().rstrip(";")


def _batches(rows: sa.CursorResult[tuple[object, ...]], names: list[str], spec: SqlSource) -> Iterator[pa.RecordBatch]:
    delivered = False
    while True:
        with _translated(spec):
            chunk = rows.fetchmany(spec.batch_rows)
        if not chunk:
            break
        delivered = True
        yield text_batch(names, zip(*chunk, strict=True))
    if not delivered:  # an empty table still shows its columns
        yield pa.RecordBatch.from_pylist([], text_schema(names))


@contextmanager
def _translated(spec: SqlSource) -> Iterator[None]:
    """Turn the driver's exceptions into ours; their texts may quote cells, addresses and passwords."""
    try:
        yield
    except DBAPIError as error:
        raise sql_error(spec, error.orig or error) from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise sql_error(spec, error) from None
