"""G5: every treated value has the form its action gives, at one level for the whole column. Written from the policy language alone."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from publisher.policy import (
    FieldAction,
    GeneraliseDate,
    GeneraliseHierarchy,
    GeneraliseNumber,
    Pseudonymise,
    Round,
    TopCode,
)
from publisher.published import PublishedTable

Fits = Callable[[Any], bool]
_BAND = re.compile(r"(-?[\d.]+(?:e[+-]?\d+)?)-(<?)(-?[\d.]+(?:e[+-]?\d+)?)")
_PERIODS = {
    "week": re.compile(r"\d{4}-W(?:0[1-9]|[1-4]\d|5[0-3])"),
    "month": re.compile(r"\d{4}-(?:0[1-9]|1[0-2])"),
    "quarter": re.compile(r"\d{4}-Q[1-4]"),
    "year": re.compile(r"\d{4}"),
}


def wrong_forms(path: Path, table: PublishedTable, *, definitions: Path) -> list[str]:
    """Return the columns whose distinct values fit none of their action's levels as a whole; null always fits."""
    faults = []
    measures = {measure.name for measure in table.aggregate.measures} if table.aggregate else set()
    for field in table.fields:
        action = table.source.privacy.action_of(field.name)
        levels = (
            [] if field.name in measures else _levels(action, whole=_is_whole(table, field.name), folder=definitions)
        )
        if not levels:
            continue
        values = _distinct(path, field.name)
        if not any(all(fits(value) for value in values) for fits in levels):
            faults.append(f"the column {field.name} has values that fit no one level of its action")
    return faults


def _levels(action: FieldAction, *, whole: bool, folder: Path) -> list[Fits]:
    """Return a judge for each level the action names; none for actions that leave values as they are."""
    if isinstance(action, GeneraliseDate):
        return [_period(level) for level in action.levels]
    if isinstance(action, GeneraliseNumber):
        return [_band(width, action.top, whole=whole) for width in action.widths]
    if isinstance(action, GeneraliseHierarchy):
        return _hierarchy_levels(folder / action.hierarchy, action.levels)
    if isinstance(action, Round | TopCode):
        return [_multiple(action.base) if isinstance(action, Round) else _between(action.bottom, action.at)]
    if isinstance(action, Pseudonymise):
        shape = re.compile(rf"[0-9a-f]{{{action.length}}}")
        return [lambda value: bool(shape.fullmatch(value))]
    return []


def _period(level: str) -> Fits:
    if level == "*":
        return lambda value: bool(value == "*")
    if level == "day":
        return _is_day
    if level == "hour":
        return _is_hour
    if level in _PERIODS:
        return lambda value: bool(_PERIODS[level].fullmatch(str(value)))
    return lambda value: _is_years(str(value), int(level[:-1]))


def _is_day(value: Any) -> bool:
    if isinstance(value, date):
        return True
    try:
        return bool(date.fromisoformat(value).isoformat() == value)
    except ValueError:
        return False


def _is_hour(value: Any) -> bool:
    if isinstance(value, datetime):
        return (value.minute, value.second, value.microsecond) == (0, 0, 0)
    return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3])", str(value)))


def _is_years(text: str, width: int) -> bool:
    if not re.fullmatch(r"\d{4}-\d{4}", text):
        return False
    low, high = int(text[:4]), int(text[5:])
    return low % width == 0 and high - low == width - 1


def _band(width: float, top: float | None, *, whole: bool) -> Fits:
    def fits(text: Any) -> bool:
        if top is not None and text == f"{_plain(top)}+":
            return True
        low, high = _bounds(text, whole=whole)
        cut = top if top is not None and low < top < low + width else low + width
        return abs(low / width - round(low / width)) < 1e-6 and abs(high - cut) < 1e-6

    return lambda text: isinstance(text, str) and fits(text)


def _bounds(text: str, *, whole: bool) -> tuple[float, float]:
    """Return the band's lower end and its open upper end; an empty band when the text has no such form."""
    match = _BAND.fullmatch(text)
    if match and bool(match.group(2)) != whole:
        return float(match.group(1)), float(match.group(3)) + (1 if whole else 0)
    if whole and re.fullmatch(r"-?\d+", text):
        return float(text), float(text) + 1
    return 0.0, 0.0


def _multiple(base: float) -> Fits:
    return lambda value: bool(abs(value / base - round(value / base)) < 1e-6)


def _between(bottom: float | None, top: float) -> Fits:
    return lambda value: bool(value <= top and (bottom is None or value >= bottom))


def _hierarchy_levels(path: Path, levels: Sequence[str]) -> list[Fits]:
    text = path.read_text(encoding="utf-8-sig")
    delimiter = max(",;\t", key=text.split("\n", 1)[0].count)
    rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    known = [{"*"} if level == "*" else {row[level] for row in rows} for level in levels]
    return [lambda value, names=names: value in names for names in known]  # type: ignore[misc]


def _is_whole(table: PublishedTable, name: str) -> bool:
    action = table.source.privacy.action_of(name)
    if not isinstance(action, GeneraliseNumber):
        return False
    numbers = [*action.widths, action.top or 0]
    is_integer = table.source.schema_.field(name).type == "integer"
    return is_integer and all(float(number).is_integer() for number in numbers)


def _distinct(path: Path, name: str) -> list[Any]:
    query = f'SELECT DISTINCT "{name}" FROM read_parquet(?) WHERE "{name}" IS NOT NULL'  # noqa: S608  a declared name
    with closing(duckdb.connect(":memory:")) as connection:
        return [row[0] for row in connection.execute(query, [str(path)]).fetchall()]


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
