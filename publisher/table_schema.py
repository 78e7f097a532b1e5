"""A table's schema as its source delivers it: Table Schema (Data Package v2) with titles in two languages.

Standard: https://datapackage.org/standard/table-schema/.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from publisher.policy import Strict

COLUMN = r"^[a-z][a-z0-9_]{0,62}$"

FieldType = Literal[
    "string", "integer", "number", "boolean", "date", "datetime", "time", "year", "yearmonth",
]  # fmt: skip


def _known_languages(texts: dict[str, str]) -> dict[str, str]:
    if unknown := set(texts) - {"vi", "en"}:
        raise ValueError(f"languages are vi and en, not {', '.join(sorted(unknown))}")
    return texts


Translated = Annotated[dict[str, str], Field(default_factory=dict), AfterValidator(_known_languages)]


class Constraints(Strict):
    """Table Schema field constraints."""

    required: bool = False
    unique: bool = False
    minimum: float | str | None = None
    maximum: float | str | None = None
    minLength: int | None = None  # noqa: N815  the standard's spelling, as below
    maxLength: int | None = None  # noqa: N815
    pattern: str | None = None
    enum: list[Any] | None = None


class FieldDefinition(Strict):
    """One field as the source delivers it (Table Schema field descriptor)."""

    name: str = Field(pattern=COLUMN, description="Column name in every published file.")
    source_name: str | None = Field(None, description="The column's name at the source, when it differs.")
    type: FieldType = "string"
    format: str | None = Field(
        None, description="Table Schema format, such as `%d/%m/%Y`, or `excel` for serial dates."
    )
    title: str
    title_translated: Translated
    description: str = ""
    description_translated: Translated
    unit: str | None = None
    decimalChar: str | None = None  # noqa: N815
    groupChar: str | None = None  # noqa: N815
    bareNumber: bool | None = None  # noqa: N815
    trueValues: list[str] | None = None  # noqa: N815
    falseValues: list[str] | None = None  # noqa: N815
    missingValues: list[str] | None = None  # noqa: N815
    constraints: Constraints = Constraints()

    @property
    def at_source(self) -> str:
        """The column's name as the source delivers it."""
        return self.source_name or self.name

    def descriptor(self) -> dict[str, Any]:
        """Return the plain Table Schema descriptor that Frictionless takes."""
        own = {"source_name", "title_translated", "description_translated", "unit"}
        descriptor = self.model_dump(exclude=own, exclude_none=True, exclude_defaults=True)
        return {"name": self.name, "type": self.type, **descriptor}


class TableSchema(Strict):
    """The fields and keys of one table as the source delivers it."""

    fields: list[FieldDefinition] = Field(min_length=1)
    primaryKey: list[str] = Field(default_factory=list)  # noqa: N815
    missingValues: list[str] = Field(default_factory=lambda: [""])  # noqa: N815

    @model_validator(mode="after")
    def _names_agree(self) -> TableSchema:
        names = [field.name for field in self.fields]
        doubles = {name for name in names if names.count(name) > 1}
        if doubles:
            raise ValueError(f"field names stand twice: {', '.join(sorted(doubles))}")
        unknown = set(self.primaryKey) - set(names)
        if unknown:
            raise ValueError(f"primaryKey names unknown fields: {', '.join(sorted(unknown))}")
        return self

    def field(self, name: str) -> FieldDefinition:
        """Return the field of that name; KeyError when there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def descriptor(self) -> dict[str, Any]:
        """Return the plain Table Schema descriptor that Frictionless takes."""
        descriptor: dict[str, Any] = {
            "fields": [field.descriptor() for field in self.fields],
            "missingValues": self.missingValues,
        }
        if self.primaryKey:
            descriptor["primaryKey"] = self.primaryKey
        return descriptor
