"""Failing rows as text, with their row number and what is wrong with them; for the agency alone, never published."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from publisher.validation.columns import plain_column
from publisher.validation.layouts import Mask
from publisher.validation.rows import Fault
from publisher.validation.text import canonical_text


def quarantine_schema(names: Sequence[str]) -> pa.Schema:
    """Return the schema: the fields as text, then `_row`, `_errors` and `_fields`, which run in step."""
    strings = pa.list_(pa.string())
    return pa.schema(
        [(name, pa.string()) for name in names] + [("_row", pa.int64()), ("_errors", strings), ("_fields", strings)]
    )


def quarantined(batch: pa.RecordBatch, invalid: Mask, faults: Sequence[Fault], *, first_row: int) -> pa.RecordBatch:
    """Return the failing rows of a batch as they were delivered.

    `_errors` holds Frictionless error types, `_fields` the field of each (null: the whole row), `_row` counts from 1.
    """
    chosen = np.flatnonzero(invalid)
    rows = batch.take(pa.array(chosen))
    texts = [canonical_text(_plain(column), field_type="any") for column in rows.columns]
    types, fields = _lists(chosen, faults)
    return pa.RecordBatch.from_arrays(
        [*texts, pa.array(chosen + first_row + 1, pa.int64()), types, fields],
        schema=quarantine_schema(batch.schema.names),
    )


def _plain(column: pa.Array) -> pa.Array:
    column = plain_column(column)
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _lists(chosen: np.ndarray[tuple[int], np.dtype[np.int64]], faults: Sequence[Fault]) -> tuple[pa.Array, pa.Array]:
    hits = [np.flatnonzero(fault.rows[chosen]) for fault in faults]
    rows = np.concatenate(hits)
    which = np.repeat(np.arange(len(faults)), [len(hit) for hit in hits])
    which = which[np.argsort(rows, kind="stable")]
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(chosen)))]).astype(np.int32)
    labels = [[fault.type for fault in faults], [fault.field for fault in faults]]
    types, fields = (
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(texts, pa.string()).take(pa.array(which)))
        for texts in labels
    )
    return types, fields
