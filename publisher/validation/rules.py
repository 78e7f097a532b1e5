"""Rules of the standard that Frictionless only carries along: `categories` and `jsonSchema`; broken, they are constraint errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from publisher.table_schema import FieldDefinition
from publisher.validation.mistakes import FieldError, as_cleaned

_PLACE = ("constraints", "jsonSchema")

Rule = Callable[[Any], bool]
"""Tells whether a value of Frictionless that is not null keeps the rule."""


def rules_of(field: FieldDefinition, *, table: str) -> tuple[Rule, ...]:
    """Return the rules of a field.

    Raises:
        FieldError: the JSON Schema is none, or refers to what is not in it.
    """
    rules: list[Rule] = []
    if field.categories is not None:
        rules.append(frozenset(as_cleaned(field.category_values, key="categories")).__contains__)
    if field.constraints.jsonSchema is not None:
        rules.append(_json_schema(as_cleaned(field.constraints.jsonSchema), field.name, table))
    return tuple(rules)


def _json_schema(schema: dict[str, Any], field: str, table: str) -> Rule:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for
    from referencing import Registry, Resource
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    kind = validator_for(schema, default=Draft202012Validator)
    try:
        kind.check_schema(schema)
    except SchemaError as error:
        where = "/".join(map(str, error.absolute_path)) or "its root"
        what = f"its jsonSchema is no JSON Schema, at {where}"
        raise FieldError.of(table, field, what, cure="mend it", where=_PLACE) from None
    root = Resource.from_contents(schema, default_specification=DRAFT202012)
    resolver = Registry().resolver_with_root(root)  # knows nothing else, so nothing is ever fetched
    try:
        for reference in _references(schema):
            resolver.lookup(reference)
    except Unresolvable:
        what, cure = "its jsonSchema refers to what is not in it", "bring the definitions into the schema itself"
        raise FieldError.of(table, field, what, cure=cure, where=_PLACE) from None
    keeps: Rule = kind(schema, registry=Registry()).is_valid
    return keeps


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)
