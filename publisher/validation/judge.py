"""Frictionless as the judge: it reads every value that the vectorised proofs cannot, each distinct one once.

The only module that imports frictionless, and only inside functions because the import takes about a second.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.table_schema import FieldDefinition, TableSchema, missing_texts
from publisher.validation.mistakes import FieldError, as_cleaned
from publisher.validation.rules import Rule, rules_of
from publisher.validation.stored import storable

CellReader = Callable[[object], tuple[Any, dict[str, str] | None]]
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

_PROFILE = "https://datapackage.org/profiles/2.0/tableschema.json"
_KNOWN_VALUES = 50_000
_NOT_FOR_CELLS = ("title", "description", "example", "rdfType", "categories", "categoriesOrdered")


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
    """Frictionless' own cell reader of one field, with a bounded memory of distinct texts.

    `rules` are asked about every value beside the reader; a value that breaks one has a constraint error.
    """

    def __init__(
        self,
        definition: FieldDefinition,
        reader: CellReader,
        *,
        table: str,
        missing: tuple[str, ...],
        rules: tuple[Rule, ...] = (),
    ) -> None:
        self.definition = definition
        self.table = table
        self.missing = missing
        self.rules = rules
        self._reader = reader
        self._known: dict[tuple[str, bool], Verdict] = {}

    def judge(self, text: str, *, is_json: bool = False) -> Verdict:
        """Return the verdict on one cleaned text, or on what a JSON text stands for.

        Raises:
            DescriptorError: the value cannot be compared with the bounds of the definition.
        """
        verdict = self._known.get((text, is_json))
        if verdict is None:
            if len(self._known) >= _KNOWN_VALUES:
                self._known.clear()
            verdict = self._known[text, is_json] = self._read(json.loads(text) if is_json else text)
        return verdict

    def value(self, text: str) -> Any:
        """Return the value that Frictionless reads from one cleaned text; null when it is missing or of another type."""
        value, notes = self._reader(text)
        return None if notes and "type" in notes else value

    def bound(self, name: str) -> Any:
        """Return one of `BOUNDS` as a value of the field's type; null when there is none."""
        text = getattr(self.definition.constraints, name)
        return None if text is None else _plain_value(self._bare_reader, text, field=self.definition, table=self.table)

    def _read(self, cell: object) -> Verdict:
        try:
            value, notes = self._reader(cell)
        except TypeError:
            raise _zones_disagree(self.table, self.definition.name) from None
        except ArithmeticError:  # a signalling NaN cannot be compared
            return Verdict(type_error=True)
        if notes and "type" in notes:  # the items of an array may have both kinds of errors
            return Verdict(type_error=True, constraint_error=len(notes) > 1)
        try:
            stored, identity = storable(value, self.definition)
        except (OverflowError, ValueError):
            return Verdict(type_error=True)
        broken = bool(notes) or (value is not None and not all(rule(value) for rule in self.rules))
        return Verdict(stored, constraint_error=broken, identity=identity)

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
        rules = rules_of(definition, table=table.name) if table.extended_checks else ()
        judge = FieldJudge(definition, reader, table=table.name, missing=missing, rules=rules)
        _check_field(judge, table=table.name)
        judges.append(judge)
    return judges


def table_descriptor(schema: TableSchema) -> dict[str, Any]:
    """Return the descriptor that Frictionless judges by: texts cleaned as the cells are, `excel` read as ISO."""
    descriptor = dict(as_cleaned(schema.descriptor() | {"missingValues": missing_texts(schema.missingValues)}))
    descriptor["fields"] = [field_descriptor(field) for field in schema.fields]
    return {"$schema": _PROFILE, **descriptor}


def field_descriptor(field: FieldDefinition, *, constraints: bool = True) -> dict[str, Any]:
    """Return one field as Frictionless takes it, without what is only for readers and without our own rules."""
    plain = field.descriptor()
    if field.missingValues is not None:
        plain["missingValues"] = missing_texts(field.missingValues)
    descriptor = dict(as_cleaned(plain))
    for name in (*_NOT_FOR_CELLS, *(() if constraints else ("constraints", "missingValues"))):
        descriptor.pop(name, None)
    if field.format == "excel":
        descriptor.pop("format")
    if "constraints" in descriptor:
        rules = {name: rule for name, rule in descriptor["constraints"].items() if name != "jsonSchema"}
        rules |= {name: _whole(rules[name]) for name in BOUNDS if name in rules}
        descriptor["constraints"] = rules
    return descriptor


def _readers_of(descriptor: dict[str, Any], *, table: str) -> list[CellReader]:
    from frictionless import FrictionlessException, Schema

    readers: list[CellReader] = []
    for field in descriptor["fields"]:
        try:
            readers.append(_reader_of(field, descriptor["missingValues"]))
        except FrictionlessException as error:
            notes = "; ".join(str(reason.note) for reason in error.reasons or [error.error])
            cure = "install phusa with its extra `wkt`" if "Please install" in notes else "mend it"
            what = f"it is no Table Schema field: {notes}"
            raise FieldError.of(table, field["name"], what, cure=cure) from None
        except Exception as error:  # a pattern that is no regular expression, an enum that is no list
            what = f"a constraint cannot be used: {type(error).__name__}"
            raise FieldError.of(
                table, field["name"], what, cure="mend the pattern or the enum", where=["constraints"]
            ) from error
    try:
        Schema.from_descriptor(descriptor)
    except FrictionlessException as error:
        notes = "; ".join(str(reason.note) for reason in error.reasons or [error.error])
        raise DescriptorError(f"the schema of table {table} is no Table Schema: {notes}.", cure="mend it") from None
    return readers


def _reader_of(field: Mapping[str, Any], missing: Sequence[str] = ()) -> CellReader:
    from frictionless import Schema

    schema = Schema.from_descriptor({"$schema": _PROFILE, "fields": [dict(field)], "missingValues": list(missing)})
    reader: CellReader = schema.fields[0].create_cell_reader()
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
    for name in BOUNDS:
        judge.bound(name)
    if field.example is not None and _reader_of(field_descriptor(field), judge.missing)(field.example)[1]:
        cure = "give one that the field would accept"
        raise FieldError.of(table, field.name, "its example is not valid", cure=cure, where=["example"])
    if field.constraints.enum:
        reader = _reader_of(field_descriptor(field, constraints=False))
        for entry in field_descriptor(field)["constraints"]["enum"]:
            _plain_value(reader, entry, field=field, table=table)
    if field.format == "excel" and field.type not in {"date", "datetime"}:
        what = "the format excel is for dates and datetimes"
        raise FieldError.of(table, field.name, what, cure="drop the format", where=["format"])
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
        what = f"{pattern} is no strptime format"
        raise FieldError.of(table, field.name, what, cure="write it like %d/%m/%Y", where=["format"])


def _plain_value(reader: CellReader, entry: object, *, field: FieldDefinition, table: str) -> Any:
    value, notes = reader(_whole(entry))
    if value is None or notes:
        what = f"a constraint holds a value that is no {field.type} in the field's format"
        cure = "write bounds and enum entries as the cells are written"
        raise FieldError.of(table, field.name, what, cure=cure, where=["constraints"])
    return value


def _zones_disagree(table: str, field: str) -> DescriptorError:
    what = "the bounds and the values cannot be compared, because only one side has a time zone"
    cure = "write minimum and maximum with an offset or Z when the source's values have one, and without when they have none"
    return FieldError.of(table, field, what, cure=cure, where=["constraints"])


def _whole(value: object) -> object:
    """Return a whole float as an int: YAML's `1900` reaches us as 1900.0, which is no year."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
