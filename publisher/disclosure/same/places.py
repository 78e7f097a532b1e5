"""G1 for map forms: GeoParquet and GeoJSON hold the rows, properties and places of Parquet, and nothing else.

The places are computed anew from the published fields; only the definition's words are shared with the writer.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from publisher.disclosure.same.parquet_bytes import wrong_bytes
from publisher.geometry.spec import BBOX_COLUMN, GEOMETRY_COLUMN, WGS84, GeometrySpec
from publisher.published import PublishedTable

Shapes = npt.NDArray[np.object_]
_BATCH_ROWS = 8_192
_METADATA_KEYS = {b"geo", b"phusa.release", b"phusa.table", b"phusa.table_schema", b"phusa.geometry"}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_KINDS = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon"}
_CONVERTED_TO = 0.8e-7  # degrees; converted coordinates are rounded to seven decimals
_WRITTEN_TO = 0.8e-7  # degrees; GeoJSON has seven decimals, in both directions
_NUMBERS = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def map_files(table: PublishedTable) -> list[str]:
    """Return the names of the map files that a table's release declares: GeoParquet, GeoJSON, PMTiles, picture; or none."""
    endings = (".geo.parquet", ".geojson.gz", ".pmtiles", ".map.svg") if table.geometry else ()
    return [table.name + ending for ending in endings]


def property_names(table: PublishedTable) -> list[str]:
    """Return the columns that map forms carry: all published ones but that which holds the geometry itself."""
    held = table.geometry.field if table.geometry else None
    return [name for name in table.arrow_schema.names if name != held]


