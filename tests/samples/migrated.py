"""An empty database with all tables, made once a process and copied: migrating anew costs each test a tenth of a second."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

from catalogue.settings import CatalogueSettings
from catalogue.store import Store, open_store


def migrated_store(settings: CatalogueSettings) -> Store:
    """Open the database of the settings; an embedded one that is not there yet starts as a copy."""
    target = settings.home / "catalogue.db"
    if not settings.database_url and not target.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_template(), target)
    return open_store(settings)


@cache
def _template() -> Path:
    home = Path(tempfile.mkdtemp(prefix="migrated-"))
    store = open_store(CatalogueSettings(home=home))
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    store.close()
    return home / "catalogue.db"
