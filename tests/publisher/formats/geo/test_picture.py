"""The picture of the map: well-formed, small, on its canvas, with a scale."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from samples.mapped_tables import POINTS, STATIONS, hue_communes, mapped_table, stations
from samples.mapped_tables import write_map as write_forms

from publisher.published import PublishedTable

pytestmark = pytest.mark.slow


def write_map(folder: Path, table: PublishedTable, columns: dict[str, list[Any]]) -> Path:
    return write_forms(folder, table, columns, forms=("geoparquet",))


def drawn(path: Path) -> tuple[ET.Element, dict[str, str]]:
    root = ET.fromstring(path.read_text(encoding="utf-8"))  # noqa: S314  our own file
    return root, {one.attrib["class"]: one.attrib["d"] for one in root if "d" in one.attrib}


def test_dots_lie_on_the_canvas_and_the_title_is_escaped(tmp_path: Path) -> None:
    root, paths = drawn(write_map(tmp_path, mapped_table(STATIONS, POINTS), stations(5_000)) / "places.map.svg")
    width, height = (int(number) for number in root.attrib["viewBox"].split()[2:])
    places = [(int(x), int(y)) for x, y in re.findall(r"M(\d+) (\d+)h0", paths["dot"])]
    assert places
    assert all(0 <= x <= width and 0 <= y <= height for x, y in places)
    assert root[0].text == "Trạm & cây"
    assert root[-1].text == "2 km"


@pytest.mark.parametrize("columns", [{"lng": [106.7], "lat": [10.7]}, {"lng": [None], "lat": [None]}])
def test_one_place_and_none_can_be_drawn(tmp_path: Path, columns: dict[str, list[float | None]]) -> None:
    table = mapped_table({"lng": "number", "lat": "number"}, POINTS)
    _, paths = drawn(write_map(tmp_path, table, columns) / "places.map.svg")
    assert ("dot" in paths) == (columns["lng"] != [None])


def test_the_communes_of_hue_are_drawn_in_thirty_kilobytes(shared_data: Path, tmp_path: Path) -> None:
    table, columns = hue_communes(shared_data)
    path = write_map(tmp_path, table, columns) / "places.map.svg"
    _, paths = drawn(path)
    assert paths["area"].count("M") >= 40
    assert path.stat().st_size < 30_000
