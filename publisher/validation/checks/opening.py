"""From the section `checks` of a table to the checks that run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from publisher.checks import (
    AsciiValue,
    Check,
    DeviatedCell,
    DeviatedValue,
    DuplicateRow,
    ForbiddenValue,
    RequiredValue,
    RowConstraint,
    SequentialValue,
    TableDimensions,
    TruncatedValue,
)
from publisher.definition import TableDefinition
from publisher.published import arrow_schema
from publisher.validation.checks.deviations import deviated_cell, deviated_value
from publisher.validation.checks.doubts import doubt_foreign_letters, doubt_truncated, doubt_values
from publisher.validation.checks.duplicates import DuplicateCheck, find_duplicates
from publisher.validation.checks.formulas import proof_of
from publisher.validation.checks.row_judge import Doubt, FrictionlessRows, JudgedCheck
from publisher.validation.checks.rows import Rows, TableCheck
from publisher.validation.checks.whole import DimensionsCheck, RequiredCheck, SequenceCheck
from publisher.validation.columns import FieldCheck
from publisher.validation.layouts import Mask
from publisher.validation.mistakes import as_cleaned

RowCheck = RowConstraint | ForbiddenValue | TruncatedValue | AsciiValue


def open_checks(
    staged: Path, table: TableDefinition, checks: Sequence[FieldCheck], *, folder: Path
) -> list[TableCheck]:
    """Return the checks of a table, ready for its batches in order; some read the staged file for it.

    Args:
        staged: the working file.
        table: the definition.
        checks: of all fields, in order.
        folder: an empty one for files of our own; the caller removes it.

    Raises:
        EnvironmentFault: a file cannot be read or written.
    """
    opening = _Opening(staged, table, checks, folder)
    return [found for found in map(opening.open, table.checks) if found is not None]


class _Opening:
    def __init__(self, staged: Path, table: TableDefinition, checks: Sequence[FieldCheck], folder: Path) -> None:
        self._staged = staged
        self._table = table
        self._checks = list(checks)
        self._folder = folder
        self._types = {check.definition.name: str(check.definition.type) for check in checks}
        self._places = {name: place for place, name in enumerate(self._types)}
        self._rows: FrictionlessRows | None = None

    def open(self, check: Check) -> TableCheck | None:
        """Return the running form of one check; null for what is always checked."""
        if isinstance(check, TableDimensions):
            return DimensionsCheck(check, len(self._checks))
        if isinstance(check, DuplicateRow):
            return DuplicateCheck(find_duplicates(self._staged, self._checks, folder=self._new_folder()))
        if isinstance(check, DeviatedCell):
            return deviated_cell(check, self._staged, self._checks)
        if isinstance(check, RowCheck):
            return self._judged(check)
        if isinstance(check, (DeviatedValue, RequiredValue, SequentialValue)):
            return self._of_field(check)
        return None

    def _of_field(self, check: DeviatedValue | RequiredValue | SequentialValue) -> TableCheck:
        place = self._places[check.fieldName]
        field = self._checks[place]
        if isinstance(check, DeviatedValue):
            return deviated_value(check, self._staged, field, place)
        if isinstance(check, SequentialValue):
            return SequenceCheck(field, place)
        values = as_cleaned(check.values, key="enum")
        return RequiredCheck(field, place, values, doubt_values(check.fieldName, field.definition.type, values))

    def _judged(self, check: RowCheck) -> TableCheck:
        from frictionless import Check as FrictionlessCheck

        descriptor = as_cleaned(check.model_dump())
        if isinstance(check, ForbiddenValue):
            descriptor["values"] = as_cleaned(check.values, key="enum")
        names = _names_of(check)
        places = None if names is None else [self._places[name] for name in sorted(names)]
        if self._rows is None:
            self._rows = FrictionlessRows(self._table.schema_, self._checks)
        judge = FrictionlessCheck.from_descriptor(descriptor)
        return JudgedCheck(judge, self._doubt(check, descriptor), self._rows, fields=places)

    def _doubt(self, check: RowCheck, descriptor: dict[str, Any]) -> Doubt:
        if isinstance(check, ForbiddenValue):
            return doubt_values(check.fieldName, self._types[check.fieldName], descriptor["values"])
        if isinstance(check, TruncatedValue):
            return doubt_truncated(self._types)
        if isinstance(check, AsciiValue):
            return doubt_foreign_letters(self._types)
        proof = proof_of(descriptor["formula"], self._provable(), arrow_schema(self._table.schema_.fields))

        def doubt(rows: Rows) -> Mask:
            every: Mask = rows.all
            return every if proof is None else every & ~proof(rows)

        return doubt

    def _provable(self) -> dict[str, str]:
        """Return the types of the fields whose values Frictionless holds as we do."""
        return {
            check.definition.name: check.definition.type for check in self._checks if not check.definition.floatNumber
        }

    def _new_folder(self) -> Path:
        folder = self._folder / f"check{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        return folder


def _names_of(check: RowCheck) -> set[str] | None:
    if isinstance(check, RowConstraint):
        return check.names
    return {check.fieldName} if isinstance(check, ForbiddenValue) else None
