"""Consecutive rows of a file as columns, and the question which of them Frictionless has to see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.files.cells import CheckedCells, Verdict
from publisher.validation.files.keys import KeySpec, combined
from publisher.validation.files.texts import Integers, bools_of, indices_of, offsets_of
from publisher.validation.layouts import Mask

Cells = list[Any]


class Columns(Protocol):
    """The rows of a chunk that have a cell for each field."""

    arrays: list[pa.Array]

    def cells(self, rows: Integers) -> list[Cells]:
        """Return the cells of some rows as Frictionless reads them."""


class CellChecks(Protocol):
    """The checks of one field over columns of a form."""

    @property
    def judged(self) -> int:
        """Distinct cells that the judge was asked about."""

    @property
    def has_language(self) -> bool:
        """Whether cells can be proven without the judge."""

    def check(self, column: pa.Array) -> CheckedCells:
        """Return the checks of a column."""

    def judge(self, cell: Any) -> Verdict:
        """Return the verdict on one cell."""

    def value(self, cell: Any) -> object:
        """Return the value of one cell."""


@dataclass
class Chunk:
    """Rows in the order of the file, apart from those of another width.

    `numbers` are the row numbers of `columns`, rising; `ragged` the other rows with theirs.
    """

    columns: Columns
    numbers: Integers
    ragged: list[tuple[int, Cells]] = field(default_factory=list)


@dataclass
class CheckedChunk:
    """What a chunk told: its suspects by row number, and the keys of all its rows.

    `numbers` are those of all rows that count, rising; `keys` holds for each `KeySpec` keys and the numbers of their rows. `total`
    counts the rows before the filter, for the numbers of the next chunk.
    """

    numbers: Integers
    suspects: dict[int, Cells]
    keys: list[tuple[Integers, Integers]]
    total: int

    def shifted(self, by: int) -> CheckedChunk:
        """Return the same with all row numbers raised."""
        return CheckedChunk(
            self.numbers + by,
            {number + by: cells for number, cells in self.suspects.items()},
            [(keys, numbers + by) for keys, numbers in self.keys],
            self.total,
        )


@dataclass
class RowFilter:
    """Rows that are none for the dialect: comments, and blank ones when it skips them."""

    comment_char: str | None
    comment_rows: frozenset[int]
    skips_blank: bool

    @property
    def is_needed(self) -> bool:
        return bool(self.comment_char or self.comment_rows or self.skips_blank)

    def keeps(self, number: int, cells: Cells) -> bool:
        """Return whether a row counts, by the rules of Frictionless' dialect."""
        if self.comment_char and cells and isinstance(cells[0], str) and cells[0].startswith(self.comment_char):
            return False
        if number in self.comment_rows:
            return False
        return not (self.skips_blank and all(cell in {None, ""} for cell in cells))

    def kept(self, arrays: Sequence[pa.Array], numbers: Integers) -> Mask:
        """Return which rows of string columns count."""
        kept: Mask = np.ones(len(numbers), np.bool_)
        if self.comment_rows:
            kept &= ~np.isin(numbers, np.fromiter(self.comment_rows, np.int64))
        plain = [array.dictionary_decode() if isinstance(array, pa.DictionaryArray) else array for array in arrays]
        if self.comment_char:
            kept &= ~bools_of(pc.starts_with(plain[0], self.comment_char))
        if self.skips_blank:
            blank = np.ones(len(numbers), np.bool_)
            for array in plain:
                blank &= np.diff(offsets_of(array)) == 0
            kept &= ~blank
        return kept


