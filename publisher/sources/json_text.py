"""JSON values as text: numbers exactly as they were written, nested values as compact JSON."""

from __future__ import annotations

import json
from typing import Any

from publisher.sources.text import composed


class JsonNumber(str):
    """A number exactly as it was written; inside nested values it must not gain quotes."""

    __slots__ = ()


def exact_decoder() -> json.JSONDecoder:
    """Return a decoder that keeps numbers as written and takes no object that states a key twice."""
    return json.JSONDecoder(
        parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=JsonNumber, object_pairs_hook=_object
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key twice")
    return found


def json_cell_text(value: Any) -> str | None:
    """Return text in NFC, numbers as written, true and false as words, nested values as compact JSON; null stays null."""
    if value is None:
        return None
    return composed(str(value) if isinstance(value, str) else compact_json(value))


def json_texts(row: dict[str, Any]) -> dict[str, str | None]:
    """Return every member of an object as text, under its own name.

    Raises:
        UnicodeError: one holds half a letter (a lone surrogate).
    """
    texts = {key: json_cell_text(value) for key, value in row.items()}
    for key, text in texts.items():
        key.encode()
        if text and not text.isascii():
            text.encode()
    return texts


def compact_json(value: Any) -> str:
    """Return a value as JSON without blanks, keys in their own order."""
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, dict):
        return (
            "{" + ",".join(f"{json.dumps(key, ensure_ascii=False)}:{compact_json(v)}" for key, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(compact_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
