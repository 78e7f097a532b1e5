"""A small published city: a real catalogue, real released files, a real search index, and the pages over them."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from flask import Flask
from samples.compiled_templates import share_compiled
from samples.migrated import migrated_store

from catalogue.actions import create, update
from catalogue.actions.context import Context
from catalogue.files.released_files import ReleasedFiles
from catalogue.model import User
from catalogue.people.passwords import hash_password
from catalogue.search.package_search import SearchIndex
from catalogue.services import Services
from catalogue.settings import CatalogueSettings, StorageSettings
from catalogue.store import Store
from cityportal.chrome import init_site
from cityportal.languages import Text
from cityportal.public import public_blueprint
from cityportal.workspace import workspace_blueprint
from cityportal.workspace.facade import Workspace

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
PASSWORD = "phu-sa-2026"
TEXTS = yaml.safe_load((Path(__file__).parent / "sample_city.yaml").read_text(encoding="utf-8"))


def id_of(name: str) -> str:
    """Return the stable id of anything of this city."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


@dataclass
class City:
    """The catalogue of the city and where its files lie."""

    home: Path
    site_url: str = "http://portal.test"
    storage: dict[str, str] = field(default_factory=dict)
    settings: CatalogueSettings = field(init=False)
    store: Store = field(init=False)
    files: ReleasedFiles = field(init=False)
    search: SearchIndex = field(init=False)

    def __post_init__(self) -> None:
        self.settings = CatalogueSettings(
            home=self.home, site_url=self.site_url, storage=StorageSettings.model_validate(self.storage)
        )
        self.store = migrated_store(self.settings)
        self.files = ReleasedFiles(self.settings)
        self.search = SearchIndex(self.settings, self.store)
        self.add_user("operator", sysadmin=True)
        for organization in TEXTS["organizations"]:
            self.act(create.organization_create, organization)
        for theme in TEXTS["themes"]:
            self.act(create.group_create, theme)

    @property
    def services(self) -> Services:
        """Return the parts as one."""
        return Services(self.settings, self.store, self.search, self.files)

    def add_user(self, name: str, *, sysadmin: bool = False, roles: Mapping[str, str] | None = None) -> None:
        """Add a person whose password is PASSWORD."""
        with self.store.write() as session:
            session.add(
                User(
                    id=id_of(name),
                    name=name,
                    fullname=TEXTS["people"].get(name),
                    sysadmin=sysadmin,
                    password_hash=hash_password(PASSWORD),
                    created=NOW.replace(tzinfo=None),
                )
            )
        for organization, role in (roles or {}).items():
            member = {"id": organization, "username": name, "role": role}
            self.act(create.organization_member_create, member)

    def act(self, action: Callable[[Context, dict[str, Any]], Any], params: dict[str, Any]) -> Any:
        """Call an action as the operator."""
        with self.store.write() as session:
            user = session.get(User, id_of("operator"))
            return action(self.services.context(session, user), params)

    def publish(self, name: str, release: str, **told: Any) -> None:
        """Write a release of a dataset of `sample_city.yaml` and point the catalogue at it."""
        about = TEXTS["datasets"][name]
        folder = self.home / "storage" / "releases" / name / release
        files = write_release(folder, name, about, rows=told.pop("rows", about["rows"]))
        manifest = json.dumps({"dataset": name, "release": release, "files": files}).encode()
        (folder / "manifest.json").write_bytes(manifest)
        (folder / "manifest.sig").write_text("c2lnbmVk")
        summary = {
            "release": release,
            "as_of": release.partition(".")[0],
            "published_at": f"{release.partition('.')[0]}T02:05:00Z",
            "checked_at": f"{release.partition('.')[0]}T02:05:00Z",
            "parent": None,
            "rows": {table["name"]: table.get("told_rows", len(table["cells"])) for table in about["tables"]},
            "columns": {table["name"]: len(table["fields"]) for table in about["tables"]},
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "row": about["row"],
            **about.get("summary", {}),
            **told,
        }
        self.act(_create_or_update, package_of(name, about, release, summary, files, self.site_url))

    def app(self, workspace: Workspace | None = None, now: Callable[[], datetime] = lambda: NOW) -> Flask:
        """Return the application over this city."""
        app = Flask("cityportal")
        init_site(app, site_url=self.site_url, city=Text(**TEXTS["city"]), secret_key="a secret of tests", now=now)
        app.register_blueprint(public_blueprint(self.services))
        if workspace is not None:
            app.register_blueprint(workspace_blueprint(workspace))
        return share_compiled(app)


