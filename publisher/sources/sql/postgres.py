"""PostgreSQL through ADBC: typed Arrow batches straight from COPY, three times as fast as any row-wise driver."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from publisher.errors import SourceError
from publisher.sources.sql.dialects import begin_snapshot
from publisher.sources.sql.refusals import check_columns, sql_error
from publisher.sources.sql.session import SqlSession, statement
from publisher.sources.sql.spec import SqlSource

BATCH_BYTES = "12582912"
PATIENCE = {"connect_timeout": "20", "tcp_user_timeout": "60000"}
"""Settings of libpq, without which a vanished server is waited for without end; the address may say otherwise."""

MIDNIGHT_MICROSECONDS = 86_400_000_000

CASTS = {
    "money": "cast it to numeric in the query; it arrives without its decimal point",
    "bytea": "leave it out of the query, or write it as text with encode(…, 'base64')",
}
"""What to do about types that Arrow would show as something else."""


@contextmanager
def open_postgres(
    spec: SqlSource, url: sa.URL, *, seconds: int, snapshot: str | None = None
) -> Iterator[PostgresSession]:
    """Begin a read-only transaction in which a query may take so many seconds; with the snapshot of another, if given.

    Raises:
        SourceError: the driver is not installed, or the server cannot be reached.
    """
    try:
        from adbc_driver_postgresql import dbapi
    except ModuleNotFoundError:
        raise SourceError(
            "The PostgreSQL driver is not installed.", cure="pip install 'phusa[postgres]', then run again"
        ) from None
    url = url.set(drivername="postgresql", query={**PATIENCE, **url.query})
    with _translated(spec):
        connection = dbapi.connect(url.render_as_string(hide_password=False))
    # ADBC aborts the process at exit over what stays open: first the cursors, then the connection.
    with closing(connection), ExitStack() as statements:
        session = PostgresSession(connection, statements, spec, url, seconds)
        isolation, timeout = begin_snapshot("postgresql", seconds)
        shared = [] if snapshot is None else [f"SET TRANSACTION SNAPSHOT '{snapshot}'"]
        session.run(isolation, *shared, timeout)
        yield session


class PostgresSession:
    """A transaction on one connection.

    Columns keep PostgreSQL's types; numeric, json, uuid and time arrive as strings, timestamptz in UTC.
    """

    dialect = "postgresql"

    def __init__(self, connection: Any, statements: ExitStack, spec: SqlSource, url: sa.URL, seconds: int) -> None:
        self._connection = connection
        self._statements = statements
        self._spec = spec
        self._url = url
        self._seconds = seconds
        self._quote = url.get_dialect()().identifier_preparer.quote

    def quoted(self, name: str) -> str:
        """Return the name, in quotes where PostgreSQL needs them."""
        return self._quote(name)

    def run(self, *commands: str) -> None:
        """Run commands that give no rows."""
        with _translated(self._spec), closing(self._connection.cursor()) as cursor:
            for command in commands:
                cursor.execute(command)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the first two rows as Python values."""
        with _translated(self._spec), closing(self._connection.cursor()) as cursor:
            cursor.execute(statement(query))
            with closing(cursor.fetch_record_batch()) as reader:
                table = pa.Table.from_batches(islice(reader, 2), reader.schema).slice(0, 2)
                columns = [
                    _python_values(table.column(position), field) for position, field in enumerate(reader.schema)
                ]
        return list(zip(*columns, strict=True))

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Stream the rows in batches of a few megabytes; an empty answer still shows its columns."""
        stream = self._stream(query)
        self._statements.callback(stream.close)  # a reader left half read is closed before the connection
        return stream

    def _stream(self, query: str) -> Generator[pa.RecordBatch]:
        with ExitStack() as opened:
            with _translated(self._spec):
                cursor = opened.enter_context(closing(self._connection.cursor()))
                cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": BATCH_BYTES})
                # No parameters, ever: with one bound, ADBC delivers the whole table as a single batch.
                cursor.execute(statement(query))
                reader = opened.enter_context(closing(cursor.fetch_record_batch()))
                schema = _plain_schema(reader.schema)
            delivered = False
            while True:
                with _translated(self._spec):
                    try:
                        batch = reader.read_next_batch()
                    except StopIteration:
                        break
                delivered = True
                columns = [_plain_column(batch.column(i), schema.field(i).type) for i in range(batch.num_columns)]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
            if not delivered:
                yield pa.RecordBatch.from_pylist([], schema)

    @contextmanager
    def siblings(self, count: int) -> Iterator[list[SqlSession]]:
        """Open further connections that see this transaction's snapshot."""
        [(snapshot,)] = self.rows("SELECT pg_export_snapshot()")
        with ExitStack() as opened:
            yield [
                opened.enter_context(open_postgres(self._spec, self._url, seconds=self._seconds, snapshot=snapshot))
                for _ in range(count)
            ]


def _python_values(column: pa.ChunkedArray, field: pa.Field) -> list[Any]:
    values = column.to_pylist()
    is_numeric = _own_type(field) == "numeric"
    return [None if value is None else Decimal(value) for value in values] if is_numeric else values


def _own_type(column: pa.Field) -> str:
    return str((column.metadata or {}).get(b"POSTGRESQL:type", b"").decode())


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    check_columns(schema.names)
    return pa.schema([pa.field(column.name, _plain_type(column)) for column in schema])


def _plain_type(column: pa.Field) -> pa.DataType:
    kind = column.type
    own_type = _own_type(column)
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    if pa.types.is_string(storage) or isinstance(kind, pa.UuidType) or pa.types.is_time(kind):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType) or own_type in CASTS or not _is_plain(kind):
        # An array's dimensions are lost on the way, so that no array is taken.
        otherwise = "cast it to text in the query (an array with to_jsonb), or leave it out"
        raise SourceError(
            f"The column `{column.name}` has a type that no published file can hold.",
            cure=CASTS.get(own_type, otherwise),
        )
    return kind


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    claims = (types.is_boolean, types.is_integer, types.is_floating, types.is_date, types.is_timestamp)
    return any(claim(kind) for claim in claims)


def _plain_column(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if value is None else str(UUID(bytes=value)) for value in column.storage.to_pylist()])
    if pa.types.is_time(column.type):
        return _clock_text(column)
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column if column.type == kind else pc.cast(column, kind)


def _clock_text(column: pa.Array) -> pa.Array:
    """Return times as ISO text; PostgreSQL also has 24:00, which Arrow cannot write and Python takes for 00:00."""
    micros = pc.cast(column, pa.int64())
    at_end = pc.equal(micros, MIDNIGHT_MICROSECONDS)
    within = pc.cast(pc.if_else(at_end, 0, micros), column.type)
    text = pc.replace_substring_regex(pc.cast(within, pa.string()), r"\.0+$", "")
    return pc.if_else(at_end, "24:00:00", text)


@contextmanager
def _translated(spec: SqlSource) -> Iterator[None]:
    """Turn ADBC's and Arrow's exceptions into ours; their texts may quote cells and addresses."""
    from adbc_driver_manager import Error

    try:
        yield
    except (Error, OSError, pa.ArrowException) as error:
        raise sql_error(spec, error) from None
