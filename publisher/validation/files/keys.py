"""Keys of all rows so far, and which rows share one: equal 64-bit keys are suspects, told with their row numbers, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from publisher.validation.files.texts import Integers, mix
from publisher.validation.layouts import Mask

Numbers = npt.NDArray[np.uint32]

_LARGEST_RUN = 1 << 20
_FIRST_BITS = 1 << 20
_BITS_A_KEY = 8
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_NULL = np.uint64(0x632BE59BD9B4E019)
_SEED = np.uint64(0x5851F42D4C957F2D)


@dataclass(frozen=True)
class KeySpec:
    """A key of the schema: places of its fields.

    `unique` rows count when no field is missing, `primary` ones when one is there.
    """

    kind: Literal["unique", "primary"]
    fields: tuple[int, ...]


def combined(columns: list[tuple[Integers, Mask | None]], spec: KeySpec) -> tuple[Integers, Mask | None]:
    """Return the key of each row, and which rows count (null: all)."""
    if len(columns) == 1:
        keys, nulls = columns[0]
        return keys, None if nulls is None or not nulls.any() else ~nulls
    rows = len(columns[0][0])
    mixed = np.full(rows, _SEED)
    absent = np.zeros(rows, np.int64)
    for keys, nulls in columns:
        part = keys.view(np.uint64)
        if nulls is not None:
            part = np.where(nulls, _NULL, part)
            absent += nulls
        mixed = mix(mixed, part)
    counts = absent == 0 if spec.kind == "unique" else absent < len(columns)
    return mixed.view(np.int64), None if counts.all() else counts


class KeyIndex:
    """Remembers the keys of one `KeySpec`: 12 bytes a row and one to two bytes of filter.

    Keys lie in sorted runs that are merged as they become equally long; the filter spares most searches.
    """

    def __init__(self) -> None:
        self._runs: list[tuple[Integers, Numbers]] = []
        self._filter = np.zeros(_FIRST_BITS // 8, np.uint8)
        self._filter_keys = 0
        self._highest: int | None = None
        self._fresh: list[Integers] = []

    def add(self, keys: Integers, numbers: Integers) -> tuple[Integers, Integers]:
        """Remember the keys of the next rows; return the numbers of those that share one, and of the earlier rows they share it with."""
        nothing = np.zeros(0, np.int64)
        if not len(keys):
            return nothing, nothing
        rows = numbers.astype(np.uint32)
        if not (keys[1:] > keys[:-1]).all():
            order = np.argsort(keys)
            keys, rows = keys[order], rows[order]
        equal = keys[1:] == keys[:-1]
        shared = np.zeros(len(keys), np.bool_)
        shared[1:] = equal
        shared[:-1] |= equal
        earlier = nothing
        if self._highest is not None and keys[0] <= self._highest:
            known, earlier = self._search(keys)
            shared |= known
        self._remember(keys, rows)
        return np.unique(rows[shared]).astype(np.int64), earlier

    def _search(self, keys: Integers) -> tuple[Mask, Integers]:
        self._extend_filter()
        known = np.zeros(len(keys), np.bool_)
        places, bits = self._places(keys)
        possible = np.flatnonzero(self._filter[places] & bits)
        wanted = keys[possible]
        earlier = []
        for run, rows in self._runs:
            left = np.searchsorted(run, wanted)
            found = run[np.minimum(left, len(run) - 1)] == wanted
            if found.any():
                known[possible[found]] = True
                right = np.searchsorted(run, wanted[found], side="right")
                earlier += [rows[first:last] for first, last in zip(left[found], right, strict=True)]
        return known, np.unique(np.concatenate(earlier)).astype(np.int64) if earlier else np.zeros(0, np.int64)

    def _remember(self, keys: Integers, rows: Numbers) -> None:
        last = int(keys[-1])
        self._highest = last if self._highest is None else max(self._highest, last)
        keys = keys.copy()
        self._runs.append((keys, rows))
        if self._filter_keys:
            self._fresh.append(keys)
        while len(self._runs) > 1 and len(self._runs[-2][0]) <= 2 * len(self._runs[-1][0]) <= _LARGEST_RUN:
            (late, late_rows), (early, early_rows) = self._runs.pop(), self._runs.pop()
            keys, rows = np.concatenate([early, late]), np.concatenate([early_rows, late_rows])
            if early[-1] > late[0]:
                order = np.argsort(keys, kind="stable")  # two sorted halves: one merge
                keys, rows = keys[order], rows[order]
            self._runs.append((keys, rows))

    def _places(self, keys: Integers) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        spread = (keys.view(np.uint64) * _SPREAD) >> np.uint64(32)
        place = spread.astype(np.int64) & (len(self._filter) * 8 - 1)
        return place >> 3, np.uint8(1) << (place & 7).astype(np.uint8)

    def _extend_filter(self) -> None:
        """Bring the filter up to the keys that are remembered; it is not needed while keys only rise."""
        total = sum(len(run) for run, _ in self._runs)
        bits = len(self._filter) * 8
        if total * _BITS_A_KEY > bits or self._filter_keys == 0:
            while total * _BITS_A_KEY > bits:
                bits *= 2
            self._filter = np.zeros(bits // 8, np.uint8)
            fresh = [run for run, _ in self._runs]
        else:
            fresh = self._fresh
        for keys in fresh:
            places, marks = self._places(keys)
            np.bitwise_or.at(self._filter, places, marks)
        self._filter_keys = total
        self._fresh = []
