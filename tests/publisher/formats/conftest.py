"""The sample table and its source file."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_release import sample_rows, sample_table, write_source

from publisher.published import PublishedTable


@pytest.fixture
def table() -> PublishedTable:
    return sample_table()


@pytest.fixture
def source(tmp_path: Path, table: PublishedTable) -> Path:
    return write_source(tmp_path / "source.parquet", sample_rows(count=50), table)
