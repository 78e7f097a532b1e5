"""Any database that SQLAlchemy speaks to, streamed as text; PostgreSQL has its own faster road in `postgres.py`."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, SQLAlchemyError

from publisher.errors import DescriptorError, SourceError
from publisher.sources.sql.cells import cell_columns
from publisher.sources.sql.dialects import DRIVER_TIMEOUT, begin_snapshot, family, patience
from publisher.sources.sql.refusals import check_columns, sql_error
from publisher.sources.sql.session import SqlSession, statement
from publisher.sources.sql.spec import SqlSource
from publisher.sources.text import text_batch, text_schema

STEPS_BETWEEN_LOOKS = 10_000
"""SQLite's virtual machine asks after so many steps whether the time is up."""

EXTRAS = {"postgresql": "postgres", "mysql": "mariadb", "mariadb": "mariadb", "mssql": "sqlserver", "oracle": "oracle"}


@contextmanager
def open_alchemy(spec: SqlSource, url: sa.URL, folder: Path, *, seconds: int) -> Iterator[SqlSession]:
    """Begin a read-only transaction in which a query may take so many seconds.

    Raises:
        SourceError: the driver is not installed, or the database cannot be reached.
    """
    with ExitStack() as opened:
        engine = _engine(spec, url, folder, seconds)
        opened.callback(engine.dispose)
        _close_cursors_with(opened, engine)
        with _translated(spec):
            connection = opened.enter_context(engine.connect())
            # Before the cursors: a half-read stream is not worth draining, and nothing was written.
            opened.callback(connection.invalidate)
            connection = connection.execution_options(no_parameters=True)  # a `%` in the query is only a `%`
            for command in begin_snapshot(family(connection.dialect), seconds):
                connection.exec_driver_sql(command)
        yield AlchemySession(connection, spec)


class AlchemySession:
    """A transaction on one connection; rows come as text."""

    def __init__(self, connection: sa.Connection, spec: SqlSource) -> None:
        self.dialect = family(connection.dialect)
        self._connection = connection
        self._spec = spec

    def quoted(self, name: str) -> str:
        """Return the name, in quotes where the dialect needs them."""
        return self._connection.dialect.identifier_preparer.quote(name)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the first two rows as the driver's values."""
        with _translated(self._spec), closing(self._connection.exec_driver_sql(statement(query))) as found:
            return [tuple(row) for row in found.fetchmany(2)]

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Stream the rows as text; an empty answer still shows its columns."""
        spec = self._spec
        streaming = self._connection.execution_options(stream_results=True, max_row_buffer=spec.batch_rows)
        with _translated(spec):
            rows = streaming.exec_driver_sql(statement(query))
            names = check_columns(list(rows.keys()))
        delivered = False
        while True:
            with _translated(spec):
                chunk = rows.fetchmany(spec.batch_rows)
            if not chunk:
                break
            delivered = True
            yield text_batch(names, cell_columns(chunk))
        rows.close()  # only here: closing it half read would drain it
        if not delivered:
            yield pa.RecordBatch.from_pylist([], text_schema(names))

    def siblings(self, count: int) -> AbstractContextManager[list[SqlSession]]:
        """Refuse: two connections of this road would see different rows."""
        raise DescriptorError(
            f"`partition` asks for {count} connections, but only PostgreSQL shows several of them the same rows.",
            cure="set `connections: 1`, or give the address of a PostgreSQL server as postgresql://",
        )


def _close_cursors_with(opened: ExitStack, engine: sa.Engine) -> None:
    """Close every driver cursor in the end; SQLAlchemy forgets them when the connection breaks under them."""
    cursors: list[sa.engine.interfaces.DBAPICursor] = []

    def close_all() -> None:
        for cursor in cursors:
            _close_quietly(cursor)

    opened.callback(close_all)

    def remember(_connection: sa.Connection, cursor: sa.engine.interfaces.DBAPICursor, *_: object) -> None:
        cursors.append(cursor)

    sa.event.listen(engine, "before_cursor_execute", remember)


def _close_quietly(cursor: sa.engine.interfaces.DBAPICursor) -> None:
    result = getattr(cursor, "_result", None)
    if getattr(result, "unbuffered_active", False):
        # PyMySQL would read a half-read result to its end, however many million rows; the connection is closed by now.
        result.unbuffered_active = False  # type: ignore[union-attr]
    with suppress(Exception):  # of whatever driver: the connection may be gone already
        cursor.close()


def _engine(spec: SqlSource, url: sa.URL, folder: Path, seconds: int) -> sa.Engine:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return sa.create_engine(
            "sqlite://", creator=lambda: _open_sqlite(spec, url, folder, seconds), poolclass=sa.NullPool
        )
    try:
        arguments = patience(url.get_driver_name(), seconds)
        engine = sa.create_engine(url, poolclass=sa.NullPool, hide_parameters=True, connect_args=arguments)
    except (NoSuchModuleError, ModuleNotFoundError):
        extra = EXTRAS.get(backend)
        raise SourceError(
            f"The driver for `{url.drivername}` is not installed.",
            cure=f"pip install 'phusa[{extra}]', then run again"
            if extra
            else "install it beside phusa, then run again",
        ) from None
    if set_timeout := DRIVER_TIMEOUT.get(backend):

        def limit(connection: Any, _record: object) -> None:
            set_timeout(connection, seconds)

        sa.event.listen(engine, "connect", limit)
    return engine


def _open_sqlite(spec: SqlSource, url: sa.URL, folder: Path, seconds: int) -> sqlite3.Connection:
    """Open the file so that nothing can be written, and stop a query whose time is up."""
    path = (folder / (url.database or "")).resolve()
    if not path.is_file():
        raise SourceError(
            f"The SQLite file that {spec.url} names is not there.", cure="correct the path, or restore the file"
        )
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    deadline = time.monotonic() + seconds
    connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
    return connection


@contextmanager
def _translated(spec: SqlSource) -> Iterator[None]:
    """Turn the driver's exceptions into ours; their texts may quote cells, addresses and passwords."""
    try:
        yield
    except DBAPIError as error:
        raise sql_error(spec, error.orig or error) from None
    except (SQLAlchemyError, sqlite3.Error, OSError, ValueError) as error:
        raise sql_error(spec, error) from None
