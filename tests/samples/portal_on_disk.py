"""A catalogue with datasets and real release folders on disk, made without the actions: for tests of what reads them."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from samples.migrated import migrated_store

from catalogue.actions.context import Context
from catalogue.files.released_files import ReleasedFiles
from catalogue.model import ChangeLog, DatasetRelease, Group, Member, Package, Resource, Tag, User
from catalogue.search.package_search import SearchIndex
from catalogue.services import Services
from catalogue.settings import CatalogueSettings
from catalogue.store import Store

START = datetime(2026, 11, 1, 8, 0, 0, 1, tzinfo=UTC).replace(tzinfo=None)
SPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")
DECLARED = {"integer": "INTEGER", "year": "INTEGER", "boolean": "INTEGER", "number": "REAL"}


def id_of(name: str) -> str:
    """Return the stable id that tests use for a name."""
    return str(uuid.uuid5(SPACE, name))


@dataclass(frozen=True)
class SampleTable:
    """One released table: fields as `(name, Table Schema type, title, unit or null)`, rows as SQLite stores them."""

    name: str
    fields: Sequence[tuple[str, str, str, str | None]]
    rows: Sequence[Sequence[Any]]


WARDS = SampleTable(
    "wards",
    [
        ("ward", "string", "Phường", None),
        ("requests", "integer", "Số phản ánh", None),
        ("hours", "number", "Thời gian", "giờ"),
        ("is_open", "boolean", "Còn mở", None),
        ("day", "date", "Ngày", None),
        ("seen_at", "datetime", "Lúc", None),
    ],
    [
        ("Bến Thành", 12, 1.5, 1, "2026-11-01", "2026-11-01T08:30:00"),
        ("Sài Gòn", 7, None, 0, "2026-11-02", "2026-11-02T09:00:00"),
        ("Đông Thạnh", None, 3.25, None, "2026-11-03", None),
        ("Bến Cát", 7, 2.0, 1, "2026-11-04", "2026-11-04T10:00:00"),
        ("50%_off", 3, 0.0, 0, "2026-11-05", "2026-11-05T11:00:00"),
    ],
)


@dataclass
class SamplePortal:
    """The catalogue under test with its folder, database, files and index."""

    home: Path
    settings: CatalogueSettings
    store: Store
    files: ReleasedFiles
    search: SearchIndex
    clock: datetime = field(default=START)

    @property
    def services(self) -> Services:
        """Return the parts as one, with the clock of the test."""
        return Services(self.settings, self.store, self.search, self.files, now=lambda: self.clock)

    def context(self, session: Any, user: User | None = None) -> Context:
        """Return the context of a call by the user (null: anonymous)."""
        return self.services.context(session, user)

    def call(self, action: Any, user: User | None = None, **params: Any) -> Any:
        """Call an action with a session of its own; dots in parameter names are written as two underscores."""
        with self.store.read() as session:
            return action(self.context(session, user), {key.replace("__", "."): v for key, v in params.items()})

    def tick(self) -> datetime:
        """Let a minute pass."""
        self.clock += timedelta(minutes=1)
        return self.clock

    def add_group(self, name: str, title: str, *, is_organization: bool = True) -> str:
        """Add an organization, or a group; return its id."""
        with self.store.write() as session:
            kind = "organization" if is_organization else "group"
            group = Group(
                id=id_of(name), name=name, title=title, is_organization=is_organization, type=kind, created=self.clock
            )
            session.add(group)
        return id_of(name)

    def add_user(self, name: str, *, sysadmin: bool = False, organization: str | None = None) -> User:
        """Add a user, who is an editor of the organization."""
        with self.store.write() as session:
            session.add(User(id=id_of(name), name=name, sysadmin=sysadmin, created=self.clock))
            session.flush()
            if organization:
                session.add(Member(group_id=id_of(organization), user_id=id_of(name), capacity="editor"))
        with self.store.read() as session:
            user = session.get(User, id_of(name))
            assert user is not None
            session.expunge(user)
        return user

    def add_dataset(
        self,
        name: str,
        *,
        title: str = "",
        organization: str | None = None,
        tags: Sequence[str] = (),
        groups: Sequence[str] = (),
        resources: Sequence[Mapping[str, Any]] = (),
        extras: Mapping[str, str] | None = None,
        **columns: Any,
    ) -> str:
        """Add a dataset without a release; return its id."""
        now = self.tick()
        with self.store.write() as session:
            package = Package(
                id=id_of(name),
                name=name,
                title=title or name,
                owner_org=id_of(organization) if organization else None,
                metadata_created=now,
                metadata_modified=now,
                extras=dict(extras or {}),
                **columns,
            )
            package.tags = [
                session.get(Tag, id_of(f"tag:{tag}")) or Tag(id=id_of(f"tag:{tag}"), name=tag) for tag in tags
            ]
            package.groups = [group for g in groups if (group := session.get(Group, id_of(g)))]
            package.resources = [
                Resource(position=n, created=now, metadata_modified=now, **resource)
                for n, resource in enumerate(resources)
            ]
            session.add(package)
            session.add(ChangeLog(package_id=package.id, at=now))
        return id_of(name)

    def change(self, name: str, /, **columns: Any) -> None:
        """Change columns of a dataset as a package write would; the time of change moves."""
        now = self.tick()
        with self.store.write() as session:
            package = session.get(Package, id_of(name))
            assert package is not None
            for key, value in {"metadata_modified": now, **columns}.items():
                setattr(package, key, value)
            session.add(ChangeLog(package_id=package.id, at=now))

    def publish(self, name: str, release: str, tables: Sequence[SampleTable] = (WARDS,)) -> str:
        """Write a release folder and move the dataset's pointer to it; return the hash of its manifest."""
        digest = write_release(self.home / "storage", name, release, tables)
        rows = {table.name: len(table.rows) for table in tables}
        summary = {"release": release, "rows": rows, "manifest_sha256": digest}
        now = self.tick()
        with self.store.write() as session:
            package = session.get(Package, id_of(name))
            assert package is not None
            package.extras = package.extras | {"release": release, "release_summary": json.dumps(summary)}
            package.metadata_modified = now
            package.resources = package.resources or [
                Resource(
                    id=id_of(f"{name}/{table.name}"),
                    name=table.name,
                    position=n,
                    format="CSV",
                    mimetype="text/csv",
                    url=f"{self.settings.site_url}/r/{name}/{release}/{table.name}.csv.gz",
                    size=100,
                    hash="ab" * 32,
                    created=now,
                    metadata_modified=now,
                    datastore_active=True,
                    extras={"table": table.name, "release": release, "hash_algorithm": "sha256"},
                )
                for n, table in enumerate(tables)
            ]
            for old in session.query(DatasetRelease).filter_by(dataset_id=package.id):
                old.state = "superseded"
            session.merge(
                DatasetRelease(
                    dataset_id=package.id, release=release, summary=summary, published_at=now, state="published"
                )
            )
            session.add(ChangeLog(package_id=package.id, at=now))
        return digest


