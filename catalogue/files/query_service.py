"""Datasette over the current release of every public dataset; the only module that imports it.

One database for each dataset, named after it. A new release is opened beside the old one and takes its place in one assignment;
the old one is closed when no query on it can be running any more. Tried against the documented remove and add, which stall.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from datasette import handle_exception, hookimpl, plugins
from datasette.app import Datasette
from datasette.database import Database
from datasette.utils import escape_fts
from sqlalchemy import select

from catalogue.errors import NotFound
from catalogue.files.query_guard import App, QueryGuard
from catalogue.files.released_files import FilesUnavailable
from catalogue.files.released_schema import table_descriptor, table_fields
from catalogue.files.withdrawn import forget_withdrawn
from catalogue.licenses import LICENSE_BY_ID
from catalogue.model import Group, Package
from catalogue.services import Services
from catalogue.settings import CatalogueSettings

_log = logging.getLogger(__name__)

# Where `rich` is installed, Datasette prints the local variables of every error, rows of data among them.
handle_exception.rich = None

POLL_SECONDS = 1.0
GRACE_SECONDS = 5.0  # beyond the time limit of a query, before a replaced database is closed
RETRY_SECONDS = 15.0  # a release whose files could not be fetched is tried again after this


_OWN_TABLES = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'"


class _FoldedSearch:
    """Lets `_search` find `đ`: in the released indexes of words it stands as `d`, so it does in what people ask for."""

    @staticmethod
    def prepare_connection(conn: sqlite3.Connection) -> None:
        conn.create_function("escape_fts", 1, _folded_search, deterministic=True)


hookimpl(trylast=True)(_FoldedSearch.prepare_connection)


def _folded_search(text: str) -> str:
    return str(escape_fts(text.replace("đ", "d").replace("Đ", "D")))


if not plugins.pm.has_plugin("phusa-words"):
    plugins.pm.register(_FoldedSearch(), name="phusa-words")


@dataclass(frozen=True)
class CurrentRelease:
    """What the catalogue says about the public release of one dataset."""

    dataset: str
    release: str
    manifest_sha256: str | None
    title: str
    notes: str
    license_id: str
    organization: str


@dataclass
class _Opened:
    """One open database and what it shows."""

    current: CurrentRelease
    database: Any
    rows: dict[str, int]
    sha256: str
    size_bytes: int


class QueryService:
    """Keeps Datasette's databases equal to the current releases. All methods but the constructor belong to its event loop."""

    def __init__(
        self,
        services: Services,
        *,
        config: Path = Path("datasette.yaml"),
        stylesheet_url: str | None = None,
    ) -> None:
        settings = services.settings
        self._settings = settings
        self._store = services.store
        self._files = services.files
        self._opened: dict[str, _Opened] = {}
        self._closing: list[tuple[float, CurrentRelease, Any]] = []
        self._failed: dict[tuple[str, str], float] = {}
        self._turn: asyncio.Lock | None = None
        self.datasette = _new_datasette(_read_config(config), settings, stylesheet_url)
        self.datasette.add_background_task(self._keep_in_step, name="releases")
        self.asgi: App = QueryGuard(
            app=self.datasette.app(),
            base_url=str(self.datasette.setting("base_url")),
            site_url=settings.site_url.rstrip("/"),
            max_returned_rows=int(self.datasette.setting("max_returned_rows")),
            rows_of=self._rows_of,
        )

    async def sync(self) -> list[str]:
        """Open, replace and remove databases until they are the current releases; return the datasets that changed."""
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            wanted = {current.dataset: current for current in await asyncio.to_thread(self._current_releases)}
            changed = [name for name in self._opened if name not in wanted]
            for name in changed:
                self._remove(name)
            for name, current in wanted.items():
                if self._is_due(current) and await self._open(current):
                    changed.append(name)
            await self._close_old(wanted)
            await asyncio.to_thread(forget_withdrawn, self._store, self._files)
            return changed

    async def _keep_in_step(self, _datasette: Any) -> None:
        while True:
            try:
                await self.sync()
            except Exception:  # noqa: BLE001  the catalogue may be away for a while; queries go on
                _log.exception("the query service could not follow the catalogue; it tries again")
            await asyncio.sleep(POLL_SECONDS)

    # ---- what should be open

    def _current_releases(self) -> list[CurrentRelease]:
        statement = (
            select(Package.name, Package.title, Package.notes, Package.license_id, Package.extras, Group.title)
            .outerjoin(Group, Group.id == Package.owner_org)
            .where(Package.state == "active", Package.private.is_(False))
            .order_by(Package.name)
        )
        with self._store.read() as session:
            rows = session.execute(statement).all()
        return [
            CurrentRelease(
                dataset=name,
                release=str(extras["release"]),
                manifest_sha256=_manifest_sha256(extras),
                title=title,
                notes=notes or "",
                license_id=license_id or "",
                organization=organization or "",
            )
            for name, title, notes, license_id, extras, organization in rows
            if extras.get("release") and not name.startswith("_")
        ]

    def _is_due(self, current: CurrentRelease) -> bool:
        opened = self._opened.get(current.dataset)
        if opened is not None and opened.current == current:
            return False
        return self._failed.get((current.dataset, current.release), 0.0) <= time.monotonic()

    def _rows_of(self, dataset: str, table: str) -> int | None:
        opened = self._opened.get(dataset)
        return opened.rows.get(table) if opened else None

    # ---- opening and closing

    async def _open(self, current: CurrentRelease) -> bool:
        """Put the release in place of the one before; false when its files cannot be had now."""
        try:
            opened, datapackage = await asyncio.to_thread(self._prepare, current)
        except (NotFound, FilesUnavailable, sqlite3.DatabaseError, OSError) as error:
            self._failed[current.dataset, current.release] = time.monotonic() + RETRY_SECONDS
            _log.warning("%s %s cannot be queried now: %s", current.dataset, current.release, type(error).__name__)
            return False
        self._failed.pop((current.dataset, current.release), None)
        await self._describe(current, datapackage)
        previous = self._opened.get(current.dataset)
        opened.database.name = opened.database.route = current.dataset
        self._opened[current.dataset] = opened
        self._show({**self.datasette.databases, current.dataset: opened.database})
        await self.datasette.refresh_schemas(force=True)
        if previous is not None:
            self._closing.append((self._closing_time(), previous.current, previous.database))
        _log.info("%s %s can be queried", current.dataset, current.release)
        return True

    def _prepare(self, current: CurrentRelease) -> tuple[_Opened, dict[str, Any]]:
        """Fetch the file and count its rows; runs in a thread of its own."""
        path = self._files.tables.path(current.dataset, current.release, manifest_sha256=current.manifest_sha256)
        datapackage = self._files.read_json(current.dataset, current.release, "datapackage.json")
        database = Database(self.datasette, path=str(path), is_mutable=False)
        info = self._files.info(current.dataset, current.release, f"{current.dataset}.sqlite")
        rows = _count_rows(path, datapackage)
        return _Opened(current, database, rows, info.sha256 or "", info.size_bytes), datapackage

    def _show(self, databases: dict[str, Any]) -> None:
        """Let Datasette answer from these databases, with their true row counts; both change in one step of its loop."""
        self.datasette.inspect_data = {
            name: {
                "hash": opened.sha256,
                "size": opened.size_bytes,
                "tables": {table: {"count": count} for table, count in opened.rows.items()},
            }
            for name, opened in self._opened.items()
        }
        self.datasette.databases = databases

    def _remove(self, name: str) -> None:
        opened = self._opened.pop(name)
        self._show({key: database for key, database in self.datasette.databases.items() if key != name})
        self._closing.append((self._closing_time(), opened.current, opened.database))
        _log.info("%s can no longer be queried", name)

    def _closing_time(self) -> float:
        return time.monotonic() + GRACE_SECONDS + int(self.datasette.setting("sql_time_limit_ms")) / 1000

    def close(self) -> None:
        """Let go of all databases; only when no query can be running any more."""
        for database in [*(opened.database for opened in self._opened.values()), *(old for _, _, old in self._closing)]:
            database.close()
        self._opened.clear()
        self._closing.clear()

    async def _close_old(self, wanted: Mapping[str, CurrentRelease]) -> None:
        now = time.monotonic()
        due = [database for at, _, database in self._closing if at <= now]
        if not due:
            return
        self._closing = [item for item in self._closing if item[0] > now]
        for database in due:
            await asyncio.to_thread(database.close)
        kept = [*wanted.values(), *(opened.current for opened in self._opened.values())]
        kept += [current for _, current, _ in self._closing]
        await asyncio.to_thread(self._files.tables.clean, {(c.dataset, c.release) for c in kept})

    # ---- words about the data

    async def _describe(self, current: CurrentRelease, datapackage: Mapping[str, Any]) -> None:
        """Write titles, licence, source and columns into Datasette's own tables, in one transaction."""
        about = _database_metadata(current, datapackage, self._settings.site_url.rstrip("/"))
        tables = {str(r["name"]): _table_metadata(datapackage, str(r["name"])) for r in _described_tables(datapackage)}
        name = current.dataset

        def write(connection: sqlite3.Connection) -> None:
            for kept in ("metadata_databases", "metadata_resources", "metadata_columns", "catalog_databases"):
                connection.execute(f"DELETE FROM {kept} WHERE database_name = ?", [name])  # noqa: S608  fixed names
            connection.executemany(
                "INSERT INTO metadata_databases (database_name, key, value) VALUES (?, ?, ?)",
                [(name, key, value) for key, value in about.items()],
            )
            for table, (words, columns) in tables.items():
                connection.executemany(
                    "INSERT INTO metadata_resources (database_name, resource_name, key, value) VALUES (?, ?, ?, ?)",
                    [(name, table, key, value) for key, value in words.items()],
                )
                connection.executemany(
                    "INSERT INTO metadata_columns (database_name, resource_name, column_name, key, value)"
                    " VALUES (?, ?, ?, ?, ?)",
                    [(name, table, column, "description", text) for column, text in columns.items()],
                )

        await self.datasette.get_internal_database().execute_write_fn(write)


