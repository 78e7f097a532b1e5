"""Every form holds the same cells: random schemas and values, written, read back by other programs and by the checker."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook
from sample_release import RELEASE, sample_table

from publisher.disclosure.same.cells import wrong_csv, wrong_parquet
from publisher.disclosure.same.excel import wrong_excel_csv, wrong_xlsx
from publisher.disclosure.same.ndjson import wrong_ndjson
from publisher.disclosure.same.sqlite import wrong_sqlite
from publisher.formats.release_files import write_release_files
from publisher.published import ARROW_TYPES, PublishedTable

pytestmark = pytest.mark.slow

FORMATS = ("parquet", "csv", "sqlite", "xlsx", "excel_csv", "ndjson")
Cell = Any
Rows = list[tuple[Cell, ...]]

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", " ", "\x00", "\x01\x1f", '"', '""', ";", "\r\n", "a\rb", "\n", "=1+1", "+84", "-5", "@x", "\tx", "'", "'=x", "''",
     "00123", "1E5", "12/3", "10-Jan", "SEPT2", "TRUE", "012345678901234567890", '="1"', "_x0041_", "_x000D_", "x_x0001",
     "&lt;", "<b>&", "😀 Đường", "\ufeff", "\uffff", "null", "NaN", "1.5", "1,5", "2026-11-22", "\u0301a", "\u202eabc"]
)  # fmt: skip
_VALUES: dict[str, st.SearchStrategy[Cell]] = {
    "string": _TEXTS,
    "integer": st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0, 10**15 - 1, 10**15, -(10**15), 2**53 + 1, 2**63 - 1, -(2**63)]),
    "number": st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 5e-324, 1e16, 1e-7, 0.1 + 0.2]),
    "boolean": st.booleans(),
    "date": st.dates() | st.sampled_from([date(1, 1, 1), date(9999, 12, 31), date(1900, 2, 28), date(1900, 3, 1)]),
    "datetime": st.datetimes()
    | st.datetimes().map(lambda moment: moment.replace(microsecond=0))
    | st.sampled_from([datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(1900, 3, 1)]),
    "year": st.integers(-9999, 9999),
}


@st.composite
def _tables(draw: st.DrawFn) -> tuple[list[str], Rows]:
    types = draw(st.lists(st.sampled_from(sorted(_VALUES)), min_size=1, max_size=6))
    rows = draw(st.lists(st.tuples(*(st.none() | _VALUES[kind] for kind in types)), max_size=6))
    return types, rows


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@example((["string"], [(None,), ("",), ("a",)]))
@example((["number", "boolean"], []))
@example((["string"], [("_x0000_",), ("\x00",), ("_x000D_",), ("a\rb",), ("_x005F_x0041_",)]))
@example((["string"], [("a\ufffe",), ("\uffffb",)]))
@given(_tables())
def test_all_forms_hold_the_same_cells(drawn: tuple[list[str], Rows]) -> None:
    types, rows = drawn
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "release"
        table = write(types, rows, folder)
        assert pq.read_table(folder / "t.parquet").to_pydict() == columns_of(table, rows)
        assert read_csv(folder) == as_texts(types, rows)
        assert read_sqlite(folder) == [tuple(map(stored, row)) for row in rows]
        assert read_ndjson(folder) == [tuple(map(in_json, row)) for row in rows]
        assert read_excel_csv(folder) == [tuple(map(in_excel_csv, row)) for row in rows]
        assert read_xlsx(folder, types, count=len(rows)) == [tuple(map(in_xlsx, row)) for row in rows]
        assert checked(folder, table) == []


def test_forms_do_not_depend_on_how_rows_come(tmp_path: Path) -> None:
    types = ["string", "integer", "number", "datetime", "boolean", "date"]
    rows: Rows = [
        (
            f"Đường {i % 50}",
            i * 10**12,
            i / 7,
            datetime(2026, 1, 1) + timedelta(minutes=i),
            i % 3 == 0,
            date(2026, 1, 1),
        )
        for i in range(40_000)
    ]
    written = []
    for cut in (1_000, 33_000):
        folder = tmp_path / str(cut)
        write(types, rows, folder, cut=cut)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert set(written[0]) == {"t.parquet", "t.csv.gz", "t.xlsx", "t.excel.csv", "t.ndjson.gz", "d.sqlite"}
    assert [name for name in written[0] if written[0][name] != written[1][name]] == []


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_form_has_a_number_that_is_not_finite(number: float, tmp_path: Path) -> None:
    from publisher.errors import ReleaseRefused

    with pytest.raises(ReleaseRefused):
        write(["number"], [(1.0,), (number,)], tmp_path / "release")
    assert list((tmp_path / "release").iterdir()) == []


# ---- writing


def columns_of(table: PublishedTable, rows: Rows) -> dict[str, list[Cell]]:
    return {field.name: [row[place] for row in rows] for place, field in enumerate(table.fields)}


def write(types: list[str], rows: Rows, folder: Path, *, cut: int | None = None) -> PublishedTable:
    folder.mkdir(exist_ok=True)
    sample = sample_table()
    fields = tuple(
        replace(sample.fields[0], name=f"c{place}", type=kind, title=f"Cột {place}") for place, kind in enumerate(types)
    )
    table = replace(sample, name="t", fields=fields, sort_by=())
    schema = pa.schema([pa.field(field.name, ARROW_TYPES[field.type]) for field in fields])
    source = folder.with_suffix(".source.parquet")
    pq.write_table(pa.table(columns_of(table, rows), schema=schema), source, row_group_size=cut)
    write_release_files([(table, source)], folder, dataset="d", release=RELEASE, formats=FORMATS)
    return table


def checked(folder: Path, table: PublishedTable) -> list[str]:
    parquet = folder / "t.parquet"
    return [
        *wrong_parquet(parquet, table),
        *wrong_csv(folder / "t.csv.gz", parquet, table),
        *wrong_sqlite(folder / "d.sqlite", {"t": parquet}, [table]),
        *wrong_ndjson(folder / "t.ndjson.gz", parquet, table),
        *wrong_excel_csv(folder / "t.excel.csv", parquet, table),
        *wrong_xlsx(folder / "t.xlsx", parquet, table),
    ]


# ---- what a cell is in each form


def text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        return value.isoformat()
    return repr(value) if isinstance(value, float) else str(value)


def as_texts(types: list[str], rows: Rows) -> list[tuple[str, ...]]:
    assert len(types) > 0
    return [tuple(map(text, row)) for row in rows]


def stored(value: Cell) -> Cell:
    return value.isoformat() if isinstance(value, date) else value


def in_json(value: Cell) -> Cell:
    return value.isoformat() if isinstance(value, date) else value


def in_excel_csv(value: Cell) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        return text(value).replace(".", ",")
    return text(value).upper() if isinstance(value, bool) else text(value)


def in_xlsx(value: Cell) -> Cell:
    """Return what a reader of workbooks sees: nothing for null and the empty text, a text for what Excel has no number for."""
    if value is None or isinstance(value, str):
        # this reader leaves the two letters that XML forbids as they are escaped
        return (value or "").replace("\ufffe", "_xFFFE_").replace("\uffff", "_xFFFF_")
    if isinstance(value, datetime):
        whole = value.microsecond % 1000 == 0 and value >= datetime(1900, 3, 1)
        return value if whole else value.isoformat()
    if isinstance(value, date):
        return value if value >= date(1900, 3, 1) else value.isoformat()
    if isinstance(value, float):
        return repr(value) if 0 < abs(value) < 2.2250738585072014e-308 else value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**15:
        return str(value)
    return value


# ---- other programs' readers


def read_csv(folder: Path) -> list[tuple[str, ...]]:
    content = gzip.decompress((folder / "t.csv.gz").read_bytes()).decode()
    return [tuple(row) for row in csv.reader(io.StringIO(content, newline=""))][1:]


def read_sqlite(folder: Path) -> Rows:
    with closing(sqlite3.connect(folder / "d.sqlite")) as database:
        return database.execute("SELECT * FROM t ORDER BY rowid").fetchall()


def read_ndjson(folder: Path) -> Rows:
    lines = gzip.decompress((folder / "t.ndjson.gz").read_bytes()).decode().split("\n")[:-1]
    return [tuple(json.loads(line).values()) for line in lines]


def read_excel_csv(folder: Path) -> list[tuple[str, ...]]:
    content = (folder / "t.excel.csv").read_bytes().decode("utf-8-sig")
    assert content.count("\r\n") >= 1
    return [tuple(map(excel_text, row)) for row in csv.reader(io.StringIO(content, newline=""), delimiter=";")][1:]


def excel_text(cell: str) -> str:
    """Undo what the README says of CSV for Excel; a cell that Excel would run or read as something else is no such text."""
    if cell.startswith("'"):
        return cell[1:]
    if wrapped := re.fullmatch(r'="([^"]*)"', cell):
        return wrapped[1]
    assert not cell.startswith(("=", "@", "\t", "\r", "\n"))
    assert not cell.startswith(("+", "-")) or re.fullmatch(r"-[\d,e+-]+", cell)
    return cell


def read_xlsx(folder: Path, types: list[str], *, count: int) -> Rows:
    sheet = CalamineWorkbook.from_path(str(folder / "t.xlsx")).get_sheet_by_index(0)
    rows = sheet.to_python(skip_empty_area=False)[1:]
    padded = [[*row, *([""] * (len(types) - len(row)))] for row in [*rows, *([[]] * (count - len(rows)))]]
    return [tuple(map(as_cell, row, types)) for row in padded]


def as_cell(value: Cell, kind: str) -> Cell:
    if isinstance(value, str):
        return value
    if kind in {"integer", "year"}:
        return int(value)
    if kind == "datetime" and isinstance(value, date) and not isinstance(value, datetime):
        return datetime.combine(value, time())
    return value
