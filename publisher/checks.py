"""The checks of a table beyond its schema, by Frictionless' own names and with its own settings: section `checks` of a table.

Reference: https://framework.frictionlessdata.io/docs/checks/baseline.html and the pages beside it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from publisher.policy import Strict
from publisher.table_schema import WITHOUT_KEYS, FieldDefinition, TableSchema

Values = Annotated[list[Any], Field(min_length=1)]

_FUNCTIONS = {"int", "float", "str", "list", "tuple", "dict", "set"}
_RANDOM = {"rand", "randint"}
_NUMERIC = {"integer", "number"}
_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "any": (str,),
    "integer": (int, float),
    "year": (int, float),
    "number": (int, float),
    "boolean": (bool,),
    "date": (date,),
    "datetime": (datetime,),
    "list": (list,),
    "array": (list,),
    "object": (dict,),
    "geojson": (dict,),
}


class Baseline(Strict):
    """What the schema says; it is checked always."""

    type: Literal["baseline"] = Field(description="Name of the check.")


class RowConstraint(Strict):
    """Every row satisfies a Python expression over its fields, such as `closed is None or closed >= opened`."""

    type: Literal["row-constraint"] = Field(description="Name of the check.")
    formula: str = Field(
        min_length=1, description="Expression for simpleeval; names are fields, a missing value is `None`."
    )

    @field_validator("formula")
    @classmethod
    def _is_expression(cls, formula: str) -> str:
        try:
            tree = ast.parse(formula.strip(), mode="eval")
        except SyntaxError as error:
            raise ValueError(f"the formula is no Python expression ({error.msg})") from None
        if _names(tree) & _RANDOM:
            raise ValueError("a formula that draws random numbers gives another release each time")
        return formula

    @property
    def names(self) -> set[str]:
        """The names that the formula takes from the row."""
        return _names(ast.parse(self.formula.strip(), mode="eval")) - _FUNCTIONS


class ForbiddenValue(Strict):
    """Values that the field must not have; null stands for a missing one."""

    type: Literal["forbidden-value"] = Field(description="Name of the check.")
    fieldName: str = Field(description="The field.")  # noqa: N815  Frictionless' spelling, as below
    values: Values = Field(description="The values, as the field's type has them: numbers as numbers, texts as texts.")


class RequiredValue(Strict):
    """Values that the field must have in at least one row; otherwise the run is held."""

    type: Literal["required-value"] = Field(description="Name of the check.")
    fieldName: str = Field(description="The field.")  # noqa: N815
    values: Values = Field(description="The values, as the field's type has them: numbers as numbers, texts as texts.")


class SequentialValue(Strict):
    """The field counts up by one from row to row; the first row that does not is the error."""

    type: Literal["sequential-value"] = Field(description="Name of the check.")
    fieldName: str = Field(description="The field.")  # noqa: N815


class DeviatedValue(Strict):
    """Numbers far from the average of the whole table are errors."""

    type: Literal["deviated-value"] = Field(description="Name of the check.")
    fieldName: str = Field(description="The field; an integer or a number.")  # noqa: N815
    interval: int | float = Field(3, gt=0, description="Standard deviations allowed on both sides.")
    average: Literal["mean", "median", "mode"] = Field("mean", description="What the middle is.")


class DeviatedCell(Strict):
    """Texts of more than 5,000 characters that are far longer than the field's median are errors."""

    type: Literal["deviated-cell"] = Field(description="Name of the check.")
    interval: int | float = Field(3, gt=0, description="Standard deviations allowed above the median length.")
    ignoreFields: list[str] = Field(default_factory=list, description="Fields that are not looked at.")  # noqa: N815


class TruncatedValue(Strict):
    """Texts of 255 characters and the largest numbers of databases were probably cut off."""

    type: Literal["truncated-value"] = Field(description="Name of the check.")


class AsciiValue(Strict):
    """Texts hold ASCII characters only."""

    type: Literal["ascii-value"] = Field(description="Name of the check.")


