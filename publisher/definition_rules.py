"""Rules between the sections of a definition: foreign keys find their tables, treatments fit the types of their fields.

Each mistake comes with the place of its cause in the file, so that the loader can name the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from publisher.policy import Drop, Grid, Keep
from publisher.sources.sql.spec import SqlSource
from publisher.table_schema import STRUCTURED, WITHOUT_KEYS, FieldDefinition, ForeignKey

_COMPARED_AS = {"any": "string", "integer": "number", "year": "number", "boolean": "number"}

if TYPE_CHECKING:
    from publisher.definition import DatasetDefinition, TableDefinition

Mistake = tuple[tuple[str | int, ...], str]
"""Steps from the root of the file to the cause, and a sentence with the cure."""


def mistakes_between(definition: DatasetDefinition) -> Iterator[Mistake]:
    """Yield what is wrong between tables and between sections; nothing in a good definition."""
    for place, table in enumerate(definition.resources):
        for number, key in enumerate(table.schema_.foreignKeys):
            if problem := _problem_of_key(key, definition, table):
                yield ("resources", place, "schema", "foreignKeys", number), problem
        if isinstance(table.source, SqlSource) and table.source.incremental and not table.schema_.primaryKey:
            where = ("resources", place, "source", "incremental")
            yield where, "incremental needs a primaryKey in the schema, by which changed rows find those they replace"
        for field in table.schema_.fields:
            action = table.privacy.fields.get(field.name)
            fits = isinstance(action, (Keep, Drop, type(None))) or (
                field.type == "geopoint" and isinstance(action, Grid)
            )
            if field.type in STRUCTURED and not fits:
                where_treated = ("resources", place, "privacy", "fields", field.name)
                yield where_treated, f"this action does not fit {field.name}, which is {field.type}; keep it or drop it"


def _problem_of_key(key: ForeignKey, definition: DatasetDefinition, table: TableDefinition) -> str | None:
    named = {other.name: other for other in definition.resources}
    resource = key.reference.resource or table.name
    if resource not in named:
        return f"foreignKeys names the unknown table {resource}; the dataset has {', '.join(sorted(named))}"
    fields = {field.name: field for field in named[resource].schema_.fields}
    if unknown := [name for name in key.reference.fields if name not in fields]:
        return f"the table {resource} has no field {', '.join(unknown)}; name a field of its schema"
    if unfit := [name for name in key.reference.fields if fields[name].type in WITHOUT_KEYS]:
        return f"the type of {', '.join(unfit)} in {resource} can be in no key; refer to another field"
    for name, other in zip(key.fields, key.reference.fields, strict=True):
        if _kind_of(table.schema_.field(name)) != _kind_of(fields[other]):
            return f"{name} and {other} of {resource} are of types that are never equal; give both the same type"
    return None


def _kind_of(field: FieldDefinition) -> str:
    """Return what Python compares a field's values as."""
    if field.floatNumber:
        return "float"
    return _COMPARED_AS.get(field.type, field.type)
