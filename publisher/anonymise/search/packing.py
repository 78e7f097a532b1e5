"""Combinations of codes packed into 64-bit words, so that equal combinations are found by sorting or counting plain numbers.

A layout gives each code as many bits as its largest value needs. Codes of up to 62 bits together lie in one word, which is the
fast case; more take several. Words sort as their combinations do, code by code from the first to the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
Words = tuple[Codes, ...]
Values = TypeVar("Values", bound=np.generic)

_WORD_BITS = 62
_CHUNK_BITS = 14
"""A table of so many bits is looked up within the processor's cache."""
_DENSE_BITS = 26
"""Counting takes an array of all possible words, at most so many bits of them."""
_NUMBER_BITS = 63
_BLOCK = 1 << 16


@dataclass(frozen=True)
class _Chunk:
    """Neighbouring codes of one word that are translated together."""

    word: int
    shift: int
    bits: int
    fields: tuple[int, ...]

    def of(self, words: Words) -> Codes:
        return np.asarray((words[self.word] >> self.shift) & ((1 << self.bits) - 1), np.int64)


@dataclass(frozen=True)
class Layout:
    """How many bits each code of a combination takes."""

    bits: tuple[int, ...]

    @cached_property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Return the word and the lowest bit of each code; the last code has the lowest bits of the last word."""
        found, word, used = [], 0, 0
        for bits in reversed(self.bits):
            if used + bits > _WORD_BITS:
                word, used = word + 1, 0
            found.append((word, used))
            used += bits
        return tuple((word - own, shift) for own, shift in reversed(found))

    @property
    def words(self) -> int:
        """Return the number of words."""
        return self.places[0][0] + self.places[-1][0] + 1 if self.places else 1

    @property
    def total_bits(self) -> int:
        """Return the bits of all codes together."""
        return sum(self.bits)

    @cached_property
    def _chunks(self) -> tuple[_Chunk, ...]:
        chunks: list[_Chunk] = []
        for field in reversed(range(len(self.bits))):
            (word, shift), bits = self.places[field], self.bits[field]
            last = chunks[-1] if chunks else None
            if not bits:
                continue  # a field of one code needs no place
            if last and last.word == word and last.bits + bits <= _CHUNK_BITS:
                chunks[-1] = _Chunk(word, last.shift, last.bits + bits, (field, *last.fields))
            else:
                chunks.append(_Chunk(word, shift, bits, (field,)))
        return tuple(chunks)

    def pack(self, columns: Sequence[Codes], length: int) -> Words:
        """Return the words of combinations that are given as one array of codes a field."""
        words = tuple(np.zeros(length, np.int64) for _ in range(self.words))
        for (word, shift), column in zip(self.places, columns, strict=True):
            np.bitwise_or(words[word], column << shift, out=words[word])
        return words

    def unpack(self, words: Words, field: int) -> Codes:
        """Return the codes of one field."""
        word, shift = self.places[field]
        return np.asarray((words[word] >> shift) & ((1 << self.bits[field]) - 1), np.int64)

    def translate(self, words: Words, maps: Sequence[Codes | None], target: Layout) -> Words:
        """Return the words in another layout, each code replaced by its entry in the field's map; null keeps the codes.

        Fields at the end that the target does not have are left out.
        """
        kept = len(target.bits)
        out: list[Codes | None] = [None] * target.words
        for chunk in self._chunks:
            fields = [field for field in chunk.fields if field < kept]
            for word in sorted({target.places[field][0] for field in fields}):
                here = [field for field in fields if target.places[field][0] == word]
                part = self._moved(chunk, words, here, maps, target)
                before = out[word]
                out[word] = part if before is None else np.add(before, part, out=before)
        length = len(words[0])
        moved = tuple(np.zeros(length, np.int64) if word is None else word for word in out)
        for field, own in enumerate(maps[:kept]):
            if (
                own is not None and len(own) and not self.bits[field]
            ):  # one code has no place here, and another one there
                word, shift = target.places[field]
                np.add(moved[word], own[0] << shift, out=moved[word])
        return moved

    def weigh(self, words: Words, weights: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
        """Return for each combination the sum of its codes' weights; fields beyond the weights weigh nothing."""
        total = np.zeros(len(words[0]))
        for chunk in self._chunks:
            table = np.zeros(1 << chunk.bits)
            for field in chunk.fields:
                if field < len(weights):
                    table += self._spread(chunk, field, weights[field])
            if table.any():
                total += table[chunk.of(words)]
        for field, bits in enumerate(self.bits[: len(weights)]):
            if not bits:
                total += weights[field][0]
        return total

    def _moved(
        self, chunk: _Chunk, words: Words, fields: list[int], maps: Sequence[Codes | None], target: Layout
    ) -> Codes:
        codes = chunk.of(words)
        steps = {target.places[field][1] - self.places[field][1] for field in fields}
        if len(steps) == 1 and all(maps[field] is None for field in fields) and len(fields) == len(chunk.fields):
            return codes << (steps.pop() + chunk.shift)
        table = np.zeros(1 << chunk.bits, np.int64)
        for field in fields:
            own = maps[field]
            values = np.arange(1 << self.bits[field]) if own is None else own
            table += self._spread(chunk, field, values) << target.places[field][1]
        return np.asarray(table[codes], np.int64)

    def _spread(self, chunk: _Chunk, field: int, values: npt.NDArray[Values]) -> npt.NDArray[Values]:
        """Return the field's value for every possible content of a chunk; codes beyond the values do not occur."""
        own = (np.arange(1 << chunk.bits) >> (self.places[field][1] - chunk.shift)) & ((1 << self.bits[field]) - 1)
        spread: npt.NDArray[Values] = values[np.minimum(own, len(values) - 1)]
        return spread


