"""The files for Excel: what Excel needs to open them, and what it must not do to values."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest
from python_calamine import CalamineWorkbook
from sample_release import RELEASE, sample_rows, write_source

from publisher.formats.excel.limits import MAX_CELLS, MAX_ROWS, fits_excel, has_long_text, headings
from publisher.formats.excel.parts import DICTIONARY_SHEET, column_letters
from publisher.formats.release_files import write_release_files
from publisher.published import PublishedTable

MAIN = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


@pytest.fixture
def folder(tmp_path: Path, source: Path, table: PublishedTable) -> Path:
    (tmp_path / "r").mkdir()
    write_release_files([(table, source)], tmp_path / "r", dataset="d", release=RELEASE, formats=["xlsx", "excel_csv"])
    return tmp_path / "r"


def part(folder: Path, name: str) -> ET.Element:
    with zipfile.ZipFile(folder / "tickets.xlsx") as archive:
        assert archive.testzip() is None
        return ET.fromstring(archive.read(name))  # noqa: S314  our own file


def test_the_header_is_bold_in_sight_and_filtered(folder: Path) -> None:
    sheet = part(folder, "xl/worksheets/sheet1.xml")
    (pane,) = sheet.findall(".//m:pane", MAIN)
    assert (pane.attrib["state"], pane.attrib["ySplit"], pane.attrib["topLeftCell"]) == ("frozen", "1", "A2")
    (row,) = sheet.findall(".//m:row[@r='1']", MAIN)
    (bold,) = {cell.attrib["s"] for cell in row}
    styles = part(folder, "xl/styles.xml")
    font = styles.findall(".//m:cellXfs/m:xf", MAIN)[int(bold)].attrib["fontId"]
    assert styles.findall(".//m:fonts/m:font", MAIN)[int(font)].find("m:b", MAIN) is not None
    (area,) = sheet.findall(".//m:autoFilter", MAIN)
    assert area.attrib["ref"] == "A1:H51"
    widths = [float(column.attrib["width"]) for column in sheet.findall(".//m:cols/m:col", MAIN)]
    assert len(widths) == 8
    assert widths[1] > widths[0]


def test_sheets_are_the_table_and_its_dictionary_in_two_languages(folder: Path, table: PublishedTable) -> None:
    book = CalamineWorkbook.from_path(str(folder / "tickets.xlsx"))
    assert book.sheet_names == ["tickets", DICTIONARY_SHEET]
    dictionary = book.get_sheet_by_name(DICTIONARY_SHEET).to_python()
    assert [row[1] for row in dictionary[1:]] == [field.name for field in table.fields]
    assert dictionary[2][:4] == ["B", "name", "Tên", "Name"]
    assert dictionary[3][5] == "VND"
    assert book.get_sheet_by_name("tickets").to_python()[0] == headings(table.fields)


def test_codes_are_text_and_numbers_numbers(folder: Path) -> None:
    sheet = part(folder, "xl/worksheets/sheet1.xml")
    cells = {cell.attrib["r"]: cell for cell in sheet.findall(".//m:row[@r='2']/m:c", MAIN)}
    formats = part(folder, "xl/styles.xml").findall(".//m:cellXfs/m:xf", MAIN)
    kinds = {
        place: (cell.attrib.get("t"), formats[int(cell.attrib["s"])].attrib["numFmtId"])
        for place, cell in cells.items()
    }
    assert kinds["A2"] == kinds["C2"] == kinds["G2"] == (None, "0")
    assert kinds["B2"] == kinds["H2"] == ("inlineStr", "49")
    assert (kinds["D2"], kinds["E2"], kinds["F2"]) == (("b", "0"), (None, "164"), (None, "165"))


def test_bytes_carry_neither_time_nor_name(folder: Path, tmp_path: Path, source: Path, table: PublishedTable) -> None:
    (tmp_path / "again").mkdir()
    write_release_files([(table, source)], tmp_path / "again", dataset="d", release=RELEASE, formats=["xlsx"])
    assert (tmp_path / "again" / "tickets.xlsx").read_bytes() == (folder / "tickets.xlsx").read_bytes()
    with zipfile.ZipFile(folder / "tickets.xlsx") as archive:
        assert {one.date_time for one in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert not [name for name in archive.namelist() if name.startswith("docProps")]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+84 28", "'+84 28"),
        ("-5", "'-5"),
        ("@sum", "'@sum"),
        ("\tx", "'\tx"),
        ("00123", '"=""00123"""'),
        ("012345678901234567890", '"=""012345678901234567890"""'),
        ("12/3", '"=""12/3"""'),
        ("1E5", '"=""1E5"""'),
        ("10-Jan", '"=""10-Jan"""'),
        ("SEPT2", '"=""SEPT2"""'),
        ("true", '"=""true"""'),
        ("12 Lê Lợi", "12 Lê Lợi"),
        ("a;b", '"a;b"'),
        ('"x"', '"""x"""'),
    ],
)
def test_excel_reads_texts_as_texts(value: str, cell: str, tmp_path: Path, table: PublishedTable) -> None:
    rows: dict[str, list[Any]] = {**sample_rows(count=1), "name": [value]}
    source = write_source(tmp_path / "s.parquet", rows, table)
    write_release_files([(table, source)], tmp_path, dataset="d", release=RELEASE, formats=["excel_csv"])
    line = (tmp_path / "tickets.excel.csv").read_bytes().decode("utf-8-sig").split("\r\n")[1]
    assert line == f'0;{cell};1,5;TRUE;2026-11-22;2026-11-22 10:00:00;2026;"=""2026-11"""'


def test_limits_are_excels(table: PublishedTable) -> None:
    assert fits_excel(table, MAX_ROWS)
    assert not fits_excel(table, MAX_ROWS + 1)
    assert not fits_excel(table, MAX_CELLS // len(table.fields) + 1) or MAX_CELLS // len(table.fields) >= MAX_ROWS
    assert not has_long_text(pa.array(["x" * 32_767, None]))
    assert has_long_text(pa.array(["x" * 32_768]))
    assert has_long_text(pa.array(["😀" * 16_384]))
    assert not has_long_text(pa.array(["ă" * 32_767]))


def test_columns_are_lettered_as_in_excel() -> None:
    assert [column_letters(place) for place in (0, 25, 26, 701, 702, 16_383)] == ["A", "Z", "AA", "ZZ", "AAA", "XFD"]
