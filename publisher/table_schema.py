"""A table's schema as its source delivers it: Table Schema (Data Package v2) with titles in two languages.

Standard: https://datapackage.org/standard/table-schema/. Where Frictionless 5.21 knows more (`arrayItem`, `floatNumber`), so do we.
"""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from publisher.policy import Strict

COLUMN = r"^[a-z][a-z0-9_]{0,62}$"

FieldType = Literal[
    "string", "integer", "number", "boolean", "date", "datetime", "time", "year", "yearmonth",
    "duration", "object", "array", "list", "geopoint", "geojson", "any",
]  # fmt: skip
ItemType = Literal["string", "integer", "boolean", "number", "datetime", "date", "time"]
FieldsMatch = Literal["exact", "equal", "subset", "superset", "partial"]

WITHOUT_KEYS = frozenset({"object", "array", "list", "geojson"})
"""Types whose values Frictionless cannot look up, so that they can be part of no key."""

STRUCTURED = WITHOUT_KEYS | {"geopoint", "duration"}
"""Types whose published text has an inner form; only keeping or dropping it makes sense."""

_ONLY_FOR = {
    "delimiter": {"list"},
    "itemType": {"list"},
    "arrayItem": {"array"},
    "floatNumber": {"number"},
    "categories": {"string", "integer"},
    "categoriesOrdered": {"string", "integer"},
}
_FORMATS = {"geopoint": {"default", "array", "object"}, "geojson": {"default", "topojson"}}


def _known_languages(texts: dict[str, str]) -> dict[str, str]:
    if unknown := set(texts) - {"vi", "en"}:
        raise ValueError(f"languages are vi and en, not {', '.join(sorted(unknown))}")
    return texts


def as_written(value: Any) -> Any:
    """Return a date that YAML read for itself in the text that cells have."""
    if isinstance(value, list):
        return [as_written(entry) for entry in value]
    return value.isoformat() if isinstance(value, (date, time)) else value


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Translated = Annotated[dict[str, str], Field(default_factory=dict), AfterValidator(_known_languages)]
Bound = Annotated[int | float | str | None, BeforeValidator(as_written)]
Names = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class Constraints(Strict):
    """Table Schema field constraints."""

    required: bool = False
    unique: bool = False
    minimum: Bound = None
    maximum: Bound = None
    exclusiveMinimum: Bound = None  # noqa: N815  the standard's spelling, as below
    exclusiveMaximum: Bound = None  # noqa: N815
    minLength: int | None = None  # noqa: N815
    maxLength: int | None = None  # noqa: N815
    pattern: str | None = None
    enum: Annotated[list[Any] | None, BeforeValidator(as_written)] = None
    jsonSchema: dict[str, Any] | None = Field(  # noqa: N815
        None, description="JSON Schema that an object or array satisfies; `$ref` only within it."
    )


class MissingValue(Strict):
    """A text that means that there is no value, with its reason."""

    value: str = Field(description="The text.")
    label: str | None = Field(None, description="Why there is no value, such as `not asked`.")


class Category(Strict):
    """One value of a categorical field."""

    value: int | str = Field(description="The value as the cells hold it.")
    label: str | None = Field(None, description="What the value means, for people.")


MissingValues = list[str] | list[MissingValue]


class FieldDefinition(Strict):
    """One field as the source delivers it (Table Schema field descriptor)."""

    name: str = Field(pattern=COLUMN, description="Column name in every published file.")
    source_name: str | None = Field(None, description="The column's name at the source, when it differs.")
    type: FieldType = "string"
    format: str | None = Field(
        None,
        description="Table Schema format, such as `%d/%m/%Y`, `email`, `uri`, `uuid`, `binary` or `wkt` for texts, `array` or `object` "
        "for geopoints, `topojson`; or `excel` for serial dates.",
    )
    title: str
    title_translated: Translated
    description: str = ""
    description_translated: Translated
    unit: str | None = None
    example: Any = Field(None, description="A made-up value; it must be valid.")
    rdfType: str | None = Field(None, description="Address of the property's meaning.")  # noqa: N815
    decimalChar: str | None = None  # noqa: N815
    groupChar: str | None = None  # noqa: N815
    bareNumber: bool | None = None  # noqa: N815
    floatNumber: bool | None = Field(  # noqa: N815
        None, description="True: numbers are compared as 64-bit floats and not as decimals."
    )
    trueValues: list[str] | None = None  # noqa: N815
    falseValues: list[str] | None = None  # noqa: N815
    delimiter: str | None = Field(
        None, min_length=1, description="What separates the items of a list; absent: a comma."
    )
    itemType: ItemType | None = Field(None, description="Type of the items of a list; absent: `string`.")  # noqa: N815
    arrayItem: dict[str, Any] | None = Field(  # noqa: N815
        None, description="Field descriptor that every item of an array satisfies."
    )
    categories: list[str] | list[int] | list[Category] | None = Field(
        None, description="All values that the field may have, plain or with labels; published with the field."
    )
    categoriesOrdered: bool | None = Field(None, description="Whether the order of `categories` means something.")  # noqa: N815
    missingValues: MissingValues | None = None  # noqa: N815
    constraints: Constraints = Constraints()

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> FieldDefinition:
        for key, types in _ONLY_FOR.items():
            if getattr(self, key) is not None and self.type not in types:
                raise ValueError(
                    f"{key} is for fields of type {' or '.join(sorted(types))}, and {self.name} is {self.type}"
                )
        if self.constraints.jsonSchema is not None and self.type not in {"object", "array"}:
            raise ValueError(f"jsonSchema is for fields of type array or object, and {self.name} is {self.type}")
        if self.constraints.unique and self.type in WITHOUT_KEYS:
            raise ValueError(f"{self.name} is {self.type}, which cannot be unique; keep its key in a field of its own")
        known = _FORMATS.get(self.type)
        if known and self.format is not None and self.format not in known:
            raise ValueError(f"the format of {self.name} is none of {', '.join(sorted(known))}")
        return self

    @model_validator(mode="after")
    def _categories_agree(self) -> FieldDefinition:
        if self.categories is None:
            if self.categoriesOrdered is not None:
                raise ValueError(f"categoriesOrdered of {self.name} needs categories")
            return self
        values, kind = self.category_values, str if self.type == "string" else int
        if not values or any(not isinstance(value, kind) for value in values):
            raise ValueError(f"the categories of {self.name} must be {'texts' if kind is str else 'whole numbers'}")
        if len(set(values)) < len(values):
            raise ValueError(f"a category of {self.name} stands twice")
        if self.constraints.enum and set(map(str, self.constraints.enum)) - set(map(str, values)):
            raise ValueError(f"the enum of {self.name} allows more than its categories")
        return self

    @property
    def at_source(self) -> str:
        """The column's name as the source delivers it."""
        return self.source_name or self.name

    @property
    def category_values(self) -> list[str | int]:
        """The values of `categories`, without their labels."""
        return [entry.value if isinstance(entry, Category) else entry for entry in self.categories or []]

    def descriptor(self) -> dict[str, Any]:
        """Return the plain Table Schema descriptor."""
        own = {"source_name", "title_translated", "description_translated", "unit"}
        descriptor = self.model_dump(exclude=own, exclude_none=True, exclude_defaults=True)
        return {"name": self.name, "type": self.type, **descriptor}


