"""How many rows a query has: stated, remembered, told by the index of words, counted, or estimated when a caller allows it."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Hashable

from catalogue.rows.row_query import RowQuery

_KEPT_COUNTS = 4096
_COUNTS: OrderedDict[Hashable, int] = OrderedDict()
_LOCK = threading.Lock()


def total_of(
    connection: sqlite3.Connection, query: RowQuery, *, told: int | None = None, threshold: int | None = None
) -> tuple[int, bool]:
    """Return the number of rows, and whether it was estimated.

    Args:
        connection: to the table.
        query: what is counted.
        told: rows that the text alone finds, when the index of words knows it.
        threshold: a number beyond which an estimate will do; null: the exact number is wanted.
    """
    if query.is_whole_table and query.table.rows is not None:
        return query.table.rows, False
    if told is not None and query.where is None and not query.distinct:
        return told, False
    statement = query.count()
    key = (query.table.version, statement.sql, statement.values)
    with _LOCK:
        if key in _COUNTS:
            _COUNTS.move_to_end(key)
            return _COUNTS[key], False
    if threshold is not None and not query.distinct:
        estimate = _estimate(connection, query, threshold)
        if estimate is not None:
            return estimate, True
    total = int(connection.execute(statement.sql, statement.values).fetchone()[0])
    with _LOCK:
        _COUNTS[key] = total
        while len(_COUNTS) > _KEPT_COUNTS:
            _COUNTS.popitem(last=False)
    return total, False


def _estimate(connection: sqlite3.Connection, query: RowQuery, threshold: int) -> int | None:
    """Return about how many rows there are when there are more than the threshold, else null.

    The share of rows among the first ones is taken for the share in the whole table.
    """
    statement = query.count(at_most=threshold + 1)
    found, last = connection.execute(statement.sql, statement.values).fetchone()
    if found <= threshold:
        return None
    rows = connection.execute(f"SELECT max(rowid) FROM {query.table.sql}").fetchone()[0]  # noqa: S608  quoted
    return max(int(found), int(found * rows / last))