def _read_config(path: Path) -> dict[str, Any]:
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(config, dict):
        raise TypeError(f"{path} does not hold a mapping of settings")
    return config


def _new_datasette(config: dict[str, Any], settings: CatalogueSettings, stylesheet_url: str | None) -> Any:
    words = ("title", "description", "license", "license_url", "source", "source_url", "about", "about_url")
    metadata = {key: config[key] for key in words if key in config}
    # A whole address: Datasette would put its own prefix before a path.
    look = {"extra_css_urls": [stylesheet_url]} if stylesheet_url else {}
    datasette = Datasette(
        [],
        config={key: value for key, value in config.items() if key not in words} | look,
        metadata=metadata,
        cors=True,
        settings={"force_https_urls": settings.site_url.startswith("https:")},
        secret=settings.secret_key.get_secret_value() or None,
    )
    datasette.databases = {}  # without files it would offer an empty database for calculations
    return datasette


def _manifest_sha256(extras: Mapping[str, Any]) -> str | None:
    try:
        summary = json.loads(extras.get("release_summary") or "{}")
    except ValueError:
        return None
    return summary.get("manifest_sha256") if isinstance(summary, dict) else None


def _described_tables(datapackage: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [resource for resource in datapackage.get("resources", []) if "schema" in resource]


def _count_rows(path: Path, datapackage: Mapping[str, Any]) -> dict[str, int]:
    """Return the rows of every table: stated by the data package, else counted; indexes of words are no tables to see."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    try:
        names = [row[0] for row in connection.execute(_OWN_TABLES)]
        stated = {name: table_descriptor(datapackage, name).get("rows") for name in names}
        return {
            name: rows if isinstance(rows, int) else connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  its own name
            for name, rows in stated.items()
        }
    finally:
        connection.close()


def _database_metadata(current: CurrentRelease, datapackage: Mapping[str, Any], site_url: str) -> dict[str, str]:
    licence = LICENSE_BY_ID.get(current.license_id)
    stated = (datapackage.get("licenses") or [{}])[0]
    words = {
        "title": current.title,
        "description": current.notes,
        "license": licence.title if licence else str(stated.get("title") or ""),
        "license_url": (licence.url if licence else "") or str(stated.get("path") or ""),
        "source": current.organization,
        "source_url": f"{site_url}/dataset/{current.dataset}",
        "about": current.release,
        "about_url": f"{site_url}/r/{current.dataset}/{current.release}/datapackage.json",
    }
    return {key: value for key, value in words.items() if value}


def _table_metadata(datapackage: Mapping[str, Any], table: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the words about a table and the description of each column, its unit included."""
    descriptor = table_descriptor(datapackage, table)
    words = {key: str(descriptor[key]) for key in ("title", "description") if descriptor.get(key)}
    columns = {}
    for column in table_fields(datapackage, table).values():
        text = ". ".join(part for part in (column.title, column.description) if part)
        described = f"{text} ({column.unit})" if column.unit else text
        if described:
            columns[column.name] = described
    return words, columns
