"""Release folders with real files, made by the writers, good ones and planted bad ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.small_tables import define

from publisher.definition import TableDefinition
from publisher.disclosure.guarantees import ALL_FORMATS, Verdict, check_release
from publisher.formats.release_files import write_release_files
from publisher.published import published_tables

sys.path.insert(0, str(Path(__file__).parent))  # `from columns_of_a_city import ...`

DATASET = "ho-so"
TODAY = date(2026, 11, 22)


class ReleaseFolder:
    """A release folder that tests fill and spoil."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "release"
        self.definitions = folder
        self.folder.mkdir()
        self._rows: dict[str, int] = {}

    def write(self, table: TableDefinition, columns: dict[str, dict[str, list[Any]]]) -> None:
        """Write all formats; `columns` gives the values of each published table."""
        self.tables = published_tables(table)
        sources = []
        for published in self.tables:
            source = self.definitions / f"{published.name}.source.parquet"
            pq.write_table(pa.table(columns[published.name], schema=published.arrow_schema), source)
            sources.append((published, source))
        self._rows = write_release_files(
            sources, self.folder, dataset=DATASET, release="2026-11-22.1", formats=ALL_FORMATS
        )

    def check(self, **more: Any) -> Verdict:
        settings = {"rows_before": self._rows, "today": TODAY, "definitions": self.definitions, **more}
        return check_release(self.folder, self.tables, dataset=DATASET, **settings)

    def failed(self, **more: Any) -> set[str]:
        """Return guarantee and subject of each failed check, such as `G3 k`."""
        return {f"{check.id} {check.detail.split(':')[0]}" for check in self.check(**more).failures}


@pytest.fixture
def release(tmp_path: Path) -> ReleaseFolder:
    return ReleaseFolder(tmp_path)


@pytest.fixture
def make_table() -> Callable[..., TableDefinition]:
    return define
