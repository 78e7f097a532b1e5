"""Counts over the batches of one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from publisher.definition import TableDefinition
from publisher.validation.checks.rows import Failure
from publisher.validation.layouts import Mask
from publisher.validation.report import QualityReport, RuleCount, exceeded_thresholds
from publisher.validation.rows import CheckedBatch, Fault

_FIRST_ROWS = 5
Rule = tuple[str, str | None]


class Tally:
    """What the batches so far held; grows with the number of fields, not of rows.

    `first_row` is the number in the table, from 0, of the first row that is counted.
    """

    def __init__(self, names: Iterable[str], *, first_row: int = 0) -> None:
        self.first_row = first_row
        self.rows = 0
        self.invalid_rows = 0
        self._present: Counter[str] = Counter(dict.fromkeys(names, 0))
        self._by_type: Counter[str] = Counter()
        self._by_rule: Counter[Rule] = Counter()
        self._first_rows: dict[Rule, list[int]] = {}

    def add(self, checked: CheckedBatch, invalid: Mask) -> None:
        """Count one batch; batches come in the source's order."""
        for name, column in zip(checked.typed.schema.names, checked.typed.columns, strict=True):
            self._present[name] += len(column) - column.null_count
        of_type: dict[str, Mask] = {}
        for fault in checked.faults:
            self._add_fault(fault)
            of_type[fault.type] = of_type[fault.type] | fault.rows if fault.type in of_type else fault.rows
        for name, rows in of_type.items():
            self._by_type[name] += int(rows.sum())
        self.rows += checked.typed.num_rows
        self.invalid_rows += int(invalid.sum())

    @property
    def next_row(self) -> int:
        """The number in the table, from 0, of the next row to count."""
        return self.first_row + self.rows

    def join(self, later: Tally) -> None:
        """Take what was counted of the rows that follow."""
        self.rows += later.rows
        self.invalid_rows += later.invalid_rows
        self._present.update(later._present)
        self._by_type.update(later._by_type)
        self._by_rule.update(later._by_rule)
        for rule, numbers in later._first_rows.items():
            first = self._first_rows.setdefault(rule, [])
            first.extend(numbers[: _FIRST_ROWS - len(first)])

    def _add_fault(self, fault: Fault) -> None:
        rule = (fault.type, fault.field)
        self._by_rule[rule] += int(fault.rows.sum())
        first = self._first_rows.setdefault(rule, [])
        if len(first) < _FIRST_ROWS:
            numbers = np.flatnonzero(fault.rows)[: _FIRST_ROWS - len(first)] + self.next_row + 1
            first.extend(int(number) for number in numbers)

    def report(self, table: TableDefinition, *, seconds: float, failures: Sequence[Failure] = ()) -> QualityReport:
        """Return the report on all rows counted; failures of the whole table hold the run as breaches do."""
        for failure in failures:
            self._by_rule[failure.type, failure.field] += 1
            self._first_rows.setdefault((failure.type, failure.field), [])
        order = {field.name: place for place, field in enumerate(table.schema_.fields)}
        rules = sorted(self._by_rule, key=lambda rule: (order.get(rule[1] or "", len(order)), rule[0]))
        return QualityReport(
            table=table.name,
            rows=self.rows,
            valid_rows=self.rows - self.invalid_rows,
            errors=tuple(
                RuleCount(
                    type=rule[0], field=rule[1], count=self._by_rule[rule], first_rows=tuple(self._first_rows[rule])
                )
                for rule in rules
            ),
            breaches=(
                *exceeded_thresholds(
                    table.thresholds, rows=self.rows, invalid_rows=self.invalid_rows, rows_by_type=self._by_type
                ),
                *dict.fromkeys(f"{failure.type}: {failure.text}" for failure in failures),
            ),
            completeness={name: count / self.rows if self.rows else 1.0 for name, count in self._present.items()},
            seconds=seconds,
        )
