"""G1: the written files hold the declared columns and nothing else, and CSV equals Parquet cell by cell; how any form is compared.

Each function returns what is wrong in words and numbers; an empty list means that nothing is. Files are streamed side by side.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from publisher.disclosure.same.gzipped import gunzipped, has_gzip_names
from publisher.published import PublishedTable

_BATCH_ROWS = 65_536
_METADATA_KEYS = {b"ARROW:schema", b"phusa.release", b"phusa.table", b"phusa.table_schema"}
_RELEASE = re.compile(rb"\d{4}-\d{2}-\d{2}\.\d+")
_SCHEMA_KEYS = {"fields", "primaryKey", "geometry"}
_FIELD_KEYS = {
    "name", "type", "title", "title_translated", "description", "description_translated", "unit", "treatment", "format", "delimiter",
    "itemType", "categories", "categoriesOrdered", "rdfType",
}  # fmt: skip
_DESCRIBING = {
    "datapackage.json", "csv-metadata.json", "croissant.json", "quality.json", "privacy.json", "changes.json",
    "manifest.json", "manifest.sig",
}  # fmt: skip


def data_files(tables: Sequence[PublishedTable], *, dataset: str, formats: Sequence[str]) -> set[str]:
    """Return the names of the data files that a release declares."""
    endings = {"parquet": ".parquet", "csv": ".csv.gz", "ndjson": ".ndjson.gz"}
    names = {table.name + ending for table in tables for form, ending in endings.items() if form in formats}
    return names | {f"{dataset}.sqlite"} if "sqlite" in formats else names


def wrong_files(folder: Path, declared: set[str]) -> list[str]:
    """Compare the folder with the declared data files and the files that describe a release."""
    found = {path.name for path in folder.iterdir()}
    faults = [f"the declared file {name} is missing" for name in sorted(declared - found)]
    undeclared = len(found - declared - _DESCRIBING)
    return faults + [f"{undeclared} undeclared files or folders"] * bool(undeclared)


def wrong_parquet(path: Path, table: PublishedTable) -> list[str]:
    """Compare a Parquet file's columns, types and metadata with what the policy publishes."""
    schema = pq.read_schema(path)
    metadata = pq.read_metadata(path).metadata or {}
    wanted = table.arrow_schema
    faults = []
    if schema.names != wanted.names:
        faults.append("the columns are not the declared ones")
    elif wrong := [field.name for field in wanted if schema.field(field.name).type != field.type]:
        faults.append(f"other types than declared: {', '.join(wrong)}")
    if strange := {*metadata, *(schema.metadata or {})} - _METADATA_KEYS:
        faults.append(f"{len(strange)} undeclared entries in the file's metadata")
    if any(set(field.metadata or {}) - {b"PARQUET:field_id"} for field in schema):
        faults.append("undeclared metadata on a column")
    return faults + _wrong_metadata(metadata, table)


def _wrong_metadata(metadata: Mapping[bytes, bytes], table: PublishedTable) -> list[str]:
    """Compare what the metadata says of the table; titles and descriptions may be those of another day, and detectors read them."""
    faults = ["the metadata names another table"] * (
        metadata.get(b"phusa.table", table.name.encode()) != table.name.encode()
    )
    if not _RELEASE.fullmatch(metadata.get(b"phusa.release", b"2026-01-01.1")):
        faults.append("the metadata names something else than a release")
    said = json.loads(metadata.get(b"phusa.table_schema", b"null"))
    if said is None:
        return faults
    fields = said.get("fields", [])
    same = [(field.get("name"), field.get("type")) for field in fields] == [(f.name, f.type) for f in table.fields]
    more = set(said) - _SCHEMA_KEYS or {key for field in fields for key in field} - _FIELD_KEYS
    return faults + ["the metadata describes other fields than the declared ones"] * bool(more or not same)


def wrong_csv(path: Path, parquet: Path, table: PublishedTable) -> list[str]:
    """Compare a gzipped CSV file with the Parquet file, cell by cell; null and empty text are both an empty field."""
    if has_gzip_names(path):
        return ["the gzip header says more than its content"]
    names = table.arrow_schema.names
    with gunzipped(path) as text:
        if text.readline() != ",".join(names).encode() + b"\n":
            return ["the header is not the declared fields"]
        if not text.peek(1):
            return differences(iter(()), parquet_batches(parquet), _read_texts)
        reader = pa_csv.open_csv(
            text,
            read_options=pa_csv.ReadOptions(block_size=1 << 23, column_names=names),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
        return differences(reader, parquet_batches(parquet), _read_texts)


def parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file, 65,536 at a time."""
    # Reading ahead in threads of its own costs more than it saves: whoever compares waits for the other side.
    yield from pq.ParquetFile(path, pre_buffer=False).iter_batches(batch_size=_BATCH_ROWS, use_threads=False)


def differences(
    left: Iterator[pa.RecordBatch],
    right: Iterator[pa.RecordBatch],
    read: Callable[[pa.Array, pa.DataType], pa.Array],
    *,
    tells_empty: bool = False,
) -> list[str]:
    """Walk both streams in step.

    Args:
        left: rows of the form that is checked.
        right: the same rows from Parquet.
        read: turns a column of the left into the right one's type.
        tells_empty: null and the empty text are apart in the left.
    """
    start = 0
    for ours, theirs in _in_step(left, right):
        if ours is None or theirs is None:
            return [f"the number of rows differs after row {start}"]
        for name, column in zip(theirs.schema.names, theirs.columns, strict=True):
            wanted = column if tells_empty else without_empty(column)
            if not read(ours.column(name), column.type).equals(wanted):
                return [
                    f"cells of the column {name} differ from Parquet within rows {start + 1} to {start + len(column)}"
                ]
        start += theirs.num_rows
    return []


def _in_step(
    left: Iterator[pa.RecordBatch], right: Iterator[pa.RecordBatch]
) -> Iterator[tuple[pa.RecordBatch | None, pa.RecordBatch | None]]:
    """Yield slices of equal length; null on one side when only the other has rows left."""
    ours, theirs = _next_rows(left), _next_rows(right)
    while ours is not None and theirs is not None:
        rows = min(ours.num_rows, theirs.num_rows)
        yield ours.slice(0, rows), theirs.slice(0, rows)
        ours = ours.slice(rows) if ours.num_rows > rows else _next_rows(left)
        theirs = theirs.slice(rows) if theirs.num_rows > rows else _next_rows(right)
    if ours is not None or theirs is not None:
        yield ours, theirs


def _next_rows(batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
    return next((batch for batch in batches if batch.num_rows), None)


def without_empty(column: pa.Array) -> pa.Array:
    """Return texts with null for the empty one: the formats do not tell them apart."""
    return _empty_to_null(column) if pa.types.is_string(column.type) else column


def _empty_to_null(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)


def _read_texts(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Return CSV texts in the type of Parquet; any other writing of a whole number or boolean than the plain one is a difference."""
    texts = _empty_to_null(column)
    if pa.types.is_string(kind):
        return texts
    values = pc.cast(texts, kind)
    if pa.types.is_floating(kind) or pa.types.is_timestamp(kind):
        return values
    return values if pc.cast(values, pa.string()).equals(texts) else texts
