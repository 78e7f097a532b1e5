"""NDJSON: one JSON object a line, for programs that read a row at a time; null and the empty text stay apart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from publisher.formats.gzip_file import gzip_file
from publisher.formats.rows import all_text, column_to_text
from publisher.formats.sink import Sink
from publisher.published import PublishedTable

_SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
_ESCAPES = {"\\": "\\\\", '"': '\\"'} | {chr(code): _SHORT.get(chr(code), f"\\u{code:04x}") for code in range(32)}
_NEEDS_ESCAPES = r'[\x00-\x1f"\\]'


@contextmanager
def ndjson_gz_sink(table: PublishedTable, output: Path) -> Iterator[Sink]:
    """Write the released gzipped NDJSON file; the same rows give the same bytes.

    Every object has all fields in the table's order. Numbers and booleans are JSON's own, a whole number of any size with all its
    digits; everything else is the text that the CSV file has.

    Raises:
        StorageError: the file cannot be written.
    """
    with gzip_file(output) as write:
        names = [field.name for field in table.fields]
        yield lambda batch: write(batch_to_ndjson(names, batch.columns))


def batch_to_ndjson(names: Sequence[str], columns: Sequence[pa.Array]) -> bytes:
    """Return the lines of one batch, each with its line end."""
    parts: list[pa.Array | pa.Scalar] = []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        parts += [pa.scalar(f"{',' if place else '{'}{json.dumps(name)}:"), _to_json(column)]
    return all_text(pc.binary_join_element_wise(*parts, pa.scalar("}\n"), ""))


def _to_json(column: pa.Array) -> pa.Array:
    text = column_to_text(column)
    kind = column.type
    if not (pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        if pa.types.is_string(kind) and pc.any(pc.match_substring_regex(text, _NEEDS_ESCAPES)).as_py():
            text = _escaped(text)
        text = pc.binary_join_element_wise('"', text, '"', "")
    return pc.fill_null(text, "null")


def _escaped(text: pa.Array) -> pa.Array:
    for character, escape in _ESCAPES.items():
        if pc.any(pc.match_substring(text, character)).as_py():
            text = pc.replace_substring(text, character, escape)
    return text