def layout_for(sizes: Sequence[int]) -> Layout:
    """Return the layout of fields that have so many different codes."""
    return Layout(tuple(max(0, size - 1).bit_length() for size in sizes))


def combine(words: Words, rows: Codes | None) -> tuple[Words, Codes]:
    """Return the distinct combinations in ascending order and the rows of each; null rows count one for each combination.

    One word and its rows are sorted as one number where they fit in it, and counted where few words are possible.
    """
    if not len(words[0]):
        return words, np.zeros(0, np.int64)
    if len(words) > 1:
        return _combine_wide(words, rows)
    word = words[0]
    most = int(word.max())
    if most < min(1 << _DENSE_BITS, 8 * len(word) + 65_536):
        counts = np.bincount(word, weights=rows)
        keys = np.flatnonzero(counts)
        return (keys,), counts[keys].astype(np.int64)
    if rows is None:
        word = np.sort(word, kind="stable")
        starts = np.flatnonzero(_changes(word, 0))
        return (word[starts],), np.diff(starts, append=len(word))
    spare = int(rows.max()).bit_length()
    if most.bit_length() + spare > _NUMBER_BITS:
        return _combine_wide(words, rows)
    return _summed((word << spare) | rows, spare)


def merge(parts: list[tuple[Words, Codes]]) -> tuple[Words, Codes]:
    """Return several lists of distinct combinations, each in ascending order with its rows, as one; at least one is given.

    Sorting them anew costs little, because a stable sort only merges what is in order already. Where one word holds them the
    list is emptied on the way, so that the parts need not lie in memory beside the result.
    """
    most = max(int(words[0][-1]) if len(rows) else 0 for words, rows in parts)
    spare = max(int(rows.max(initial=0)) for _, rows in parts).bit_length()
    if len(parts[0][0]) > 1 or most.bit_length() + spare > _NUMBER_BITS:
        together = tuple(np.concatenate(word) for word in zip(*(words for words, _ in parts), strict=True))
        return _combine_wide(together, np.concatenate([rows for _, rows in parts]))
    both, end = np.empty(sum(len(rows) for _, rows in parts), np.int64), 0
    while parts:
        (word,), rows = parts.pop()
        start, end = end, end + len(rows)
        np.bitwise_or(word << spare, rows, out=both[start:end])
        del word, rows
    return _summed(both, spare)


def _summed(both: Codes, spare: int) -> tuple[Words, Codes]:
    """Return the words above the lowest `spare` bits, each once in ascending order, and the sums below; sorts what it is given.

    The runs of equal words are summed some at a time, so that only the result needs memory.
    """
    both.sort(kind="stable")
    changes = _changes(both, spare)
    keys = np.empty(np.count_nonzero(changes), np.int64)
    rows = np.empty_like(keys)
    start = done = 0
    while start < len(both):
        later = changes[start + _BLOCK :]
        end = start + _BLOCK + int(later.argmax()) if later.any() else len(both)
        starts = np.flatnonzero(changes[start:end])
        first, done = done, done + len(starts)
        keys[first:done] = both[start:end][starts] >> spare
        rows[first:done] = np.add.reduceat(both[start:end] & ((1 << spare) - 1), starts)
        start = end
    return (keys,), rows


def run_starts(words: Words) -> Codes:
    """Return where each run of equal combinations begins, in combinations that are in ascending order."""
    changes = np.zeros(len(words[0]), bool)
    changes[:1] = True
    for word in words:
        changes[1:] |= word[1:] != word[:-1]
    return np.flatnonzero(changes)


def _combine_wide(words: Words, rows: Codes | None) -> tuple[Words, Codes]:
    order = np.lexsort(words[::-1])
    words = tuple(word[order] for word in words)
    starts = run_starts(words)
    ends = np.diff(starts, append=len(order))
    return tuple(word[starts] for word in words), ends if rows is None else np.add.reduceat(rows[order], starts)


def _changes(both: Codes, spare: int) -> npt.NDArray[np.bool_]:
    """Tell of each number whether a run of equal words above the lowest `spare` bits begins with it."""
    changes = np.ones(len(both), bool)
    for start in range(1, len(both), _BLOCK):
        end = min(start + _BLOCK, len(both))
        changes[start:end] = (both[start:end] ^ both[start - 1 : end - 1]) >> spare != 0
    return changes
