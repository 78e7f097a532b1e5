"""A disk that fills up under a writer: a message with a cure, and no half file."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_release import sample_rows, write_form, write_source

from publisher.errors import StorageError
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
        write_form(form, source, table, small_disk / "t.file")
    assert "free space" in full.value.cure
    assert list(small_disk.iterdir()) == []
