"""GeoJSON by RFC 7946: valid JSON whatever the texts hold, typed properties, seven decimals, the right hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from samples.mapped_tables import POINTS, STATIONS, mapped_table, read_geojson, stations
from samples.mapped_tables import write_map as write_forms

from publisher.formats.geo.geojson import column_to_json
from publisher.published import PublishedTable

pytestmark = pytest.mark.slow


def write_map(folder: Path, table: PublishedTable, columns: dict[str, list[Any]]) -> Path:
    return write_forms(folder, table, columns, forms=("geojson",))


def test_features_have_typed_properties_and_rounded_places(tmp_path: Path) -> None:
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS, primaryKey=["ma"]), stations(10))
    features = read_geojson(folder / "places.geojson.gz")["features"]
    assert features[2] == {
        "type": "Feature",
        "id": "KK-00002",
        "geometry": {"type": "Point", "coordinates": [106.602, 10.7]},
        "properties": {
            "ma": "KK-00002", "ten": "Bến\nNghé", "cao": 0.5, "dat_ngay": "1970-01-03", "lng": stations(3)["lng"][2], "lat": 10.7,
        },
    }  # fmt: skip
    assert features[3]["geometry"] is None
    assert features[0]["properties"]["dat_ngay"] is None


def test_there_is_one_feature_a_line_and_none_in_an_empty_table(tmp_path: Path) -> None:
    table = mapped_table(STATIONS, POINTS)
    assert len(read_geojson(write_map(tmp_path / "a", table, stations(9)) / "places.geojson.gz")["features"]) == 9
    empty = read_geojson(write_map(tmp_path / "b", table, stations(0)) / "places.geojson.gz")
    assert empty == {"type": "FeatureCollection", "name": "places", "features": []}


def test_gdal_reads_the_gzipped_file(tmp_path: Path) -> None:
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS), stations(33_000))
    frame = geopandas.read_file(f"/vsigzip/{folder / 'places.geojson.gz'}")
    assert len(frame) == 33_000
    assert frame.crs == "EPSG:4326"
    assert frame["ten"][0] == 'Cầu "Bông"'


def test_outer_rings_are_counter_clockwise(tmp_path: Path) -> None:
    table = mapped_table({"ma": "string", "vung": "string"}, {"field": "vung", "encoding": "wkt"})
    clockwise = "POLYGON ((106 10, 106 11, 107 11, 106 10))"
    folder = write_map(tmp_path, table, {"ma": ["a"], "vung": [clockwise]})
    feature = read_geojson(folder / "places.geojson.gz")["features"][0]
    assert feature["properties"] == {"ma": "a"}
    assert shapely.is_ccw(shapely.from_geojson(json.dumps(feature["geometry"])).exterior)


@given(st.lists(st.none() | st.text(), min_size=1, max_size=8))
def test_any_text_is_written_as_json(values: list[str | None]) -> None:
    clean = [value and value.encode("utf-8", "ignore").decode() for value in values]
    written = column_to_json(pa.array(clean, pa.string())).to_pylist()
    assert [json.loads(text) for text in written] == clean


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_any_number_is_written_as_json(values: list[float | None]) -> None:
    written = column_to_json(pa.array(values, pa.float64())).to_pylist()
    assert [json.loads(text) for text in written] == values
