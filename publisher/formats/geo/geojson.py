"""GeoJSON (RFC 7946), gzipped: one feature a row, for maps in browsers and desktop programs.

Longitude and latitude in WGS 84 with at most seven decimals, outer rings counter-clockwise, properties typed as in the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from publisher.formats.datapackage import published_key
from publisher.formats.geo.features import read_features
from publisher.formats.rows import column_to_text
from publisher.formats.sink import Sink
from publisher.formats.whole_file import whole_file
from publisher.geometry.crs import DECIMALS
from publisher.geometry.reading import Shapes
from publisher.published import PublishedTable

_GZIP_LEVEL = 2
_GZIP_WINDOW = 31  # a gzip container; its header then carries neither time nor name
_NEEDS_ESCAPE = r'["\\\x00-\x1f]'


@contextmanager
def geojson_sink(table: PublishedTable, output: Path) -> Iterator[Sink]:
    """Write the released GeoJSON file, one feature a line; the same rows give the same bytes.

    A feature has an `id` where the table has a key of one field. A row that lies nowhere has the geometry null.

    Raises:
        ReleaseRefused: a field holds what is no geometry.
        StorageError: the file cannot be written.
    """
    from isal import isal_zlib

    gzip = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    with whole_file(output) as part, part.open("wb") as file:
        file.write(gzip.compress(f'{{"type":"FeatureCollection","name":{json.dumps(table.name)},"features":['.encode()))
        before = "\n"

        def put(batch: pa.RecordBatch) -> None:
            nonlocal before
            if batch.num_rows:
                file.write(gzip.compress((before + ",\n".join(_features(batch, table))).encode()))
                before = ",\n"

        yield put
        file.write(gzip.compress(b"\n]}\n"))
        file.write(gzip.flush())


def _features(batch: pa.RecordBatch, table: PublishedTable) -> list[str]:
    properties, shapes = read_features(batch, table)
    members = [
        pc.binary_join_element_wise(f"{json.dumps(name)}:", column_to_json(column), "")
        for name, column in zip(properties.schema.names, properties.columns, strict=True)
    ]
    key = published_key(table)
    ids = column_to_json(batch.column(key[0])) if len(key) == 1 else None
    parts = [
        '{"type":"Feature",',
        *(['"id":', ids, ","] if ids is not None else []),
        '"geometry":',
        _geometries_to_json(shapes),
        ',"properties":{',
        pc.binary_join_element_wise(*members, ",") if members else "",
        "}}",
    ]
    lines: list[str] = pc.binary_join_element_wise(*parts, "").to_pylist()
    return lines


def column_to_json(column: pa.Array) -> pa.Array:
    """Return the JSON text of each value: numbers and booleans bare, null as `null`, everything else in quotes."""
    text = column_to_text(column)
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_boolean(column.type)):
        text = _quoted(text)
    return pc.fill_null(text, "null")


def _quoted(text: pa.Array) -> pa.Array:
    special = pc.fill_null(pc.match_substring_regex(text, _NEEDS_ESCAPE), fill_value=False)
    plain = pc.binary_join_element_wise('"', text, '"', "")
    if not pc.any(special).as_py():
        return plain
    escaped = [json.dumps(value, ensure_ascii=False) for value in pc.filter(text, special).to_pylist()]
    return pc.replace_with_mask(plain, special, pa.array(escaped, pa.string()))


def _geometries_to_json(shapes: Shapes) -> pa.Array:
    rounded = shapely.transform(shapes, lambda points: np.round(points, DECIMALS))
    return pc.fill_null(pa.array(shapely.to_geojson(rounded), pa.string()), "null")
