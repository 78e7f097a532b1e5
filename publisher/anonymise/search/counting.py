"""Counting combinations of values over a stream of batches: numbers for values first, combinations of numbers after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.search.groups import Codes, distinct, weigh

_WAITING = 200_000
"""Values or combinations that may wait before they are put together with those known."""


class ValueNumbers:
    """The distinct values of one column, numbered in the order they are first seen; null is a value."""

    def __init__(self) -> None:
        self._known: pa.Array | None = None

    def __len__(self) -> int:
        return 0 if self._known is None else len(self._known)

    @property
    def values(self) -> pa.Array:
        """The values in that order."""
        return pa.nulls(0) if self._known is None else self._known

    def add(self, values: Sequence[pa.Array]) -> Codes:
        """Return the number of each value, one array after the other."""
        known = [] if self._known is None else [self._known]
        encoded = pa.concat_arrays([*known, *values]).dictionary_encode(null_encoding="encode")
        start, self._known = len(self), encoded.dictionary
        return np.asarray(encoded.indices.to_numpy(zero_copy_only=False)[start:], np.int64)


class DistinctValues:
    """Gathers the distinct values of one column; null is a value."""

    def __init__(self) -> None:
        self._numbers = ValueNumbers()
        self._waiting: list[pa.Array] = []

    def add(self, values: pa.Array) -> None:
        """Take some more values."""
        self._waiting.append(values)
        if sum(map(len, self._waiting)) > max(_WAITING, len(self._numbers)):
            self._settle()

    def sorted(self, kind: pa.DataType) -> pa.Array:
        """Return the values in ascending order with null last; the type is that of a column without any."""
        self._settle()
        values = pc.cast(self._numbers.values, kind)
        return values.take(pc.sort_indices(values))

    def join(self, other: DistinctValues) -> None:
        """Take what another one gathered."""
        other._settle()
        if len(other._numbers):
            self.add(other._numbers.values)

    def _settle(self) -> None:
        if self._waiting:
            self._numbers.add(self._waiting)
            self._waiting = []


@dataclass(frozen=True)
class _Waiting:
    """The combinations of one batch: its distinct values by column, the place there of each combination's value, and the rows."""

    values: list[pa.Array]
    columns: list[Codes]
    rows: Codes


class CombinationCounter:
    """Counts the rows of each combination of values; memory grows with the distinct combinations, not with the rows.

    `leaves` gathers, for the fields named, the values that the combinations say less of.
    """

    def __init__(self, columns: int, leaves: Sequence[str] = ()) -> None:
        self.leaves = {name: DistinctValues() for name in leaves}
        self.numbers = [ValueNumbers() for _ in range(columns)]
        self.columns: list[npt.NDArray[np.int32]] = [np.zeros(0, np.int32)] * columns
        self.rows: Codes = np.zeros(0, np.int64)
        self._waiting: list[_Waiting] = []

    def add(self, arrays: Sequence[pa.Array]) -> None:
        """Count one batch, a column for each part of the combination; dictionaries must hold null themselves."""
        length = len(arrays[0])
        encoded = [
            array if pa.types.is_dictionary(array.type) else array.dictionary_encode(null_encoding="encode")
            for array in arrays
        ]
        codes = [np.asarray(one.indices.to_numpy(zero_copy_only=False), np.int64) for one in encoded]
        members, first = distinct(codes, length)
        rows = np.bincount(members, minlength=len(first)).astype(np.int64)
        self._waiting.append(_Waiting([one.dictionary for one in encoded], [code[first] for code in codes], rows))
        if sum(len(one.rows) for one in self._waiting) > max(_WAITING, len(self.rows)):
            self.settle()

    def join(self, other: CombinationCounter) -> None:
        """Take what another counter, which is settled, counted of other rows."""
        for name, seen in self.leaves.items():
            seen.join(other.leaves[name])
        if not len(other.rows):
            return
        columns = [codes.astype(np.int64) for codes in other.columns]
        self._waiting.append(_Waiting([numbers.values for numbers in other.numbers], columns, other.rows))
        self.settle()

    def settle(self) -> None:
        """Put what waits together with what is known; afterwards `columns` and `rows` hold everything counted so far."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        columns = []
        for place, numbers in enumerate(self.numbers):
            found = numbers.add([one.values[place] for one in waiting])
            starts = np.cumsum([0, *(len(one.values[place]) for one in waiting)])
            new = [found[start + one.columns[place]] for start, one in zip(starts, waiting, strict=False)]
            columns.append(np.concatenate([self.columns[place], *new], dtype=np.int64, casting="same_kind"))
        rows = np.concatenate([self.rows, *(one.rows for one in waiting)])
        members, first = distinct(columns, len(rows))
        self.columns = [column[first].astype(np.int32) for column in columns]
        self.rows = weigh(members, rows, len(first))
