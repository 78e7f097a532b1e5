"""Frictionless as the judge: it reads every value that the vectorised proofs cannot, each distinct one once.

The only module that imports frictionless, and only inside functions because the import takes about a second.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.table_schema import FieldDefinition, TableSchema

CellReader = Callable[[object], tuple[Any, dict[str, str] | None]]

LOCAL_ZONE = timezone(timedelta(hours=7))
"""Zone of the wall time that datetimes are kept in (Asia/Ho_Chi_Minh, no daylight saving since 1975)."""

EXACT_DIGITS = 15
"""Two decimals with at most this many significant digits never share a float."""

_KNOWN_VALUES = 50_000
_SMALLEST_EXACT = Decimal("1e-290")
_BOUNDS = ("minimum", "maximum")
_CELL_LISTS = {"missingValues", "trueValues", "falseValues", "enum"}


@dataclass(frozen=True)
class Verdict:
    """What one text is: its value as Arrow takes it, and which kinds of cell error it has.

    `identity` tells apart values that are equal for Arrow and different for Frictionless; null for nearly all.
    """

    value: object = None
    type_error: bool = False
    constraint_error: bool = False
    identity: str | None = None


class FieldJudge:
    """Frictionless' own cell reader of one field, with a bounded memory of distinct texts."""

    def __init__(
        self, definition: FieldDefinition, reader: CellReader, *, table: str, missing: tuple[str, ...]
    ) -> None:
        self.definition = definition
        self.table = table
        self.missing = missing
        self._reader = reader
        self._known: dict[str, Verdict] = {}

    def judge(self, text: str) -> Verdict:
        """Return the verdict on one cleaned text.

        Raises:
            DescriptorError: the value cannot be compared with the bounds of the definition.
        """
        verdict = self._known.get(text)
        if verdict is None:
            if len(self._known) >= _KNOWN_VALUES:
                self._known.clear()
            verdict = self._known[text] = self._read(text)
        return verdict

    def bound(self, name: str) -> Any:
        """Return the bound `minimum` or `maximum` as a value of the field's type; null when there is none."""
        text = getattr(self.definition.constraints, name)
        return None if text is None else _plain_value(self._bare_reader, text, field=self.definition, table=self.table)

    def _read(self, text: str) -> Verdict:
        try:
            value, notes = self._reader(text)
        except TypeError:
            raise _zones_disagree(self.table, self.definition.name) from None
        except ArithmeticError:  # a signalling NaN cannot be compared
            return Verdict(type_error=True)
        if notes and "type" in notes:
            return Verdict(type_error=True)
        try:
            stored, identity = _storable(value)
        except (OverflowError, ValueError):
            return Verdict(type_error=True)
        return Verdict(stored, constraint_error=bool(notes), identity=identity)

    @property
    def _bare_reader(self) -> CellReader:
        return _reader_of(field_descriptor(self.definition, constraints=False))


def judges_of(table: TableDefinition) -> list[FieldJudge]:
    """Return the judge of each field, in order; the definition is checked on the way.

    Raises:
        DescriptorError: Frictionless does not accept the schema, or a constraint says something impossible.
    """
    descriptor = table_descriptor(table.schema_)
    readers = _readers_of(descriptor, table=table.name)
    _check_rules(table)
    judges = []
    for definition, reader, field in zip(table.schema_.fields, readers, descriptor["fields"], strict=True):
        missing = tuple(field.get("missingValues", descriptor["missingValues"]))
        judge = FieldJudge(definition, reader, table=table.name, missing=missing)
        _check_field(judge, table=table.name)
        judges.append(judge)
    return judges


def table_descriptor(schema: TableSchema) -> dict[str, Any]:
    """Return the descriptor that Frictionless judges by: texts cleaned as the cells are, `excel` read as ISO."""
    descriptor = dict(_as_cleaned(schema.descriptor()))
    descriptor["fields"] = [field_descriptor(field) for field in schema.fields]
    return descriptor


def field_descriptor(field: FieldDefinition, *, constraints: bool = True) -> dict[str, Any]:
    """Return one field as Frictionless takes it, without what is only for readers."""
    descriptor = dict(_as_cleaned(field.descriptor()))
    for name in ("title", "description", *(() if constraints else ("constraints", "missingValues"))):
        descriptor.pop(name, None)
    if field.format == "excel":
        descriptor.pop("format")
    if "constraints" in descriptor:
        rules = dict(descriptor["constraints"])
        rules |= {name: _whole(rules[name]) for name in _BOUNDS if name in rules}
        descriptor["constraints"] = rules
    return descriptor


