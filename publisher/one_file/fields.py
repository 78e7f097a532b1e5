"""The type of each column that the policy names: what its action needs, and otherwise the type that says the same as the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from publisher.errors import DescriptorError, ReleaseRefused
from publisher.policy import (
    FieldAction,
    GeneraliseDate,
    GeneraliseNumber,
    Grid,
    Keep,
    Perturb,
    Privacy,
    Round,
    ShiftGroup,
    Steps,
    TopCode,
)
from publisher.proposal.facts import DATES, TIMES, ColumnFacts, first_row_without
from publisher.table_schema import FieldDefinition

_DATED = (GeneraliseDate, ShiftGroup)
_COUNTED = (GeneraliseNumber, Round, TopCode, Steps, Perturb)
_DATE_FORMS = (*DATES, *TIMES, "iso_moment", "month", "year")
_NUMBER_FORMS = ("point", "comma", "comma_groups", "dot_groups")


def fields_of(
    facts: Sequence[ColumnFacts],
    privacy: Privacy,
    engine: duckdb.DuckDBPyConnection,
    *,
    declared: Mapping[str, Mapping[str, Any]],
) -> list[FieldDefinition]:
    """Return a field for each column.

    Args:
        facts: of the columns that the policy names, in the file's order.
        privacy: the policy.
        engine: the view `rows` with the columns `c0`, `c1`, … in the same order.
        declared: field descriptors of a Table Schema by name, which decide instead of the values.

    Raises:
        ReleaseRefused: an action needs dates or numbers, and the column holds something else; names the field and how many cells.
        DescriptorError: a declared field is none.
    """
    numbers = {measure.field for table in privacy.tables for measure in table.measures if measure.field}
    places = [one for one in facts if isinstance(privacy.action_of(one.name), Grid)]
    if len(places) == 2 and all(one.all_are("comma") for one in places):  # not two places, but the two numbers of one
        numbers |= {one.name for one in places}
    return [
        _field(one.name, declared[one.name])
        if one.name in declared
        else _field(one.name, _inferred(one, place, privacy.action_of(one.name), engine, is_number=one.name in numbers))
        for place, one in enumerate(facts)
    ]


def _field(name: str, said: Mapping[str, Any]) -> FieldDefinition:
    try:
        field = FieldDefinition.model_validate({**said, "name": "field", "title": name})
    except ValueError as error:
        raise DescriptorError(f"The schema's field `{name}` is none: {type(error).__name__}.", cure="mend it") from None
    # A file's own header is no name that a definition may have; everything here quotes it.
    return field.model_copy(update={"name": name})


def _inferred(
    facts: ColumnFacts, place: int, action: FieldAction, engine: duckdb.DuckDBPyConnection, *, is_number: bool
) -> dict[str, Any]:
    if not facts.is_text:
        return {"type": _arrow_type(facts.kind)}
    marks = {"missingValues": ["", *sorted(facts.marks)]}
    if not facts.values:
        return {"type": "date" if isinstance(action, _DATED) else _empty_type(action), **marks}
    if isinstance(action, _DATED):
        return (_date(facts) or _unfit(facts, place, engine, "dates of one form", _DATE_FORMS)) | marks
    if isinstance(action, _COUNTED) or is_number:
        return (_number(facts) or _unfit(facts, place, engine, "numbers", _NUMBER_FORMS)) | marks
    if isinstance(action, Grid):
        return {"type": "number", **marks} if facts.all_are("point") else {"type": "string"}
    return (
        {"type": _faithful(facts, place, engine)}
        if isinstance(action, Keep) and not facts.marks
        else {"type": "string"}
    )


def _empty_type(action: FieldAction) -> str:
    return "integer" if isinstance(action, _COUNTED) else "string"


def _arrow_type(kind: pa.DataType) -> str:
    for is_kind, name in (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "datetime"),
    ):
        if is_kind(kind):
            return name
    return "string"


def _date(facts: ColumnFacts) -> dict[str, Any] | None:
    for form in DATES:
        if facts.all_are(form) and (form != "%Y%m%d" or facts.shortest == 8):
            return {"type": "date", "format": form}
    for form in TIMES:
        if facts.all_are(form):
            return {"type": "datetime", "format": form}
    for form, kind in (("iso_moment", "datetime"), ("month", "yearmonth"), ("year", "year")):
        if facts.all_are(form):
            return {"type": kind}
    return None


def _number(facts: ColumnFacts) -> dict[str, Any] | None:
    if facts.all_are("integer"):
        return {"type": "integer"}
    if facts.all_are("point"):
        return {"type": "number"}
    if facts.all_are("comma"):
        return {"type": "number", "decimalChar": ","}
    if facts.all_are("comma_groups"):
        return {"type": "number", "groupChar": ","}
    if facts.all_are("dot_groups"):
        return {"type": "number", "groupChar": ".", "decimalChar": ","}
    return None


def _faithful(facts: ColumnFacts, place: int, engine: duckdb.DuckDBPyConnection) -> str:
    """Return the type whose values are written as the column writes them; text otherwise, so that no code loses a zero."""
    if facts.all_are("integer") and not facts.forms["leading_zero"] and not facts.forms["long_digits"]:
        return "integer" if _same(engine, f"c{place}::BIGINT::VARCHAR", place) else "string"
    if facts.all_are("point"):
        return "number" if _same(engine, f"c{place}::DOUBLE::VARCHAR", place) else "string"
    return "date" if facts.all_are("%Y-%m-%d") and facts.shortest == facts.longest == 10 else "string"


def _same(engine: duckdb.DuckDBPyConnection, form: str, place: int) -> bool:
    query = (
        f"SELECT count(*) FROM rows WHERE c{place} IS NOT NULL AND {form} <> c{place} AND {form} <> c{place} || '.0'"  # noqa: S608  our own names
    )
    row = engine.execute(query).fetchone()
    return row is not None and row[0] == 0


def _unfit(
    facts: ColumnFacts, place: int, engine: duckdb.DuckDBPyConnection, what: str, forms: Sequence[str]
) -> dict[str, Any]:
    """Refuse a column, by what most of its values are; the number of the others, and the first row that holds one."""
    most = max(forms, key=lambda form: facts.forms.get(form, 0))
    others, row = facts.values - facts.forms.get(most, 0), first_row_without(engine, place, most)
    raise ReleaseRefused(
        f"The action of `{facts.name}` needs {what}, and {others} of its {facts.values} values are none, the first in row {row}.",
        step="read",
        cure="choose an action for text, mend the values, or give `--schema` with the field's type and format",
    )
