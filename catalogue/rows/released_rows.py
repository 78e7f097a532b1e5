"""The table that a resource offers of the current release of its dataset."""

from __future__ import annotations

import json
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from catalogue.actions.context import Context
from catalogue.files.released_files import ReleasedFiles
from catalogue.files.released_schema import ReleasedField, table_fields, type_of_declaration
from catalogue.model import Package, Resource
from catalogue.rows.connections import file_uri
from catalogue.rows.row_table import ROW_ID, Column, RowTable, TableSize, quoted

_SMALL_FILE_BYTES = 64 * 2**20  # of larger ones the pages are not walked through to tell indexes from rows
_KEPT_TABLES = 512


@dataclass(frozen=True)
class _Facts:
    """What never changes of a released table."""

    path: Path
    columns: tuple[Column, ...]
    indexed: tuple[str, ...]


_FACTS: OrderedDict[tuple[Path, str], _Facts] = OrderedDict()


def released_table(context: Context, resource: Resource, package: Package) -> RowTable | None:
    """Return the table of a resource, null when no release has one.

    Raises:
        NotFound: the files of the release are gone.
        FilesUnavailable: the storage does not answer.
    """
    release = package.extras.get("release")
    name = (resource.extras or {}).get("table")
    if not (resource.datastore_active and release and name):
        return None
    summary = _summary(package)
    files = context.files
    path = files.tables.path(package.name, str(release), manifest_sha256=summary.get("manifest_sha256"))
    facts = _facts(files, path, package.name, str(release), str(name))
    if facts is None:
        return None
    stated = summary.get("rows")
    rows = stated.get(name) if isinstance(stated, dict) else None
    return RowTable(
        resource_id=resource.id,
        sql=f"main.{quoted(str(name))}",
        columns=facts.columns,
        version=(str(path), str(name)),
        open=partial(_open, files, facts, str(name)),
        size=partial(_size, facts.path),
        words_schema="side",
        rows=rows if isinstance(rows, int) else None,
        release=str(release),
        indexed=facts.indexed,
        uri=file_uri(path),
    )


def _summary(package: Package) -> dict[str, Any]:
    try:
        summary = json.loads(package.extras.get("release_summary") or "{}")
    except ValueError:
        return {}
    return summary if isinstance(summary, dict) else {}


def _facts(files: ReleasedFiles, path: Path, dataset: str, release: str, table: str) -> _Facts | None:
    """Return what is known of a table, null when the file has no such table."""
    key = (path, table)
    known = _FACTS.get(key)
    if known is None:
        with files.tables.lease(path) as connection:
            described = table_fields(files.read_json(dataset, release, "datapackage.json"), table)
            rows = connection.execute(f"PRAGMA table_info({quoted(table)})").fetchall()
            if not rows:
                return None
            known = _FACTS[key] = _Facts(path, _columns(rows, described), _indexed(connection, table))
        while len(_FACTS) > _KEPT_TABLES:
            _FACTS.popitem(last=False)
    return known


def _columns(rows: list[Any], described: Mapping[str, ReleasedField]) -> tuple[Column, ...]:
    columns = [Column(ROW_ID, "int", "t.rowid")]
    for number, (_, name, declared, *_rest) in enumerate(rows):
        stated = described.get(name) or ReleasedField(name, type_of_declaration(declared))
        info = {"label": stated.title, "notes": stated.description, "unit": stated.unit}
        shown = {key: value for key, value in info.items() if value}
        columns.append(Column(name, stated.type, f"t.{quoted(name)}", shown, words=f"c{number}"))
    return tuple(columns)


def _indexed(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    names = [row[1] for row in connection.execute(f"PRAGMA index_list({quoted(table)})")]
    first = [connection.execute(f"PRAGMA index_info({quoted(name)})").fetchone() for name in names]
    return tuple(row[2] for row in first if row)


@contextmanager
def _open(files: ReleasedFiles, facts: _Facts, table: str, words: bool) -> Iterator[sqlite3.Connection]:
    names = [column.name for column in facts.columns[1:]]
    side = files.tables.words(facts.path, table, names) if words else None
    with files.tables.lease(facts.path, side) as connection:
        yield connection


@cache
def _size(path: Path) -> TableSize:
    file_bytes = path.stat().st_size
    if file_bytes > _SMALL_FILE_BYTES:
        return TableSize(file_bytes, file_bytes, 0)
    return size_in(path)


def size_in(path: Path) -> TableSize:
    """Return the bytes of the rows and of the indexes of a SQLite file; walks through all its pages."""
    with sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True) as connection:
        statement = r"""SELECT sum(pgsize), sum(pgsize * (m.type = 'index' OR m.name LIKE 'words%' OR m.name LIKE '%\_words\_%' ESCAPE '\'))
            FROM dbstat AS d LEFT JOIN sqlite_schema AS m ON m.name = d.name WHERE aggregate = TRUE"""
        total, indexes = connection.execute(statement).fetchone()
    connection.close()
    return TableSize(int(total) - int(indexes or 0), int(total), int(indexes or 0))