def open_portal(home: Path, **settings: Any) -> SamplePortal:
    """Open an empty catalogue in a folder."""
    chosen = CatalogueSettings(home=home, site_url="https://data.example.vn", **settings)
    store = migrated_store(chosen)
    return SamplePortal(home, chosen, store, ReleasedFiles(chosen), SearchIndex(chosen, store))


def write_release(storage: Path, dataset: str, release: str, tables: Sequence[SampleTable]) -> str:
    """Write the folder of a release with SQLite, CSV, data package and manifest; return the manifest's hash."""
    folder = storage / "releases" / dataset / release
    folder.mkdir(parents=True)
    with sqlite3.connect(folder / f"{dataset}.sqlite") as database:
        for table in tables:
            columns = ", ".join(f'"{name}" {DECLARED.get(kind, "TEXT")}' for name, kind, *_ in table.fields)
            database.execute(f'CREATE TABLE "{table.name}" ({columns})')
            marks = ", ".join("?" * len(table.fields))
            database.executemany(f'INSERT INTO "{table.name}" VALUES ({marks})', table.rows)
    database.close()
    for table in tables:
        lines = [",".join(name for name, *_ in table.fields), *(",".join(map(str, row)) for row in table.rows)]
        (folder / f"{table.name}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    (folder / "datapackage.json").write_text(json.dumps(_datapackage(dataset, release, tables), ensure_ascii=False))
    manifest = {"dataset": dataset, "release": release, "files": [_entry(path) for path in sorted(folder.iterdir())]}
    data = json.dumps(manifest).encode()
    (folder / "manifest.json").write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _entry(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {"path": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "media_type": "text/x"}


def _datapackage(dataset: str, release: str, tables: Sequence[SampleTable]) -> dict[str, Any]:
    return {
        "name": dataset,
        "title": f"Dữ liệu {dataset}",
        "description": "Một bộ dữ liệu mẫu.",
        "release": release,
        "as_of": release.partition(".")[0],
        "licenses": [
            {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY 4.0"}
        ],
        "contributors": [{"title": "Sở Giao thông", "roles": ["publisher"]}],
        "resources": [
            {
                "name": table.name,
                "title": table.name,
                "description": "Mỗi dòng là một phường.",
                "path": f"{table.name}.csv.gz",
                "format": "csv",
                "rows": len(table.rows),
                "schema": {
                    "fields": [
                        {"name": name, "type": kind, "title": title, **({"unit": unit} if unit else {})}
                        for name, kind, title, unit in table.fields
                    ]
                },
            }
            for table in tables
        ],
    }
