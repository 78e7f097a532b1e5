"""A disk that fills up under a writer: a message with a cure, and no half file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_release import RELEASE, sample_rows, write_source

from publisher.errors import StorageError
from publisher.formats.csv import write_csv_gz
from publisher.formats.parquet import write_parquet
from publisher.formats.sqlite import write_sqlite
from publisher.published import PublishedTable


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("form", ["parquet", "csv", "sqlite"])
def test_a_full_disk_leaves_a_cure_and_no_file(
    form: str, small_disk: Path, table: PublishedTable, tmp_path: Path
) -> None:
    source = write_source(tmp_path / "s.parquet", sample_rows(count=60_000), table)
    with pytest.raises(StorageError) as full:
        if form == "parquet":
            write_parquet(source, table, small_disk / "t.parquet", release=RELEASE)
        elif form == "csv":
            write_csv_gz(source, table, small_disk / "t.csv.gz")
        else:
            write_sqlite([(table, source)], small_disk / "d.sqlite", release=RELEASE)
    assert "free space" in full.value.cure
    assert list(small_disk.iterdir()) == []
