"""What a datastore table is to those who read it: columns, a way to open it, and what makes its rows the same rows."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from catalogue.errors import ValidationError

ROW_ID = "_id"
TOO_LONG = "The query takes too long; ask for less or download the file"


@dataclass(frozen=True)
class Column:
    """One column: its name and datastore type as clients know them, and its SQL in the table called `t`.

    Attributes:
        name: as the agency wrote it.
        type: PostgreSQL's name.
        sql: the expression that reads it.
        info: the data dictionary: label, notes, unit and what else is known.
        words: name of its column in the index of words; empty when it is not in there.
    """

    name: str
    type: str
    sql: str
    info: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""

    def shown(self) -> dict[str, Any]:
        """Return the entry for `fields`."""
        entry = {"id": self.name, "type": self.type}
        return {**entry, "info": dict(self.info)} if self.info else entry


@dataclass(frozen=True)
class TableSize:
    """Bytes of a table, of the file it is in, and of its indexes."""

    table: int
    file: int
    indexes: int


@dataclass(frozen=True)
class RowTable:
    """A table of rows of one resource.

    Attributes:
        resource_id: of the resource.
        sql: name of the table in SQL.
        columns: `_id` first.
        version: differs whenever the rows do; with it counts can be remembered.
        open: opens the table for reading; `words=True` with the index of words, which lies in `words_schema`.
        rows: number of rows when it is known without counting.
        release: id of the release; null for rows that an organization pushed.
        keys: names of the columns of the primary key.
        indexed: names of columns with an index of their own.
        aliases: other names of the table.
        size: returns the bytes.
        uri: SQLite address of the file, for reading; empty when there is none.
    """

    resource_id: str
    sql: str
    columns: tuple[Column, ...]
    version: tuple[str, ...]
    open: Callable[[bool], AbstractContextManager[sqlite3.Connection]]
    size: Callable[[], TableSize]
    words_schema: str = "main"
    rows: int | None = None
    release: str | None = None
    keys: tuple[str, ...] = ()
    indexed: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    uri: str = ""

    @property
    def by_name(self) -> dict[str, Column]:
        """Return the columns by name."""
        return {column.name: column for column in self.columns}


def quoted(name: str) -> str:
    """Return an identifier in SQL quotes."""
    return '"' + name.replace('"', '""') + '"'


@contextmanager
def limited(connection: sqlite3.Connection, seconds: float | None) -> Iterator[None]:
    """Interrupt statements of this connection after so many seconds (null: never).

    Raises:
        ValidationError: the time is over, or SQLite refuses the statement; neither says what is in the tables.
    """
    if seconds is not None:
        deadline = time.monotonic() + seconds
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 20_000)
    try:
        yield
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            raise ValidationError({"query": [TOO_LONG]}) from None
        raise ValidationError({"query": ["Invalid query"]}) from None
    except (sqlite3.DataError, OverflowError):
        raise ValidationError({"query": ["Invalid query"]}) from None
    finally:
        if seconds is not None:
            connection.set_progress_handler(None, 0)
