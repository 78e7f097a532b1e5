"""Columns into geometries, in every encoding and from every reference system."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from pyproj.database import query_crs_info

from publisher.geometry.crs import conversion_from, to_wgs84
from publisher.geometry.faults import geometry_faults
from publisher.geometry.reading import read_geometries
from publisher.geometry.spec import GeometrySpec

BEN_THANH = (106.698, 10.772)


def points(lng: list[Any], lat: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"lng": pa.array(lng, pa.float64()), "lat": pa.array(lat, pa.float64())})


def texts(values: list[str | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"where": pa.array(values, pa.string())})


def spec(**said: Any) -> GeometrySpec:
    return GeometrySpec.model_validate({"longitude": "lng", "latitude": "lat"} | said)


def whole(encoding: str, **said: Any) -> GeometrySpec:
    return GeometrySpec.model_validate({"field": "where", "encoding": encoding, **said})


def faults(batch: pa.RecordBatch, said: GeometrySpec) -> dict[str, list[int]]:
    return {kind: np.flatnonzero(rows).tolist() for kind, rows in geometry_faults(batch, said).items() if rows.any()}


def test_points_of_two_columns_keep_every_digit() -> None:
    read = read_geometries(points([106.698123456789, None], [10.772, None]), spec())
    assert read.shapes[0] == shapely.Point(106.698123456789, 10.772)
    assert read.shapes[1] is None
    assert not read.unreadable.any()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("wkt", "POINT Z (106.698 10.772 4)"),
        ("wkb", shapely.Point(BEN_THANH).wkb_hex),
        ("geojson", '{"type":"Point","coordinates":[106.698,10.772]}'),
        ("geojson", '{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[106.698,10.772]}}'),
        ("geopoint", "106.698, 10.772"),
        ("geopoint", "[106.698,10.772]"),
        ("geopoint", '{"lon": 106.698, "lat": 10.772}'),
        ("geopoint", '{"lat":"10.772","lon":"106.698"}'),
    ],
)
def test_every_encoding_says_the_same_place(encoding: str, text: str) -> None:
    read = read_geometries(texts([text, None, ""]), whole(encoding))
    assert read.shapes.tolist() == [shapely.Point(BEN_THANH), None, None]
    assert not read.unreadable.any()


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("wkt", "POINT (106.698"), ("wkt", "POINT EMPTY"), ("wkb", "zz"), ("geojson", "{}"), ("geojson", '"x"'),
        ("wkt", "GEOMETRYCOLLECTION (POINT (106 10))"), ("geopoint", "106.698"), ("geopoint", "1.2.3, 10"), ("geopoint", "a,b"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_geometry_is_a_fault(encoding: str, text: str) -> None:
    assert faults(texts(["", text]), whole(encoding)) == {"geometry-error": [1]}


def test_outer_rings_run_counter_clockwise_whatever_the_source_does() -> None:
    clockwise = "POLYGON ((106 10, 106 11, 107 11, 107 10, 106 10), (106.2 10.2, 106.4 10.2, 106.4 10.4, 106.2 10.2))"
    polygon = read_geometries(texts([clockwise]), whole("wkt")).shapes[0]
    assert shapely.is_ccw(polygon.exterior)
    assert not shapely.is_ccw(polygon.interiors[0])


def test_half_a_point_a_swapped_one_and_one_abroad_are_told_apart() -> None:
    batch = points([106.7, 106.7, 10.77, 2.35, None, 0.0], [10.77, None, 106.7, 48.85, 10.77, 0.0])
    assert faults(batch, spec()) == {"geometry-error": [1, 4], "geometry-swapped": [2], "geometry-outside": [3, 5]}


def test_the_islands_belong_to_viet_nam_and_a_city_may_be_narrower() -> None:
    hoang_sa, truong_sa = (112.3, 16.5), (113.8, 8.6)
    batch = points(*map(list, zip(hoang_sa, truong_sa, strict=True)))
    assert faults(batch, spec()) == {}
    assert faults(batch, spec(bounds=(106, 10, 107.1, 11.2))) == {"geometry-outside": [0, 1]}


def test_a_swapped_polygon_is_told_as_swapped() -> None:
    batch = texts(["POLYGON ((10 106, 11 106, 11 107, 10 106))", "POLYGON ((106 10, 107 10, 107 11, 106 10))"])
    assert faults(batch, whole("wkt")) == {"geometry-swapped": [0]}


# Easting and northing of one point of Ho Chi Minh City, by hand: VN-2000 lies some 190 m from WGS 84 there.
def test_vn2000_of_ho_chi_minh_city_lands_in_ho_chi_minh_city() -> None:
    read = read_geometries(points([603_000.0], [1_191_500.0]), spec(crs="EPSG:9210"))
    longitude, latitude = shapely.get_coordinates(read.shapes)[0]
    assert longitude == pytest.approx(106.694, abs=0.01)
    assert latitude == pytest.approx(10.773, abs=0.01)
    assert (longitude, latitude) == (round(longitude, 7), round(latitude, 7))


def test_swapped_axes_of_vn2000_are_found() -> None:
    batch = points([603_000.0, 1_191_500.0], [1_191_500.0, 603_000.0])
    assert faults(batch, spec(crs="EPSG:9210")) == {"geometry-swapped": [1]}


def test_vn2000_in_degrees_moves_by_some_two_hundred_metres() -> None:
    moved = to_wgs84(np.array([BEN_THANH]), "EPSG:4756")[0]
    metres = np.hypot(*(moved - BEN_THANH)) * 111_000
    assert 100 < metres < 300


def test_polygons_in_metres_are_converted_too() -> None:
    text = "POLYGON ((603000 1191500, 603100 1191500, 603100 1191600, 603000 1191500))"
    read = read_geometries(texts([text, None]), whole("wkt", crs="EPSG:9210"))
    assert shapely.get_coordinates(read.shapes[0])[0] == pytest.approx([106.694, 10.773], abs=0.01)


@pytest.mark.parametrize(
    ("code", "meridian"),
    [(3405, 105.0), (3406, 111.0), (9205, 103.0), (9209, 105.5), (9210, 105.75), (9214, 107.0), (9218, 108.5)],
)
def test_the_zones_have_their_central_meridians(code: int, meridian: float) -> None:
    on_meridian = to_wgs84(np.array([[500_000.0, 1_200_000.0]]), f"EPSG:{code}")[0]
    assert on_meridian[0] == pytest.approx(meridian, abs=0.003)


def test_every_vn2000_system_has_an_official_way_of_a_metre() -> None:
    codes = {info.code for info in query_crs_info(auth_name="EPSG") if info.name.startswith("VN-2000")}
    assert {"3405", "3406", "4756", "9210"} <= codes
    for code in codes:
        found = conversion_from(f"EPSG:{code}")
        assert found.crs_name.startswith("VN-2000")
        assert "VN-2000 to WGS 84 (2)" in found.operation  # the seven parameters of Decision 05/2007/QĐ-BTNMT
        assert found.accuracy_m == 1.0
