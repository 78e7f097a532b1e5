"""The rows that Frictionless has to see, in the order that makes its errors come out as if it had seen all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import numpy as np

from publisher.validation.files.chunks import Cells, CheckedChunk
from publisher.validation.files.keys import KeyIndex
from publisher.validation.files.lanes import BlockRows, Lane, Rows
from publisher.validation.files.summary import ProofSummary


class SuspectStream:
    """Merges suspects, repeated keys and the first rows that have them.

    A row whose key came before is fed behind the row that had it first. That one is clean and was passed by, so it is fed late,
    before the rows of the chunk: Frictionless only remembers its keys. This is right because no row between has any of them.

    Args:
        stats: Frictionless' statistics of the resource; `rows` is kept as if all rows had gone through.
        keys: number of keys of the table.

    Attributes:
        last_number: of the row that was yielded last; `last_cells` its cells.
        records: read so far behind the header, those included that the dialect skips.
    """

    def __init__(self, stats: Any, *, keys: int, summary: ProofSummary) -> None:
        self.last_number = 0
        self.last_cells: Cells | None = None
        self.records = 0
        self._stats = stats
        self._indexes = [KeyIndex() for _ in range(keys)]
        self._fed: set[int] = set()
        self._firsts: list[int] = []
        self._sources: list[Rows] = []
        self._current: Rows | None = None
        self._summary = summary

    def feed(self, lane: Lane, *, name: str) -> Iterator[tuple[int, Cells]]:
        """Yield the rows of a lane that Frictionless has to see, with their numbers."""
        for source, checked in lane:
            self._current = source
            self._summary.lanes[name] = self._summary.lanes.get(name, 0) + 1
            self._summary.rows += len(checked.numbers)
            self.records += checked.total
            yield from self._chunk(source, checked)
            self._stats.rows = self._summary.rows
            source.release()

    def lines_up_to(self, number: int) -> int | None:
        """Return how many lines of the file end with a row of the present chunk, null when only Python's reader can tell."""
        return self._current.lines_up_to(number) if isinstance(self._current, BlockRows) else None

    def _chunk(self, source: Rows, checked: CheckedChunk) -> Iterator[tuple[int, Cells]]:
        repeated, earlier = self._repeats(checked)
        if not self._summary.suspects and len(checked.numbers):
            repeated.add(int(checked.numbers[0]))  # Frictionless looks at its limit of errors behind the first row
        if self._indexes and len(checked.numbers):
            self._firsts.append(int(checked.numbers[0]))
            self._sources.append(source)
        for number in sorted(earlier - self._fed):
            self._fed.add(number)
            self._summary.suspects += 1
            yield number, self._earlier(number)
        suspects = checked.suspects
        for number in repeated - suspects.keys():
            suspects[number] = source.row(number)
        numbers = sorted(suspects)
        if self._indexes:
            self._fed.update(numbers)
        before = self._summary.rows - len(checked.numbers)
        for number, place in zip(numbers, np.searchsorted(checked.numbers, numbers).tolist(), strict=True):
            self._stats.rows = before + place  # Frictionless adds the row itself
            self.last_number, self.last_cells = number, suspects[number]
            self._summary.suspects += 1
            yield number, suspects[number]

    def _repeats(self, checked: CheckedChunk) -> tuple[set[int], set[int]]:
        repeated: set[int] = set()
        earlier: set[int] = set()
        for index, (keys, numbers) in zip(self._indexes, checked.keys, strict=True):
            shared, before = index.add(keys, numbers)
            repeated.update(shared.tolist())
            earlier.update(before.tolist())
        return repeated, earlier

    def _earlier(self, number: int) -> Cells:
        return self._sources[bisect_right(self._firsts, number) - 1].row(number)
