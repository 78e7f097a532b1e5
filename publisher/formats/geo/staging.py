"""The features of a table on the square of the world's map, staged in a file, with what the choice of the largest zoom needs.

The square has x and y from 0 to 1, x to the east and y to the south (Web Mercator), as tiles are cut from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from publisher.formats.geo.features import property_fields, read_features
from publisher.formats.rows import column_to_text
from publisher.geometry.crs import DECIMALS
from publisher.geometry.reading import Shapes
from publisher.published import PublishedTable

Numbers = npt.NDArray[np.float64]

LATEST_LATITUDE = 85.051128779806604
"""Where the map ends; Viet Nam's bounds lie far within."""

EARTH_METRES = 40_075_016.686
_SAMPLED_STEPS = 200_000
_GOLDEN = np.uint64(0x9E37_79B9_7F4A_7C15)
STAGED = (
    ("row", pa.int64()),
    ("rank", pa.float64()),
    ("x", pa.float64()),
    ("y", pa.float64()),
    ("geometry", pa.binary()),
)
"""Columns before the properties, which are called `0`, `1`, … so that no name collides: the row from 1 in release order, the rank
(the smallest is kept longest), the centre, WKB on the square."""


@dataclass(frozen=True)
class Staged:
    """What the staged file holds.

    Attributes:
        path: Parquet with the columns `STAGED` and one for each property; only rows that lie somewhere.
        rows: how many of the table's rows there are, with those that lie nowhere.
        located: how many lie somewhere.
        box: west, south, east, north in degrees; null when nothing lies anywhere.
        detail_m: metres between what the data tells apart.
    """

    path: Path
    rows: int
    located: int
    box: tuple[float, float, float, float] | None
    detail_m: float


class Stage:
    """Writes the features of a table into a file, batch by batch."""

    def __init__(self, path: Path, table: PublishedTable) -> None:
        names = [str(place) for place in range(len(property_fields(table)))]
        types = [_property_type(table.arrow_schema.field(field.name).type) for field in property_fields(table)]
        self._schema = pa.schema([*STAGED, *zip(names, types, strict=True)])
        self._path = path
        self._table = table
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1, store_schema=False)
        self._rows = 0
        self._located = 0
        self._decimals = 0
        self._steps: list[Numbers] = []
        self._sampled = 0
        self._box = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def put(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        properties, shapes = read_features(batch, self._table)
        somewhere = ~shapely.is_missing(shapes)
        rows = np.flatnonzero(somewhere) + self._rows + 1
        self._rows += batch.num_rows
        if not len(rows):
            return
        self._located += len(rows)
        shapes = shapes[somewhere]
        self._measure(shapes)
        shapes = _on_square(shapes)
        centres = shapely.bounds(shapes).reshape(-1, 2, 2).mean(axis=1)
        columns = [_to_property(column.filter(pa.array(somewhere))) for column in properties.columns]
        staged = [rows, _rank(shapes, rows), centres[:, 0], centres[:, 1], shapely.to_wkb(shapes)]
        arrays = [pa.array(values, kind) for values, (_, kind) in zip(staged, STAGED, strict=True)]
        self._writer.write_batch(pa.RecordBatch.from_arrays([*arrays, *columns], schema=self._schema))

    def close(self) -> Staged:
        """Complete the file and return what it holds; may be called again when something went wrong."""
        self._writer.close()
        box = tuple(float(corner) for corner in self._box) if self._located else None
        return Staged(self._path, self._rows, self._located, box, self._detail())  # type: ignore[arg-type]

    def _measure(self, shapes: Shapes) -> None:
        boxes = shapely.bounds(shapes)
        self._box[:2] = np.minimum(self._box[:2], boxes[:, :2].min(axis=0))
        self._box[2:] = np.maximum(self._box[2:], boxes[:, 2:].max(axis=0))
        points, owners = shapely.get_coordinates(shapes, return_index=True)
        while self._decimals < DECIMALS and not _fits(points, self._decimals):
            self._decimals += 1
        if self._sampled < _SAMPLED_STEPS and len(points) > len(shapes):
            steps = np.hypot(*(points[1:] - points[:-1]).T)[owners[1:] == owners[:-1]]
            self._steps.append(steps[steps > 0][: _SAMPLED_STEPS - self._sampled])
            self._sampled += len(self._steps[-1])

    def _detail(self) -> float:
        """Return the coarser of the coordinates' last digit and the usual distance between two corners."""
        degree = EARTH_METRES / 360
        digit = 10.0**-self._decimals * degree
        steps = np.concatenate(self._steps) if self._steps else np.empty(0)
        return max(digit, float(np.median(steps)) * degree) if len(steps) else digit


def _fits(points: Numbers, decimals: int) -> bool:
    scaled = points * 10.0**decimals
    return bool(np.all(np.abs(scaled - np.round(scaled)) < 10.0 ** (decimals - DECIMALS - 1)))


def _on_square(shapes: Shapes) -> Shapes:
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        shapes = shapes.copy()
        shapes[broken] = shapely.make_valid(shapes[broken], method="structure")
    squared: Shapes = shapely.transform(shapes, on_square)
    return squared


def on_square(degrees: Numbers) -> Numbers:
    """Return x and y on the square of the world's map from longitude and latitude, shape (n, 2)."""
    latitude = np.radians(np.clip(degrees[:, 1], -LATEST_LATITUDE, LATEST_LATITUDE))
    y = 0.5 - np.arcsinh(np.tan(latitude)) / (2 * np.pi)
    return np.column_stack([degrees[:, 0] / 360 + 0.5, y])


def _rank(shapes: Shapes, rows: npt.NDArray[np.int64]) -> Numbers:
    """Return what decides who gives way in a full tile: the smaller shape, and among equals one of all by a fixed even scatter."""
    scatter = (rows.astype(np.uint64) * _GOLDEN).astype(np.float64) / 2.0**64
    size = shapely.area(shapes) + shapely.length(shapes)
    ranks: Numbers = np.where(size > 0, -size, scatter)
    return ranks


def _property_type(kind: pa.DataType) -> pa.DataType:
    return kind if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) else pa.string()


def _to_property(column: pa.Array) -> Any:
    return column if _property_type(column.type) == column.type else column_to_text(column)
