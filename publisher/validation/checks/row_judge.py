"""Frictionless' own checks over its own rows: for the rows that no proof shows to be clean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from publisher.table_schema import TableSchema
from publisher.validation.checks.rows import Failure, Rows, mask_of
from publisher.validation.columns import FieldCheck
from publisher.validation.judge import table_descriptor
from publisher.validation.layouts import Mask
from publisher.validation.rows import Fault

Doubt = Callable[[Rows], Mask]
"""Returns the rows that a check may fail; every other row is proven to pass it."""

Found = tuple[tuple[str, str | None], ...]

_KNOWN_ROWS = 50_000


class FrictionlessRows:
    """Makes Frictionless' rows from delivered ones; its own readers make the values."""

    def __init__(self, schema: TableSchema, checks: Sequence[FieldCheck]) -> None:
        from frictionless import Schema
        from frictionless.table.row import create_cell_handlers

        self._checks = checks
        self._schema = Schema.from_descriptor(table_descriptor(schema))  # fields know only weakly where they belong
        self._handlers = create_cell_handlers(self._schema.fields)

    def cells(self, delivered: pa.RecordBatch) -> list[tuple[Any, ...]]:
        """Return the cells of each row as Frictionless would be shown them."""
        return list(
            zip(
                *(check.cells(column) for check, column in zip(self._checks, delivered.columns, strict=True)),
                strict=True,
            )
        )

    def row(self, cells: Sequence[Any], number: int) -> Any:
        """Return one row with its number from 1."""
        from frictionless import Row

        return Row(list(cells), handlers=self._handlers, row_number=number)


class JudgedCheck:
    """A check of Frictionless that looks at one row at a time.

    `fields` are all that its outcome depends on, so that equal cells are judged once; null when it looks at too many.
    """

    def __init__(self, check: Any, doubt: Doubt, rows: FrictionlessRows, *, fields: Sequence[int] | None) -> None:
        self._check = check
        self._doubt = doubt
        self._rows = rows
        self._fields = fields
        self._known: dict[tuple[Any, ...], Found] = {}

    def faults(self, rows: Rows) -> list[Fault]:
        """Return the rows that Frictionless' check finds among those in doubt."""
        doubtful = np.flatnonzero(self._doubt(rows))
        if not len(doubtful):
            return []
        found: dict[tuple[str, str | None], list[int]] = {}
        for place, cells in zip(doubtful, self._rows.cells(rows.delivered.take(pa.array(doubtful))), strict=True):
            for kind in self._judge(cells, rows.first_row + int(place) + 1):
                found.setdefault(kind, []).append(int(place))
        return [Fault(kind, field, mask_of(places, rows.count)) for (kind, field), places in found.items()]

    def failures(self, row_count: int) -> list[Failure]:  # noqa: ARG002  it is about rows alone
        """Return nothing."""
        return []

    def _judge(self, cells: tuple[Any, ...], number: int) -> Found:
        if self._fields is None:
            return self._ask(cells, number)
        key = tuple(str(cells[place]) if cells[place] is not None else None for place in self._fields)
        if key not in self._known:
            if len(self._known) >= _KNOWN_ROWS:
                self._known.clear()
            self._known[key] = self._ask(cells, number)
        return self._known[key]

    def _ask(self, cells: tuple[Any, ...], number: int) -> Found:
        errors = self._check.validate_row(self._rows.row(cells, number))
        return tuple((error.type, getattr(error, "field_name", None)) for error in errors)
