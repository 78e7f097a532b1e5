"""PMTiles 3: an archive of vector tiles (MVT) that maps read by byte ranges, without a server for tiles.

Standards: https://github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md and https://github.com/mapbox/vector-tile-spec.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from publisher.formats.geo.features import property_fields, spec_of
from publisher.formats.geo.staging import Stage, Staged
from publisher.formats.geo.tiles import EXTENT, pieces, pieces_schema
from publisher.formats.geo.zooms import MAX_BYTES, MAX_FEATURES, largest_zoom
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.geometry.declared import declared_geometry
from publisher.geometry.spec import VIET_NAM
from publisher.published import PublishedTable

_GZIP_LEVEL = 2
_GZIP_WINDOW = 31
_BATCH_ROWS = 8_192
_MEMORY = "512MB"
Kept = npt.NDArray[np.bool_]
Piece = tuple[Any, ...]


@contextmanager
def pmtiles_sink(table: PublishedTable, output: Path, *, release: str) -> Iterator[Sink]:
    """Write the released PMTiles file; same rows and release give the same bytes.

    One layer, called as the table. A feature's id is its row from 1 in release order; its properties are the published fields but
    null and a field that holds the geometry itself. From the largest zoom, which the data decides, down to 0, a tile that would hold
    more than 10,000 features or 500,000 bytes leaves out the smallest shapes, or points by an even scatter; below the largest zoom
    one point stands for all within 32 of a tile's 4,096 units. Who is left out of one zoom is in none below. `strategies` in the metadata says for each zoom how many rows are not shown.

    Raises:
        ReleaseRefused: a field holds what is no geometry.
        StorageError: the file cannot be written.
    """
    with whole_file(output) as part, tempfile.TemporaryDirectory(dir=output.parent, prefix=".tiles-") as name:
        folder = Path(name)
        stage = Stage(folder / "staged.parquet", table)
        try:
            yield stage.put
        finally:
            staged = stage.close()
        with part.open("wb") as file:
            _write(staged, table, file, folder, release=release)


def _write(staged: Staged, table: PublishedTable, file: IO[bytes], folder: Path, *, release: str) -> None:
    from pmtiles.tile import Compression, TileType
    from pmtiles.writer import Writer

    archive: Any = Writer(file)  # type: ignore[no-untyped-call]
    try:
        shown = _write_tiles(staged, table, archive, folder)
        header = {"tile_type": TileType.MVT, "tile_compression": Compression.GZIP, **_box(staged, len(shown) - 1)}
        archive.finalize(header, _metadata(table, staged, shown, release=release))
    finally:
        archive.tile_f.close()


def _write_tiles(staged: Staged, table: PublishedTable, archive: Any, folder: Path) -> list[int]:
    """Give the archive all tiles and return, for each zoom from 0 on, how many rows it shows."""
    names = [field.name for field in property_fields(table)]
    last = largest_zoom(staged)
    kept = np.ones(staged.rows + 1, np.bool_)
    shown: list[int] = []
    with (folder / "tiles").open("w+b") as spool:
        places: list[list[tuple[int, int]]] = []
        for zoom in range(last, -1, -1):
            cut = folder / "pieces.parquet"
            _cut(staged, zoom, kept, cut, thin=zoom < last)
            kept = np.zeros_like(kept)
            places.append(_encode_zoom(cut, table.name, names, kept=kept, spool=spool))
            shown.append(int(kept.sum()))
        # The archive wants its tiles from zoom 0 on; they were made the other way round, since who leaves a zoom leaves those below.
        starts = np.cumsum([0, *(size for zoom_places in places for _, size in zoom_places)])
        for of_zoom, first in reversed(list(zip(places, np.cumsum([0, *map(len, places)]), strict=False))):
            for place, (number, size) in enumerate(of_zoom):
                spool.seek(int(starts[first + place]))
                archive.write_tile(number, spool.read(size))
    if not archive.addressed_tiles:
        archive.write_tile(0, _gzipped(_Tile(table.name, names).bytes()))
    return shown[::-1]


def _cut(staged: Staged, zoom: int, kept: Kept, output: Path, *, thin: bool) -> None:
    with pq.ParquetFile(staged.path) as source:
        schema = pieces_schema(source.schema_arrow)
        with pq.ParquetWriter(output, schema, compression="lz4", store_schema=False) as writer:
            for batch in source.iter_batches(batch_size=_BATCH_ROWS):
                alive = batch.filter(pa.array(kept[batch.column("row").to_numpy()]))
                if alive.num_rows:
                    writer.write_batch(pieces(alive, zoom, thin=thin))


def _encode_zoom(cut: Path, layer: str, names: Sequence[str], *, kept: Kept, spool: IO[bytes]) -> list[tuple[int, int]]:
    """Write the tiles of one zoom at the end of the spool and return each one's number and size; note who is shown in `kept`."""
    places = []
    for number, features in _by_tile(cut):
        while True:
            tile = _Tile(layer, names)
            tile.add(features)
            data = _gzipped(tile.bytes())
            if len(data) <= MAX_BYTES or len(features) == 1:
                break
            features = features[: max(1, int(len(features) * 0.9 * MAX_BYTES / len(data)))]  # noqa: PLW2901  the first ones stay
        if tile.rows:
            kept[tile.rows] = True
            spool.write(data)
            places.append((number, len(data)))
    return places


