"""One small table, released in every form."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_release import RELEASE, sample_rows, sample_table, write_source

from publisher.disclosure.guarantees import ALL_FORMATS
from publisher.formats.release_files import write_release_files
from publisher.published import PublishedTable


@pytest.fixture
def table() -> PublishedTable:
    return sample_table()


@pytest.fixture
def released(tmp_path: Path, table: PublishedTable) -> Path:
    """Return a folder with 40 rows of the table in all forms."""
    source = write_source(tmp_path / "source.parquet", sample_rows(count=40), table)
    (tmp_path / "r").mkdir()
    write_release_files([(table, source)], tmp_path / "r", dataset="d", release=RELEASE, formats=ALL_FORMATS)
    return tmp_path / "r"
