"""Group counts: distinct combinations of codes with their rows, and how they merge when codes grow coarser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]

_WIDEST_KEY = 2**62
_DENSE_SLACK = 1_000_000


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
    key, space = _joint_key(columns, length)
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


def _joint_key(columns: Sequence[Codes], length: int) -> tuple[Codes, int]:
    """Return one number for each combination; renumbered densely whenever it would leave 62 bits."""
    key, space = np.zeros(length, np.int64), 1
    for column in columns:
        size = int(column.max()) + 1 if length else 1
        if space > _WIDEST_KEY // size:
            values, key = np.unique(key, return_inverse=True)
            space = len(values)
        key = key * size + column
        space *= size
    return key, space
