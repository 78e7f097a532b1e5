"""PMTiles: a right archive, every row at the largest zoom, bounds kept and what is left out declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import zxy_to_tileid
from samples.mapped_tables import POINTS, STATIONS, hue_communes, mapped_table, read_tiles, stations
from samples.mapped_tables import write_map as write_forms

from publisher.formats.geo import pmtiles
from publisher.formats.geo.tiles import tile_numbers
from publisher.published import PublishedTable

pytestmark = pytest.mark.slow


def write_map(folder: Path, table: PublishedTable, columns: dict[str, list[Any]]) -> Path:
    return write_forms(folder, table, columns, forms=("pmtiles",))


def described(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with path.open("rb") as file:
        reader = Reader(MmapSource(file))
        return reader.header(), reader.metadata()


def rows_by_zoom(path: Path) -> dict[int, set[int]]:
    rows: dict[int, set[int]] = {}
    for (zoom, _, _), layers in read_tiles(path).items():
        rows.setdefault(zoom, set()).update(one["id"] for one in layers["places"]["features"])
    return rows


def test_tile_numbers_are_those_of_the_format() -> None:
    rng = np.random.default_rng(7)
    for zoom in (0, 1, 5, 14):
        x, y = rng.integers(0, 2**zoom, (2, 50))
        expected = [zxy_to_tileid(zoom, int(a), int(b)) for a, b in zip(x, y, strict=True)]
        assert tile_numbers(zoom, x, y).tolist() == expected


def test_every_place_is_in_the_largest_zoom_with_its_properties(tmp_path: Path) -> None:
    columns = stations(300)
    path = write_map(tmp_path, mapped_table(STATIONS, POINTS), columns) / "places.pmtiles"
    header, metadata = described(path)
    assert (header["version"], header["clustered"], header["tile_type"].name) == (3, True, "MVT")
    assert metadata["vector_layers"][0]["fields"]["cao"] == "Number"
    last = header["max_zoom"]
    features = {
        one["id"]: one
        for (zoom, _, _), layers in read_tiles(path).items()
        if zoom == last
        for one in layers["places"]["features"]
    }
    somewhere = [row + 1 for row, lng in enumerate(columns["lng"]) if lng is not None]
    assert sorted(features) == somewhere
    assert features[3]["properties"] == {
        "ma": "KK-00002", "ten": "Bến\nNghé", "cao": 0.5, "dat_ngay": "1970-01-03", "lng": columns["lng"][2], "lat": 10.7,
    }  # fmt: skip
    assert "ten" not in features[2]["properties"]  # null


def test_a_place_stands_where_its_coordinates_are(tmp_path: Path) -> None:
    table = mapped_table({"ma": "string", "lng": "number", "lat": "number"}, POINTS)
    path = write_map(tmp_path, table, {"ma": ["a"], "lng": [106.698123], "lat": [10.772456]}) / "places.pmtiles"
    zoom = described(path)[0]["max_zoom"]
    ((_, column, row),) = [place for place in read_tiles(path) if place[0] == zoom]
    x, y = read_tiles(path)[zoom, column, row]["places"]["features"][0]["geometry"]["coordinates"]
    longitude = (column + x / 4096) / 2**zoom * 360 - 180
    latitude = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (row + y / 4096) / 2**zoom))))
    assert (longitude, latitude) == pytest.approx((106.698123, 10.772456), abs=1e-5)


def test_the_largest_zoom_follows_the_digits_of_the_data(tmp_path: Path) -> None:
    table = mapped_table({"ma": "string", "lng": "number", "lat": "number"}, POINTS)
    zooms = []
    for digits in (1, 3, 6):
        columns = {"ma": ["a", "b"], "lng": [round(106.698123, digits), 106.5], "lat": [round(10.772456, digits), 10.5]}
        zooms.append(described(write_map(tmp_path / str(digits), table, columns) / "places.pmtiles")[0]["max_zoom"])
    assert zooms == [4, 11, 14]


def test_who_is_left_out_of_a_zoom_is_in_none_below_and_is_declared(tmp_path: Path) -> None:
    path = write_map(tmp_path, mapped_table(STATIONS, POINTS), stations(1_500)) / "places.pmtiles"
    header, metadata = described(path)
    shown = rows_by_zoom(path)
    before = shown[header["max_zoom"]]
    located = metadata["phusa.rows_with_geometry"]
    for zoom in range(header["max_zoom"], -1, -1):
        assert shown[zoom] <= before
        assert metadata["strategies"][zoom]["rows_not_shown"] == located - len(shown[zoom])
        before = shown[zoom]
    assert len(before) < 20


def test_a_full_tile_keeps_its_bounds_at_the_largest_zoom_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pmtiles, "MAX_FEATURES", 400)
    monkeypatch.setattr(pmtiles, "MAX_BYTES", 2_000)
    table = mapped_table({"ma": "string", "lng": "number", "lat": "number"}, POINTS)
    count = 1_000
    columns = {"ma": [f"ma-{row}" for row in range(count)], "lng": [106.7] * count, "lat": [10.7] * count}
    path = write_map(tmp_path, table, columns) / "places.pmtiles"
    header, metadata = described(path)
    shown = len(rows_by_zoom(path)[header["max_zoom"]])
    assert 50 < shown < 400
    assert metadata["strategies"][-1]["rows_not_shown"] == count - shown


def test_lines_and_areas_are_cut_to_their_tiles_and_lie_in_each(tmp_path: Path) -> None:
    table = mapped_table({"ma": "string", "vung": "string"}, {"field": "vung", "encoding": "wkt"})
    shapes = ["POLYGON ((106 10, 107 10, 107 11, 106 11, 106 10))", "LINESTRING (106 10, 107 11)", None]
    path = write_map(tmp_path, table, {"ma": ["a", "b", "c"], "vung": shapes}) / "places.pmtiles"
    tiles = read_tiles(path)
    assert max(place[0] for place in tiles) == described(path)[0]["max_zoom"]
    kinds = {one["geometry"]["type"] for layers in tiles.values() for one in layers["places"]["features"]}
    assert kinds <= {"Polygon", "MultiPolygon", "LineString", "MultiLineString"}
    for layers in tiles.values():
        for one in layers["places"]["features"]:
            west, south, east, north = shapely.geometry.shape(one["geometry"]).bounds
            assert min(west, south) >= -64
            assert max(east, north) <= 4096 + 64


def test_a_table_that_lies_nowhere_has_one_empty_tile(tmp_path: Path) -> None:
    table = mapped_table({"ma": "string", "lng": "number", "lat": "number"}, POINTS)
    path = write_map(tmp_path, table, {"ma": ["a"], "lng": [None], "lat": [None]}) / "places.pmtiles"
    assert list(read_tiles(path)) == [(0, 0, 0)]


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    table = mapped_table(STATIONS, POINTS)
    both = [write_forms(tmp_path / name, table, stations(500)) for name in ("a", "b")]
    for ending in (".geo.parquet", ".geojson.gz", ".pmtiles", ".map.svg"):
        assert (both[0] / f"places{ending}").read_bytes() == (both[1] / f"places{ending}").read_bytes()


@pytest.mark.slow
def test_the_communes_of_hue_tile_the_city_without_gaps(shared_data: Path, tmp_path: Path) -> None:
    table, columns = hue_communes(shared_data)
    path = write_map(tmp_path, table, columns) / "places.pmtiles"
    header, metadata = described(path)
    assert header["max_zoom"] == 14
    assert metadata["strategies"][-1]["rows_not_shown"] == 0
    # The tile in the middle of the city at zoom 11 is covered by its communes but for slivers.
    tile = read_tiles(path)[11, 1635, 930]
    covered = shapely.union_all([shapely.geometry.shape(one["geometry"]) for one in tile["places"]["features"]])
    assert shapely.intersection(covered, shapely.box(0, 0, 4096, 4096)).area > 0.99 * 4096**2
