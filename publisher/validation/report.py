"""What validation found: counts and row numbers, never a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from publisher.definition import Thresholds

_LEADING = 3


@dataclass(frozen=True)
class RuleCount:
    """Rows that break one rule in one field; the field is null where the rule is about the whole row.

    A rule about the whole table (`table-dimensions`, `required-value`) counts its failures and has no rows.
    """

    type: str
    field: str | None
    count: int
    first_rows: tuple[int, ...]


@dataclass(frozen=True)
class QualityReport:
    """The outcome of validating one table.

    `errors` are in order of the fields, `first_rows` are data row numbers of the source from 1, `completeness` is the share of
    all rows that hold a value of the declared type (1.0 in an empty table), `breaches` are the thresholds that were exceeded.
    """

    table: str
    rows: int
    valid_rows: int
    errors: tuple[RuleCount, ...]
    breaches: tuple[str, ...]
    completeness: dict[str, float]
    seconds: float

    @property
    def invalid_rows(self) -> int:
        """Rows with at least one error; they are in quarantine."""
        return self.rows - self.valid_rows

    def leading_errors(self) -> str:
        """Return the most frequent errors of single rows in words: kind, field, how many, the first rows; empty without any."""
        found = sorted((error for error in self.errors if error.first_rows), key=lambda error: -error.count)
        return "; ".join(_in_words(error) for error in found[:_LEADING])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON takes it and as it is published: counts alone, row numbers stay in quarantine."""
        errors = [{"type": error.type, "field": error.field, "count": error.count} for error in self.errors]
        return {**asdict(self), "errors": errors, "invalid_rows": self.invalid_rows}


def exceeded_thresholds(
    thresholds: Thresholds, *, rows: int, invalid_rows: int, rows_by_type: dict[str, int]
) -> tuple[str, ...]:
    """Return one sentence for each threshold that was exceeded, without any value.

    A rule that the definition does not name is bound by `max_invalid_share` alone.
    """
    shares = [("invalid rows", invalid_rows, thresholds.max_invalid_share)]
    shares += [(name, rows_by_type.get(name, 0), allowed) for name, allowed in sorted(thresholds.rules.items())]
    return tuple(
        f"{name}: {_percent(count / rows)} of rows, allowed {_percent(allowed)}"
        for name, count, allowed in shares
        if rows and count / rows > allowed
    )


def _in_words(error: RuleCount) -> str:
    where = f" in `{error.field}`" if error.field else ""
    rows = ", ".join(str(number) for number in error.first_rows)
    more = "…" if error.count > len(error.first_rows) else ""
    return f"{error.type}{where}, {error.count:,} × (data row{'s' if error.count > 1 else ''} {rows}{more})"


def _percent(share: float) -> str:
    return f"{share * 100:.4g} %"
