"""All fields of one batch together: which rows break which rules, in Frictionless' words and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from publisher.validation.columns import CheckedColumn, FieldCheck
from publisher.validation.keys import Key, RowNumbers
from publisher.validation.layouts import Mask


@dataclass(frozen=True)
class Fault:
    """The rows of a batch that break one rule; the field is null where the rule is about the whole row."""

    type: str
    field: str | None
    rows: Mask


@dataclass(frozen=True)
class CheckedBatch:
    """One batch after all checks: typed rows, only those faults that occur, and the identities of values by field.

    See `Verdict` for identities; a field is absent where it has none.
    """

    typed: pa.RecordBatch
    faults: tuple[Fault, ...]
    identities: Mapping[str, pa.Array] = field(default_factory=dict)

    def adding(self, faults: Sequence[Fault]) -> CheckedBatch:
        """Return the batch with more faults; those of one rule and field become one."""
        if not faults:
            return self
        masks: dict[tuple[str, str | None], Mask] = {}
        for fault in (*self.faults, *faults):
            place = (fault.type, fault.field)
            masks[place] = masks[place] | fault.rows if place in masks else fault.rows
        merged = tuple(Fault(kind, name, mask) for (kind, name), mask in masks.items() if mask.any())
        return replace(self, faults=merged)

    @property
    def invalid(self) -> Mask:
        """Rows with any fault."""
        invalid = np.zeros(self.typed.num_rows, np.bool_)
        for fault in self.faults:
            invalid |= fault.rows
        return invalid


def check_batch(
    batch: pa.RecordBatch,
    checks: Sequence[FieldCheck],
    *,
    schema: pa.Schema,
    first_row: int = 0,
    repeats: Mapping[Key, RowNumbers] | None = None,
) -> CheckedBatch:
    """Check one batch; pure but for the memory of judged values.

    Args:
        batch: columns in order of the checks.
        checks: one for each field.
        schema: the typed schema of the result.
        first_row: number of the batch's first row in the table, from 0.
        repeats: rows of the whole table that repeat a key, ascending.
    """
    columns = [check.check(column) for check, column in zip(checks, batch.columns, strict=True)]
    typed = pa.RecordBatch.from_arrays([column.values for column in columns], schema=schema)
    blank = _blank_rows(columns, batch.num_rows)
    faults = [Fault("blank-row", None, blank)]
    for check, column in zip(checks, columns, strict=True):
        name = check.definition.name
        faults += [Fault("type-error", name, mask) for mask in [column.type_errors] if mask is not None]
        faults += [
            # a blank row is one error, not one for each required field
            Fault("constraint-error", name, mask & ~blank)
            for mask in [column.constraint_errors]
            if mask is not None
        ]
    by_name = {check.definition.name: column for check, column in zip(checks, columns, strict=True)}
    for key, numbers in (repeats or {}).items():
        faults.append(Fault(key.error_type, key.field, _repeating(numbers, first_row, batch.num_rows)))
        if key.is_primary:
            faults[-1].rows[_all_null([by_name[name] for name in key.fields], batch.num_rows)] = True
    identities = {name: column.identity for name, column in by_name.items() if column.identity is not None}
    return CheckedBatch(typed, tuple(fault for fault in faults if fault.rows.any()), identities)


def _blank_rows(columns: Sequence[CheckedColumn], rows: int) -> Mask:
    blank = np.ones(rows, np.bool_)
    for column in columns:
        if not blank.any():
            break
        blank &= column.blank
    return blank


def _all_null(columns: Sequence[CheckedColumn], rows: int) -> Mask:
    empty = np.ones(rows, np.bool_)
    for column in columns:
        empty &= column.values.is_null().to_numpy(zero_copy_only=False)
    return empty


def _repeating(numbers: RowNumbers, first_row: int, rows: int) -> Mask:
    low, high = np.searchsorted(numbers, [first_row, first_row + rows])
    mask = np.zeros(rows, np.bool_)
    mask[numbers[low:high] - first_row] = True
    return mask
