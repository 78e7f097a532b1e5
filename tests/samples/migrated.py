"""Databases with all tables, made once a process and copied: migrating anew costs each test a tenth of a second."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event

from catalogue.settings import CatalogueSettings
from catalogue.store import Store, _to_json, connect_store, open_store


def migrated_store(settings: CatalogueSettings) -> Store:
    """Open the database of the settings; an embedded one that is not there yet starts as a copy."""
    target = settings.home / "catalogue.db"
    if settings.database_url or target.exists():
        return open_store(settings)
    return copied_store(settings, _empty())


def copied_store(settings: CatalogueSettings, template: Path) -> Store:
    """Open an embedded database that starts as a copy of a closed one."""
    settings.home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, settings.home / "catalogue.db")
    store = connect_store(settings)
    _share_statements(store.engine)
    event.listen(store.engine, "connect", _hurry)
    return store


def _share_statements(engine: Engine) -> None:
    """Let the engine use what others of this process have compiled: each test opens a database, all ask it the same."""
    dialect, compiled = _known_statements()
    engine.dialect = engine.pool._dialect = dialect
    engine._compiled_cache = compiled


@cache
def _known_statements() -> tuple[Any, Any]:
    engine = create_engine("sqlite:///:memory:", json_serializer=_to_json, query_cache_size=3000)
    engine.connect().close()  # the dialect learns what the library can do
    engine.dispose()
    return engine.dialect, engine._compiled_cache


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    """Do not wait for the disk: nobody pulls the plug on a test's own database."""
    connection.execute("PRAGMA synchronous = OFF")


@cache
def _empty() -> Path:
    settings = CatalogueSettings(home=Path(tempfile.mkdtemp(prefix="migrated-")))
    open_store(settings).close()
    return settings.home / "catalogue.db"