def wrong_geoparquet(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a GeoParquet file's columns, metadata, properties and places with the Parquet file."""
    with pq.ParquetFile(path) as found, pq.ParquetFile(parquet) as rows:
        if fault := _wrong_frame(found, rows, table):
            return [fault]
        start = 0
        for ours, theirs in zip(_batches(found), _batches(rows), strict=True):
            if fault := _wrong_rows(ours, theirs, table):
                return [f"{fault} within rows {start + 1} to {start + theirs.num_rows}"]
            start += theirs.num_rows
    return wrong_bytes(path)


def _wrong_frame(found: pq.ParquetFile, rows: pq.ParquetFile, table: PublishedTable) -> str | None:
    metadata = found.metadata.metadata or {}
    if found.schema_arrow.names != [*property_names(table), GEOMETRY_COLUMN, BBOX_COLUMN]:
        return "the columns are not the declared ones"
    if set(metadata) - _METADATA_KEYS - {b"ARROW:schema"}:
        return "undeclared entries in the file's metadata"
    if not _is_declared_geometry(json.loads(metadata.get(b"geo", b"{}"))):
        return "the metadata of the geometry is not as GeoParquet 1.1 and the definition have it"
    return None if found.metadata.num_rows == rows.metadata.num_rows else "the number of rows differs from Parquet"


def _wrong_rows(ours: pa.RecordBatch, theirs: pa.RecordBatch, table: PublishedTable) -> str | None:
    names = property_names(table)
    if wrong := [name for name in names if not ours.column(name).equals(theirs.column(name))]:
        return f"cells of {', '.join(wrong)} differ from Parquet"
    shapes = shapely.from_wkb(ours.column(GEOMETRY_COLUMN).to_numpy(zero_copy_only=False))
    if not _same(shapes, _places(theirs, _spec(table)), _tolerance(table)):
        return "the geometry is not that of the published fields"
    return None if _same_boxes(ours.column(BBOX_COLUMN), shapes) else "the boxes are not those of the geometry"


def wrong_geojson(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a gzipped GeoJSON file with the Parquet file, feature by feature."""
    with gzip.open(path, "rt", encoding="utf-8") as lines, pq.ParquetFile(parquet) as rows:
        if json.loads(lines.readline() + "]}") != {"type": "FeatureCollection", "name": table.name, "features": []}:
            return ["the collection has undeclared members"]
        start = 0
        for batch in _batches(rows):
            features = [line.rstrip(",\n") for line in islice(lines, batch.num_rows)]
            where = f"within rows {start + 1} to {start + batch.num_rows}"
            if fault := _wrong_features(features, batch, table):
                return [f"{fault} {where}"]
            start += batch.num_rows
        if lines.read() != "]}\n" if start else lines.read().strip() != "]}":
            return [f"there is more than Parquet's {start} rows"]
    return []


def _wrong_features(lines: list[str], batch: pa.RecordBatch, table: PublishedTable) -> str | None:
    names = property_names(table)
    if len(lines) != batch.num_rows or lines[-1] == "]}":
        return "the number of rows differs"
    features = json.loads(f"[{','.join(lines)}]")
    if any(set(feature) - {"id"} != {"type", "geometry", "properties"} for feature in features):
        return "features have undeclared members"
    if any(list(feature["properties"]) != names for feature in features):
        return "the properties are not the declared ones"
    for name in names:
        values = [feature["properties"][name] for feature in features]
        if not _as_parquet(values, batch.column(name).type).equals(batch.column(name)):
            return f"values of {name} differ from Parquet"
    key = table.source.schema_.primaryKey
    ids = {feature.get("id") for feature in features} - {None}
    if ids and (len(key) != 1 or any(one["id"] != one["properties"].get(key[0]) for one in features)):
        return "ids are not the key of their rows"
    places = _places(batch, _spec(table))
    written = [json.dumps(one["geometry"]) if one["geometry"] else None for one in features]
    return None if _same(shapely.from_geojson(written), places, _tolerance(table) + _WRITTEN_TO) else "places differ"


def _as_parquet(values: list[Any], kind: pa.DataType) -> pa.Array:
    """Return JSON values in the type of Parquet; a value of another JSON type than the column's raises."""
    if pa.types.is_floating(kind):
        return pa.array([None if value is None else float(value) for value in values], kind)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_string(kind):
        return pa.array(values, kind)
    return pc.cast(pa.array(values, pa.string()), kind)


def _is_declared_geometry(geo: dict[str, Any]) -> bool:
    column = geo.get("columns", {}).get(GEOMETRY_COLUMN, {})
    covering = {corner: [BBOX_COLUMN, corner] for corner in _CORNERS}
    return (
        set(geo) == {"version", "primary_column", "columns"}
        and (geo["version"], geo["primary_column"], list(geo["columns"]))
        == ("1.1.0", GEOMETRY_COLUMN, [GEOMETRY_COLUMN])
        and (column.get("encoding"), column.get("orientation")) == ("WKB", "counterclockwise")
        and column.get("crs", {}).get("id") == {"authority": "OGC", "code": "CRS84"}
        and column.get("covering") == {"bbox": covering}
        and set(column.get("geometry_types", ["none"])) <= _KINDS
    )


def _batches(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Yield batches of a fixed number of rows, however the file is cut into row groups."""
    waiting = None
    for group in file.iter_batches(batch_size=_BATCH_ROWS):
        waiting = group if waiting is None else pa.concat_batches([waiting, group])
        while waiting.num_rows >= _BATCH_ROWS:
            yield waiting.slice(0, _BATCH_ROWS)
            waiting = waiting.slice(_BATCH_ROWS)
    if waiting is not None and waiting.num_rows:
        yield waiting


def _spec(table: PublishedTable) -> GeometrySpec:
    if table.geometry is None:
        raise ValueError("the table has no geometry")
    return table.geometry


def _tolerance(table: PublishedTable) -> float:
    return 0.0 if _spec(table).crs in WGS84 else _CONVERTED_TO


def _places(batch: pa.RecordBatch, spec: GeometrySpec) -> Shapes:
    """Return where the rows lie by their published cells: PROJ and GEOS, and nothing of the writer."""
    readers: dict[str | None, Callable[[Any], Any]] = {
        "geojson": shapely.from_geojson,
        "wkt": shapely.from_wkt,
        "wkb": shapely.from_wkb,
    }
    if spec.field is not None and spec.encoding in readers:
        shapes = shapely.force_2d(
            readers[spec.encoding]([text or None for text in batch.column(spec.field).to_pylist()])
        )
    else:
        pairs = (
            _geopoints(batch, spec)
            if spec.field
            else zip(batch.column(spec.longitude).to_pylist(), batch.column(spec.latitude).to_pylist(), strict=True)
        )
        shapes = np.array([None if None in pair else shapely.Point(pair) for pair in pairs], dtype=object)
    if spec.crs in WGS84 or not len(shapes):
        return np.asarray(shapes, dtype=object)
    from pyproj.transformer import TransformerGroup

    way = TransformerGroup(spec.crs, "EPSG:4326", always_xy=True).transformers[0]
    moved: Shapes = shapely.transform(shapes, lambda points: np.column_stack(way.transform(points[:, 0], points[:, 1])))
    return moved


def _geopoints(batch: pa.RecordBatch, spec: GeometrySpec) -> Iterator[tuple[float | None, float | None]]:
    for text in batch.column(spec.field).to_pylist():
        numbers = [float(number) for number in _NUMBERS.findall(text or "")]
        if len(numbers) != 2:
            yield None, None
        elif text.find('"lat"') >= 0 and text.find('"lat"') < text.find('"lon"'):
            yield numbers[1], numbers[0]
        else:
            yield numbers[0], numbers[1]


def _same(ours: Shapes, theirs: Shapes, tolerance: float) -> bool:
    """Tell whether the shapes are the same; the direction of rings, which the formats prescribe, is free."""
    if (shapely.is_missing(ours) != shapely.is_missing(theirs)).any():
        return False
    there = ~shapely.is_missing(ours)
    one, other = (shapely.orient_polygons(shapes[there]) for shapes in (ours, theirs))
    return (
        bool(shapely.equals_exact(one, other, tolerance=tolerance).all())
        if tolerance
        else bool(shapely.equals_identical(one, other).all())
    )


def _same_boxes(column: pa.StructArray, shapes: Shapes) -> bool:
    boxes = shapely.bounds(shapes)
    found = np.column_stack(
        [pc.fill_null(pc.struct_field(column, corner), np.nan).to_numpy(zero_copy_only=False) for corner in _CORNERS]
    )
    return bool(np.array_equal(boxes, found, equal_nan=True))
