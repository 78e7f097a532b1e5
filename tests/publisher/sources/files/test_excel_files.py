"""Workbooks: sheets, titles, merged headers, footers, typed cells, and files that broke on the way."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from samples.source_reader import Read, fields_of

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files.excel_files import spool_workbook
from publisher.sources.files.formats import ExcelFormat

pytestmark = pytest.mark.usefixtures("in_this_process")  # test_apart.py has the process of its own


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


def rows_of(path: Path, scratch: Path) -> int:
    """Read the first sheet in this process, as the reader's own process does."""
    file = spool_workbook(path, path.name, ExcelFormat(kind="excel"), types={}, output=scratch / "rows.arrow")
    return sum(batch.num_rows for batch in file.batches())


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
        self, shared_data: Path, tmp_path: Path, name: str
    ) -> None:
        whole = (shared_data / "messy" / name).read_bytes()
        expected = rows_of(shared_data / "messy" / name, tmp_path)
        for size in range(0, len(whole), len(whole) // 20):
            (tmp_path / "cut.xls").write_bytes(whole[:size])
            with suppress_damage():
                assert rows_of(tmp_path / "cut.xls", tmp_path) == expected

    @pytest.mark.slow
    def test_portuguese_contracts(self, read: Read, shared_data: Path) -> None:
        rows = read(source("portugal_public_contracts_2015_2022.xlsx", shared_data / "business"), "ID")
        assert (len(rows), len(rows.names), rows.names[:2]) == (5214, 38, ["column_1", "ID"])
        assert rows[0]["ID"] == "9347658"
        assert rows[0]["Ano de fecho"] == "2022"

    @pytest.mark.slow
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


class TestSheets:
    """Which sheets are read: by name, position, glob or list, hidden and empty ones aside."""

    @pytest.fixture
    def quarters(self, tmp_path: Path) -> Path:
        path = tmp_path / "drop.xlsx"
        with xlsxwriter.Workbook(path) as book:
            for number, title in enumerate(["Notes", "Q1", "Q2", "Q3"]):
                sheet = book.add_worksheet(title)
                if title != "Q3":
                    sheet.write_row(0, 0, ["ward", "n"])
                    sheet.write_row(1, 0, [f"w{number}", number])
            hidden = book.add_worksheet("Q9")
            hidden.hide()
            hidden.write_column(0, 0, ["ward", "old"])
            book.add_chartsheet("Qchart").set_chart(_chart(book))
        return path

    def test_several_sheets_come_one_after_the_other_with_their_names(self, read: Read, quarters: Path) -> None:
        rows = read(source(sheet="Q*", sheet_column="quarter"), "ward")
        assert rows.table.to_pydict() == {"ward": ["w1", "w2"], "n": ["1", "2"], "quarter": ["Q1", "Q2"]}
        assert any("the sheet Q9 is hidden" in note for note in rows.notes)
        assert any("the sheet Q3 is empty" in note for note in rows.notes)
        assert quarters.exists()

    def test_a_list_keeps_its_order_and_may_name_a_hidden_sheet(self, read: Read, quarters: Path) -> None:
        rows = read(source(sheet=["Q9", 1]), "ward")
        assert rows.table.to_pydict() == {"ward": ["old", "w1"], "n": [None, "1"]}
        assert quarters.exists()

    @pytest.mark.parametrize("sheet", ["X*", ["Q1", "Absent"], -1, "Qchart"])
    def test_what_is_not_there_is_refused(self, read: Read, quarters: Path, sheet: Any) -> None:
        with pytest.raises(SourceError, match="has no sheet"):
            read(source(sheet=sheet), "ward")
        assert quarters.exists()

    def test_a_column_of_that_name_already_there_is_refused(self, read: Read, quarters: Path) -> None:
        with pytest.raises(DescriptorError, match="column `ward` of its own"):
            read(source(sheet="Q1", sheet_column="ward"), "ward")
        assert quarters.exists()


def _chart(book: xlsxwriter.Workbook) -> Any:
    chart = book.add_chart({"type": "bar"})
    chart.add_series({"values": "=Q1!$B$2:$B$3"})
    return chart


class TestCells:
    """What people put into cells."""

    @pytest.mark.parametrize("is_1904", [False, True])
    def test_day_numbers_in_columns_of_dates(self, read: Read, tmp_path: Path, is_1904: bool) -> None:
        with xlsxwriter.Workbook(tmp_path / "drop.xlsx", {"date_1904": is_1904}) as book:
            sheet = book.add_worksheet()
            number = 46_348 - (1462 if is_1904 else 0)
            sheet.write_row(0, 0, ["day", "at", "n"])
            sheet.write_row(1, 0, [number, number + 0.5, number])
            sheet.write_row(2, 0, [2026, "22/11/2026", number])
            sheet.write_datetime(3, 0, datetime(2026, 11, 22), book.add_format({"num_format": "dd/mm/yyyy"}))
        rows = read(source(), *fields_of("n", day="date", at="datetime"))
        assert rows.table["day"].to_pylist() == ["2026-11-22", "2026", "2026-11-22"]
        assert rows.table["at"].to_pylist() == ["2026-11-22T12:00:00", "22/11/2026", None]
        assert rows[0]["n"] == str(number)
        assert any("1 numbers in `day` were read as day numbers" in note for note in rows.notes)

    def test_error_cells_are_empty_and_noted(self, read: Read, tmp_path: Path) -> None:
        with xlsxwriter.Workbook(tmp_path / "drop.xlsx") as book:
            sheet = book.add_worksheet("Data & more")
            sheet.write_row(0, 0, ["id", "share", "sum"])
            for row in range(1, 4):
                sheet.write(row, 0, row)
                sheet.write(row, 1, 0.15, book.add_format({"num_format": "0%"}))
                sheet.write_formula(row, 2, "=1/0", None, "#DIV/0!" if row > 1 else 7)
        rows = read(source(), "id")
        assert rows.table["sum"].to_pylist() == ["7", None, None]
        assert rows[0]["share"] == "0.15"
        assert (
            "drop.xlsx: 2 cells of Data & more hold an error of Excel (first at C3) and were read as empty"
            in rows.notes
        )

    def test_merged_cells_are_filled_down_and_footers_left_out(self, read: Read, tmp_path: Path) -> None:
        with xlsxwriter.Workbook(tmp_path / "drop.xlsx") as book:
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, ["district", "ward", "n"])
            sheet.merge_range(1, 0, 2, 0, "A")
            sheet.write_column(1, 1, ["x", "y"])
            sheet.write_column(1, 2, [1, 2])
            sheet.write_row(3, 0, ["B", "z", 3])
            sheet.write_row(4, 0, ["Total", "", 6])
            sheet.write_row(5, 1, ["signed"])
        rows = read(source(fill_down=["district"], footer={"starts_with": ["Total"]}), "ward")
        assert rows.table["district"].to_pylist() == ["A", "A", "B"]
        assert rows.notes[-1] == "drop.xlsx: 2 rows from row 5 of Sheet1 on were left out as footers"
        rows = read(source(fill_down=["district"], footer={"rows": 2}, first_row=3), "ward")
        assert rows.table["ward"].to_pylist() == ["y", "z"]

    def test_a_document_of_a_free_office(self, read: Read, tmp_path: Path) -> None:
        """An .ods, as small as one can be."""
        table = (
            '<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
            ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
            '<office:body><office:spreadsheet><table:table table:name="S">{}</table:table></office:spreadsheet></office:body></office:document-content>'
        )
        text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
        number = (
            '<table:table-cell office:value-type="float" office:value="{0}"><text:p>{0}</text:p></table:table-cell>'
        )
        day = '<table:table-cell office:value-type="date" office:date-value="2026-11-22"><text:p>22</text:p></table:table-cell>'
        rows_xml = [
            text.format("id") + text.format("name") + text.format("day"),
            number.format(1) + text.format("\u1ec7") + day,
        ]
        body = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows_xml)
        kind = "application/vnd.oasis.opendocument.spreadsheet"
        with zipfile.ZipFile(tmp_path / "drop.ods", "w") as archive:
            archive.writestr("mimetype", kind)
            archive.writestr("content.xml", table.format(body))
            archive.writestr(
                "META-INF/manifest.xml",
                '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
            )
        rows = read(source("*.ods"), "id")
        assert rows[0] == {"id": "1", "name": "\u1ec7", "day": "2026-11-22"}