class Reference(Strict):
    """Where the values of a foreign key must be found."""

    resource: str = Field("", description="Another table of this dataset; empty: this table itself.")
    fields: Names = Field(description="Its fields, one or a list, in step with the key's own.")


class ForeignKey(Strict):
    """Fields whose values must stand in another table; rows where all are missing are free."""

    fields: Names = Field(description="Fields of this table, one or a list.")
    reference: Reference

    @model_validator(mode="after")
    def _as_many_fields(self) -> ForeignKey:
        if len(self.fields) != len(self.reference.fields):
            raise ValueError("a foreign key needs as many fields as its reference")
        return self


class TableSchema(Strict):
    """The fields and keys of one table as the source delivers it."""

    fields: list[FieldDefinition] = Field(min_length=1)
    fieldsMatch: FieldsMatch | None = Field(  # noqa: N815
        None,
        description="How the source's columns match the fields: `exact` (same order), `equal` (any order), `subset` (more columns are "
        "left behind), `superset` (fields that are not required may be absent), `partial` (both); absent: `equal`.",
    )
    primaryKey: Annotated[list[str], BeforeValidator(_as_list)] = Field(default_factory=list)  # noqa: N815
    uniqueKeys: list[Names] = Field(  # noqa: N815
        default_factory=list, description="Further keys; rows where a field of the key is missing are free."
    )
    foreignKeys: list[ForeignKey] = Field(  # noqa: N815
        default_factory=list, description="Keys into other tables of the dataset, or into this one."
    )
    missingValues: MissingValues = Field(default_factory=lambda: [""])  # noqa: N815

    @model_validator(mode="after")
    def _names_agree(self) -> TableSchema:
        types = {field.name: field.type for field in self.fields}
        names = [field.name for field in self.fields]
        doubles = {name for name in names if names.count(name) > 1}
        if doubles:
            raise ValueError(f"field names stand twice: {', '.join(sorted(doubles))}")
        keys = [("primaryKey", self.primaryKey), *(("uniqueKeys", key) for key in self.uniqueKeys)]
        keys += [("foreignKeys", key.fields) for key in self.foreignKeys]
        keys += [("foreignKeys", key.reference.fields) for key in self.foreignKeys if not key.reference.resource]
        for what, key in keys:
            if unknown := set(key) - set(names):
                raise ValueError(f"{what} names unknown fields: {', '.join(sorted(unknown))}")
            if unfit := [name for name in key if types[name] in WITHOUT_KEYS]:
                raise ValueError(f"{what} names fields of a type that can be in no key: {', '.join(unfit)}")
        return self

    def field(self, name: str) -> FieldDefinition:
        """Return the field of that name; KeyError when there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def tolerated(self, missing: set[str], unknown: set[str]) -> tuple[set[str], set[str]]:
        """Return what is left to complain about when fields are missing and columns unknown, by `fieldsMatch`."""
        needed = {field.name for field in self.fields if field.constraints.required} | set(self.primaryKey)
        if self.fieldsMatch in {"superset", "partial"} and len(missing) < len(self.fields):
            missing = missing & needed
        return missing, set() if self.fieldsMatch in {"subset", "partial"} else unknown

    def descriptor(self) -> dict[str, Any]:
        """Return the plain Table Schema descriptor."""
        keys = {"fieldsMatch", "primaryKey", "uniqueKeys", "foreignKeys"}
        return {
            "fields": [field.descriptor() for field in self.fields],
            "missingValues": self.model_dump(include={"missingValues"}, exclude_none=True)["missingValues"],
            **self.model_dump(include=keys, exclude_none=True, exclude_defaults=True),
        }


def missing_texts(entries: MissingValues) -> list[str]:
    """Return the texts that mean that there is no value, without their labels."""
    return [entry.value if isinstance(entry, MissingValue) else entry for entry in entries]
