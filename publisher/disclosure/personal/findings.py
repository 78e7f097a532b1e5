"""What the detectors report: kinds, shares and reasons, never a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

NEVER_WAIVED = frozenset(
    {"personal_id", "old_personal_id", "health_insurance", "social_insurance", "passport", "driving_licence"}
)
"""Numbers that name one person for life; no reason makes them publishable."""


@dataclass(frozen=True)
class Finding:
    """Personal data of one kind in one column: share of non-empty cells, confidence from 0 to 1, and why."""

    column: str
    kind: str
    share: float
    confidence: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the shape that `phusa scan` prints for a column."""
        found = asdict(self)
        return {"name": found.pop("column"), **found}


@dataclass(frozen=True)
class Span:
    """Personal data in a text, from `start` up to `end`."""

    start: int
    end: int
    kind: str
