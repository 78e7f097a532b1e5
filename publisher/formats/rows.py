"""Rows on their way into a file: groups of a fixed size, checked against what the policy publishes, and their text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.errors import DisclosureRisk, ReleaseRefused
from publisher.published import PublishedTable

CUT_ROWS = 32_768
# Between these Arrow writes a float as plain decimal digits; outside it chooses other exponents than Python does.
_PLAIN_FROM, _PLAIN_BELOW = 1e-4, 1e10


def read_rows(source: Path, table: PublishedTable) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a Parquet file in its order, as `released_rows` cuts and checks them."""
    with pq.ParquetFile(source, pre_buffer=False) as file:
        _refuse_other_columns(file.schema_arrow, table)
        yield from released_rows(file.iter_batches(batch_size=CUT_ROWS, use_threads=False), table)


def count_rows(source: Path) -> int:
    """Return the number of rows in a Parquet file, from its footer."""
    return int(pq.read_metadata(source).num_rows)


def released_rows(batches: Iterable[pa.RecordBatch], table: PublishedTable) -> Iterator[pa.RecordBatch]:
    """Yield the rows in batches of 32,768, the last one shorter, however they come cut: the bytes of a file rest on it.

    Raises:
        DisclosureRisk: the columns are not exactly the fields that the policy publishes.
        ReleaseRefused: a number is not finite.
    """
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in batches:
        _refuse_other_columns(batch.schema, table)
        rest = batch.cast(table.arrow_schema)  # without the metadata that came along
        while held + rest.num_rows >= CUT_ROWS:
            waiting.append(rest.slice(0, CUT_ROWS - held))
            rest = rest.slice(CUT_ROWS - held)
            yield _finite(pa.concat_batches(waiting) if len(waiting) > 1 else waiting[0], table)
            waiting, held = [], 0
        if rest.num_rows:
            waiting.append(rest)
            held += rest.num_rows
    if waiting:
        yield _finite(pa.concat_batches(waiting), table)


def _refuse_other_columns(found: pa.Schema, table: PublishedTable) -> None:
    wanted = table.arrow_schema
    if found.names == wanted.names and found.types == wanted.types:
        return
    wrong = sorted(
        name
        for name in {*found.names, *wanted.names}
        if name not in found.names or name not in wanted.names or found.field(name).type != wanted.field(name).type
    )
    raise DisclosureRisk(
        f"Table `{table.name}` has other columns than the policy publishes: {', '.join(wrong) or 'their order differs'}.",
        step="write",
        cure="make the release again; if it recurs, the anonymiser and the definition disagree: report it",
    )


def _finite(batch: pa.RecordBatch, table: PublishedTable) -> pa.RecordBatch:
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if pa.types.is_floating(column.type) and pc.all(pc.is_finite(column)).as_py() is False:
            raise ReleaseRefused(
                f"Field `{name}` of table `{table.name}` holds a number that is infinite or undefined.",
                step="write",
                cure="add the source's mark for it to `missingValues`, or give the field a `minimum` and `maximum`",
            )
    return batch


def column_to_text(column: pa.Array) -> pa.Array:
    """Return the column's canonical text; null stays null.

    Booleans `true` and `false`, dates ISO 8601, datetimes with `T` and microseconds only where there are any, floats as
    the shortest digits that read back to the same number (`1.5`, `12.0`).
    """
    if pa.types.is_timestamp(column.type):
        return _timestamps_to_text(column)
    if pa.types.is_floating(column.type):
        return _floats_to_text(column)
    return pc.cast(column, pa.string())


def _timestamps_to_text(column: pa.Array) -> pa.Array:
    micros = pc.cast(column, pa.timestamp("us"))
    text = pc.replace_substring(pc.cast(micros, pa.string()), " ", "T")
    return pc.if_else(pc.ends_with(text, ".000000"), pc.utf8_slice_codeunits(text, 0, 19), text)


def _floats_to_text(column: pa.Array) -> pa.Array:
    size = pc.abs(column)
    plain = pc.or_(pc.equal(size, 0), pc.and_(pc.greater_equal(size, _PLAIN_FROM), pc.less(size, _PLAIN_BELOW)))
    text = pc.cast(column, pa.string())
    whole = pc.binary_join_element_wise(text, ".0", "")
    text = pc.if_else(pc.equal(pc.floor(column), column), whole, text)
    odd = pc.invert(pc.fill_null(plain, fill_value=True))
    if not pc.any(odd).as_py():
        return text
    exact: list[Any] = [repr(value) for value in pc.filter(column, odd).to_pylist()]
    return pc.replace_with_mask(text, odd, pa.array(exact, pa.string()))


def all_text(texts: pa.Array) -> bytes:
    """Return the texts of an array of strings without nulls, one after the other."""
    # They lie like that in its last buffer; offsets say where the first begins.
    _, offsets, values = texts.buffers()
    if values is None:
        return b""
    bounds = memoryview(offsets).cast("i")
    first, last = bounds[texts.offset], bounds[texts.offset + len(texts)]
    return bytes(memoryview(values)[first:last])
