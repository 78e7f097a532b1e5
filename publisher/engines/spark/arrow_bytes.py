"""Rows of one shuffle as bytes, and the buckets they fall into."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def to_bytes(rows: pa.Table | pa.RecordBatch) -> bytes:
    """Return rows in Arrow's stream form."""
    output = pa.BufferOutputStream()
    with pa.ipc.new_stream(output, rows.schema) as writer:
        writer.write(rows)
    return bytes(output.getvalue())


def from_bytes(bodies: Sequence[bytes]) -> pa.Table:
    """Return the rows of several such bytes, one after the other; at least one."""
    return pa.concat_tables([pa.ipc.open_stream(body).read_all() for body in bodies])


def cut(rows: pa.RecordBatch, buckets: npt.NDArray[np.int64]) -> Iterator[tuple[int, bytes]]:
    """Yield each bucket that has rows of the batch, with these rows in their order as bytes."""
    if not rows.num_rows:
        return
    order = np.argsort(buckets, kind="stable")
    numbers, starts = np.unique(buckets[order], return_index=True)
    for number, start, stop in zip(numbers, starts, [*starts[1:], len(order)], strict=True):
        yield int(number), to_bytes(rows.take(pa.array(order[start:stop])))
