"""Where databases differ: how a snapshot is begun, how long a query may take, how a value is written into one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from publisher.errors import SourceError

SNAPSHOT = {
    "postgresql": (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        "SET LOCAL statement_timeout = {milliseconds}",
    ),
    "mysql": (
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION max_execution_time = {milliseconds}",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "mariadb": (
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION max_statement_time = {seconds}",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
    "sqlite": ("BEGIN",),
    "mssql": ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT",),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
"""What makes all queries see one state of the database, for the dialects we know; others use their default."""

DRIVER_TIMEOUT: dict[str, Callable[[Any, int], None]] = {
    "mssql": lambda connection, seconds: setattr(connection, "timeout", seconds),
    "oracle": lambda connection, seconds: setattr(connection, "call_timeout", seconds * 1000),
}
"""Where the driver, not the server, stops a query: an attribute of its connection."""


def patience(driver: str, seconds: int) -> dict[str, int]:
    """Return arguments of a driver's connection, without which a vanished server is waited for without end."""
    return {"connect_timeout": 20, "read_timeout": seconds + 60} if driver == "pymysql" else {}


PLAIN = re.compile(r"[0-9A-Za-z_ .:+/\-]{1,64}")
"""Texts that may be written into a query between quotes: no quote, no backslash, nothing a server may read otherwise."""

Watermark = int | float | Decimal | date | datetime | str


def family(dialect: sa.Dialect) -> str:
    """Return the dialect's name; `mariadb` also for a MariaDB server behind a `mysql://` address."""
    return "mariadb" if getattr(dialect, "is_mariadb", False) else dialect.name


def begin_snapshot(dialect: str, seconds: int) -> list[str]:
    """Return the statements that begin a read-only snapshot in which a query may take so many seconds."""
    return [text.format(seconds=seconds, milliseconds=seconds * 1000) for text in SNAPSHOT.get(dialect, ())]


def literal(value: Watermark, dialect: str, *, column: str) -> str:
    """Return the value as SQL; parameters are not bound, for ADBC then gives the whole table as one batch.

    Raises:
        SourceError: the value's kind or text has no safe literal; names the column.
    """
    if isinstance(value, datetime):
        return _moment(value, dialect)
    if isinstance(value, date):
        return f"CAST('{value.isoformat()}' AS date)" if dialect == "mssql" else f"DATE '{value.isoformat()}'"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return format(value, "f")
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, str) and PLAIN.fullmatch(value):
        return f"'{value}'"
    raise SourceError(
        f"The values of `{column}` are no numbers, dates, times or plain codes that a query could be limited by.",
        cure="choose another column, or cast it in the query",
    )


def _moment(value: datetime, dialect: str) -> str:
    zoned = value.tzinfo is not None
    if dialect == "mssql":
        return f"CAST('{value.isoformat(timespec='microseconds')}' AS {'datetimeoffset' if zoned else 'datetime2'})"
    text = value.isoformat(sep=" ", timespec="microseconds")
    if dialect == "oracle" and zoned:  # it wants a blank before the offset
        text = f"{text[:-6]} {text[-6:]}"
    return f"{'TIMESTAMPTZ' if zoned and dialect == 'postgresql' else 'TIMESTAMP'} '{text}'"
