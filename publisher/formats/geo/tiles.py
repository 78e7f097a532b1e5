"""Features cut into the tiles of one zoom: simplified, clipped, on whole units of the tile.

A tile has 4,096 units a side. Lines and areas reach 64 units over its edge, so that strokes join; points belong to one tile.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from publisher.formats.geo.staging import STAGED
from publisher.geometry.reading import Shapes

EXTENT = 4096
BUFFER = 64
CELL = 32
Whole = npt.NDArray[np.int64]


def pieces(batch: pa.RecordBatch, zoom: int, *, thin: bool) -> pa.RecordBatch:
    """Return what each tile shows of staged features, in the columns of `pieces_schema`.

    A feature that is smaller than a unit vanishes. `tile` is PMTiles' number, `geometry` WKB in units of the tile. Of pieces with the
    same `cell` in a tile one is enough: points share one of 32 units when they are to be thinned, everything else has its own.
    """
    shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
    side = 2**zoom
    dimensions = shapely.get_dimensions(shapes)
    if dimensions.max(initial=0) > 0:
        shapes = _valid(shapely.simplify(shapes, 1 / (EXTENT * side), preserve_topology=False))
        alive = ~shapely.is_empty(shapes)
        batch, shapes, dimensions = batch.filter(pa.array(alive)), shapes[alive], dimensions[alive]
    owners, columns, rows = _touched(shapes, dimensions, side)
    cut = _clip(shapes[owners], columns, rows, side)
    cut = _in_units(cut, columns, rows, side)
    kept = np.flatnonzero(
        ~shapely.is_empty(cut) & ~shapely.is_missing(cut) & (shapely.get_dimensions(cut) == dimensions[owners])
    )
    rows_of = batch.column("row").to_numpy()
    properties = batch.select(list(range(len(STAGED), batch.num_columns))).take(pa.array(owners[kept]))
    arrays = [
        pa.array(tile_numbers(zoom, columns[kept], rows[kept])),
        batch.column("row").take(pa.array(owners[kept])),
        batch.column("rank").take(pa.array(owners[kept])),
        pa.array(_cells(cut[kept], rows_of[owners[kept]], thin=thin)),
        pa.array(shapely.to_wkb(cut[kept]), pa.binary()),
        *properties.columns,
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pieces_schema(batch.schema))


def pieces_schema(staged: pa.Schema) -> pa.Schema:
    """Return the columns of pieces."""
    first = [
        ("tile", pa.int64()),
        ("row", pa.int64()),
        ("rank", pa.float64()),
        ("cell", pa.int64()),
        ("geometry", pa.binary()),
    ]
    return pa.schema([*first, *list(staged)[len(STAGED) :]])


def _cells(shapes: Shapes, rows: Whole, *, thin: bool) -> Whole:
    if not thin:
        return rows
    points = shapely.get_type_id(shapes) == shapely.GeometryType.POINT
    cells = -1 - rows  # negative, so that no shape shares the cell of a point
    at = shapely.get_coordinates(shapes[points]).astype(np.int64) // CELL
    cells[points] = at[:, 0] * EXTENT + at[:, 1]
    return cells


def tile_numbers(zoom: int, columns: Whole, rows: Whole) -> Whole:
    """Return PMTiles' number of each tile: all smaller zooms, then its place on the Hilbert curve."""
    x, y = columns.astype(np.int64), rows.astype(np.int64)
    numbers = np.full(len(x), (4**zoom - 1) // 3, np.int64)
    for bit in reversed(range(zoom)):
        side = 1 << bit
        right, below = x & side, y & side
        numbers += ((3 * right) ^ below) << bit
        flip = (below == 0) & (right != 0)
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(below == 0, y, x), np.where(below == 0, x, y)
    return numbers


def _touched(shapes: Shapes, dimensions: Whole, side: int) -> tuple[Whole, Whole, Whole]:
    """Return, for each feature and each tile that it touches, the feature's place and the tile's column and row."""
    boxes = shapely.bounds(shapes)
    reach = np.where(dimensions > 0, BUFFER / EXTENT, 0.0)[:, None]
    first = np.clip(np.floor(boxes[:, :2] * side - reach), 0, side - 1).astype(np.int64)
    last = np.clip(np.floor(boxes[:, 2:] * side + reach), 0, side - 1).astype(np.int64)
    wide, high = (last - first + 1).T
    owners = np.repeat(np.arange(len(shapes)), wide * high)
    nth = np.arange(len(owners)) - np.repeat(np.cumsum(wide * high) - wide * high, wide * high)
    return owners, first[owners, 0] + nth % wide[owners], first[owners, 1] + nth // wide[owners]


def _clip(shapes: Shapes, columns: Whole, rows: Whole, side: int) -> Shapes:
    """Cut each shape to its tile and the reach around it; what lies within stays as it is."""
    reach = BUFFER / EXTENT
    low = np.column_stack([columns - reach, rows - reach]) / side
    high = np.column_stack([columns + 1 + reach, rows + 1 + reach]) / side
    boxes = shapely.bounds(shapes)
    over = (boxes[:, :2] < low).any(axis=1) | (boxes[:, 2:] > high).any(axis=1)
    cut = shapes.copy()
    for place in np.flatnonzero(over & (shapely.get_dimensions(shapes) > 0)):
        cut[place] = shapely.clip_by_rect(shapes[place], *low[place], *high[place])
    return cut


def _valid(shapes: Shapes) -> Shapes:
    # Simplifying may have tied a knot.
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure")
    return shapes


def _in_units(shapes: Shapes, columns: Whole, rows: Whole, side: int) -> Shapes:
    points, owners = shapely.get_coordinates(shapes, return_index=True)
    corners = np.column_stack([columns, rows])[owners]
    moved: Shapes = shapely.set_coordinates(shapes.copy(), np.round((points * side - corners) * EXTENT, 3))
    flat = shapely.get_dimensions(moved) < 1
    moved[flat] = shapely.transform(moved[flat], np.round)
    moved[~flat] = shapely.set_precision(
        _valid(moved[~flat]), 1.0
    )  # whole units, valid, nothing where it was smaller than one
    return moved
