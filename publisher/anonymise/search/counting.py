"""Counting combinations of values over a stream of batches: numbers for values first, combinations of numbers after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.search.packing import Codes, Layout, Words, combine, layout_for, merge

_WAITING = 300_000
"""Rows that wait before they are put together with what is known; more when much is known."""
_APART = 1_000_000
"""Combinations that may be counted apart before they are put together; a quarter of what is known, when that is more."""


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


@dataclass(frozen=True)
class Tally:
    """Distinct combinations in ascending order, and the rows of each."""

    layout: Layout
    words: Words
    rows: Codes

    def __len__(self) -> int:
        return len(self.rows)

    def words_in(self, target: Layout) -> Words:
        """Return the words in another layout of the same codes, in which they are in ascending order too."""
        same = target == self.layout
        return self.words if same else self.layout.translate(self.words, [None] * len(target.bits), target)

    def moved(self, maps: Sequence[Codes | None], target: Layout) -> Tally:
        """Return the tally in another layout, each code replaced by its entry in the field's map, equal combinations as one.

        Fields at the end that the target does not have are summed over.
        """
        return Tally(target, *combine(self.layout.translate(self.words, maps, target), self.rows))


def empty_tally(fields: int) -> Tally:
    """Return a tally of no combinations."""
    layout = Layout((0,) * fields)
    return Tally(layout, layout.pack([np.zeros(0, np.int64)] * fields, 0), np.zeros(0, np.int64))


def joined(tallies: list[Tally]) -> Tally:
    """Return several tallies of the same fields as one, and empty the list, so that they need not lie in memory beside it."""
    layout = Layout(tuple(map(max, zip(*(tally.layout.bits for tally in tallies), strict=True))))
    parts = []
    while tallies:
        tally = tallies.pop()
        parts.append((tally.words_in(layout), tally.rows))
        del tally
    return Tally(layout, *merge(parts))


_Waiting = list[list[pa.DictionaryArray]]
"""Batches of columns, each as numbers of its own distinct values."""

Finest = Callable[[pa.Array], pa.Array]
"""What the values of a column become at their finest level, value by value."""


class CombinationCounter:
    """Counts the rows of each combination of values; memory grows with the distinct combinations, not with the rows.

    Args:
        finest: for each column, what its values count as; null counts them as they come.
        facets: which columns stand together in each tally, by their places.

    `leaves` holds the different values of each column as they came, `numbers` those that are counted, `tallies` one
    tally a facet. All are complete once the counter is settled.
    """

    def __init__(self, finest: Sequence[Finest | None], facets: Sequence[Sequence[int]]) -> None:
        self.leaves = [ValueNumbers() for _ in finest]
        self.numbers = [own if turn is None else ValueNumbers() for own, turn in zip(self.leaves, finest, strict=True)]
        self.tallies = [empty_tally(len(facet)) for facet in facets]
        self.total_rows = 0
        self._finest = finest
        self._facets = facets
        self._counted_as: list[Codes] = [np.zeros(0, np.int64) for _ in finest]
        self._waiting: _Waiting = []
        self._waiting_rows = 0
        self._parts: list[list[Tally]] = [[] for _ in facets]

    def __getstate__(self) -> dict[str, object]:
        """Leave behind the functions, which another process cannot read; a settled counter is joined, not added to."""
        return {**self.__dict__, "_finest": [None] * len(self.leaves)}

    def add(self, columns: Sequence[pa.Array], length: int) -> None:
        """Count one batch of so many rows."""
        self.total_rows += length
        if not columns or not length:
            return
        self._waiting.append([_encoded(column) for column in columns])
        self._waiting_rows += length
        if self._waiting_rows > max(_WAITING, *map(len, self.leaves)):
            self._encode()

    def join(self, other: CombinationCounter) -> None:
        """Take what another counter, which is settled, counted of other rows."""
        self.settle()
        self.total_rows += other.total_rows
        if not len(other.leaves) or not len(other.leaves[0]):
            return
        for place, leaves in enumerate(other.leaves):
            self._number(place, [leaves.values])
        maps = [numbers.add([theirs.values]) for numbers, theirs in zip(self.numbers, other.numbers, strict=True)]
        for parts, facet, tally in zip(self._parts, self._facets, other.tallies, strict=True):
            target = layout_for([len(self.numbers[place]) for place in facet])
            parts.append(tally.moved([maps[place] for place in facet], target))
        self.settle()

    def settle(self) -> None:
        """Put what waits together with what is known; afterwards everything counted so far is there."""
        self._encode()
        for place, parts in enumerate(self._parts):
            if parts:
                self._put_together(place)

    def _encode(self) -> None:
        """Turn the rows that wait into tallies of their own."""
        if not self._waiting:
            return
        waiting, self._waiting, self._waiting_rows = self._waiting, [], 0
        found = [self._numbered(waiting, column) for column in range(len(self.leaves))]
        for place, facet in enumerate(self._facets):
            layout = layout_for([len(self.numbers[column]) for column in facet])
            words = _packed(waiting, layout, [(column, found[column]) for column in facet])
            self._parts[place].append(Tally(layout, *combine(words, None)))
            if sum(map(len, self._parts[place])) > max(_APART, len(self.tallies[place]) // 4):
                self._put_together(place)

    def _put_together(self, place: int) -> None:
        tallies, self._parts[place] = [*self._parts[place], self.tallies[place]], []
        self.tallies[place] = empty_tally(len(self._facets[place]))
        self.tallies[place] = joined(tallies)

    def _numbered(self, waiting: _Waiting, place: int) -> list[Codes]:
        """Return for each batch the number of each value in its dictionary."""
        dictionaries = [batch[place].dictionary for batch in waiting]
        found = self._number(place, dictionaries)
        counted = found if self._finest[place] is None else self._counted_as[place][found]
        return np.split(counted, np.cumsum([len(values) for values in dictionaries[:-1]]))

    def _number(self, place: int, values: Sequence[pa.Array]) -> Codes:
        """Number values as they came; what is new is also numbered as what it counts as."""
        leaves, finest = self.leaves[place], self._finest[place]
        before = len(leaves)
        found = leaves.add(values)
        if finest is not None and len(leaves) > before:
            new = self.numbers[place].add([finest(leaves.values.slice(before))])
            self._counted_as[place] = np.concatenate([self._counted_as[place], new])
        return found


def _packed(waiting: _Waiting, layout: Layout, columns: Sequence[tuple[int, list[Codes]]]) -> Words:
    """Return the words of the rows that wait; a column comes with the numbers of each batch's dictionary."""
    lengths = [len(batch[0]) for batch in waiting]
    words = tuple(np.zeros(sum(lengths), np.int64) for _ in range(layout.words))
    for (column, numbers), (word, shift) in zip(columns, layout.places, strict=True):
        end = 0
        for batch, own, length in zip(waiting, numbers, lengths, strict=True):
            start, end = end, end + length
            words[word][start:end] += (own << shift)[batch[column].indices.to_numpy(zero_copy_only=False)]
    return words


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    """Return a column as numbers of its distinct values, null being one of them."""
    if pa.types.is_dictionary(column.type):
        if not column.null_count and not column.dictionary.null_count:
            return column
        column = column.dictionary_decode()
    return column.dictionary_encode(null_encoding="encode")


def sorted_values(numbers: ValueNumbers, kind: pa.DataType) -> pa.Array:
    """Return the values in ascending order with null last; the type is that of a column without any."""
    values = pc.cast(numbers.values, kind)
    return values.take(pc.sort_indices(values))
