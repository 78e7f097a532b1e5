"""The SQL side of the city: tables made and filled through SQLAlchemy, on SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa

from publisher.sandbox.dirt import Row

MOMENT = sa.DateTime().with_variant(sa.String(), "sqlite")
"""A timestamp on PostgreSQL; ISO text on SQLite, which has no such type."""

_SHORTEST_PERSONAL_VALUE = 6


def open_engine(url: str) -> sa.Engine:
    """Open a database of the city; SQLite lets readers in while rows are added."""
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _use_write_ahead_log)
    return engine


def recreate(engine: sa.Engine, metadata: sa.MetaData) -> None:
    """Make the tables anew, empty."""
    metadata.drop_all(engine)
    metadata.create_all(engine)


def add_rows(engine: sa.Engine, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows given in the table's column order, in one transaction.

    Plain tuples go straight to the driver: three times faster than dictionaries through SQLAlchemy.
    """
    if not rows:
        return
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    marks = ", ".join([mark] * len(table.columns))
    columns = ", ".join(column.name for column in table.columns)
    statement = f"INSERT INTO {table.name} ({columns}) VALUES ({marks})"  # noqa: S608  names of our own tables
    with engine.begin() as connection:
        connection.exec_driver_sql(statement, [tuple(row) for row in rows])


def stored_texts(engine: sa.Engine, columns: Sequence[sa.Column[str]]) -> Iterator[str]:
    """Yield every text of the columns once a column; fragments that are no personal value any more are left out."""
    with engine.connect() as connection:
        for column in columns:
            for text in connection.execute(sa.select(column).distinct()).scalars():
                if text is not None and len(text) >= _SHORTEST_PERSONAL_VALUE:
                    yield text


def _use_write_ahead_log(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = OFF")
    cursor.close()
