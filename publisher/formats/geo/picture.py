"""A picture of where the rows lie, as SVG: what a page shows before, and without, any map that moves."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import shapely

from publisher.formats.geo.staging import EARTH_METRES, on_square
from publisher.formats.whole_file import whole_file
from publisher.geometry.reading import Shapes
from publisher.geometry.spec import GEOMETRY_COLUMN, VIET_NAM, Bounds
from publisher.published import PublishedTable

WIDTH = 1200
TALLEST = 1000
MARGIN = 40
DOT = 8
"""All in units of the picture, which is drawn some 600 pixels wide: dots share a square of 8 units."""

MAX_OUTLINES = 5_000
_SMALLEST_SPAN = 2e-5  # of the world's square: about 800 m, so that one point has ground around it
_STYLE = (
    "path{fill:none;stroke:#9a3f14;stroke-linejoin:round;stroke-linecap:round}"
    ".area{fill:#9a3f14;fill-opacity:.16;stroke-width:2}.line{stroke-width:3}.dot{stroke-width:10;stroke-opacity:.75}"
    ".bar{stroke:#4a5653;stroke-width:3}text{font:34px system-ui,sans-serif;fill:#4a5653}"
    "@media(prefers-color-scheme:dark){path{stroke:#f0a377}.area{fill:#f0a377}.bar{stroke:#b9c2bf}text{fill:#b9c2bf}}"
)


def write_picture(geoparquet: Path, table: PublishedTable, output: Path) -> None:
    """Draw the released geometry, north up; the same GeoParquet file gives the same bytes.

    What is smaller than half a dot is drawn as a dot; every corner drawn is one of the released geometry, on the picture's
    whole units. Of lines and areas the first 5,000 are drawn. Nothing but coordinates and a scale is in it.

    Raises:
        StorageError: the file cannot be written.
    """
    with pq.ParquetFile(geoparquet) as file:
        about = json.loads(file.metadata.metadata[b"geo"])["columns"][GEOMETRY_COLUMN]
        frame = Frame(tuple(about["bbox"])) if "bbox" in about else Frame(VIET_NAM)
        paths = _paths(file, frame)
    bar, length = frame.scale_bar()
    height = frame.height
    bottom = height - MARGIN // 2
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<title>{escape(table.title)}</title>",
        f"<style>{_STYLE}</style>",
        *(f'<path class="{kind}" d="{path}"/>' for kind, path in paths.items() if path),
        f'<path class="bar" d="M{MARGIN} {bottom - 10}v10h{bar}v-10"/>',
        f'<text x="{MARGIN + bar + 14}" y="{bottom}">{length}</text>',
        "</svg>",
    ]
    with whole_file(output) as part:
        part.write_text("\n".join(lines) + "\n", encoding="utf-8")


class Frame:
    """Where a box of degrees lies in the picture."""

    def __init__(self, degrees: Bounds) -> None:
        corners = on_square(np.array(degrees).reshape(2, 2))
        (west, north), (east, south) = corners.min(axis=0), corners.max(axis=0)
        span = max(east - west, (south - north) * (WIDTH - 2 * MARGIN) / (TALLEST - 2 * MARGIN), _SMALLEST_SPAN)
        self._scale = (WIDTH - 2 * MARGIN) / span
        self._west = (west + east - span) / 2
        self.height = round((south - north) * self._scale) + 3 * MARGIN
        self._north = north
        self._latitude = (degrees[1] + degrees[3]) / 2

    def place(self, degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the picture's units of longitudes and latitudes, shape (n, 2)."""
        units: npt.NDArray[np.float64] = (on_square(degrees) - (self._west, self._north)) * self._scale + MARGIN
        return units

    def scale_bar(self) -> tuple[int, str]:
        """Return the bar's length in units and what it stands for, at most a quarter of the width."""
        metres_a_unit = EARTH_METRES * math.cos(math.radians(self._latitude)) / self._scale
        longest = WIDTH / 4 * metres_a_unit
        power = 10 ** math.floor(math.log10(longest))
        metres = next(step * power for step in (5, 2, 1) if step * power <= longest)
        name = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"
        return round(metres / metres_a_unit), name


def _paths(file: pq.ParquetFile, frame: Frame) -> dict[str, str]:
    areas: list[str] = []
    lines: list[str] = []
    dots: dict[tuple[int, int], None] = {}
    for shapes in _drawn(file, frame):
        boxes = shapely.bounds(shapes)
        dotted = (boxes[:, 2:] - boxes[:, :2]).max(axis=1) < DOT / 2
        dotted |= shapely.get_dimensions(shapes) == 0
        points = shapely.get_coordinates(shapes[dotted])
        dots |= {(int(x) // DOT, int(y) // DOT): None for x, y in points}
        for shape in shapely.simplify(shapes[~dotted], 1.0):
            outlines = areas if shapely.get_dimensions(shape) == 2 else lines
            if len(areas) + len(lines) < MAX_OUTLINES:
                outlines.extend(_outlines(shape))
    return {"area": "".join(areas), "line": "".join(lines), "dot": "".join(_dots(dots))}


def _drawn(file: pq.ParquetFile, frame: Frame) -> Iterator[Shapes]:
    """Yield the geometries of each batch in units of the picture."""
    for batch in file.iter_batches(batch_size=8_192, columns=[GEOMETRY_COLUMN]):
        shapes = shapely.from_wkb(batch.column(0).to_numpy(zero_copy_only=False))
        shapes = shapes[~shapely.is_missing(shapes)]
        if len(shapes):
            yield shapely.transform(shapes, frame.place)


def _outlines(shape: shapely.Geometry) -> Iterator[str]:
    for part in shapely.get_parts(shape):
        rings = shapely.get_rings(part) if shapely.get_dimensions(part) == 2 else [part]
        for ring in rings:
            corners = np.round(shapely.get_coordinates(ring)).astype(int)
            yield "M" + "L".join(f"{x} {y}" for x, y in corners)


def _dots(cells: dict[tuple[int, int], None]) -> Iterator[str]:
    for column, row in sorted(cells):
        yield f"M{column * DOT + DOT // 2} {row * DOT + DOT // 2}h0"
