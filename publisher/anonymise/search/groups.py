"""Group counts: distinct combinations of codes with their rows, and how they merge when codes grow coarser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.counting import Tally
from publisher.anonymise.search.packing import Codes, Layout, Words, layout_for, run_starts

__all__ = ["Codes", "Groups", "Shares", "SmallGroups", "weigh"]

_LARGEST_TABLE = 1 << 24


@dataclass(frozen=True)
class Shares:
    """How the rows of each class are spread over the values of a sensitive field.

    One entry for each value that a class holds, class after class: `starts` is where each class begins, `values` the value's
    code, `rows` its rows.
    """

    starts: Codes
    values: Codes
    rows: Codes


@dataclass(frozen=True)
class Groups:
    """The equivalence classes of a table at some levels, in ascending order of their codes.

    Attributes:
        classes: one code for each quasi-identifier, and the rows of each combination.
        pairs: combinations with the code of each unit among them; null when each row is a unit of its own.
        varied: combinations with the code of each value of a sensitive field, one tally for each such field.
    """

    classes: Tally
    pairs: Tally | None = None
    varied: tuple[Tally, ...] = ()

    def __len__(self) -> int:
        return len(self.classes) + len(self.pairs or ()) + sum(map(len, self.varied))

    @property
    def total_rows(self) -> int:
        """Return the number of rows behind all combinations."""
        return int(self.classes.rows.sum())

    def rolled_up(self, maps: Sequence[Codes | None], sizes: Sequence[int]) -> Groups:
        """Return the groups under coarser codes: a map for each quasi-identifier (null: as it is) and the number of its codes."""
        quasi = layout_for(sizes)

        def moved(tally: Tally) -> Tally:
            return tally.moved([*maps, None], Layout((*quasi.bits, tally.layout.bits[-1])))

        return Groups(
            self.classes.moved(maps, quasi),
            None if self.pairs is None else moved(self.pairs),
            tuple(moved(tally) for tally in self.varied),
        )

    def units(self) -> Codes:
        """Return the number of units in each class."""
        if self.pairs is None:
            return self.classes.rows
        return np.diff(self._starts(self.pairs), append=len(self.pairs))

    def shares(self, place: int) -> Shares:
        """Return how the rows of each class are spread over the values of a sensitive field."""
        tally = self.varied[place]
        last = len(tally.layout.bits) - 1
        return Shares(self._starts(tally), tally.layout.unpack(tally.words, last), tally.rows)

    def _starts(self, tally: Tally) -> Codes:
        """Return where each class begins in a tally that has one more field; it has the classes in the same order."""
        quasi = len(self.classes.layout.bits)
        if not quasi:
            return np.zeros(min(1, len(tally)), np.int64)
        keys = tally.layout.translate(tally.words, [None] * (quasi + 1), self.classes.layout)
        return run_starts(keys)


def weigh(members: Codes, weights: Codes, length: int) -> Codes:
    """Return the sum of weights in each group; exact below 2**53."""
    return np.bincount(members, weights=weights, minlength=length).astype(np.int64)


class SmallGroups:
    """Tells of each row whether its combination of codes is one of those that are left out."""

    def __init__(self, classes: Tally, is_small: npt.NDArray[np.bool_]) -> None:
        self._layout = classes.layout
        self._words: Words = tuple(word[is_small] for word in classes.words)
        self._table: npt.NDArray[np.bool_] | None = None
        self._set: frozenset[tuple[int, ...]] = frozenset()
        if self._layout.words > 1:
            self._set = frozenset(zip(*(word.tolist() for word in self._words), strict=True))
        elif 1 << self._layout.total_bits <= _LARGEST_TABLE:
            self._table = np.zeros(1 << self._layout.total_bits, np.bool_)
            self._table[self._words[0]] = True

    def hold(self, columns: Sequence[Codes], length: int) -> npt.NDArray[np.bool_]:
        """Return which rows stand in a small group; every combination must be one that was counted."""
        words = self._layout.pack(columns, length)
        if self._table is not None:
            return self._table[words[0]]
        small = self._words[0]
        if not len(small):
            return np.zeros(length, np.bool_)
        if self._layout.words > 1:
            keys = zip(*(word.tolist() for word in words), strict=True)
            return np.fromiter((key in self._set for key in keys), np.bool_, length)
        place = np.minimum(np.searchsorted(small, words[0]), len(small) - 1)
        return np.asarray(small[place] == words[0])
