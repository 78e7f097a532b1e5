"""`quality.json`: what validation found, the score with its parts, a profile of every released column, and the series of releases."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.policy import Drop, GeneraliseHierarchy
from publisher.published import PublishedTable
from publisher.quality import score
from publisher.quality.profile import TableProfile
from publisher.validation.report import QualityReport

KEPT_RELEASES = 60
"""How many releases the series of numbers goes back; also what stability compares with."""

_NEAR = 1e-9
_COARSE = 2
"""Decimals of shares of rows whose number is not told; with more of them the number could be computed."""

_KEY_ERRORS = {"primary-key", "unique-error"}
_REFERENCE_ERRORS = {"foreign-key", "foreign-key-error"}


@dataclass(frozen=True)
class Measured:
    """The numbers of one release that are followed: rows of each table, bytes of the data files, sums of measures, and Q."""

    release: str
    as_of: str
    rows: Mapping[str, int]
    size_bytes: int
    totals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    q: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return what pages draw; the sums stay in the profile of each release."""
        known = {
            "release": self.release,
            "as_of": self.as_of,
            "rows": dict(self.rows),
            "bytes": self.size_bytes,
            "q": self.q,
        }
        return {name: value for name, value in known.items() if value is not None}


def not_counted(definition: DatasetDefinition) -> set[str]:
    """Return the tables of which nobody may learn how many rows they have: those about people of which only aggregates leave.

    That number is a total over all cells. Without the cells that are shown it is the number in those that are hidden. Where rows leave too,
    everybody is told how many were left out.
    """
    kept_inside = [table for table in definition.resources if not table.privacy.publishes_rows]
    return {table.name for table in kept_inside if table.privacy.subject != "none" and table.privacy.tables}


def score_release(
    definition: DatasetDefinition,
    reports: Sequence[QualityReport],
    tables: Sequence[PublishedTable],
    profiles: Sequence[TableProfile],
    *,
    privacy: Mapping[str, Mapping[str, Any]],
    past: Sequence[Measured],
) -> score.Score:
    """Return the six parts of a release over all its tables.

    Args:
        definition: the dataset.
        reports: what validation found in each source table.
        tables: the published tables.
        profiles: of the published tables.
        privacy: what anonymising each published table did.
        past: earlier releases that are or were public.
    """
    rows = sum(report.rows for report in reports)
    keyed = [report for report in reports if _has_key(_table_of(definition, report.table))]
    fields = {one.name: (one.title_translated, one.description_translated) for t in tables for one in t.fields}
    return score.Score(
        {
            "validity": score.validity(rows, sum(report.invalid_rows for report in reports)),
            "completeness": score.completeness(_filled_shares(definition, reports)),
            "uniqueness": score.uniqueness(sum(r.rows for r in keyed), sum(map(_duplicates, keyed))),
            "consistency": score.consistency(
                [*_cross_checks(definition, reports), *_rows_accounted(reports, profiles, privacy)]
            ),
            "stability": score.stability(_followed(profiles, past)),
            "documentation": score.documentation(sum(_is_bilingual(texts) for texts in fields.values()), len(fields)),
        },
        decimals=_COARSE if not_counted(definition) else score.DECIMALS,
    )


def quality_document(
    reports: Sequence[QualityReport],
    profiles: Sequence[TableProfile],
    found: score.Score,
    series: Sequence[Measured],
    *,
    countless: Collection[str],
) -> dict[str, Any]:
    """Return the document; the same release gives the same document, so it tells no durations.

    Of the tables in `countless` it tells shares in whole per cents, and not how many rows there are.
    """
    return {
        "score": found.to_dict(),
        "weights": score.WEIGHTS,
        "tables": [_told(report, is_counted=report.table not in countless) for report in reports],
        "profiles": [profile.to_dict() for profile in profiles],
        "series": [one.to_dict() for one in series[-KEPT_RELEASES:]],
    }


def _told(report: QualityReport, *, is_counted: bool) -> dict[str, Any]:
    told = {name: value for name, value in report.to_dict().items() if name != "seconds"}
    if is_counted:
        return told
    shares = {name: _whole_per_cents(share) for name, share in report.completeness.items()}
    valid = _whole_per_cents(report.valid_rows / report.rows if report.rows else 1.0)
    known = {name: value for name, value in told.items() if name not in {"rows", "valid_rows"}}
    return {**known, "completeness": shares, "validity": valid}


def _whole_per_cents(share: float) -> float:
    """Return a share rounded down, so that it is 1 only when nothing is missing."""
    return math.floor(100 * share + _NEAR) / 100


def _table_of(definition: DatasetDefinition, name: str) -> TableDefinition:
    return next(table for table in definition.resources if table.name == name)


def _has_key(table: TableDefinition) -> bool:
    return bool(table.schema_.primaryKey) or any(f.constraints.unique for f in table.schema_.fields)


def _duplicates(report: QualityReport) -> int:
    return max((error.count for error in report.errors if error.type in _KEY_ERRORS), default=0)


def _filled_shares(definition: DatasetDefinition, reports: Sequence[QualityReport]) -> list[float]:
    """Return the share of filled cells at the source of every field that the policy does not drop."""
    shares = []
    for report in reports:
        privacy = _table_of(definition, report.table).privacy
        shares += [
            share for name, share in report.completeness.items() if not isinstance(privacy.action_of(name), Drop)
        ]
    return shares


def _cross_checks(definition: DatasetDefinition, reports: Sequence[QualityReport]) -> list[bool]:
    """Return whether each cross-check passed.

    Numbers of rows and control totals that the source itself states, and codes outside their hierarchy, end a run when they
    do not agree: where a release is scored, they agreed.
    """
    passed = []
    for report in reports:
        table = _table_of(definition, report.table)
        source = table.source.model_dump()
        passed += [True] * (bool(source.get("count_query")) + len(source.get("control_totals") or ()))
        passed += [True for action in table.privacy.fields.values() if isinstance(action, GeneraliseHierarchy)]
        broken = sum(error.count for error in report.errors if error.type in _REFERENCE_ERRORS)
        passed += [not broken for _ in table.schema_.foreignKeys]
    return passed


def _rows_accounted(
    reports: Sequence[QualityReport], profiles: Sequence[TableProfile], privacy: Mapping[str, Mapping[str, Any]]
) -> list[bool]:
    """Return, for each table whose rows leave, whether released and suppressed rows add up to the valid ones."""
    valid = {report.table: report.valid_rows for report in reports}
    return [
        profile.rows + int(privacy[profile.table].get("suppressed_rows", 0)) == valid[profile.table]
        for profile in profiles
        if profile.table in valid and privacy.get(profile.table, {}).get("kind") == "rows"
    ]


def _followed(profiles: Sequence[TableProfile], past: Sequence[Measured]) -> list[tuple[float, list[float]]]:
    """Return each number of this release with those of earlier ones: rows of every table and sums of every measure."""
    numbers = []
    for profile in profiles:
        numbers.append(
            (float(profile.rows), [float(one.rows[profile.table]) for one in past if profile.table in one.rows])
        )
        for name, total in profile.totals.items():
            earlier = [one.totals.get(profile.table, {}).get(name) for one in past]
            numbers.append((total, [value for value in earlier if value is not None]))
    return numbers


def _is_bilingual(texts: tuple[Mapping[str, str], Mapping[str, str]]) -> bool:
    """Tell whether a column says in English too what it is; the Vietnamese title cannot be absent."""
    return any(translated.get("en", "").strip() for translated in texts)
