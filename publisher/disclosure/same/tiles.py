"""G1 for tiles and pictures: every feature of every tile is a row of Parquet at its place, and the picture draws nothing else."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from publisher.disclosure.same.places import property_names
from publisher.published import PublishedTable

_WAITING = 20_000
_MARGIN = 1.01  # units of a tile that rounding may move a corner by
_METADATA = {
    "name", "description", "type", "version", "vector_layers", "phusa.geometry", "phusa.rows",
    "phusa.rows_with_geometry", "strategies",
}  # fmt: skip
_DRAWN = re.compile(
    r'<svg xmlns="http://www\.w3\.org/2000/svg" viewBox="[\d ]+" width="\d+" height="\d+" role="img">\n'
    r"<title>(?P<title>[^<>]*)</title>\n<style>[^<>]*</style>\n"
    r'(?P<paths>(?:<path class="(?:area|line|dot)" d="[MLh\d -]+"/>\n)*)'
    r'<path class="bar" d="[Mvh\d -]+"/>\n<text x="\d+" y="\d+">[\d.]+ k?m</text>\n</svg>\n'
)


def wrong_pmtiles(path: Path, geoparquet: Path, table: PublishedTable) -> list[str]:
    """Compare the features of all tiles with the GeoParquet file, which equals Parquet by then.

    Each must carry the properties of the row that its id names, and lie within that row's box. At the largest zoom every row that
    lies somewhere is there, but for the number that the metadata declares.
    """
    with path.open("rb") as file, tempfile.TemporaryDirectory(dir=path.parent.parent) as folder:
        from pmtiles.reader import MmapSource, Reader

        source: Any = MmapSource(file)  # type: ignore[no-untyped-call]
        reader: Any = Reader(source)  # type: ignore[no-untyped-call]
        metadata, last = reader.metadata(), int(reader.header()["max_zoom"])
        if set(metadata) != _METADATA or [layer["id"] for layer in metadata["vector_layers"]] != [table.name]:
            return ["undeclared entries in the metadata"]
        found = Path(folder) / "found.parquet"
        if fault := _gather(source, found, table):
            return [fault]
        return _compare(found, geoparquet, table, last=last, hidden=int(metadata["strategies"][last]["rows_not_shown"]))


def _gather(source: Any, output: Path, table: PublishedTable) -> str | None:
    """Write one row for each feature of each tile; return what is wrong with the tiles themselves."""
    schema = _found_schema(table)
    with pq.ParquetWriter(output, schema, compression="zstd") as writer:
        waiting: list[dict[str, Any]] = []
        for zoom, column, row, layers in _tiles(source):
            if set(layers) - {table.name}:  # a table that lies nowhere has one tile without any
                return "a tile has other layers than the declared one"
            waiting += [
                _found(feature, (zoom, column, row), table)
                for layer in layers.values()
                for feature in layer["features"]
            ]
            if any(one["undeclared"] for one in waiting):
                return "features have undeclared properties"
            if len(waiting) > _WAITING:
                writer.write_batch(pa.RecordBatch.from_pylist(waiting, schema=schema))
                waiting = []
        writer.write_batch(pa.RecordBatch.from_pylist(waiting, schema=schema))
    return None


def _tiles(source: Any) -> Iterator[tuple[int, int, int, dict[str, Any]]]:
    from mapbox_vector_tile import decode
    from pmtiles.reader import all_tiles

    for (zoom, column, row), data in all_tiles(source):  # type: ignore[no-untyped-call]
        yield zoom, column, row, decode(gzip.decompress(data), default_options={"y_coord_down": True})


def _found_schema(table: PublishedTable) -> pa.Schema:
    place = [("row", pa.int64()), ("zoom", pa.int64())]
    box = [(name, pa.float64()) for name in ("west", "south", "east", "north", "unit")]
    return pa.schema([*place, *box, *((f"p{n}", _kind(table, name)) for n, name in enumerate(property_names(table)))])


def _kind(table: PublishedTable, name: str) -> pa.DataType:
    kind = table.arrow_schema.field(name).type
    return kind if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind) else pa.string()


def _found(feature: dict[str, Any], tile: tuple[int, int, int], table: PublishedTable) -> dict[str, Any]:
    zoom, column, row = tile
    names = property_names(table)
    west, north, east, south = shapely.from_geojson(json.dumps(feature["geometry"])).bounds
    unit = 1 / (4096 * 2**zoom)
    properties = feature["properties"]
    return {
        "row": feature["id"],
        "zoom": zoom,
        "west": column / 2**zoom + west * unit,
        "north": row / 2**zoom + north * unit,
        "east": column / 2**zoom + east * unit,
        "south": row / 2**zoom + south * unit,
        "unit": unit,
        "undeclared": bool(set(properties) - set(names)),
        **{f"p{n}": _plain(properties.get(name), _kind(table, name)) for n, name in enumerate(names)},
    }


def _plain(value: Any, kind: pa.DataType) -> Any:
    # Equal numbers may share one entry of a tile: 1 and 1.0 are the same there.
    if value is None or pa.types.is_string(kind) or pa.types.is_boolean(kind):
        return value
    return float(value) if pa.types.is_floating(kind) else int(value) if value == int(value) else value


def _compare(found: Path, geoparquet: Path, table: PublishedTable, *, last: int, hidden: int) -> list[str]:
    names = property_names(table)
    same = [f"f.p{n} IS NOT DISTINCT FROM {_as_tile(table, name)}" for n, name in enumerate(names)]
    x, y = "(r.bbox.{} / 360 + 0.5)", "(0.5 - asinh(tan(radians(r.bbox.{}))) / (2 * pi()))"
    near = f"{_MARGIN} * f.unit"
    within = [
        f"f.west >= {x.format('xmin')} - {near}",
        f"f.east <= {x.format('xmax')} + {near}",
        f"f.north >= {y.format('ymax')} - {near}",
        f"f.south <= {y.format('ymin')} + {near}",
    ]
    joined = "read_parquet(?) f LEFT JOIN read_parquet(?, file_row_number = true) r ON f.row = r.file_row_number + 1"
    claims = {"properties": " AND ".join(["r.file_row_number IS NOT NULL", *same]), "places": " AND ".join(within)}
    queries = {
        what: f"SELECT count(*) FROM {joined} WHERE ({claim}) IS DISTINCT FROM true"  # noqa: S608  checked names
        for what, claim in claims.items()
    }
    with closing(duckdb.connect(config={"threads": 1})) as engine:
        wrong = {what: _number(engine, query, found, geoparquet) for what, query in queries.items()}
        shown = _number(engine, "SELECT count(DISTINCT row) FROM read_parquet(?) WHERE zoom = ?", found, last)
        located = _number(engine, "SELECT count(*) FROM read_parquet(?) WHERE geometry IS NOT NULL", geoparquet)
    faults = [f"{count} features in tiles have other {what} than their row" for what, count in wrong.items() if count]
    if shown + hidden != located:
        faults.append(f"the largest zoom shows {shown} rows and declares {hidden} as not shown, of {located}")
    return faults


def _number(engine: duckdb.DuckDBPyConnection, query: str, *values: Any) -> int:
    row = engine.execute(query, [str(value) if isinstance(value, Path) else value for value in values]).fetchone()
    return int(row[0]) if row else 0


def _as_tile(table: PublishedTable, name: str) -> str:
    """Return SQL for a column as tiles hold it: times as their text, everything else as it is."""
    kind = table.arrow_schema.field(name).type
    column = f'r."{name}"'
    if pa.types.is_date(kind):
        return f"strftime({column}, '%Y-%m-%d')"
    if pa.types.is_timestamp(kind):
        return f"regexp_replace(strftime({column}, '%Y-%m-%dT%H:%M:%S.%f'), '\\.000000$', '')"
    return column if _kind(table, name) == kind else f"{column}::VARCHAR"


def wrong_picture(path: Path, geoparquet: Path, table: PublishedTable) -> list[str]:
    """Check that the picture holds paths, the table's title and a scale, and that it draws on no row's account but a located one's."""
    match = _DRAWN.fullmatch(path.read_text(encoding="utf-8"))
    if match is None:
        return ["the picture holds something else than paths, the title and a scale"]
    if match["title"] not in {table.title, table.title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}:
        return ["the title is not the table's"]
    corners = match["paths"].count("M") + match["paths"].count("L")
    with pq.ParquetFile(geoparquet) as file:
        batches = file.iter_batches(batch_size=8_192, columns=["geometry"])
        released = sum(
            int(shapely.get_num_coordinates(shapely.from_wkb(batch.column(0).to_numpy(zero_copy_only=False))).sum())
            for batch in batches
        )
    return [] if corners <= released else ["the picture has more corners than the released geometry"]
