"""The catalogue's database: SQLite with one writer at a time, or PostgreSQL with row locks."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session

from catalogue.settings import CatalogueSettings

BUSY_TIMEOUT_SECONDS = 10
MIGRATIONS = Path(__file__).parent / "migrations"
UPGRADE_LOCK = 7_404_100  # any number that nobody else uses as an advisory lock in this database


@dataclass(frozen=True)
class Store:
    """The way to the database: `read()` and `write()` give a session for one unit of work."""

    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one state of the database; nothing is saved."""
        engine = self.engine
        if engine.dialect.name == "postgresql":  # SQLite reads one snapshot by itself
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with Session(engine, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that is committed at the end, and rolled back when an exception passes.

        On SQLite the transaction starts with BEGIN IMMEDIATE, so that two writers queue instead of failing half-way.
        """
        with Session(self.engine.execution_options(immediate=True), autoflush=False) as session, session.begin():
            yield session

    def upgrade(self) -> None:
        """Bring the tables to the newest version; several processes may try at once."""
        with self.engine.execution_options(immediate=True).begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
            command.upgrade(migration_config(connection), "head")

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def open_store(settings: CatalogueSettings) -> Store:
    """Connect to the database of the settings and bring its tables to the newest version."""
    url = make_url(settings.effective_database_url)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, json_serializer=_to_json, hide_parameters=True, pool_size=10, max_overflow=40)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    store = Store(engine)
    store.upgrade()
    return store


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for running the migrations on this connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch the journal over; SQLite does not wait for others here, so the waiting is ours."""
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
