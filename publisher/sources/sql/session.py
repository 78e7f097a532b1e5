"""What both roads to a database offer: one read-only transaction that sees one state of the data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa


class SqlSession(Protocol):
    """A read-only transaction; all its queries see the same rows, where the database can do that."""

    dialect: str
    """SQLAlchemy's name of the dialect, such as `postgresql`."""

    def quoted(self, name: str) -> str:
        """Return a column's name as it stands in a query."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the first two rows of a query that gives few, as the driver's Python values.

        Raises:
            SourceError: the database refuses.
        """

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Stream a query's rows; at least one batch comes, all have one schema. One query streams at a time.

        Raises:
            SourceError: the database refuses, or goes away meanwhile.
        """

    def siblings(self, count: int) -> AbstractContextManager[list[SqlSession]]:
        """Open further sessions that see the very same rows, for queries at the same time.

        Raises:
            DescriptorError: the database cannot promise that.
        """


def statement(query: str) -> str:
    """Return a query that may stand in parentheses; a last line that is a comment does not swallow the closing one."""
    return query.strip().rstrip(";") + "\n"


def part_of(query: str, condition: str, *, columns: str = "*") -> str:
    """Return a query for those rows of another that fulfil the condition; Oracle knows no AS before such a name."""
    return f"SELECT {columns} FROM ({statement(query)}) phusa_rows WHERE {condition}"  # noqa: S608  the definition is SQL, literals are checked
