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
    """What validation found in one source table; `completeness` maps a field to its share of filled cells.

    `rows` is null where their number would tell of cells that are hidden; `invalid_rows` were kept back; `validity` is the share of rows
    without any error, 1 for an empty table.
    """

    table: str
    rows: int | None
    invalid_rows: int
    validity: float
    errors: tuple[RuleCount, ...]
    completeness: Mapping[str, float]


def quality_from_report(report: Mapping[str, Any] | None) -> list[TableQuality]:
    """Read a quality report; null gives no tables."""
    return [_table_quality(table) for table in (report or {}).get("tables") or []]


def _table_quality(table: Mapping[str, Any]) -> TableQuality:
    errors = (
        RuleCount(str(error["type"]), str(error.get("field") or ""), int(error["count"]))
        for error in table.get("errors") or []
    )
    rows, valid = table.get("rows"), table.get("valid_rows", 0)
    counted = int(rows) - int(valid) if rows is not None else int(table["invalid_rows"])
    share = int(valid) / int(rows) if rows else float(table.get("validity", 1.0))
    return TableQuality(
        table=str(table["table"]),
        rows=None if rows is None else int(rows),
        invalid_rows=counted,
        validity=share,
        errors=tuple(sorted(errors, key=lambda error: -error.count)),
        completeness=dict(table.get("completeness") or {}),
    )
