"""What the public already holds of a dataset, as anonymiser and checker are told: files of its earlier releases on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from publisher.published import PublishedTable

ROWS = "__rows"
"""Column of a file of classes: how many rows stood in each."""


@dataclass(frozen=True)
class EarlierTable:
    """One published table of an earlier release; `day` is the one the release was as of."""

    release: str
    day: date
    path: Path


@dataclass(frozen=True)
class EarlierRelease:
    """One earlier release, as far as it has to be compared.

    Attributes:
        release: its id.
        day: as of which it was.
        tables: published Parquet files, by table: of every aggregate, and of rows where the release is the newest that has them.
        classes: for tables of rows, a file with the quasi-identifiers and `__rows`.
        reports: what its privacy report said of each table.
        remembered: what was kept inside, by file name: what stands behind the cells of an aggregate, digests of changed units.
    """

    release: str
    day: date
    tables: Mapping[str, Path] = field(default_factory=dict)
    classes: Mapping[str, Path] = field(default_factory=dict)
    reports: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    remembered: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Earlier:
    """All earlier releases of a dataset, the oldest first, the day as of which the new one is, and a secret of the publisher's for digests."""

    day: date
    releases: tuple[EarlierRelease, ...] = ()
    key: bytes = field(default=b"", repr=False)

    def of(self, table: str) -> list[EarlierTable]:
        """Return what was published of a table, the oldest first."""
        return [EarlierTable(r.release, r.day, r.tables[table]) for r in self.releases if table in r.tables]

    def classes_of(self, table: str) -> list[EarlierTable]:
        """Return the classes of a table of rows, the oldest first."""
        return [EarlierTable(r.release, r.day, r.classes[table]) for r in self.releases if table in r.classes]

    def report_of(self, table: str) -> dict[str, Any]:
        """Return what the newest release that has the table said of it; empty when none has."""
        return next((dict(r.reports[table]) for r in reversed(self.releases) if table in r.reports), {})

    def remembered(self, name: str) -> Path | None:
        """Return what was kept inside under this name with the newest release; null when nothing was, or it was lost."""
        return self.releases[-1].remembered.get(name) if self.releases else None


def is_compared(table: PublishedTable) -> bool:
    """Tell whether releases of a table are compared: not about nobody, and with a guarantee that a difference could break.

    Noisy tables are not: what their differences tell is what the budget of differential privacy pays for.
    """
    privacy = table.source.privacy
    if privacy.subject == "none" or (privacy.dp is not None and table.aggregate is not None):
        return False
    return table.aggregate is not None or privacy.microdata is not None
