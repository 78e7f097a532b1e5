"""A release as the public gets it, read back over HTTP and with other tools than those that wrote it."""

from __future__ import annotations

import gzip
import hashlib
import json
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
from servers.portal import RunningPortal

from publisher.definition import DatasetDefinition
from publisher.published import PublishedTable, published_tables
from publisher.verify import verify_release

DESCRIPTIONS = ("manifest.json", "manifest.sig", "datapackage.json", "quality.json", "privacy.json", "changes.json")
COMPARED = 100_000
"""Rows of a SQLite table that are compared cell by cell; all of them except for the one table of millions."""
DATASETTE_FOLLOWS_SECONDS = 5
DUCKDB_TYPES = {
    "string": "VARCHAR", "integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE",
    "datetime": "TIMESTAMP", "time": "VARCHAR", "year": "BIGINT", "yearmonth": "VARCHAR",
}  # fmt: skip


@dataclass
class Released:
    """All files of the current release of a dataset, downloaded; `package` is the catalogue's answer."""

    portal: RunningPortal
    definition: DatasetDefinition
    package: dict[str, Any]
    folder: Path

    @property
    def name(self) -> str:
        return self.definition.name

    @cached_property
    def extras(self) -> dict[str, str]:
        return {extra["key"]: extra["value"] for extra in self.package["extras"]}

    @property
    def url(self) -> str:
        return f"{self.portal.url}/r/{self.name}/{self.extras['release']}"

    @cached_property
    def tables(self) -> list[PublishedTable]:
        return [table for source in self.definition.resources for table in published_tables(source)]

    def document(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / name).read_bytes())
        return content

    def parquet(self, table: str) -> Path:
        return self.folder / f"{table}.parquet"

    def rows(self, table: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.parquet(table)).to_pylist()
        return found

    def ask(self, query: str, table: str) -> list[tuple[Any, ...]]:
        """Answer SQL over one table's Parquet file, which it calls `released`."""
        with closing(duckdb.connect()) as engine:
            engine.execute(f"CREATE VIEW released AS FROM read_parquet('{self.parquet(table)}')")
            return engine.execute(query).fetchall()


def download(portal: RunningPortal, dataset: str, folder: Path) -> Released:
    """Fetch every file that the catalogue names, and the descriptions beside them."""
    released = Released(portal, portal.definition(dataset), portal.action("package_show", id=dataset), folder)
    folder.mkdir(parents=True)
    for url in [*(each["url"] for each in released.package["resources"]), *DESCRIPTIONS]:
        name = url.rsplit("/", 1)[-1]
        answer = portal.get(f"/r/{dataset}/{released.extras['release']}/{name}", stream=True)
        assert answer.status_code == 200, name
        with (folder / name).open("wb") as file:
            for block in answer.iter_content(1 << 20):
                file.write(block)
    return released


def assert_all_agree(released: Released, rows: dict[str, int]) -> None:
    """Files, descriptions, catalogue and both query services tell the same; `rows` are counted elsewhere."""
    assert [table.name for table in released.tables] == list(rows)
    assert_files_are_what_they_say(released, rows)
    package = released.document("datapackage.json")
    for table in released.tables:
        assert_schema_is_the_policys(package, table)
        assert pq.read_metadata(released.parquet(table.name)).num_rows == rows[table.name]
        assert_csv_equals_parquet(released, table)
        assert_sqlite_equals_parquet(released, table, rows[table.name])
        assert_query_services_agree(released, table, rows[table.name])


def assert_files_are_what_they_say(released: Released, rows: dict[str, int]) -> None:
    report = verify_release(released.url)
    assert report.ok, report.problems
    assert report.key_listed
    formats = {(each["format"], each.get("table")) for each in released.package["resources"]}
    assert {(form, table) for table in rows for form in ("CSV", "Parquet")} <= formats
    for resource in released.package["resources"]:
        content = (released.folder / resource["url"].rsplit("/", 1)[-1]).read_bytes()
        assert resource["size"] == len(content)
        assert resource["hash"] == hashlib.sha256(content).hexdigest()
        if resource.get("table"):
            assert int(resource["rows"]) == rows[resource["table"]]
    assert json.loads(released.extras["release_summary"])["rows"] == rows


