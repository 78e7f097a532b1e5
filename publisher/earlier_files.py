"""The published bytes of earlier releases, fetched once, compared with their hashes, and kept beside the database.

Everything that was ever public counts, whether or not its files still lie in storage, for a file that was downloaded stays with whoever
downloaded it. Of tables of rows only the newest release is kept whole; of the others, how many rows stood in each class is enough.
Releases that were withdrawn are not kept at all.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from publisher.definition import DatasetDefinition
from publisher.earlier import ROWS, Earlier, EarlierRelease, is_compared
from publisher.engines.working_files import new_file
from publisher.errors import StorageError
from publisher.facilities import Facilities
from publisher.published import PublishedTable, published_tables
from publisher.store import ReleaseRow

INSIDE = "inside"
"""Folder of what is kept of a release and was never published."""
_MAY_BE_GONE = frozenset({"deleted", "quarantining", "quarantined"})
EVER_PUBLIC = frozenset({"published", "superseded", "rolled_back", "deleted", "quarantining", "quarantined"})


def earlier_of(
    definition: DatasetDefinition, facilities: Facilities, *, day: str, before: str | None = None
) -> Earlier:
    """Return the earlier releases of a dataset, fetching what is not kept yet.

    Args:
        definition: the dataset as it is today; tables that it does not compare are not fetched.
        facilities: the publisher's.
        day: as of which the new release is, an ISO date.
        before: only releases made before this one; all when null.

    Raises:
        StorageError: published bytes are not there or not those that were published, so nothing can be compared.
    """
    tables = [one for source in definition.resources for one in published_tables(source) if is_compared(one)]
    rows = _ever_public(definition.name, facilities)
    names = [row.release for row in rows]
    waiting = facilities.store.staged_releases(definition.name)
    forget_earlier(definition.name, facilities, keep={*names, *waiting} if tables else set())
    wanted = rows[: names.index(before)] if before in names else rows
    whole: set[str] = set()
    found = [_Kept(definition.name, facilities, row).take(tables, whole) for row in reversed(wanted if tables else [])]
    key = hmac.digest(facilities.signing_key.private_bytes_raw(), f"earlier {definition.name}".encode(), "sha256")
    return Earlier(date.fromisoformat(day), tuple(reversed(found)), key)


def remember_inside(dataset: str, facilities: Facilities, release: str, files: Mapping[str, Path]) -> None:
    """Keep files inside, by name, with a release that is being made, for the comparison with the next."""
    for name, path in files.items():
        with new_file(_folder(dataset, facilities) / release / INSIDE / name) as part:
            shutil.copyfile(path, part)


def forget_earlier(dataset: str, facilities: Facilities, *, keep: set[str]) -> None:
    """Remove what is kept of all other releases, such as those that were withdrawn or never became public."""
    folder = _folder(dataset, facilities)
    for kept in folder.iterdir() if folder.is_dir() else ():
        if kept.name not in keep:
            shutil.rmtree(kept, ignore_errors=True)


def _ever_public(dataset: str, facilities: Facilities) -> list[ReleaseRow]:
    rows = [row for row in facilities.store.releases(dataset) if row.state in EVER_PUBLIC]
    return sorted(rows, key=lambda row: (row.created_at, row.release))


def _folder(dataset: str, facilities: Facilities) -> Path:
    return facilities.settings.home / "earlier" / dataset


class _Kept:
    """The folder in which one earlier release is kept."""

    def __init__(self, dataset: str, facilities: Facilities, row: ReleaseRow) -> None:
        self._row = row
        self._storage = facilities.storage
        self._prefix = f"releases/{dataset}/{row.release}/"
        self._folder = _folder(dataset, facilities) / row.release
        self._digests = {file["path"]: file["sha256"] for file in row.summary["files"]}

    def take(self, tables: Sequence[PublishedTable], newer: set[str]) -> EarlierRelease:
        """Return the release; `newer` holds the tables of rows that a newer release has whole, and grows."""
        whole: dict[str, Path] = {}
        classes: dict[str, Path] = {}
        for table in tables:
            path = self._folder / f"{table.name}.parquet"
            if table.aggregate is not None:
                whole |= {table.name: path} if self._has(path) else {}
                continue
            reduced = self._folder / f"{table.name}.{_quasi_digest(table)}.classes.parquet"
            if not reduced.is_file() and self._has(path):
                reduce_to_classes(path, table, reduced)
            classes |= {table.name: reduced} if reduced.is_file() else {}
            if table.name in newer:
                path.unlink(missing_ok=True)
            elif self._has(path):
                whole[table.name] = path
                newer.add(table.name)
        return EarlierRelease(
            release=self._row.release,
            day=date.fromisoformat(self._row.summary["as_of"]),
            tables=whole,
            classes=classes,
            reports=self._reports(),
            remembered={path.name: path for path in sorted((self._folder / INSIDE).glob("*.parquet"))},
        )

    def _has(self, path: Path) -> bool:
        """Tell whether a published file is kept, fetching it when it was not yet; false where there is none any more."""
        if path.is_file():
            return True
        if path.name not in self._digests:
            return False
        if self._row.state in _MAY_BE_GONE and self._storage.info(self._prefix + path.name) is None:
            return False
        with new_file(path) as part:
            self._fetch(path.name, part)
        return True

    def _fetch(self, name: str, part: Path) -> None:
        with self._storage.open(self._prefix + name) as stored, part.open("wb") as file:
            shutil.copyfileobj(stored, file, 1 << 20)
        with part.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != self._digests[name]:
                raise StorageError(
                    f"The stored file {name} of {self._row.release} is not the one that was published.",
                    step="anonymise",
                    cure="restore it from the backup; nothing is released until earlier releases can be compared",
                )

    def _reports(self) -> dict[str, dict[str, Any]]:
        path = self._folder / "privacy.json"
        if "privacy.json" not in self._digests:
            return {}
        if not path.is_file():  # documents stay in storage when data files go
            with new_file(path) as part:
                self._fetch(path.name, part)
        reports: dict[str, dict[str, Any]] = json.loads(path.read_bytes())["tables"]
        return reports


def _quasi(table: PublishedTable) -> list[str]:
    return [one.name for one in table.fields if one.role == "quasi"]


def _quasi_digest(table: PublishedTable) -> str:
    return hashlib.sha256(json.dumps(_quasi(table)).encode()).hexdigest()[:12]


def reduce_to_classes(path: Path, table: PublishedTable, reduced: Path) -> None:
    """Write how many rows stand in each class, over those of today's quasi-identifiers that the release had."""
    with closing(duckdb.connect(":memory:")) as engine, new_file(reduced) as part:
        engine.execute("SET memory_limit = '400MB'")
        rows = engine.read_parquet(str(path))
        names = ", ".join(f'"{name}"' for name in _quasi(table) if name in rows.columns)
        wanted = f"{names}, count(*) AS {ROWS}" if names else f"count(*) AS {ROWS}"
        group = f"GROUP BY {names}" if names else ""
        query = f"COPY (SELECT {wanted} FROM rows {group}) TO '{part}' (FORMAT parquet)"  # noqa: S608  names of the definition
        rows.create_view("rows")
        engine.execute(query)
