"""G1 for NDJSON: the cells of the Parquet file, with null and the empty text apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from publisher.disclosure.same.cells import differences, parquet_batches
from publisher.disclosure.same.gzipped import gunzipped, has_gzip_names
from publisher.published import PublishedTable

_BLOCK = 1 << 24


def wrong_ndjson(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a gzipped NDJSON file with the Parquet file, cell by cell."""
    if has_gzip_names(path):
        return ["the gzip header says more than its content"]
    return differences(_batches(path, table), parquet_batches(parquet), _read, tells_empty=True)


def _batches(path: Path, table: PublishedTable) -> Iterator[pa.RecordBatch]:
    schema = pa.schema([pa.field(field.name, _written_type(field.type)) for field in table.arrow_schema])
    with gunzipped(path) as text:
        if not text.peek(1):
            return
        yield from pa_json.open_json(
            text,
            read_options=pa_json.ReadOptions(block_size=_BLOCK),
            parse_options=pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )


def _written_type(kind: pa.DataType) -> pa.DataType:
    return pa.string() if pa.types.is_temporal(kind) else kind


def _read(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return pc.cast(column, kind)
