"""Parameters of actions, read in one way: from JSON they have types, from a query string all are texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, false
from sqlalchemy.orm import InstrumentedAttribute

from catalogue.errors import ValidationError
from catalogue.json_input import read_json_parameter
from catalogue.register.validation import MISSING, as_boolean, as_integer, as_text

MOST_WORDS = 10_000  # of a list; each is a value that the database binds
MOST_SOUGHT = 100
LONGEST_SOUGHT = 10_000  # letters; SQLite refuses patterns of more than 50,000 bytes


def required_text(params: Mapping[str, Any], name: str, *others: str, missing_as: str | None = None) -> str:
    """Return the first given of the names as text.

    Args:
        params: of the call.
        name: the usual name of the parameter.
        others: names that clients use as well.
        missing_as: the name under which a missing parameter is reported, when it is another.

    Raises:
        ValidationError: none is given, or it is empty.
    """
    text = next((found for key in (name, *others) if (found := optional_text(params, key))), None)
    if text is None:
        raise ValidationError({missing_as or name: MISSING})  # a plain text here, as clients know it
    return text


def optional_text(params: Mapping[str, Any], name: str) -> str | None:
    """Return the parameter as text; null when it is absent or null."""
    value = params.get(name)
    return None if value is None else as_text(value)


def boolean(params: Mapping[str, Any], name: str, *, default: bool) -> bool:
    """Return the parameter as a boolean, read leniently.

    Raises:
        ValidationError: it spells no boolean.
    """
    value = params.get(name)
    if value is None or value == "":
        return default
    read = as_boolean(value)
    if read is None:
        raise ValidationError("Parameter is not an bool")
    return read


def natural(params: Mapping[str, Any], name: str, *, default: int | None, maximum: int | None = None) -> int | None:
    """Return the parameter as a number from 0; above the maximum it is silently the maximum, as in CKAN.

    Raises:
        ValidationError: it is no such number.
    """
    value = params.get(name)
    if value is None or value == "":
        return default
    number = as_integer(value)
    if number is None:
        raise ValidationError({name: ["Invalid integer"]})
    if number < 0:
        raise ValidationError({name: ["Must be a natural number"]})
    return number if maximum is None else min(number, maximum)


def words(params: Mapping[str, Any], name: str) -> list[str]:
    """Return a list of texts, given as a list, as JSON in a text, or with commas.

    Raises:
        ValidationError: there are too many.
    """
    value = params.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, str) and value.lstrip().startswith("["):
        value = json_of(value, name)
    if isinstance(value, str):
        value = value.split(",")
    if isinstance(value, list) and len(value) > MOST_WORDS:
        raise ValidationError({name: [f"At most {MOST_WORDS} values"]})
    return [as_text(item).strip() for item in value] if isinstance(value, list) else [as_text(value)]


def json_of(value: Any, name: str) -> Any:
    """Return the value; a text is decoded as JSON, which is how form bodies carry structures.

    Raises:
        ValidationError: the text is no JSON.
    """
    if not isinstance(value, str):
        return value
    try:
        return read_json_parameter(value)
    except ValueError as error:
        raise ValidationError({name: ["Could not parse as valid JSON"]}) from error


def sought(given: Any, name: str) -> list[str]:
    """Return the terms of a search that all must hold, given as one text or as a list.

    Raises:
        ValidationError: there are too many.
    """
    terms = list(dict.fromkeys(as_text(item) for item in (given if isinstance(given, list) else [given])))
    if len(terms) > MOST_SOUGHT:
        raise ValidationError({name: [f"At most {MOST_SOUGHT} terms"]})
    return terms


def contains(column: InstrumentedAttribute[Any], text: str) -> ColumnElement[bool]:
    """Return the condition that the column contains the text in upper or lower case; nothing is found by an endless one."""
    return column.icontains(text, autoescape=True) if len(text) <= LONGEST_SOUGHT else false()
