"""Each column against the action that the policy gives it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from publisher.disclosure.cells.small import TOTAL
from publisher.disclosure.forms.dates import period_judge, starts_period
from publisher.disclosure.forms.hierarchies import hierarchy_judges
from publisher.disclosure.forms.numbers import band_judge, numbers_judge
from publisher.disclosure.forms.places import wrong_places
from publisher.disclosure.forms.values import Judge, each, never, shared_values
from publisher.policy import (
    FieldAction,
    GeneraliseDate,
    GeneraliseHierarchy,
    GeneraliseNumber,
    Grid,
    Keep,
    Perturb,
    Pseudonymise,
    Recode,
    Round,
    ShiftGroup,
    Steps,
    TopCode,
)
from publisher.published import PublishedTable


def wrong_forms(path: Path, table: PublishedTable, *, definitions: Path) -> list[str]:
    """Return the columns whose distinct values fit none of their action's levels as a whole; null always fits.

    Actions that are not known here fit nothing. In a table with margins `*` fits every group.
    """
    aggregate = table.aggregate
    measures = {measure.name for measure in aggregate.measures} if aggregate else set()
    faults = []
    for field in table.fields:
        action = table.source.privacy.action_of(field.name)
        if field.name in measures or isinstance(action, Keep | Grid):
            continue
        values = shared_values(path, [field.name])
        if aggregate is not None and aggregate.has_margins:
            values = [pair for pair in values if pair[0] != TOTAL]
        judges = judges_of(action, table, field.name, definitions)
        if not any(judge([(value, rows) for value, rows in values]) for judge in judges):
            faults.append(f"the column {field.name} has values that fit no one level of its action")
    return faults + wrong_places(path, table)


def judges_of(action: FieldAction, table: PublishedTable, name: str, folder: Path) -> list[Judge]:
    """Return a judge for each level that the action names."""
    if isinstance(action, GeneraliseHierarchy):
        return hierarchy_judges(action, folder)
    make = _MAKERS.get(type(action))
    return [never] if make is None else make(action, table, name)


def _bands(action: GeneraliseNumber, table: PublishedTable, name: str) -> list[Judge]:
    settings = [width for width in action.widths if width != "*"] + [action.top or 0]
    whole = table.source.schema_.field(name).type == "integer" and all(float(one).is_integer() for one in settings)
    return [each(band_judge(width, action.top, whole=whole)) for width in action.widths]


def _steps(action: Round | TopCode | Perturb | Steps, table: PublishedTable, _: str) -> list[Judge]:
    steps = list(action.steps) if isinstance(action, Steps) else [action]
    return [numbers_judge(steps, counts_rows=table.aggregate is None)]


def _pseudonyms(action: Pseudonymise, _: PublishedTable, __: str) -> list[Judge]:
    shape = re.compile(rf"[0-9a-f]{{{action.length}}}")
    return [each(lambda value: bool(shape.fullmatch(value)))]


def _words(action: Recode, _: PublishedTable, __: str) -> list[Judge]:
    words = {*action.values.values(), action.other}
    return [each(lambda value: value in words)]


_MAKERS: dict[type[FieldAction], Callable[[Any, PublishedTable, str], list[Judge]]] = {
    GeneraliseDate: lambda action, _, __: [each(period_judge(level)) for level in action.levels],
    GeneraliseNumber: _bands,
    Round: _steps,
    TopCode: _steps,
    Perturb: _steps,
    Steps: _steps,
    Pseudonymise: _pseudonyms,
    Recode: _words,
    ShiftGroup: lambda action, _, __: [each(starts_period(action.to))],
}
