"""`_table_metadata`: the list of all tables that the caller may read, itself a table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from catalogue.actions.context import Context
from catalogue.rows.row_source import TABLE_LIST, listed_tables
from catalogue.rows.row_table import ROW_ID, Column, RowTable, TableSize
from catalogue.rows.word_index import create_words

_NAMES = {"name": "name", "oid": "int", "alias_of": "name"}


def table_list(context: Context) -> RowTable:
    """Return the list as a table with the columns `_id`, `name`, `oid` and `alias_of`."""
    rows = listed_tables(context)
    text = repr(rows)

    @contextmanager
    def opened(_words: bool) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(":memory:", check_same_thread=False)) as connection:
            connection.execute("CREATE TABLE rows (name TEXT, oid INTEGER, alias_of TEXT)")
            connection.executemany("INSERT INTO rows VALUES (?, ?, ?)", rows)
            create_words(connection, ["c0", "c1", "c2"])
            connection.execute("INSERT INTO words (rowid, c0, c1, c2) SELECT rowid, name, oid, alias_of FROM rows")
            connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab(words, row)")
            yield connection

    columns = [Column(name, kind, f"t.{name}", words=f"c{n}") for n, (name, kind) in enumerate(_NAMES.items())]
    return RowTable(
        resource_id=TABLE_LIST,
        sql="main.rows",
        columns=(Column(ROW_ID, "int", "t.rowid"), *columns),
        version=(TABLE_LIST, text),
        open=opened,
        size=lambda: TableSize(len(text), len(text), 0),
        rows=len(rows),
    )
