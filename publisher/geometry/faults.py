"""What can be wrong with the geometry of a row: row numbers by kind, never a coordinate."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely

from publisher.geometry.crs import to_wgs84
from publisher.geometry.reading import Geometries, Mask, Numbers, Shapes, read_geometries
from publisher.geometry.spec import WGS84, Bounds, GeometrySpec

UNREADABLE = "geometry-error"
SWAPPED = "geometry-swapped"
OUTSIDE = "geometry-outside"


def geometry_faults(batch: pa.RecordBatch, spec: GeometrySpec) -> dict[str, Mask]:
    """Return the rows of a typed batch by what is wrong with where they lie; a row is of one kind at most.

    `geometry-error`: no geometry can be read, or one of two coordinates is missing. `geometry-swapped`: it lies within the bounds when
    its coordinates change places. `geometry-outside`: it lies outside of the bounds either way.
    """
    read = read_geometries(batch, spec)
    outside = ~shapely.is_missing(read.shapes) & ~_within(_bounds_of(read.shapes), spec.bounds)
    swapped = np.zeros_like(outside)
    if outside.any():
        swapped[outside] = _within(_swapped(read, outside, spec), spec.bounds)
    return {UNREADABLE: read.unreadable, SWAPPED: swapped, OUTSIDE: outside & ~swapped}


def _bounds_of(shapes: Shapes) -> Numbers:
    bounds: Numbers = shapely.bounds(shapes)
    return bounds


def _within(boxes: Numbers, bounds: Bounds) -> Mask:
    west, south, east, north = bounds
    within: Mask = (boxes[:, 0] >= west) & (boxes[:, 1] >= south) & (boxes[:, 2] <= east) & (boxes[:, 3] <= north)
    return within


def _swapped(read: Geometries, rows: Mask, spec: GeometrySpec) -> Numbers:
    """Return the boxes of the chosen rows as if their coordinates had changed places at the source."""
    if read.delivered is None or spec.crs in WGS84:
        # In degrees x and y can change places after reading too.
        return _bounds_of(read.shapes[rows])[:, [1, 0, 3, 2]]
    points = to_wgs84(read.delivered[rows][:, ::-1], spec.crs)
    return np.column_stack([points, points])
