"""One hash over rows: equal rows give the same, however they come cut and whatever lies in memory behind their nulls."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class RowDigest:
    """SHA-256 over the names, types and values of record batches of one schema."""

    def __init__(self, schema: pa.Schema) -> None:
        self._described = [f"{field.name} {field.type}" for field in schema]
        self._columns = [_ColumnDigest() for _ in schema]

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next rows."""
        for digest, column in zip(self._columns, batch.columns, strict=True):
            digest.add(column)

    @property
    def sha256(self) -> str:
        """The hash of all rows so far, in hexadecimal digits."""
        return sha256_of_columns(self.columns)

    @property
    def columns(self) -> list[str]:
        """What the hash is made of: a line for each column, which the other columns have no part in."""
        lines = zip(self._described, (digest.text for digest in self._columns), strict=True)
        return [f"{name}: {text}" for name, text in lines]


def sha256_of_columns(lines: Sequence[str]) -> str:
    """Return the hash of rows whose columns were read apart."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


class _ColumnDigest:
    """Hashes of what a column holds: its values one after the other, the lengths of its texts, the places of its nulls."""

    def __init__(self) -> None:
        self._rows = 0
        self._values, self._lengths, self._nulls = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()

    @property
    def text(self) -> str:
        parts = (self._values, self._lengths, self._nulls)
        return " ".join([str(self._rows), *(part.hexdigest() for part in parts)])

    def add(self, column: pa.Array) -> None:
        kind = column.type
        if column.null_count and not pa.types.is_null(kind):
            places = np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False)) + self._rows
            self._nulls.update(places.astype(np.int64).data)
        self._rows += len(column)
        if pa.types.is_string(kind) or pa.types.is_binary(kind):
            self._add_texts(column if not column.null_count else pc.fill_null(column, pa.scalar(b"").cast(kind)))
        elif pa.types.is_boolean(kind):
            self._values.update(_bytes_of(pc.cast(pc.fill_null(column, False), pa.uint8())))
        elif pa.types.is_primitive(kind):
            self._values.update(_bytes_of(column if not column.null_count else _with_zeros(column)))
        elif not pa.types.is_null(kind):
            self._values.update("".join(f"{value!r}\n" for value in column.to_pylist()).encode())

    def _add_texts(self, column: pa.Array) -> None:
        self._lengths.update(_bytes_of(pc.binary_length(column)))
        _, offsets, texts = column.buffers()
        if texts is None:
            return
        places = np.frombuffer(offsets, np.int32)
        first, last = int(places[column.offset]), int(places[column.offset + len(column)])
        self._values.update(memoryview(texts).cast("B")[first:last])


def _with_zeros(column: pa.Array) -> pa.Array:
    """Return a column of numbers or times with zero for null."""
    zero = pa.array([0], pa.int64()).cast(pa.int32() if column.type.bit_width == 32 else pa.int64())
    if pa.types.is_temporal(column.type):
        return pc.fill_null(column, zero.cast(column.type)[0])
    return pc.fill_null(column, pa.scalar(0).cast(column.type))


def _bytes_of(column: pa.Array) -> memoryview:
    """Return the values of a column of fixed width without nulls."""
    width = column.type.bit_width // 8
    values = memoryview(column.buffers()[1]).cast("B") if len(column) else memoryview(b"")
    return values[column.offset * width : (column.offset + len(column)) * width]
