"""From one field and its action to its treatment, or the reason why the action does not fit the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from publisher.anonymise.fields.built_in import BuiltInClimb, built_in_of
from publisher.anonymise.fields.hierarchy import HIDDEN, hierarchy_of
from publisher.anonymise.fields.treatments import (
    AsItIs,
    CapAt,
    CodeClimb,
    DatePeriods,
    InTurn,
    NumberBands,
    PeriodStart,
    RoundTo,
    Treatment,
    WordList,
)
from publisher.errors import DescriptorError
from publisher.policy import (
    FieldAction,
    GeneraliseDate,
    GeneraliseHierarchy,
    GeneraliseNumber,
    Grid,
    Keep,
    Perturb,
    Recode,
    Round,
    ShiftGroup,
    Steps,
    TopCode,
)
from publisher.table_schema import STRUCTURED, FieldDefinition

_PERIODS = ("hour", "day", "month", "quarter", "year", "5y", "10y", "*")
_FINEST = {"date": "day", "datetime": "hour", "yearmonth": "month", "year": "year"}
_NUMBERS = {"integer", "number"}
_PLACES = {"string", "geopoint", *_NUMBERS}


@dataclass(frozen=True)
class Unsettled:
    """Stands for an action that sees the whole table first; nothing leaves before it was carried out."""

    field: str
    levels: tuple[str, ...]

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it lets nothing out
        raise DescriptorError(
            f"The action of the field `{self.field}` was not carried out.",
            step="anonymise",
            cure="choose another action here, or drop the field",
        )


def treatment_of(field: FieldDefinition, action: FieldAction, folder: Path) -> Treatment:
    """Return the treatment of a field that leaves; hierarchies lie in the folder. Pseudonyms are made elsewhere, with their key.

    Raises:
        DescriptorError: the action does not fit the field, or nothing here carries it out.
    """
    if needs_whole_table(action):
        return _unsettled(field, action)
    if isinstance(action, GeneraliseHierarchy):
        return _climb(field, action, folder)
    make = _MAKERS.get(type(action))
    if make is None:
        cure = "choose another action, or drop the field"
        raise wrong(field.name, "has an action that is not carried out here", cure)
    return make(field, action)


def check_structure(field: FieldDefinition, action: FieldAction) -> None:
    """Refuse an action on a value with an inner form; a geopoint may go on a grid.

    Raises:
        DescriptorError: names the field.
    """
    is_place = isinstance(action, Grid) and field.type == "geopoint"
    if field.type in STRUCTURED and not (isinstance(action, Keep) or is_place):
        raise wrong(field.name, f"is {field.type}, which its action cannot treat", "keep it or drop it")


def needs_whole_table(action: FieldAction) -> bool:
    """Tell whether an action looks at the whole table, or at other fields of the row."""
    if isinstance(action, Grid | Perturb):
        return True
    return any(isinstance(step, Perturb) or (isinstance(step, TopCode) and step.p) for step in steps_of(action))


def steps_of(action: FieldAction) -> list[TopCode | Round | Perturb]:
    """Return the steps of an action on a number; none of any other."""
    if isinstance(action, Steps):
        return list(action.steps)
    return [action] if isinstance(action, TopCode | Round | Perturb) else []


def simple_step(field: FieldDefinition, step: TopCode | Round | Perturb) -> RoundTo | CapAt:
    """Return a step that needs its number only; errors as `treatment_of`."""
    if isinstance(step, Round):
        check_numbers(field, [step.base])
        return RoundTo(step.base)
    if isinstance(step, TopCode) and step.at is not None:
        check_numbers(field, [step.at, step.bottom or 0])
        return CapAt(step.at, step.bottom)
    raise wrong(field.name, "has a step that is not carried out here", "choose another action, or drop the field")


def check_numbers(field: FieldDefinition, settings: list[float]) -> None:
    """Refuse a field that is no number, and fractions for whole numbers.

    Raises:
        DescriptorError: names the field.
    """
    if field.type not in _NUMBERS:
        raise wrong(field.name, f"is no number ({field.type})", "choose an action for its type")
    if field.type == "integer" and not all(float(number).is_integer() for number in settings):
        raise wrong(field.name, "holds whole numbers and its action does not", "use whole numbers in the action")


def _unsettled(field: FieldDefinition, action: FieldAction) -> Unsettled:
    if isinstance(action, Grid):
        if field.type not in _PLACES:
            raise wrong(field.name, f"is no place ({field.type})", "choose an action for its type")
        return Unsettled(field.name, (f"{action.metres} m",))
    for step in steps_of(action):
        if isinstance(step, Perturb) and field.type != "integer":
            raise wrong(field.name, f"is no count ({field.type})", "perturb whole numbers only")
        check_numbers(field, [step.base] if isinstance(step, Round) else [_bottom(step)])
    return Unsettled(field.name, ("in turn",))


def _bottom(step: TopCode | Perturb) -> float:
    return (step.bottom or 0) if isinstance(step, TopCode) else 0


def _periods(field: FieldDefinition, action: GeneraliseDate) -> DatePeriods:
    _check_periods(field, action)
    return DatePeriods(tuple(action.levels))


def _simple_steps(field: FieldDefinition, action: FieldAction) -> Treatment:
    steps = tuple(simple_step(field, step) for step in steps_of(action))
    return steps[0] if len(steps) == 1 else InTurn(steps)


def _period_start(field: FieldDefinition, action: ShiftGroup) -> PeriodStart:
    if field.type not in {"date", "datetime"}:
        raise wrong(field.name, f"is no date ({field.type})", "choose an action for its type")
    return PeriodStart(action.to)


def _climb(field: FieldDefinition, action: GeneraliseHierarchy, folder: Path) -> CodeClimb | BuiltInClimb:
    if action.file is None and isinstance(action.hierarchy, str):
        return built_in_of(field.name, action)
    return CodeClimb(field.name, hierarchy_of(action, folder))


def _bands(field: FieldDefinition, action: GeneraliseNumber) -> NumberBands:
    check_numbers(field, [])
    widths = [width for width in action.widths if width != HIDDEN]
    if HIDDEN in action.widths[:-1] or any(_is_part(coarse, fine) for fine, coarse in pairwise(widths)):
        raise wrong(field.name, "has widths that do not nest", "make each width a multiple of the one before")
    if min(widths, default=1) <= 0:
        raise wrong(field.name, "has a width that is not above zero", "give positive widths")
    settings = [*widths, action.top or 0]
    whole = field.type == "integer" and all(float(number).is_integer() for number in settings)
    return NumberBands(tuple(action.widths), action.top, whole)


def _is_part(coarse: float, fine: float) -> bool:
    """Tell whether a width is no multiple of a finer one; 0.3 is one of 0.1."""
    return fine > 0 and (coarse <= fine or abs(coarse / fine - round(coarse / fine)) > 1e-9)


def _check_periods(field: FieldDefinition, action: GeneraliseDate) -> None:
    if field.type not in _FINEST:
        raise wrong(field.name, f"is no date ({field.type})", "choose an action for its type")
    order = ["hour", "day", "week", "*"] if "week" in action.levels else list(_PERIODS)
    places = [order.index(level) if level in order else -1 for level in action.levels]
    if -1 in places or places != sorted(set(places)):
        cure = "order levels from fine to coarse; `week` nests in nothing but `*`"
        raise wrong(field.name, "has levels that do not nest", cure)
    allowed = [*_PERIODS[_PERIODS.index(_FINEST[field.type]) :], *(["week"] if field.type.startswith("date") else [])]
    if action.levels[0] not in allowed:
        raise wrong(field.name, "asks for a level finer than its values", f"begin at `{allowed[0]}`")


def wrong(field: str, what: str, cure: str) -> DescriptorError:
    """Return the error of a field whose action does not fit."""
    return DescriptorError(f"The field `{field}` {what}.", step="anonymise", cure=cure)


_MAKERS: dict[type[FieldAction], Callable[[FieldDefinition, Any], Treatment]] = {
    Keep: lambda _, __: AsItIs(),
    GeneraliseDate: _periods,
    GeneraliseNumber: _bands,
    Round: _simple_steps,
    TopCode: _simple_steps,
    Steps: _simple_steps,
    ShiftGroup: _period_start,
    Recode: lambda _, action: WordList(tuple(action.values.items()), action.other),
}
