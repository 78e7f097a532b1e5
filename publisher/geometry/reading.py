"""Columns into geometries: points of two columns, or GeoJSON, WKT, WKB and geopoints; always longitude and latitude in WGS 84."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from publisher.geometry.crs import to_wgs84
from publisher.geometry.spec import WGS84, GeometrySpec

Shapes = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

_NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"
# A geopoint is `lon,lat`, or JSON: `[lon, lat]` or an object with `lon` and `lat`.
_GEOPOINTS = tuple(
    pattern.replace("#", _NUMBER)
    for pattern in (
        r"^\s*\[?\s*(?P<lon>#)\s*,\s*(?P<lat>#)\s*\]?\s*$",
        r'^\s*\{\s*"lon"\s*:\s*"?(?P<lon>#)"?\s*,\s*"lat"\s*:\s*"?(?P<lat>#)"?\s*\}\s*$',
        r'^\s*\{\s*"lat"\s*:\s*"?(?P<lat>#)"?\s*,\s*"lon"\s*:\s*"?(?P<lon>#)"?\s*\}\s*$',
    )
)


@dataclass(frozen=True)
class Geometries:
    """One geometry a row, in step with the batch.

    Attributes:
        shapes: two-dimensional, in longitude and latitude; null where the row has none.
        unreadable: rows that say something which is no geometry, such as a longitude without a latitude.
        delivered: coordinates of points of two columns before the conversion, shape (n, 2), NaN for null; null for other sources.
    """

    shapes: Shapes
    unreadable: Mask
    delivered: Numbers | None = None


def read_geometries(batch: pa.RecordBatch, spec: GeometrySpec) -> Geometries:
    """Read the geometry of every row; the batch holds the fields that the spec names, typed."""
    if spec.field is None:
        return _points(_numbers(batch.column(spec.longitude)), _numbers(batch.column(spec.latitude)), spec)
    texts = batch.column(spec.field)
    if spec.encoding == "geopoint":
        longitude, latitude = _geopoints(texts)
        points = _points(longitude, latitude, spec)
        unreadable = points.unreadable | (np.isnan(longitude) & _present(texts))
        return Geometries(points.shapes, unreadable, points.delivered)
    return _shapes(texts, spec)


def _points(longitude: Numbers, latitude: Numbers, spec: GeometrySpec) -> Geometries:
    delivered = np.column_stack([longitude, latitude])
    missing = np.isnan(delivered)
    known = ~missing.any(axis=1)
    shapes: Shapes = np.full(len(delivered), None, dtype=object)
    where = delivered[known]
    shapes[known] = shapely.points(where if spec.crs in WGS84 else to_wgs84(where, spec.crs))
    halves: Mask = np.logical_xor(missing[:, 0], missing[:, 1])
    return Geometries(shapes, halves, delivered)


def _shapes(texts: pa.Array, spec: GeometrySpec) -> Geometries:
    values = texts.to_numpy(zero_copy_only=False)
    values = np.where(_present(texts), values, None)
    if spec.encoding == "wkt":
        read = shapely.from_wkt(values, on_invalid="ignore")
    elif spec.encoding == "wkb":
        read = shapely.from_wkb(values, on_invalid="ignore")
    else:
        read = shapely.from_geojson(values, on_invalid="ignore")
    shapes: Shapes = shapely.force_2d(read)
    # A collection is no one kind of thing on a map, and an empty geometry lies nowhere.
    strange = shapely.is_empty(shapes) | (shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION)
    shapes[strange] = None
    unreadable = _present(texts) & shapely.is_missing(shapes)
    if spec.crs not in WGS84:
        shapes = shapely.transform(shapes, partial(to_wgs84, crs=spec.crs))
    return Geometries(shapely.orient_polygons(shapes), unreadable)


def _geopoints(texts: pa.Array) -> tuple[Numbers, Numbers]:
    found = [pc.extract_regex(texts, pattern) for pattern in _GEOPOINTS]
    both = [pc.coalesce(*(pc.struct_field(one, name) for one in found)) for name in ("lon", "lat")]
    return _parsed(both[0]), _parsed(both[1])


def _parsed(texts: pa.Array) -> Numbers:
    # The pattern lets through what is no number, such as two points; there the whole column is read one by one.
    try:
        return _numbers(pc.cast(texts, pa.float64()))
    except pa.ArrowInvalid:
        return np.array([_number(text) for text in texts.to_pylist()], np.float64)


def _number(text: str | None) -> float:
    try:
        return float(text) if text else np.nan
    except ValueError:
        return np.nan


def _numbers(column: pa.Array) -> Numbers:
    numbers: Numbers = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _present(texts: pa.Array) -> Mask:
    # A null and an empty text both mean that the row has no geometry.
    present: Mask = pc.fill_null(pc.not_equal(texts, ""), fill_value=False).to_numpy(zero_copy_only=False)
    return present
