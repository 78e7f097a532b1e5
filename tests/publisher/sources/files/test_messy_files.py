"""Every awkward file we know, with the definition a person would write: its rows, or the message that helps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from samples.source_reader import Read

from publisher.errors import SourceError

pytestmark = pytest.mark.usefixtures("in_this_process")  # test_apart.py has the process of its own

GSO = {"kind": "excel"}
SEMICOLON = {"kind": "csv", "delimiter": ";"}
CENSUS = [
    {"name": "code", "start": 1, "width": 13}, {"name": "total", "start": 14, "width": 12},
    {"name": "rest", "start": 26, "width": 66}, {"name": "place", "start": 92, "width": 90},
    {"name": "state", "start": 182, "width": 92}, {"name": "group", "start": 274, "width": 29},
]  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A file's format, and what comes of it: rows, columns, and some cells by row and column."""

    format: Mapping[str, Any]
    rows: int
    columns: int
    cells: Mapping[tuple[int, str], str | None] = field(default_factory=dict)


READ = {
    "air_quality_uci_semicolon.csv": Case({**SEMICOLON, "decimal": ","}, 9471, 17, {(0, "Date"): "10/03/2004"}),
    "ethiopia_drought_hxl.csv": Case(
        {"kind": "csv", "header_rows": [1, 2], "header_fill": True, "comment": "#"}, 391, 34,
        {(0, "LOCATION Woreda"): "Erob", (0, "WASH Reached"): "", (0, "HEALTH Affected"): "80 418"},
    ),
    "gso_units_can_tho.xls": Case(GSO, 83, 8, {(0, "M\u00e3 PX"): "31117"}),
    "gso_units_da_nang.xls": Case(GSO, 57, 8),
    "gso_units_ha_noi.xls": Case(GSO, 579, 8, {(0, "M\u00e3 PX"): "00001"}),
    "gso_units_ho_chi_minh.xls": Case(GSO, 312, 8),
    "gso_units_thua_thien_hue.xls": Case(GSO, 141, 8),
    "it_nrw_unemployment_13211-03ir.xls": Case(
        {"kind": "excel", "header_rows": [6, 7, 9], "footer": {"starts_with": ["____"]}}, 15, 37,
        {(14, "Jahr"): "2000"},
    ),
    "koeln_budget_bezirke_produktgruppen.csv": Case(SEMICOLON, 1529, 13),
    "koeln_budget_teilergebnisplan.csv": Case(SEMICOLON, 2828, 11, {(0, "Produktbereich"): "01"}),
    "koeln_budget_teilfinanzplan.csv": Case(SEMICOLON, 1746, 11),
    "koeln_election_2013_precincts.csv": Case(SEMICOLON, 1024, 102),
    "nrc_events_pipe.txt": Case({"kind": "csv", "delimiter": "|"}, 72, 72),
    "readxl_clippy.xlsx": Case({"kind": "excel", "sheet": "two-row-header", "header_rows": [1, 2]}, 1, 4),
    "readxl_dates-1904.xls": Case({"kind": "excel"}, 0, 5),
    "readxl_deaths.xls": Case(
        {"kind": "excel", "header_rows": [5], "sheet": ["arts", "other"], "sheet_column": "sheet",
         "footer": {"rows": 4}, "stop_at_blank": False}, 20, 7, {(0, "Age"): "69", (10, "sheet"): "other"},
    ),
    "readxl_deaths.xlsx": Case(
        {"kind": "excel", "header_rows": [5], "sheet": "*", "sheet_column": "sheet", "footer": {"rows": 4},
         "stop_at_blank": False}, 20, 7, {(0, "Date of birth"): "1947-01-08", (19, "sheet"): "other"},
    ),
    "readxl_empty-sheets.xlsx": Case({"kind": "excel", "sheet": "header_only"}, 0, 2),
    "readxl_type-me.xlsx": Case({"kind": "excel", "stop_at_blank": False}, 10, 2, {(1, "maybe boolean?"): "0"}),
    "readxl_unnamed-duplicated-columns.xlsx": Case(
        {"kind": "excel"}, 2, 4, {(0, "column_1"): "1", (0, "var2_2"): "aa", (1, "column_3"): "2.1"}
    ),
    "readxl_vietnamese-utf8.xls": Case({"kind": "excel"}, 6, 1, {(0, "M\u00f4 t\u1ea3"): "B\u00d9N S\u00c9T"}),
    "sahel_people_in_need.xlsx": Case({"kind": "excel", "comment": "#"}, 45, 4, {(0, "Country"): "Mali"}),
    "ukraine_border_crossings.xlsx": Case({"kind": "excel", "sheet": "Border Crossings"}, 80, 5),
    "unhcr_somalia_displacement.xlsx": Case({"kind": "excel"}, 52_648, 6, {(0, "Year"): "2016"}),
    "us_census_2000_fixed_width.txt": Case(
        {"kind": "fixed_width", "columns": CENSUS}, 1555, 6,
        {(0, "code"): "0000000000001", (0, "total"): "281421905", (0, "place"): "U.S.", (1, "state"): "AK"},
    ),
    "vietnamese_utf-8.txt": Case({"kind": "csv", "delimiter": "|", "header": False}, 4, 1),
    "vietnamese_viscii.txt": Case({"kind": "csv", "delimiter": "|", "header": False, "encoding": "viscii"}, 4, 1),
    "vietnamese_windows-1258.txt": Case(
        {"kind": "csv", "delimiter": "|", "header": False, "encoding": "windows-1258"}, 4, 1
    ),
    "zurich_ogd_metadata_template.xlsx": Case({"kind": "excel", "sheet": "metadata", "stop_at_blank": False}, 41, 7),
    "zurich_votes_since_1933.xlsx": Case({"kind": "excel"}, 10_546, 16),
}  # fmt: skip