@dataclass
class RowCheck:
    """The checks of all fields, keys and references of a table; knows nothing of files."""

    cells: Sequence[CellChecks]
    keys: list[KeySpec]
    filter: RowFilter
    references: list[Callable[[list[pa.Array]], Mask]] = field(default_factory=list)
    """Each returns which rows hold a reference that may not be found."""

    def check(self, chunk: Chunk) -> CheckedChunk:
        """Return which rows need Frictionless: all that are not proven clean."""
        total = len(chunk.numbers) + len(chunk.ragged)
        if self.filter.is_needed:
            self._drop(chunk)
        arrays = chunk.columns.arrays
        columns = [cell.check(array) for cell, array in zip(self.cells, arrays, strict=True)]
        doubtful = _any([column.doubtful for column in columns], len(chunk.numbers))
        blank = _blank(columns)
        if blank is not None:
            doubtful |= blank
        for reference in self.references:
            doubtful |= reference(arrays)
        keys = []
        for spec in self.keys:
            row_keys, counts = combined([_keys_of(columns[place]) for place in spec.fields], spec)
            if spec.kind == "primary" and counts is not None:
                doubtful |= ~counts
            keys.append(self._with_ragged(spec, row_keys, counts, chunk))
        rows = np.flatnonzero(doubtful)
        suspects = dict(zip(chunk.numbers[rows].tolist(), chunk.columns.cells(rows), strict=True)) if len(rows) else {}
        suspects.update(chunk.ragged)
        ragged = np.array([number for number, _ in chunk.ragged], np.int64)
        numbers = np.sort(np.concatenate([chunk.numbers, ragged])) if len(ragged) else chunk.numbers
        return CheckedChunk(numbers, suspects, keys, total)

    def _drop(self, chunk: Chunk) -> None:
        kept = self.filter.kept(chunk.columns.arrays, chunk.numbers) if len(chunk.numbers) else np.ones(0, np.bool_)
        if not kept.all():
            chunk.columns = _Kept(chunk.columns, np.flatnonzero(kept))
            chunk.numbers = chunk.numbers[kept]
        chunk.ragged = [(number, cells) for number, cells in chunk.ragged if self.filter.keeps(number, cells)]

    def _with_ragged(
        self, spec: KeySpec, keys: Integers, counts: Mask | None, chunk: Chunk
    ) -> tuple[Integers, Integers]:
        """Add the rows of another width: they have keys as well."""
        numbers = chunk.numbers
        if counts is not None:
            keys, numbers = keys[counts], numbers[counts]
        if not chunk.ragged:
            return keys, numbers
        columns = []
        for place in spec.fields:
            check = self.cells[place]
            verdicts = [check.judge(cells[place] if place < len(cells) else None) for _, cells in chunk.ragged]
            values = np.array([verdict.key or 0 for verdict in verdicts], np.int64)
            columns.append((values, np.array([verdict.key is None for verdict in verdicts], np.bool_)))
        ragged_keys, counting = combined(list(columns), spec)
        ragged_numbers = np.array([number for number, _ in chunk.ragged], np.int64)
        if counting is not None:
            ragged_keys, ragged_numbers = ragged_keys[counting], ragged_numbers[counting]
        return np.concatenate([keys, ragged_keys]), np.concatenate([numbers, ragged_numbers])


class _Kept:
    """Some rows of other columns."""

    def __init__(self, columns: Columns, rows: Integers) -> None:
        self._columns = columns
        self._rows = rows
        self.arrays = [array.take(indices_of(rows)) for array in columns.arrays]

    def cells(self, rows: Integers) -> list[Cells]:
        return self._columns.cells(self._rows[rows])


def _any(masks: list[Mask | None], rows: int) -> Mask:
    found: Mask = np.zeros(rows, np.bool_)
    for mask in masks:
        if mask is not None:
            found |= mask
    return found


def _blank(columns: list[CheckedCells]) -> Mask | None:
    """Return rows without a single value, null when there is none."""
    blank: Mask | None = None
    for column in columns:
        if column.missing is None:
            return None
        blank = column.missing if blank is None else blank & column.missing
    return blank


def _keys_of(column: CheckedCells) -> tuple[Integers, Mask | None]:
    assert column.keys is not None  # noqa: S101  the field was told that it takes part in a key
    return column.keys, column.nulls
