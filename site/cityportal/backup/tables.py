"""The rows of a database as lines of JSON, and back: the same lines from SQLite and from PostgreSQL."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData, Table, func, insert, select, text

_ROWS_AT_ONCE = 500


def version_of(connection: Connection) -> str:
    """Return the version of the tables, as the last migration left it."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def rows_of(connection: Connection, table: Table) -> Iterator[bytes]:
    """Yield every row of a table as one line: a JSON list of its values in the order of the columns.

    Times are ISO 8601, bytes Base64.
    """
    order = list(table.primary_key.columns)
    for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(table).order_by(*order)):
        yield json.dumps(list(row), ensure_ascii=False, default=_written).encode() + b"\n"


def is_empty(connection: Connection, metadata: MetaData) -> bool:
    """Tell whether no table holds a row."""
    return not any(connection.scalar(select(func.count()).select_from(table)) for table in metadata.sorted_tables)


def insert_rows(connection: Connection, table: Table, lines: Iterable[bytes]) -> int:
    """Insert the lines of `rows_of` and return how many there were."""
    readers = [_reader(column.type.python_type) for column in table.columns]
    names = [column.name for column in table.columns]
    number, waiting = 0, iter(lines)
    while some := list(islice(waiting, _ROWS_AT_ONCE)):
        rows = [[read(value) for read, value in zip(readers, json.loads(line), strict=True)] for line in some]
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        number += len(rows)
    return number


def go_on_counting(connection: Connection, table: Table) -> None:
    """Let PostgreSQL number new rows after those inserted; SQLite does so by itself."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None:
        return
    names = {"table": table.name, "column": column.name}
    sequence = connection.scalar(text("SELECT pg_get_serial_sequence(:table, :column)"), names)
    highest = connection.scalar(select(func.max(column)))
    if sequence and highest:
        connection.execute(text("SELECT setval(:sequence, :highest)"), {"sequence": sequence, "highest": highest})


def _written(value: object) -> str:
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"a value of type {type(value).__name__} has no written form")


def _reader(kind: type) -> Any:
    if kind in {datetime, date}:
        return lambda value: None if value is None else kind.fromisoformat(value)
    if kind is bytes:
        return lambda value: None if value is None else base64.b64decode(value)
    return lambda value: value
