"""Workbooks: sheets, titles, merged headers, footers, typed cells, and files that broke on the way."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from samples.source_reader import Read, fields_of

from publisher.errors import SourceError


def source(pattern: str = "*.xlsx*", folder: Path | str = ".", **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": str(folder), "pattern": pattern, "format": {"kind": "excel", **more}}


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    """A statistics office's sheet: title, blank row, header of two rows with merged cells, data, footer; starts at B2."""
    path = tmp_path / "drop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Notes").write(0, 0, "read me")
        sheet = book.add_worksheet("Data")
        day, at, clock = (book.add_format({"num_format": f}) for f in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm", "hh:mm"))
        sheet.write(1, 1, "Population by ward")
        sheet.merge_range(3, 1, 4, 1, "Ward\ncode")
        sheet.merge_range(3, 2, 3, 3, "Persons")
        sheet.write_row(4, 2, ["men", "women"])
        sheet.write_row(3, 4, ["Day", "At", "Clock", "Checked", "", "Day"])
        for row, ward in enumerate(["00001", "00002"], start=5):
            sheet.write_string(row, 1, ward)
            sheet.write_row(row, 2, [1200, 0.1])
            sheet.write_datetime(row, 4, datetime(2026, 11, 22), day)
            sheet.write_datetime(row, 5, datetime(2026, 11, 22, 8 * (row - 5)), at)
            sheet.write_datetime(row, 6, time(7, 30), clock)
            sheet.write_boolean(row, 7, True)
            sheet.write(row, 8, 12345678901)
        sheet.write(8, 1, "Source: statistics office")
        sheet.write_blank(5, 12, None, day)
    return path


def test_a_sheet_with_title_merged_header_and_footer(read: Read, workbook: Path) -> None:
    rows = read(source(sheet="Data", header_rows=[4, 5]), *fields_of("Ward code", At="datetime"))
    assert rows.table.to_pylist() == [
        {
            "Ward code": ward, "Persons men": "1200", "Persons women": "0.1", "Day": "2026-11-22", "At": at,
            "Clock": "07:30:00", "Checked": "true", "column_8": "12345678901", "Day_2": None,
        }
        for ward, at in (("00001", "2026-11-22T00:00:00"), ("00002", "2026-11-22T08:00:00"))
    ]  # fmt: skip
    assert any("1 rows below the first blank row" in note for note in rows.notes)


def test_footers_stay_when_the_definition_says_so(read: Read, workbook: Path) -> None:
    rows = read(source(sheet=1, header_rows=[4, 5], stop_at_blank=False), "Ward code")
    assert rows.table["Ward code"].to_pylist()[-1] == "Source: statistics office"
    assert len(rows) == 3


def test_a_packed_workbook_is_unpacked(read: Read, workbook: Path) -> None:
    (workbook.parent / "drop.xlsx.gz").write_bytes(gzip.compress(workbook.read_bytes()))
    workbook.unlink()
    assert len(read(source(sheet="Data", header_rows=[4, 5]), "Ward code")) == 2


@pytest.mark.parametrize("sheet", ["Absent", 9])
def test_a_missing_sheet_is_answered_with_those_there(read: Read, workbook: Path, sheet: str | int) -> None:
    with pytest.raises(SourceError, match="has no sheet") as raised:
        read(source(sheet=sheet), "a")
    assert "Notes, Data" in raised.value.cure


@pytest.mark.parametrize("rows", [[70], [1]])
def test_a_header_that_is_not_there_is_refused(read: Read, workbook: Path, rows: list[int]) -> None:
    with pytest.raises(SourceError, match="has no header in row"):
        read(source(sheet="Data", header_rows=rows), "a")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_refused(read: Read, workbook: Path, share: float) -> None:
    whole = workbook.read_bytes()
    workbook.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(SourceError, match="no intact workbook") as raised:
        read(source(sheet="Data", header_rows=[4, 5]), "a")
    assert "delivered again" in raised.value.cure


@contextmanager
def suppress_damage() -> Iterator[None]:
    """Let pass that a workbook is refused as damaged, and nothing else."""
    try:
        yield
    except SourceError as error:
        if "no intact workbook" not in error.message:
            raise


class TestRealWorkbooks:
    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["gso_units_ha_noi.xls", "readxl_deaths.xls"])
    def test_an_old_workbook_cut_anywhere_is_refused_or_whole(
        self, read: Read, shared_data: Path, tmp_path: Path, name: str
    ) -> None:
        whole = (shared_data / "messy" / name).read_bytes()
        expected = len(read(source(name, shared_data / "messy"), "a"))
        for size in range(0, len(whole), len(whole) // 40):
            (tmp_path / "cut.xls").write_bytes(whole[:size])
            with suppress_damage():
                assert len(read(source("cut.xls"), "a")) == expected

    @pytest.mark.slow
    def test_portuguese_contracts(self, read: Read, shared_data: Path) -> None:
        rows = read(source("portugal_public_contracts_2015_2022.xlsx", shared_data / "business"), "ID")
        assert (len(rows), len(rows.names), rows.names[:2]) == (5214, 38, ["column_1", "ID"])
        assert rows[0]["ID"] == "9347658"
        assert rows[0]["Ano de fecho"] == "2022"

    def test_statistics_office_units(self, read: Read, shared_data: Path) -> None:
        rows = read(source("gso_units_*.xls", shared_data / "messy") | {"take": "all"}, "x")
        assert len(rows) == 83 + 57 + 579 + 312 + 141
        assert rows.names[5] == "M\u00e3 PX"
        assert rows[0]["M\u00e3 PX"] == "31117"

    def test_a_header_of_three_rows(self, read: Read, shared_data: Path) -> None:
        spec = source("it_nrw_unemployment_13211-03ir.xls", shared_data / "messy", header_rows=[6, 7, 9])
        rows = read(spec, "Jahr")
        assert rows.names[0] == "Jahr"
        assert rows.names[2].endswith("Januar (31.) m\u00e4nnlich")
        assert len(set(rows.names)) == 37

    def test_dates_of_the_1904_system(self, read: Read, shared_data: Path) -> None:
        rows = read(source("readxl_dates-1904.xls", shared_data / "messy"), "a")
        assert (len(rows), rows.names[0]) == (0, "2000-01-01")

    def test_typed_cells_below_title_rows(self, read: Read, shared_data: Path) -> None:
        rows = read(source("readxl_deaths.xlsx", shared_data / "messy", header_rows=[5]), "Name")
        assert date.fromisoformat(rows[0]["Date of birth"]) == date(1947, 1, 8)
        assert rows[0]["Age"] == "69"
