"""What was proven and what Frictionless had to judge, for tests, benchmarks and logs."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class ProofSummary:
    """Counts of one validation; grows while the rows are read.

    `lanes` counts chunks of rows by the way they were read: `arrow`, `cells` (Frictionless' own cell stream) or `parquet`.
    `fallback` says why the whole file, or the rest of it, went to Frictionless' cell stream; null when nothing did.
    """

    rows: int = 0
    suspects: int = 0
    judged_values: int = 0
    lanes: dict[str, int] = field(default_factory=dict)
    fallback: str | None = None

    @property
    def proven(self) -> int:
        """Rows that Frictionless never saw."""
        return self.rows - self.suspects
