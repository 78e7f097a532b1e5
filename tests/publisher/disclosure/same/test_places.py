"""The checker re-reads map forms and finds every planted difference."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.mapped_tables import POINTS, STATIONS, hue_communes, mapped_table, stations, write_map

from publisher.disclosure.same.places import map_files, wrong_geojson, wrong_geoparquet
from publisher.disclosure.same.tiles import wrong_picture, wrong_pmtiles
from publisher.published import PublishedTable

pytestmark = pytest.mark.slow


def faults(folder: Path, table: PublishedTable) -> dict[str, list[str]]:
    parquet = folder / "places.parquet"
    geo, geojson, tiles, picture = (folder / name for name in map_files(table))
    found = {
        "geoparquet": wrong_geoparquet(geo, parquet, table),
        "geojson": wrong_geojson(geojson, parquet, table),
        "tiles": wrong_pmtiles(tiles, geo, table),
        "picture": wrong_picture(picture, geo, table),
    }
    return {form: wrong for form, wrong in found.items() if wrong}


@pytest.fixture
def table() -> PublishedTable:
    return mapped_table(STATIONS, POINTS, primaryKey=["ma"])


def test_good_forms_of_every_source_pass(tmp_path: Path, table: PublishedTable) -> None:
    assert faults(write_map(tmp_path / "a" / "release", table, stations(400)), table) == {}
    assert faults(write_map(tmp_path / "b" / "release", table, stations(0)), table) == {}
    metres = mapped_table({"x": "number", "y": "number"}, {"longitude": "x", "latitude": "y", "crs": "EPSG:9210"})
    columns = {"x": [603_000.123 + 7 * row for row in range(50)], "y": [1_191_500.456 - row for row in range(50)]}
    assert faults(write_map(tmp_path / "c" / "release", metres, columns), metres) == {}
    whole = mapped_table({"ma": "string", "o_dau": "string"}, {"field": "o_dau", "encoding": "geopoint"})
    columns = {"ma": ["a", "b", "c"], "o_dau": ["106.7, 10.7", '{"lat": 10.8, "lon": 106.6}', None]}
    assert faults(write_map(tmp_path / "d" / "release", whole, columns), whole) == {}


@pytest.mark.slow
def test_good_forms_of_the_communes_of_hue_pass(shared_data: Path, tmp_path: Path) -> None:
    table, columns = hue_communes(shared_data)
    assert faults(write_map(tmp_path / "release", table, columns), table) == {}


@pytest.mark.parametrize(
    ("column", "row", "value", "forms"),
    [
        ("lng", 5, 106.6051, {"geoparquet", "geojson"}),
        ("ten", 1, "Nguyễn Văn A", {"geoparquet", "geojson"}),
        ("cao", 1, 7.25, {"geoparquet", "geojson"}),
        ("dat_ngay", 1, None, {"geoparquet", "geojson"}),
        ("lat", 3, 10.7, {"geoparquet", "geojson"}),
    ],
)
def test_another_cell_in_parquet_is_found(
    tmp_path: Path, table: PublishedTable, column: str, row: int, value: Any, forms: set[str]
) -> None:
    folder = write_map(tmp_path / "release", table, stations(20))
    columns = stations(20)
    columns[column][row] = value
    pq.write_table(pa.table(columns, schema=table.arrow_schema), folder / "places.parquet")
    assert set(faults(folder, table)) == forms


@pytest.mark.parametrize(
    ("column", "row", "value"), [("lng", 5, 106.8), ("ten", 1, "khác"), ("cao", 1, 7.25), ("dat_ngay", 1, 3)]
)
def test_another_feature_in_a_tile_is_found(
    tmp_path: Path, table: PublishedTable, column: str, row: int, value: Any
) -> None:
    good = write_map(tmp_path / "good" / "release", table, stations(20))
    columns = stations(20)
    columns[column][row] = value
    other = write_map(tmp_path / "other" / "release", table, columns)
    assert wrong_pmtiles(other / "places.pmtiles", good / "places.geo.parquet", table)


def test_a_row_that_no_tile_shows_is_found(tmp_path: Path, table: PublishedTable) -> None:
    good = write_map(tmp_path / "good" / "release", table, stations(20))
    fewer = write_map(
        tmp_path / "fewer" / "release", table, {name: values[:19] for name, values in stations(20).items()}
    )
    (fault,) = wrong_pmtiles(fewer / "places.pmtiles", good / "places.geo.parquet", table)
    assert "the largest zoom shows 16 rows and declares 0 as not shown, of 17" in fault


def test_what_no_form_may_carry_is_found(tmp_path: Path, table: PublishedTable) -> None:
    folder = write_map(tmp_path / "release", table, stations(5))
    path = folder / "places.geojson.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    feature = json.loads(lines[1].rstrip(","))
    feature["properties"]["chu"] = "Nguyễn Văn A"
    path.write_bytes(gzip.compress("\n".join([lines[0], json.dumps(feature) + ",", *lines[2:]]).encode() + b"\n"))
    picture = folder / "places.map.svg"
    picture.write_text(picture.read_text().replace("</svg>", "<text>Nguyễn Văn A</text></svg>"))
    geo = folder / "places.geo.parquet"
    rows = pq.read_table(geo)
    pq.write_table(
        rows.replace_schema_metadata({**(rows.schema.metadata or {}), b"who": b"x"}), geo, store_schema=False
    )
    found = faults(folder, table)
    assert set(found) >= {"geojson", "picture", "geoparquet"}
    assert "Nguyễn" not in str(found)


def test_geojson_with_more_or_fewer_rows_is_found(tmp_path: Path, table: PublishedTable) -> None:
    folder = write_map(tmp_path / "release", table, stations(5))
    path = folder / "places.geojson.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    for spoilt in ([*lines[:2], *lines[1:]], [*lines[:4], lines[5].rstrip(","), lines[6]]):
        path.write_bytes(gzip.compress("\n".join(spoilt).encode() + b"\n"))
        assert wrong_geojson(path, folder / "places.parquet", table)
