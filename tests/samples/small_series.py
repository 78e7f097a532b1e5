"""One small dataset over a SQLite source, released again and again into a real portal in this process."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from reliability.small_city import ORGANIZATION
from servers.portal import RunningPortal, running_portal

from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.runs import run_dataset
from publisher.store import ReleaseRow, Run
from publisher.versions.release_changes import Correction

NAME = "quan-trac"
DATASET = """\
name: quan-trac
title: Quan trắc
title_translated: {{en: Monitoring}}
description: Số liệu để thử.
version: {version}
licenses: [{{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY 4.0}}]
contact: {{name: Sở Thử}}
resources:
  - name: do_dac
    title: Đo đạc
    title_translated: {{en: Measurements}}
    row: Mỗi dòng là một lần đo.
    schema:
      primaryKey: [ma]
      fields:
        - {{name: ma, type: integer, title: Mã, title_translated: {{en: Number}}}}
        - {{name: tram, title: Trạm, title_translated: {{en: Station}}}}
        - {{name: gia_tri, type: number, title: Giá trị, unit: mm}}
{fields}
    source: {{kind: sql, url: "env:SERIES", query: "SELECT * FROM do_dac ORDER BY ma"}}
    privacy:
      subject: none
      fields: {{ma: {{action: keep}}, tram: {{action: keep}}, gia_tri: {{action: keep}}{actions}}}
    sort_by: [ma]
release: {{cadence: daily, approval: {approval}, max_row_change: 9{release}}}
"""


class Series:
    """A portal with the dataset; `rows` are what the agency's table holds."""

    def __init__(self, portal: RunningPortal, root: Path) -> None:
        self.portal = portal
        self.root = root

    @property
    def storage(self) -> Path:
        return self.portal.home / "storage" / "releases" / NAME

    def define(self, **parts: str) -> None:
        write_definition(self.root / "definitions", **parts)

    def fill(self, rows: dict[int, tuple[str, float]], *, columns: str = "ma INTEGER, tram TEXT, gia_tri REAL") -> None:
        fill(self.root / "series.db", rows, columns=columns)

    @property
    def definition(self) -> DatasetDefinition:
        return load_dataset(dataset_paths(self.root / "definitions")[NAME])

    def release(self, correction: Correction | None = None) -> Run:
        return run_dataset(
            self.definition, self.portal.facilities, trigger="manual", actor="somebody", correction=correction
        )

    def published(self) -> str:
        run = self.release()
        assert run.state == "published", run.message
        return str(run.release)

    def document(self, name: str, release: str = "") -> Any:
        path = f"/r/{NAME}/{release}/{name}" if release else f"/latest/{NAME}/{name}"
        answer = self.portal.get(path)
        assert answer.status_code == 200, answer.status_code
        return answer.json()

    def listed(self, release: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.storage / release / "do_dac.changes.parquet").to_pylist()
        return rows

    def backdate(self, release: str, day: date) -> None:
        """Make a release look as old as that: what it is as of, in the publisher's memory."""
        store = self.portal.facilities.store
        with store.session() as session:
            row = session.get_one(ReleaseRow, (NAME, release))
            row.summary = {**row.summary, "as_of": day.isoformat()}
            row.created_at = datetime(day.year, day.month, day.day)


def write_definition(
    root: Path,
    *,
    version: str = "1.0.0",
    fields: str = "",
    actions: str = "",
    approval: str = "standing",
    release: str = ", formats: [parquet, csv]",
) -> Path:
    folder = root / "so-thu" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
    indented = "\n".join(f"        - {line}" for line in fields.splitlines())
    text = DATASET.format(version=version, fields=indented, actions=actions, approval=approval, release=release)
    (folder / "dataset.yaml").write_text(text, encoding="utf-8")
    return root


def fill(path: Path, rows: dict[int, tuple[str, float]], *, columns: str) -> None:
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"CREATE TABLE do_dac ({columns})")
        width = columns.count(",") + 1
        marks = ", ".join("?" * width)
        database.executemany(
            f"INSERT INTO do_dac VALUES ({marks})",
            [(key, *values, *(["x"] * (width - 1 - len(values)))) for key, values in rows.items()],
        )


@contextmanager
def running_series(root: Path, *, environment: dict[str, str] | None = None, **settings: Any) -> Iterator[Series]:
    definitions = write_definition(root / "definitions")
    known = {"SERIES": f"sqlite:///{root / 'series.db'}", **(environment or {})}
    with running_portal(root / "home", definitions, environment=known, **settings) as portal:
        yield Series(portal, root)


def numbered(*, first: int = 1, count: int = 20) -> dict[int, tuple[str, float]]:
    return {number: (f"tram-{number % 4}", number / 4) for number in range(first, first + count)}