REFUSED = [
    ("air_quality_uci_semicolon.csv", {"kind": "csv"}, "has no delimiter ','", "delimiter: ';'"),
    ("us_census_2000_fixed_width.txt", {"kind": "fixed_width", "columns": CENSUS[:3]}, "line 1 goes on behind", "columns"),
    ("nrc_events_pipe.txt", {"kind": "csv"}, "has no delimiter ','", "delimiter: '|'"),
    ("readxl_empty-sheets.xlsx", {"kind": "excel"}, "has no header in row 1; its sheet is empty", "sheet"),
    ("readxl_deaths.xlsx", {"kind": "excel", "sheet": "Data"}, "has no sheet `Data`", "arts, other"),
    ("zurich_votes_since_1933.xlsx", {"kind": "csv"}, "holds an archive, not a text", "format"),
    ("gso_units_ha_noi.xls", {"kind": "csv"}, "line 1 is not utf-8: the file holds zero bytes", "utf-16"),
    ("vietnamese_viscii.txt", {"kind": "csv", "header": False}, "line 1 is not utf-8", "encoding: viscii"),
    ("vietnamese_viscii.txt", {"kind": "csv", "header": False, "encoding": "windows-1252"}, "VISCII", "viscii"),
    ("vietnamese_viscii.txt", {"kind": "csv", "header": False, "encoding": "tcvn3"}, "not tcvn3", "viscii"),
    ("vietnamese_windows-1258.txt", {"kind": "csv", "header": False}, "is not utf-8", "encoding: windows-1258"),
    ("vietnamese_windows-1258.txt", {"kind": "csv", "header": False, "encoding": "vni"}, "not vni", "windows-1258"),
    ("vietnamese_utf-8.txt", {"kind": "csv", "header": False, "encoding": "latin-1"}, "not latin-1", "encoding: utf-8"),
    ("koeln_election_2013_precincts.csv", {"kind": "json"}, "is no intact JSON", "format"),
    ("koeln_budget_teilfinanzplan.csv", {"kind": "parquet"}, "is no intact Parquet file", "written again"),
    ("koeln_budget_teilfinanzplan.csv", {"kind": "excel"}, "is no intact workbook", "open it in Excel"),
]  # fmt: skip


def source(folder: Path, name: str, format_: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "file", "location": str(folder), "pattern": name, "format": dict(format_)}


@pytest.mark.slow
@pytest.mark.parametrize("name", READ)
def test_an_awkward_file_gives_its_rows(read: Read, shared_data: Path, name: str) -> None:
    case = READ[name]
    rows = read(source(shared_data / "messy", name, case.format), "a")
    assert (len(rows), len(rows.names)) == (case.rows, case.columns)
    assert {(row, column): rows[row][column] for row, column in case.cells} == dict(case.cells)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "format_", "message", "cure"), REFUSED)
def test_an_awkward_file_read_wrongly_says_what_to_do(
    read: Read, shared_data: Path, name: str, format_: dict[str, Any], message: str, cure: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(source(shared_data / "messy", name, format_), "a", "b")
    assert message in raised.value.message
    assert cure in raised.value.cure
    assert raised.value.message.startswith((name, f"The first line of {name}"))


def test_no_awkward_file_is_left_out(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "messy").iterdir()} == set(READ)
