"""Group counts: distinct combinations of codes with their rows, and how they merge when codes grow coarser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

_WIDEST_KEY = 2**62
_DENSE_SLACK = 1_000_000
_LARGEST_TABLE = 1 << 24


@dataclass(frozen=True)
class Groups:
    """Distinct combinations: one code array for each quasi-identifier, and, where they are needed, unit and sensitive codes.

    Null units means that each row is a unit of its own.
    """

    columns: tuple[Codes, ...]
    rows: Codes
    units: Codes | None = None
    sensitive: Codes | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def total_rows(self) -> int:
        """Return the number of rows behind all combinations."""
        return int(self.rows.sum())


@dataclass(frozen=True)
class Classes:
    """Equivalence classes of a table: a representative combination, rows, units and distinct sensitive values of each."""

    representative: Codes
    rows: Codes
    units: Codes
    diversity: Codes | None


def merge(columns: Sequence[Codes], groups: Groups) -> Groups:
    """Return the groups under other, coarser codes, equal combinations put together."""
    extra = [codes for codes in (groups.units, groups.sensitive) if codes is not None]
    members, first = distinct([*columns, *extra], len(groups))
    return Groups(
        columns=tuple(column[first] for column in columns),
        rows=weigh(members, groups.rows, len(first)),
        units=None if groups.units is None else groups.units[first],
        sensitive=None if groups.sensitive is None else groups.sensitive[first],
    )


def classes_of(groups: Groups) -> Classes:
    """Return the equivalence classes over all quasi-identifiers."""
    members, first = distinct(groups.columns, len(groups))
    rows = weigh(members, groups.rows, len(first))
    units = rows if groups.units is None else _count_distinct(members, groups.units, len(first))
    diversity = None if groups.sensitive is None else _count_distinct(members, groups.sensitive, len(first))
    return Classes(first, rows, units, diversity)


def distinct(columns: Sequence[Codes], length: int) -> tuple[Codes, Codes]:
    """Return for each combination the number of its group, and for each group the place of one member."""
    joint = JointKey(columns, length)
    key, space = joint.keys, joint.space
    if space > 4 * length + _DENSE_SLACK:
        _, first, members = np.unique(key, return_index=True, return_inverse=True)
        return members.astype(np.int64), first.astype(np.int64)
    place = np.full(space, -1, np.int64)
    place[key[::-1]] = np.arange(length - 1, -1, -1, dtype=np.int64)
    present = np.flatnonzero(place >= 0)
    number = np.zeros(space, np.int64)
    number[present] = np.arange(len(present))
    return number[key], place[present]


def weigh(members: Codes, weights: Codes, length: int) -> Codes:
    """Return the sum of weights in each group; exact below 2**53."""
    return np.bincount(members, weights=weights, minlength=length).astype(np.int64)


def _count_distinct(members: Codes, codes: Codes, length: int) -> Codes:
    _, first = distinct([members, codes], len(members))
    return np.bincount(members[first], minlength=length).astype(np.int64)


class JointKey:
    """One number for each combination of codes, the same wherever the combination stands.

    The numbers seen so far are renumbered densely whenever the next column would take them beyond 62 bits, so only combinations
    that were there when the key was made may be asked for later. `keys` holds theirs, row by row.
    """

    def __init__(self, columns: Sequence[Codes], length: int) -> None:
        self.space = 1
        self._steps: list[tuple[Codes | None, int]] = []
        key = np.zeros(length, np.int64)
        for column in columns:
            size = int(column.max()) + 1 if length else 1
            seen = np.unique(key) if self.space > _WIDEST_KEY // size else None
            if seen is not None:
                self.space = len(seen)
            self._steps.append((seen, size))
            self.space *= size
            key = self._next(key, column, seen, size)
        self.keys = key

    def of(self, columns: Sequence[Codes], length: int) -> Codes:
        """Return the key of each row."""
        key = np.zeros(length, np.int64)
        for column, (seen, size) in zip(columns, self._steps, strict=True):
            key = self._next(key, column, seen, size)
        return key

    @staticmethod
    def _next(key: Codes, column: Codes, seen: Codes | None, size: int) -> Codes:
        known = key if seen is None else np.searchsorted(seen, key)
        return np.asarray(known * size + column, np.int64)


class SmallGroups:
    """Tells of each row whether its combination of codes is one of those that are too small."""

    def __init__(self, groups: Groups, is_small: npt.NDArray[np.bool_]) -> None:
        self._joint = JointKey(groups.columns, len(groups))
        self._keys = np.unique(self._joint.keys[is_small])
        self._table: npt.NDArray[np.bool_] | None = None
        if self._joint.space <= _LARGEST_TABLE:
            self._table = np.zeros(self._joint.space, np.bool_)
            self._table[self._keys] = True

    def hold(self, columns: Sequence[Codes], length: int) -> npt.NDArray[np.bool_]:
        """Return which rows stand in a small group; every combination must be one that was counted."""
        key = self._joint.of(columns, length)
        if self._table is not None:
            return self._table[key]
        if not len(self._keys):
            return np.zeros(length, np.bool_)
        place = np.minimum(np.searchsorted(self._keys, key), len(self._keys) - 1)
        return np.asarray(self._keys[place] == key)
