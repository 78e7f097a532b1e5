"""The catalogue's database: SQLite with one writer at a time, or PostgreSQL with row locks."""

from __future__ import annotations

import json
import logging
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.orm.exc import StaleDataError

from catalogue.settings import CatalogueSettings

BUSY_TIMEOUT_SECONDS = 10
REMEMBERED_COUNTS = "remembered_counts"  # key in the `info` of a reading session
MIGRATIONS = Path(__file__).parent / "migrations"
DEADLOCK_OR_SERIALIZATION = {"40P01", "40001"}  # PostgreSQL's codes
_AFTERWARDS = "afterwards"  # key in the `info` of a writing session
UPGRADE_LOCK = 7_404_100  # any number that nobody else uses as an advisory lock in this database

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """The way to the database: `read()` and `write()` give a session for one unit of work.

    Sessions carry the portal's `language` in their `info`, because it is the language of what is stored; reading ones
    also what the process remembers, see `public_counts.py`.
    """

    engine: Engine
    language: str = "vi"
    remembered: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that sees one state of the database; nothing is saved."""
        engine = self.engine
        if engine.dialect.name == "postgresql":  # SQLite reads one snapshot by itself
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        info = {"language": self.language, REMEMBERED_COUNTS: self.remembered}
        with Session(engine, autoflush=False, info=info) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session that is committed at the end, and rolled back when an exception passes.

        On SQLite the transaction starts with BEGIN IMMEDIATE, so that two writers queue instead of failing half-way.
        """
        engine = self.engine.execution_options(immediate=True)
        with Session(engine, autoflush=False, info={"language": self.language}) as session:
            with session.begin():
                yield session
            _run_what_waited(session)

    @contextmanager
    def write_if_free(self) -> Iterator[Session | None]:
        """Yield a session as `write` does, but null instead of waiting while another one writes to SQLite."""
        engine = self.engine.execution_options(immediate="now or never")
        with Session(engine, autoflush=False, info={"language": self.language}) as session:
            try:
                session.connection()
            except OperationalError:
                yield None
                return
            yield session
            session.commit()

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
    store = connect_store(settings)
    store.upgrade()
    return store


def connect_store(settings: CatalogueSettings) -> Store:
    """Connect to the database of the settings; its tables are left as they are."""
    url = make_url(settings.effective_database_url)
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, json_serializer=_to_json, hide_parameters=True, pool_size=10, max_overflow=40)
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    else:
        _tune_postgresql(engine)
    return Store(engine, settings.locale)


def afterwards(
    session: Session, committed: Callable[[], object], *, undone: Callable[[], object] = lambda: None
) -> None:
    """Do something when the writing session's whole transaction is committed; call it inside the transaction.

    Args:
        session: of `Store.write`.
        committed: done after the commit, when nothing can take it back; a failure is logged.
        undone: done instead when the transaction is rolled back, or the savepoint inside which this was asked.
    """
    within = session.get_nested_transaction() or session.get_transaction()
    session.info.setdefault(_AFTERWARDS, []).append((within, committed, undone))


def _run_what_waited(session: Session) -> None:
    for _, committed, _ in session.info.pop(_AFTERWARDS, ()):
        try:
            committed()
        except Exception:
            log.exception("something that follows a commit failed; what was written stays")


@event.listens_for(Session, "after_soft_rollback")
def _undo_what_waited(session: Session, ended: SessionTransaction) -> None:
    waiting = session.info.get(_AFTERWARDS, [])
    lost = [act for act in waiting if _is_within(act[0], ended)]
    if lost:
        session.info[_AFTERWARDS] = [act for act in waiting if act not in lost]
    for _, _, undone in lost:
        undone()


def _is_within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None and transaction is not outer:
        transaction = transaction.parent
    return transaction is outer


def has_met_another(error: Exception) -> bool:
    """Tell whether a transaction failed because another one changed or removed what it was about, or waited for it too."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) in DEADLOCK_OR_SERIALIZATION
    return isinstance(error, IntegrityError | StaleDataError | InvalidRequestError)


def migration_config(connection: Connection) -> Config:
    """Return Alembic's configuration for running the migrations on this connection."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _to_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _tune_postgresql(engine: Engine) -> None:
    """Let a text with a NUL, which any address may carry, be one that is found nowhere, as on SQLite, and no error."""
    from psycopg.types.string import StrDumperUnknown

    class _WithoutNul(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\x00", "\ufffd"))

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.adapters.register_dumper(str, _WithoutNul)


def _tune_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions by itself
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")
        _use_write_ahead_log(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        # SQLite lowers ASCII letters only; texts are compared in any case of any letter, as on PostgreSQL.
        connection.create_function("lower", 1, _lowered, deterministic=True)

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate")
        if immediate != "now or never":
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
            return
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1000}")


def _lowered(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


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
