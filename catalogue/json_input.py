"""JSON as callers send it: as the whole body of a call, or as a text in one of its parameters."""

from __future__ import annotations

import json
import math
from typing import Any

from catalogue.errors import ValidationError

MAX_DEPTH = 50


def read_json_text(text: str | bytes) -> Any:
    """Return what the text says.

    Raises:
        ValueError: it is no JSON, which NaN and Infinity are not either.
        RecursionError: it is nested without end.
    """
    return json.loads(text, parse_constant=_refuse_constant)


def read_json_parameter(text: str) -> Any:
    """Return what a text among the parameters says, when it can be stored.

    Raises:
        ValueError: it is no JSON, or nested without end.
        ValidationError: no database can store what it says.
    """
    try:
        value = read_json_text(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    check_storable(value)
    return value


def check_storable(value: object, *, depth: int = 0) -> None:
    """Refuse what neither database can store.

    Raises:
        ValidationError: NUL characters, halves of surrogate pairs, numbers without end, endless nesting.
    """
    if depth > MAX_DEPTH:
        raise ValidationError("The parameters are nested too deeply")
    if isinstance(value, str):
        if "\x00" in value or not _is_text(value):
            raise ValidationError("The parameters hold characters that are no text")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValidationError("The parameters hold a number that is too large")
    elif isinstance(value, dict):
        for key, item in value.items():
            check_storable(key, depth=depth + 1)
            check_storable(item, depth=depth + 1)
    elif isinstance(value, list):
        for item in value:
            check_storable(item, depth=depth + 1)


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _is_text(value: str) -> bool:
    """Tell whether the value holds no half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
