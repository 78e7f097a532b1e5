"""Parquet files as batches: simple types stay, all else becomes text as other sources write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.errors import SourceError
from publisher.sources.json_text import compact_json, json_cell_text
from publisher.sources.row_spool import ArrowFile
from publisher.sources.text import column_names, text_column, text_of

BATCH_ROWS = 16_384
ENCRYPTED_FOOTER = b"PARE"
KEPT: tuple[Callable[[pa.DataType], bool], ...] = (
    pa.types.is_integer, pa.types.is_float64, pa.types.is_float32, pa.types.is_boolean, pa.types.is_date32,
    pa.types.is_timestamp,
)  # fmt: skip


def spool_parquet(path: Path, name: str, output: Path) -> ArrowFile:
    """Read a Parquet file into an Arrow file; memory is bounded by some thousand rows.

    Raises:
        SourceError: the file is damaged or encrypted, or a column is binary; names the column.
    """
    with path.open("rb") as start:
        is_encrypted = start.read(4) == ENCRYPTED_FOOTER
    if is_encrypted:
        raise SourceError(f"{name} is encrypted.", cure="have it written without encryption; the way here is private")
    try:
        with pq.ParquetFile(path) as file:
            names = column_names(file.schema_arrow.names)
            schema = pa.schema([(own, _type(field.type)) for own, field in zip(names, file.schema_arrow, strict=True)])
            with output.open("wb") as stream, pa.ipc.new_stream(stream, schema) as writer:
                for batch in file.iter_batches(batch_size=BATCH_ROWS):
                    columns = [_column(field.name, column) for field, column in zip(schema, batch.columns, strict=True)]
                    writer.write_batch(pa.RecordBatch.from_arrays(columns, schema=schema))
    except (pa.ArrowException, OSError, ValueError, KeyError, OverflowError, NotImplementedError):
        raise SourceError(  # the message of the library may quote a value
            f"{name} is no intact Parquet file.", cure="have it written again; the transfer may have broken off"
        ) from None
    return ArrowFile(output, schema)


def _type(found: pa.DataType) -> pa.DataType:
    return found if any(kept(found) for kept in KEPT) else pa.string()


def _column(name: str, column: pa.Array) -> pa.Array:
    """Return a column in its kept type, or as text.

    Raises:
        SourceError: it is binary.
    """
    column.validate(full=True)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    found = column.type
    if any(kept(found) for kept in KEPT):
        return column
    if pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found):
        return pc.utf8_normalize(pc.cast(column, pa.string()), form="NFC")
    if pa.types.is_nested(found):
        return pa.array(
            [None if value is None else compact_json(_plain(value)) for value in column.to_pylist()], pa.string()
        )
    if pa.types.is_binary(found) or pa.types.is_large_binary(found) or pa.types.is_fixed_size_binary(found):
        raise SourceError(f"The column `{name}` holds binary data.", cure="have it written as text, or left out")
    return text_column(name, column.to_pylist())


def _plain(value: object) -> object:
    """Return a nested value of which every leaf is one that JSON has."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    try:
        return json_cell_text(text_of(value))
    except TypeError:
        raise SourceError("A nested column holds binary data.", cure="have it written as text, or left out") from None
