"""JSON that is already written: it is put into answers as it stands, neither decoded nor encoded again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class JsonText:
    """A value as the JSON text that spells it."""

    text: str

    def decoded(self) -> Any:
        """Return the value itself."""
        return json.loads(self.text)


def to_json(value: object) -> str:
    """Return a value as JSON text, other letters than ASCII as themselves.

    `JsonText` may be the value itself or stand in a dict, at any depth of dicts; not inside lists, see `json_list`.
    """
    if isinstance(value, JsonText):
        return value.text
    if isinstance(value, dict) and any(isinstance(item, JsonText | dict) for item in value.values()):
        return "{" + ", ".join(f"{json.dumps(str(key))}: {to_json(item)}" for key, item in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False)


def json_list(texts: Iterable[str]) -> JsonText:
    """Return the list of values that these texts spell."""
    return JsonText(f"[{', '.join(texts)}]")


def plain(value: Any) -> Any:
    """Return the value with all `JsonText` in it decoded."""
    if isinstance(value, JsonText):
        return value.decoded()
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value