def _create_or_update(context: Context, package: dict[str, Any]) -> Any:
    from catalogue.model import Package

    exists = context.session.get(Package, package["id"]) is not None
    return (update.package_update if exists else create.package_create)(context, package)


def package_of(
    name: str, about: dict[str, Any], release: str, summary: dict[str, Any], files: list[dict[str, Any]], site_url: str
) -> dict[str, Any]:
    """Return the package as the publisher registers it."""
    forms = {".gz": "CSV", ".parquet": "Parquet", ".sqlite": "SQLite"}
    extras = {**about["extras"], "release": release, "release_summary": json.dumps(summary)}
    return {
        "id": id_of(name),
        "name": name,
        **about["package"],
        "tags": [{"name": tag} for tag in about["tags"]],
        "extras": [{"key": key, "value": value} for key, value in extras.items()],
        "resources": [
            {
                "id": id_of(f"{name}/{file['path']}"),
                "name": file["path"],
                "format": forms[Path(file["path"]).suffix],
                "url": f"{site_url}/r/{name}/{release}/{file['path']}",
                "size": file["bytes"],
                "hash": file["sha256"],
                "table": file.get("table"),
                "datastore_active": file["path"].endswith(".gz"),
            }
            for file in files
            if Path(file["path"]).suffix in forms
        ],
    }


def write_release(folder: Path, name: str, about: dict[str, Any], *, rows: int) -> list[dict[str, Any]]:
    """Write the files of a release and return their entries of the manifest."""
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / f"{name}.sqlite")) as database, database:
        for table in about["tables"]:
            names = [one["name"] for one in table["fields"]]
            cells = [table["cells"][n % len(table["cells"])] for n in range(rows)]
            database.execute(f'CREATE TABLE "{table["name"]}" ({", ".join(f"{column}" for column in names)})')
            database.executemany(f'INSERT INTO "{table["name"]}" VALUES ({", ".join("?" * len(names))})', cells)
            lines = [",".join(names), *(",".join("" if cell is None else str(cell) for cell in row) for row in cells)]
            (folder / f"{table['name']}.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
            (folder / f"{table['name']}.parquet").write_bytes(b"PAR1" + bytes(rows * 9) + b"PAR1")
    documents = {
        "datapackage.json": _datapackage(name, about),
        "quality.json": about["quality"],
        "privacy.json": about["privacy"],
    }
    for path, document in documents.items():
        (folder / path).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return [_entry(path, about) for path in sorted(folder.iterdir())]


def _datapackage(name: str, about: dict[str, Any]) -> dict[str, Any]:
    resources = [
        {
            "name": table["name"],
            "title": table["title"],
            "title_translated": {"en": table["title_en"]},
            "description": about["row"]["vi"],
            "description_translated": {"en": about["row"]["en"]},
            "path": f"{table['name']}.csv.gz",
            "schema": {"fields": table["fields"]},
        }
        for table in about["tables"]
    ]
    return {"name": name, "resources": resources}


def _entry(path: Path, about: dict[str, Any]) -> dict[str, Any]:
    data = path.read_bytes()
    entry = {"path": path.name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    entry["media_type"] = {".gz": "text/csv", ".json": "application/json"}.get(path.suffix, "application/octet-stream")
    stem = path.name.partition(".")[0]
    return entry | ({"table": stem} if stem in {table["name"] for table in about["tables"]} else {})