class DuplicateRow(Strict):
    """No row repeats an earlier one in all its fields."""

    type: Literal["duplicate-row"] = Field(description="Name of the check.")


class TableDimensions(Strict):
    """The table has so many rows and fields; otherwise the run is held."""

    type: Literal["table-dimensions"] = Field(description="Name of the check.")
    numRows: int | None = Field(None, ge=0, description="Exactly so many rows.")  # noqa: N815
    minRows: int | None = Field(None, ge=0, description="At least so many rows.")  # noqa: N815
    maxRows: int | None = Field(None, ge=0, description="At most so many rows.")  # noqa: N815
    numFields: int | None = Field(None, ge=0, description="Exactly so many fields.")  # noqa: N815
    minFields: int | None = Field(None, ge=0, description="At least so many fields.")  # noqa: N815
    maxFields: int | None = Field(None, ge=0, description="At most so many fields.")  # noqa: N815


Check = Annotated[
    Baseline
    | RowConstraint
    | ForbiddenValue
    | RequiredValue
    | SequentialValue
    | DeviatedValue
    | DeviatedCell
    | TruncatedValue
    | AsciiValue
    | DuplicateRow
    | TableDimensions,
    Field(discriminator="type"),
]


def refuse_checks(checks: Sequence[Check], schema: TableSchema) -> None:
    """Refuse checks that do not fit the fields of their table.

    Raises:
        ValueError: naming the check and the field.
    """
    types = {field.name: field.type for field in schema.fields}
    for check in checks:
        if unknown := sorted(set(_fields_of(check)) - set(types)):
            raise ValueError(f"the check {check.type} names unknown fields: {', '.join(unknown)}")
        if isinstance(check, (ForbiddenValue, RequiredValue)):
            _refuse_values(check, schema.field(check.fieldName))
        if not isinstance(check, DeviatedValue):
            continue
        if types[check.fieldName] not in _NUMERIC:
            raise ValueError(f"the check deviated-value needs a numeric field, and {check.fieldName} is none")
        if isinstance(check.interval, float) and not check.interval.is_integer():
            field = schema.field(check.fieldName)
            if field.type == "number" and not field.floatNumber:
                raise ValueError(
                    "the check deviated-value of decimals needs a whole interval; or say floatNumber: true"
                )


def _refuse_values(check: ForbiddenValue | RequiredValue, field: FieldDefinition) -> None:
    if isinstance(check, RequiredValue) and field.type in WITHOUT_KEYS:
        raise ValueError(f"the check required-value cannot look for values of type {field.type}")
    if any(_equals_nothing(value, field) for value in check.values):
        raise ValueError(
            f"the check {check.type} names a value that {field.name} can never be equal to; write values as its type {field.type} "
            "has them (numbers and dates without quotes; decimals such as 0.1 need floatNumber: true)"
        )


def _equals_nothing(value: object, field: FieldDefinition) -> bool:
    """Return whether no cell is equal to the value, for Frictionless, which compares Python's values."""
    if value is None:
        return False
    kinds = _PYTHON_TYPES.get(field.type, ())
    if not isinstance(value, kinds) or (field.type == "date" and isinstance(value, datetime)):
        return True
    # a decimal is never equal to a float such as 0.1, which is not quite what is written
    is_decimal = field.type == "number" and not field.floatNumber
    return is_decimal and isinstance(value, float) and Decimal(repr(value)) != value


def _fields_of(check: Check) -> Iterator[str]:
    if isinstance(check, RowConstraint):
        yield from check.names
    elif isinstance(check, DeviatedCell):
        yield from check.ignoreFields
    elif isinstance(check, (ForbiddenValue, RequiredValue, SequentialValue, DeviatedValue)):
        yield check.fieldName


def _names(tree: ast.AST) -> set[str]:
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}  # of a comprehension
    return {node.id for node in names} - own