def _readers_of(descriptor: dict[str, Any], *, table: str) -> list[CellReader]:
    from frictionless import FrictionlessException, Schema

    try:
        schema = Schema.from_descriptor(descriptor)
        return [field.create_cell_reader() for field in schema.fields]
    except FrictionlessException as error:
        notes = "; ".join(str(reason.note) for reason in error.reasons or [error.error])
        raise DescriptorError(f"the schema of table {table} is no Table Schema: {notes}.", cure="mend it") from None
    except Exception as error:  # a pattern that is no regular expression, an enum that is no list
        raise DescriptorError(
            f"a constraint in table {table} cannot be used: {type(error).__name__}.",
            cure="mend the pattern or the enum",
        ) from error


def _reader_of(descriptor: dict[str, Any]) -> CellReader:
    from frictionless import Schema

    reader: CellReader = (
        Schema.from_descriptor({"fields": [descriptor], "missingValues": []}).fields[0].create_cell_reader()
    )
    return reader


def _check_rules(table: TableDefinition) -> None:
    from frictionless import errors

    known = {getattr(kind, "type", None) for kind in vars(errors).values()}
    if unknown := sorted(set(table.thresholds.rules) - known):
        raise DescriptorError(
            f"table {table.name}: thresholds name unknown rules: {', '.join(unknown)}.",
            cure="use the error types of Frictionless, such as type-error, constraint-error or unique-error",
        )


def _check_field(judge: FieldJudge, *, table: str) -> None:
    field = judge.definition
    for name in _BOUNDS:
        judge.bound(name)
    if field.constraints.enum:
        reader = _reader_of(field_descriptor(field, constraints=False))
        for entry in field_descriptor(field)["constraints"]["enum"]:
            _plain_value(reader, entry, field=field, table=table)
    if field.format == "excel" and field.type not in {"date", "datetime"}:
        raise DescriptorError(
            f"table {table}, field {field.name}: the format excel is for dates and datetimes.", cure="drop the format"
        )
    if field.type in {"date", "datetime", "time"} and field.format not in {None, "default", "any", "excel"}:
        _check_time_format(field, table=table)


def _check_time_format(field: FieldDefinition, *, table: str) -> None:
    moment = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    pattern = str(field.format)
    try:
        datetime.strptime(moment.strftime(pattern), pattern)  # noqa: DTZ007  the format is tried, the moment forgotten
        usable = "%" in pattern
    except ValueError:
        usable = False
    if not usable:
        raise DescriptorError(
            f"table {table}, field {field.name}: {pattern} is no strptime format.", cure="write it like %d/%m/%Y"
        )


def _plain_value(reader: CellReader, entry: object, *, field: FieldDefinition, table: str) -> Any:
    value, notes = reader(_whole(entry))
    if value is None or notes:
        raise DescriptorError(
            f"table {table}, field {field.name}: a constraint holds a value that is no {field.type} in the field's format.",
            cure="write bounds and enum entries as the cells are written",
        )
    return value


def _zones_disagree(table: str, field: str) -> DescriptorError:
    return DescriptorError(
        f"table {table}, field {field}: the bounds and the values cannot be compared, because only one side has a time zone.",
        cure="write minimum and maximum with an offset or Z when the source's values have one, and without when they have none",
    )


def _storable(value: Any) -> tuple[object, str | None]:
    """Return what the Arrow column holds, and the identity where that says too little; raise when it cannot hold it."""
    if isinstance(value, Decimal):
        return _float_of(value), _digits_of(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(LOCAL_ZONE).replace(tzinfo=None), "zone"
    if isinstance(value, time):
        return _time_of(value)
    if isinstance(value, tuple):  # Frictionless' yearmonth
        return f"{value[0]:04}-{value[1]:02}", None
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise OverflowError
    return value, None


def _float_of(value: Decimal) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise OverflowError
    return number + 0.0  # turns -0.0 into 0.0, which it equals


def _digits_of(value: Decimal) -> str | None:
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    significant = text.rstrip("0")
    if not significant or (len(significant) <= EXACT_DIGITS and abs(value) > _SMALLEST_EXACT):
        return None
    return f"{sign}:{significant}:{int(exponent) + len(text) - len(significant)}"


def _time_of(value: time) -> tuple[str, str | None]:
    if value.tzinfo is None:
        return value.isoformat(), None
    here = datetime.combine(date(2000, 1, 1), value).astimezone(LOCAL_ZONE)
    return here.time().isoformat(), f"zone {here.date().isoformat()}"


def _whole(value: object) -> object:
    """Return a whole float as an int: YAML's `1900` reaches us as 1900.0, which is no year."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _as_cleaned(value: Any, *, key: str = "") -> Any:
    """Return descriptor texts in the form that cells have after cleaning, so that both still meet."""
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value.replace("\u00a0", " "))
        return text.strip() if key in _CELL_LISTS else text
    if isinstance(value, list):
        return [_as_cleaned(entry, key=key) for entry in value]
    if isinstance(value, dict):
        return {name: _as_cleaned(entry, key=name) for name, entry in value.items()}
    return value