def _by_tile(cut: Path) -> Iterator[tuple[int, list[Piece]]]:
    """Yield each tile's number and pieces, the first in rank first, not more than a tile may hold."""
    query = (
        "WITH one AS (SELECT * FROM read_parquet(?) "
        "QUALIFY row_number() OVER (PARTITION BY tile, cell ORDER BY rank, row) = 1) "
        "SELECT * EXCLUDE (rank, cell) FROM one "
        "QUALIFY row_number() OVER (PARTITION BY tile ORDER BY rank, row) <= ? "
        "ORDER BY tile, rank, row"
    )
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": 1,
        "memory_limit": _MEMORY,
        "temp_directory": str(cut.parent / "spill"),
    }
    with closing(duckdb.connect(config=settings)) as engine:
        rows = engine.execute(query, [str(cut), MAX_FEATURES])
        for number, group in groupby(_all_rows(rows), key=itemgetter(0)):
            yield number, list(group)


def _all_rows(rows: duckdb.DuckDBPyConnection) -> Iterator[Piece]:
    while many := rows.fetchmany(_BATCH_ROWS):
        yield from many


class _Tile:
    """One tile with one layer, as MVT."""

    def __init__(self, layer: str, names: Sequence[str]) -> None:
        from mapbox_vector_tile.encoder import VectorTile

        self._layer = layer
        self._names = names
        self._tile = VectorTile({"y_coord_down": True, "extents": EXTENT})
        self.rows: list[int] = []

    def add(self, features: Sequence[Piece]) -> None:
        """Add all features of the tile and note the rows of those that are shown."""
        shapes = shapely.from_wkb([feature[2] for feature in features])
        self._tile.add_layer(
            self._layer,
            [
                {"geometry": shape, "id": row, "properties": _known(self._names, values)}
                for shape, (_, row, _, *values) in zip(shapes, features, strict=True)
            ],
        )
        self.rows = [feature.id for feature in self._tile.layer.features]

    def bytes(self) -> bytes:
        """Return the tile as it is before compression."""
        data: bytes = self._tile.tile.SerializeToString()
        return data


def _known(names: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _gzipped(data: bytes) -> bytes:
    from isal import isal_zlib

    gzip = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    compressed: bytes = gzip.compress(data) + gzip.flush()
    return compressed


def _box(staged: Staged, last: int) -> dict[str, int]:
    west, south, east, north = staged.box or VIET_NAM
    corners = {"min_lon_e7": west, "min_lat_e7": south, "max_lon_e7": east, "max_lat_e7": north}
    span = max(east - west, north - south, 0.001)
    wanted = max(0, min(last, math.floor(math.log2(360 / span))))
    return {"center_zoom": wanted} | {name: round(degrees * 10_000_000) for name, degrees in corners.items()}


def _metadata(table: PublishedTable, staged: Staged, shown: Sequence[int], *, release: str) -> dict[str, Any]:
    kinds = {"integer": "Number", "number": "Number", "year": "Number", "boolean": "Boolean"}
    fields = {field.name: kinds.get(field.type, "String") for field in property_fields(table)}
    return {
        "name": table.title,
        "description": table.row,
        "type": "overlay",
        "version": release,
        "vector_layers": [{"id": table.name, "fields": fields, "minzoom": 0, "maxzoom": len(shown) - 1}],
        "phusa.geometry": declared_geometry(spec_of(table)),
        "phusa.rows": staged.rows,
        "phusa.rows_with_geometry": staged.located,
        "strategies": [{"rows_not_shown": staged.located - count} for count in shown],
    }
