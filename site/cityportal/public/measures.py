"""The score of a release, the profile of its columns and the series of releases, read from its `quality.json`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cityportal.score import Score, score_from_report
from cityportal.sparkline import Sparkline, sparkline


@dataclass(frozen=True)
class FrequentValue:
    """A value and the rows that hold it."""

    value: str | float | bool
    count: int


@dataclass(frozen=True)
class ColumnProfile:
    """What one released column holds; the range is null where it may not be shown."""

    name: str
    empty: int
    distinct: int
    is_estimate: bool
    minimum: Any
    maximum: Any
    frequent: tuple[FrequentValue, ...]


@dataclass(frozen=True)
class TableProfile:
    """The columns of one released table, and its number of rows over the releases."""

    table: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    series: Sparkline | None


@dataclass(frozen=True)
class Measures:
    """What `quality.json` tells besides the rules; `size_series` is the size of the data files over the releases."""

    score: Score | None
    profiles: tuple[TableProfile, ...]
    size_series: Sparkline | None


def measures_from_report(report: Mapping[str, Any] | None) -> Measures:
    """Read a quality report; one of older releases tells nothing of this."""
    said = report or {}
    series = [one for one in said.get("series") or () if isinstance(one, Mapping)]
    return Measures(
        score=score_from_report(said.get("score"), said.get("weights")),
        profiles=tuple(_profile(one, series) for one in said.get("profiles") or ()),
        size_series=sparkline([float(one["bytes"]) for one in series if "bytes" in one]),
    )


def _profile(said: Mapping[str, Any], series: Sequence[Mapping[str, Any]]) -> TableProfile:
    table = str(said["table"])
    rows = [float(one["rows"][table]) for one in series if table in (one.get("rows") or {})]
    return TableProfile(table, int(said["rows"]), tuple(_column(one) for one in said["columns"]), sparkline(rows))


def _column(said: Mapping[str, Any]) -> ColumnProfile:
    return ColumnProfile(
        name=str(said["name"]),
        empty=int(said["empty"]),
        distinct=int(said["distinct"]),
        is_estimate=bool(said.get("is_estimate")),
        minimum=said.get("minimum"),
        maximum=said.get("maximum"),
        frequent=tuple(FrequentValue(one["value"], int(one["count"])) for one in said.get("frequent") or ()),
    )
