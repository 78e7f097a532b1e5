"""What a check sees and what it finds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa

from publisher.validation.layouts import Mask
from publisher.validation.rows import CheckedBatch, Fault


@dataclass(frozen=True)
class Rows:
    """One batch: as it was delivered, as it was checked against the schema, and the number of its first row from 0."""

    delivered: pa.RecordBatch
    checked: CheckedBatch
    first_row: int

    @property
    def count(self) -> int:
        """How many rows."""
        return int(self.delivered.num_rows)

    @property
    def all(self) -> Mask:
        """A mask of all rows."""
        return np.ones(self.count, np.bool_)

    def typed(self, name: str) -> pa.Array:
        """Return a column as the release will hold it; null where the value is missing or of another type."""
        return self.checked.typed.column(name)

    def identity(self, name: str) -> pa.Array | None:
        """Return what tells equal values of a column apart, see `Verdict`; null when nothing does."""
        return self.checked.identities.get(name)


@dataclass(frozen=True)
class Failure:
    """A check that the whole table fails: the run is held. `text` is for people and holds no cell value."""

    type: str
    field: str | None
    text: str


class TableCheck(Protocol):
    """One check of a table; asked about every batch in the source's order, then about the whole."""

    def faults(self, rows: Rows) -> Iterable[Fault]:
        """Return the rows that fail."""

    def failures(self, row_count: int) -> Iterable[Failure]:
        """Return what is wrong with the table, after its last row."""


def with_checks(
    delivered: pa.RecordBatch, checked: CheckedBatch, checks: Sequence[TableCheck], *, first_row: int
) -> CheckedBatch:
    """Return the checked batch with the faults that the checks find added; the batch itself when there are no checks."""
    if not checks:
        return checked
    rows = Rows(delivered, checked, first_row)
    return checked.adding([fault for check in checks for fault in check.faults(rows)])


def mask_of(places: Sequence[int], count: int) -> Mask:
    """Return a mask that is true at the places."""
    mask = np.zeros(count, np.bool_)
    mask[list(places)] = True
    return mask
