"""`phusa backup` and `phusa restore`: what an installation cannot make again.

Both databases, the keys, the rows that organizations pushed, what sources held last, what is remembered of earlier releases, and every
stored file. Left out: what follows from
these (the search index, Datasette's files), what is kept for days only (working files, quarantine), and the definitions, which the
agency keeps under version control.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import IO

from sqlalchemy import Engine, MetaData

from catalogue.model import CatalogueTable
from catalogue.settings import CatalogueSettings
from catalogue.store import open_store
from cityportal.backup.archive import Archive, members_of, new_archive, read_contents
from cityportal.backup.tables import go_on_counting, insert_rows, is_empty, rows_of, version_of
from cityportal.settings import PortalSettings
from publisher.errors import EnvironmentFault
from publisher.facilities import Facilities, open_facilities
from publisher.manifest import media_type_of
from publisher.store import Row

_FOLDERS = ("keys", "pushed", "sources", "earlier")
_MARKER = "restoring"
_EMPTY_IT = "restore into an empty home, empty databases and an empty storage"

Databases = Mapping[str, tuple[Engine, MetaData]]


@dataclass(frozen=True)
class Told:
    """What a backup holds: rows and files, and whether the stored files are among them."""

    rows: int
    files: int
    with_storage: bool


def back_up(settings: PortalSettings, path: Path, *, with_storage: bool = True) -> Told:
    """Write a backup while the portal runs: each database as of one moment, files after them, so that none named there is missing.

    Raises:
        EnvironmentFault: the file exists already.
        StorageError: the storage could not be read.
    """
    with _opened(settings) as (facilities, databases), new_archive(path) as archive:
        rows, versions = 0, {}
        for name, (engine, metadata) in databases.items():
            with engine.connect() as fresh:
                postgresql = engine.dialect.name == "postgresql"  # SQLite reads one snapshot by itself
                connection = fresh.execution_options(isolation_level="REPEATABLE READ") if postgresql else fresh
                versions[name] = version_of(connection)
                for table in metadata.sorted_tables:
                    rows += archive.add_lines(f"{name}/{table.name}.jsonl", rows_of(connection, table))
        _add_home(archive, settings.home)
        if with_storage:
            _add_storage(archive, facilities)
        files = sum(not member.endswith(".jsonl") for member in archive.members)
        moment = datetime.now(UTC).isoformat(timespec="microseconds")
        archive.close(
            {"created_at": moment, "version": version("phusa"), "tables": versions, "with_storage": with_storage}
        )
    return Told(rows, files, with_storage)


def restore(settings: PortalSettings, path: Path) -> Told:
    """Bring a backup back into an installation that holds nothing yet; its databases may be of another kind than they were.

    Killed anywhere, the next call with the same file goes on.

    Raises:
        EnvironmentFault: the file is torn, comes from tables of another version, or the installation holds something already.
        StorageError: the storage could not be written.
    """
    contents = read_contents(path)
    marker = settings.home / _MARKER
    with _opened(settings) as (facilities, databases):
        for name, (engine, _) in databases.items():
            with engine.connect() as connection:
                if version_of(connection) != contents["tables"][name]:
                    cure = f"restore it with Phù Sa {contents['version']}, then update"
                    raise EnvironmentFault("The backup holds tables of another version.", cure=cure)
        if not marker.exists():
            _refuse_filled(settings.home, databases)
            marker.write_text(contents["created_at"], encoding="ascii")
        elif marker.read_text(encoding="ascii") != contents["created_at"]:
            raise EnvironmentFault("Another backup was begun to be restored here.", cure=_EMPTY_IT)
        files = _restore_files(settings.home, facilities, path)
        rows = sum(_restore_rows(name, *database, path) for name, database in databases.items())
    marker.unlink()
    return Told(rows, files, contents["with_storage"])


def _restore_files(home: Path, facilities: Facilities, path: Path) -> int:
    files = 0
    for name, stream in members_of(path):
        room, _, rest = name.partition("/")
        if room == "storage":
            _store(facilities, rest, stream)
        elif room in _FOLDERS:
            _put(home / name, stream)
        files += room in {"storage", *_FOLDERS}
    return files


def _restore_rows(name: str, engine: Engine, metadata: MetaData, path: Path) -> int:
    """Insert the rows of one database in one transaction; none when an earlier call did."""
    tables, rows = metadata.tables, 0
    with engine.begin() as connection:
        if not is_empty(connection, metadata):
            return 0
        for member, stream in members_of(path):
            room, _, rest = member.partition("/")
            if room == name:
                table = tables[rest.removesuffix(".jsonl")]
                rows += insert_rows(connection, table, stream)
                go_on_counting(connection, table)
    return rows


def _refuse_filled(home: Path, databases: Databases) -> None:
    for name in _FOLDERS:
        if (home / name).is_dir() and any((home / name).iterdir()):
            raise EnvironmentFault(f"The folder `{name}` of the home holds something already.", cure=_EMPTY_IT)
    for name, (engine, metadata) in databases.items():
        with engine.connect() as connection:
            if not is_empty(connection, metadata):
                raise EnvironmentFault(f"The database of the {name} holds something already.", cure=_EMPTY_IT)


@contextmanager
def _opened(settings: PortalSettings) -> Iterator[tuple[Facilities, Databases]]:
    """Open both databases with their tables up to date; nothing else of the installation is made."""
    facilities = open_facilities(settings.for_publisher())
    section = settings.catalogue
    register = open_store(CatalogueSettings(home=settings.home, database_url=section.database_url))
    databases = {
        "catalogue": (register.engine, CatalogueTable.metadata),
        "publisher": (facilities.store.engine, Row.metadata),
    }
    try:
        yield facilities, databases
    finally:
        register.close()
        facilities.store.close()


def _add_home(archive: Archive, home: Path) -> None:
    for name in _FOLDERS:
        for path in sorted(file for file in (home / name).rglob("*") if file.is_file()):
            member = path.relative_to(home).as_posix()
            if member.endswith(("-wal", "-shm")):
                continue  # they belong to the database beside them, whose copy holds all of it
            if path.suffix == ".db":
                _add_database(archive, member, path)
            else:
                with path.open("rb") as file:
                    archive.add(member, file, path.stat().st_size)


def _add_database(archive: Archive, member: str, path: Path) -> None:
    """Add a copy of an SQLite file as of one moment; somebody may be writing to it."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.db"
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        with copy.open("rb") as file:
            archive.add(member, file, copy.stat().st_size)


def _add_storage(archive: Archive, facilities: Facilities) -> None:
    for info in facilities.storage.list(""):
        with facilities.storage.open(info.key) as file:
            archive.add(f"storage/{info.key}", file, info.size)


def _store(facilities: Facilities, key: str, stream: IO[bytes]) -> None:
    with tempfile.NamedTemporaryFile() as file:
        shutil.copyfileobj(stream, file)
        file.flush()
        file.seek(0)
        digest = file_digest(file, "sha256").hexdigest()
        facilities.storage.put_file(key, Path(file.name), media_type=media_type_of(key), sha256=digest)


def _put(path: Path, stream: IO[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        shutil.copyfileobj(stream, file)
