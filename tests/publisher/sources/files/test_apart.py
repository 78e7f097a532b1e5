"""The process of its own that reads workbooks and Parquet files: rows, types, notes and errors come out as from this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from samples.source_reader import Read, fields_of

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files import apart


def source(kind: str, pattern: str, **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": ".", "pattern": pattern, "take": "all", "format": {"kind": kind, **more}}


@pytest.mark.slow
def test_rows_types_and_notes_come_out(read: Read, tmp_path: Path) -> None:
    for number in (1, 2):
        with xlsxwriter.Workbook(tmp_path / f"{number}.xlsx") as book:
            book.add_worksheet("S").write_column(0, 0, ["day", 46_348])
        pq.write_table(pa.table({"n": [number]}), tmp_path / f"{number}.parquet")
    rows = read(source("excel", "*.xlsx", sheet_column="sheet"), *fields_of(day="date"))
    assert rows.table.to_pydict() == {"day": ["2026-11-22"] * 2, "sheet": ["S"] * 2}
    assert sum("read as day numbers" in note for note in rows.notes) == 2
    rows = read(source("parquet", "*.parquet"), "n")
    assert rows.table == pa.table({"n": [1, 2]})


@pytest.mark.slow
def test_errors_come_out_in_their_kind(read: Read, tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "d.xlsx") as book:
        book.add_worksheet().write_column(0, 0, ["ward", 1])
    with pytest.raises(DescriptorError, match="column `ward` of its own"):
        read(source("excel", "*.xlsx", sheet_column="ward"), "ward")
    (tmp_path / "d.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"d\.parquet is no intact Parquet file") as raised:
        read(source("parquet", "*.parquet"), "n")
    assert "written again" in raised.value.cure


def test_the_reading_process_knows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHUSA_S3_SECRET_KEY", "secret")
    assert "PHUSA_S3_SECRET_KEY" not in apart._environment()
