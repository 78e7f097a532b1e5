"""Quality and privacy in brief, read from a release's `quality.json` and `privacy.json`; counts only, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RuleCount:
    """Rows that broke one rule in one field; the field is empty where the rule is about the whole row."""

    type: str
    field: str
    count: int


@dataclass(frozen=True)
class TableQuality:
    """What validation found in one source table; `completeness` maps a field to its share of filled cells."""

    table: str
    rows: int
    valid_rows: int
    errors: tuple[RuleCount, ...]
    completeness: Mapping[str, float]

    @property
    def invalid_rows(self) -> int:
        """Rows that were kept back."""
        return self.rows - self.valid_rows

    @property
    def validity(self) -> float:
        """The share of rows without any error; 1 for an empty table."""
        return self.valid_rows / self.rows if self.rows else 1.0


@dataclass(frozen=True)
class TablePrivacy:
    """What the policy did to one source table; null where the question does not arise."""

    table: str
    k: int | None
    smallest_class: int | None
    suppressed_rows: int
    suppressed_share: float
    hidden_cells: int
    min_units: int | None
    dropped_fields: tuple[str, ...]
    treatments: Mapping[str, str]


@dataclass(frozen=True)
class Check:
    """One guarantee that was verified again on the released bytes."""

    id: str
    table: str
    passed: bool


@dataclass(frozen=True)
class Privacy:
    """The privacy report of a release; `passed` tells whether every check on the released bytes held."""

    tables: tuple[TablePrivacy, ...]
    checks: tuple[Check, ...]
    passed: bool


def quality_from_report(report: Mapping[str, Any] | None) -> list[TableQuality]:
    """Read a quality report; null gives no tables."""
    return [_table_quality(table) for table in (report or {}).get("tables") or []]


def privacy_from_report(report: Mapping[str, Any] | None) -> Privacy | None:
    """Read a privacy report, null where there is none."""
    if report is None:
        return None
    verdict = report.get("verdict") or {}
    return Privacy(
        tables=tuple(_table_privacy(name, table) for name, table in (report.get("tables") or {}).items()),
        checks=tuple(
            Check(str(check["id"]), str(check.get("table") or ""), bool(check["passed"]))
            for check in verdict.get("checks") or []
        ),
        passed=bool(verdict.get("passed")),
    )


def _table_quality(table: Mapping[str, Any]) -> TableQuality:
    errors = (
        RuleCount(str(error["type"]), str(error.get("field") or ""), int(error["count"]))
        for error in table.get("errors") or []
    )
    return TableQuality(
        table=str(table["table"]),
        rows=int(table["rows"]),
        valid_rows=int(table["valid_rows"]),
        errors=tuple(sorted(errors, key=lambda error: -error.count)),
        completeness=dict(table.get("completeness") or {}),
    )


def _table_privacy(name: str, table: Mapping[str, Any]) -> TablePrivacy:
    return TablePrivacy(
        table=name,
        k=table.get("k") or None,
        smallest_class=table.get("smallest_class") or None,
        suppressed_rows=int(table.get("suppressed_rows") or 0),
        suppressed_share=float(table.get("suppressed_share") or 0),
        hidden_cells=int(table.get("hidden_cells") or 0),
        min_units=table.get("min_units") or None,
        dropped_fields=tuple(str(field) for field in table.get("dropped") or ()),
        treatments={str(field): str(action) for field, action in (table.get("treatments") or {}).items()},
    )
