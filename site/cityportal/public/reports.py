"""Quality in brief, read from a release's `quality.json`; counts only, never a value."""

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


def quality_from_report(report: Mapping[str, Any] | None) -> list[TableQuality]:
    """Read a quality report; null gives no tables."""
    return [_table_quality(table) for table in (report or {}).get("tables") or []]


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
