"""GeoParquet as its readers and its standard want it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import geopandas
import pyarrow.parquet as pq
import pytest
import shapely
from samples.mapped_tables import POINTS, STATIONS, hue_communes, mapped_table, stations
from samples.mapped_tables import write_map as write_forms

from publisher.published import PublishedTable

pytestmark = pytest.mark.slow


def write_map(folder: Path, table: PublishedTable, columns: dict[str, list[Any]]) -> Path:
    return write_forms(folder, table, columns, forms=("geoparquet",))


def test_geopandas_reads_rows_properties_and_places(tmp_path: Path) -> None:
    columns = stations(50)
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS), columns)
    frame = geopandas.read_parquet(folder / "places.geo.parquet")
    assert frame.crs == "OGC:CRS84"
    assert frame["ma"].tolist() == columns["ma"]
    assert [point and point.x for point in frame.geometry] == columns["lng"]
    assert list(frame.columns) == [*STATIONS, "geometry"]  # it knows that `bbox` is no property


def test_a_box_around_a_place_finds_its_rows_only(tmp_path: Path) -> None:
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS), stations(70_000))
    path = folder / "places.geo.parquet"
    box = (106.62, 11.0, 106.63, 11.05)
    found = geopandas.read_parquet(path, bbox=box)
    every = geopandas.read_parquet(path)
    assert 0 < len(found) == int(every.geometry.intersects(shapely.box(*box)).sum())
    query = "SELECT count(*) FROM read_parquet(?) WHERE bbox.xmin BETWEEN ? AND ? AND bbox.ymin BETWEEN ? AND ?"
    counted = duckdb.execute(query, [str(path), box[0], box[2], box[1], box[3]]).fetchone()
    assert counted == (len(found),)
    group = pq.ParquetFile(path).metadata.row_group(0)
    names = {group.column(place).path_in_schema for place in range(group.num_columns) if group.column(place).statistics}
    assert {"bbox.xmin", "bbox.ymin", "bbox.xmax", "bbox.ymax"} <= names


def test_the_metadata_is_that_of_version_1_1(tmp_path: Path) -> None:
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS), stations(8))
    geo = json.loads(pq.read_metadata(folder / "places.geo.parquet").metadata[b"geo"])
    column = geo["columns"]["geometry"]
    assert (geo["version"], geo["primary_column"]) == ("1.1.0", "geometry")
    assert (column["encoding"], column["geometry_types"], column["edges"]) == ("WKB", ["Point"], "planar")
    assert column["crs"]["type"] == "GeographicCRS"
    assert column["covering"]["bbox"]["ymax"] == ["bbox", "ymax"]
    assert column["bbox"] == [106.6 + 1 / 3e7, 10.7, 106.607 + 1 / 3e7, 10.7]


def test_a_conversion_is_declared_with_its_accuracy(tmp_path: Path) -> None:
    table = mapped_table(
        {"ma": "string", "x": "number", "y": "number"}, {"longitude": "y", "latitude": "x", "crs": "EPSG:9210"}
    )
    folder = write_map(tmp_path, table, {"ma": ["a"], "x": [1_191_500.0], "y": [603_000.0]})
    said = json.loads(pq.read_metadata(folder / "places.geo.parquet").metadata[b"phusa.geometry"])
    assert said["conversion"]["source_crs_name"] == "VN-2000 / TM-3 105-45"
    assert said["conversion"]["accuracy_m"] == 1.0
    assert said["fields"] == ["y", "x"]
    place = geopandas.read_parquet(folder / "places.geo.parquet").geometry[0]
    assert (place.x, place.y) == pytest.approx((106.694, 10.773), abs=0.01)


@pytest.mark.parametrize("count", [0, 1])
def test_a_table_without_places_is_readable(tmp_path: Path, count: int) -> None:
    columns = {name: values[:count] for name, values in stations(1).items()} | {
        "lng": [None] * count,
        "lat": [None] * count,
    }
    folder = write_map(tmp_path, mapped_table(STATIONS, POINTS), columns)
    frame = geopandas.read_parquet(folder / "places.geo.parquet")
    assert len(frame) == count
    assert frame.geometry.isna().all()


def test_the_communes_of_hue_are_read_by_geopandas(shared_data: Path, tmp_path: Path) -> None:
    table, columns = hue_communes(shared_data)
    folder = write_forms(tmp_path, table, columns, forms=("geoparquet", "geojson"))
    frame = geopandas.read_parquet(folder / "places.geo.parquet")
    assert (len(frame), list(frame.columns)) == (40, ["ma", "ten", "km2", "geometry"])
    # Their areas agree with those that the source states, to a few percent.
    metres = frame.geometry.to_crs("EPSG:3405").area / 1e6
    assert ((metres / frame["km2"] - 1).abs() < 0.05).mean() > 0.9
    written = geopandas.read_file(f"/vsigzip/{folder / 'places.geojson.gz'}")
    assert written.geometry.geom_equals_exact(frame.geometry.set_crs(4326, allow_override=True), 1e-7).all()