def assert_schema_is_the_policys(package: dict[str, Any], table: PublishedTable) -> None:
    described = next(each for each in package["resources"] if each["name"] == table.name)
    fields = described["schema"]["fields"]
    assert [(each["name"], each["type"]) for each in fields] == [(each.name, each.type) for each in table.fields]


def assert_csv_equals_parquet(released: Released, table: PublishedTable) -> None:
    """Compare every cell, row by row; the CSV file is read by DuckDB with the described types."""
    path = released.folder / f"{table.name}.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        assert file.readline().rstrip("\n").split(",") == [field.name for field in table.fields]
    types = {field.name: DUCKDB_TYPES[field.type] for field in table.fields}
    csv = f"read_csv('{path}', header=true, columns={types}, quote='\"', escape='\"', delim=',', nullstr='')"
    differs = " OR ".join(f'a."{name}" IS DISTINCT FROM b."{name}"' for name in types)
    parquet = ", ".join(_empty_as_null(name, kind) for name, kind in types.items())
    with closing(duckdb.connect(config={"threads": 1})) as engine:
        found = engine.execute(
            f"SELECT count(*), count(*) FILTER ({differs}) FROM "
            f"(SELECT {parquet} FROM read_parquet('{released.parquet(table.name)}')) a POSITIONAL JOIN {csv} b"
        ).fetchall()
    assert found == [(pq.read_metadata(released.parquet(table.name)).num_rows, 0)]


def _empty_as_null(name: str, kind: str) -> str:
    return f'nullif("{name}", \'\') AS "{name}"' if kind == "VARCHAR" else f'"{name}"'


def assert_sqlite_equals_parquet(released: Released, table: PublishedTable, rows: int) -> None:
    names = ", ".join(f'"{field.name}"' for field in table.fields)
    with closing(sqlite3.connect(released.folder / f"{released.name}.sqlite")) as database:
        assert database.execute(f'SELECT count(*) FROM "{table.name}"').fetchone() == (rows,)
        stored = database.execute(f'SELECT {names} FROM "{table.name}" LIMIT {COMPARED}').fetchall()
    written = next(pq.ParquetFile(released.parquet(table.name)).iter_batches(batch_size=COMPARED), None)
    wanted = [tuple(_plain(value) for value in row.values()) for row in (written.to_pylist() if written else [])]
    assert stored == wanted


def _plain(value: Any) -> Any:
    """Return a value as SQLite keeps it."""
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def assert_query_services_agree(released: Released, table: PublishedTable, rows: int) -> None:
    resource = next(
        each for each in released.package["resources"] if each["format"] == "CSV" and each["table"] == table.name
    )
    answer = released.portal.action("datastore_search", resource_id=resource["id"], limit=5)
    assert answer["total"] == rows
    names = [field.name for field in table.fields]
    assert [field["id"] for field in answer["fields"] if field["id"] != "_id"] == names
    deadline = time.monotonic() + DATASETTE_FOLLOWS_SECONDS
    while _datasette(released, table) != (rows, _cells(answer["records"], names)):
        assert time.monotonic() < deadline, "Datasette and datastore_search differ"
        time.sleep(0.1)


def _datasette(released: Released, table: PublishedTable) -> tuple[int, list[list[Any]]] | None:
    """Return the count and the first five rows that Datasette shows; null while it does not know the table."""
    answer = released.portal.get(f"/query/{released.name}/{table.name}.json?_size=5&_extra=count")
    if answer.status_code != 200:
        return None
    page = answer.json()
    names = [field.name for field in table.fields]
    return page["count"], _cells(page["rows"], names) if set(names) <= set(page["rows"][0]) else []


def _cells(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> list[list[Any]]:
    """Return cells that compare equal: Datasette gives booleans as SQLite keeps them."""
    return [[int(row[name]) if isinstance(row[name], bool) else row[name] for name in names] for row in rows]
