"""What every action takes and gives, as a table: read from `parameter_table.yaml`, checked while it is read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_TEXTS: dict[str, Any] = {"type": "array", "items": {"type": "string"}}
KINDS: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "reference": {"type": "string", "description": "Id or name."},
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer"},
    "natural": {"type": "integer", "minimum": 0},
    "number": {"type": "number"},
    "texts": {"anyOf": [_TEXTS, {"type": "string"}]},
    "object": {"type": "object"},
    "objects": {"type": "array", "items": {"type": "object"}},
    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
    "any": {},
    "nothing": {"type": "null"},
}
"""JSON Schema by kind."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action; `default` is null where there is none or it depends."""

    name: str
    kind: str
    is_required: bool
    default: Any
    meaning: str

    @property
    def schema(self) -> dict[str, Any]:
        """Return its JSON Schema."""
        schema = dict(KINDS[self.kind])
        return schema if self.default is None else schema | {"default": self.default}


@dataclass(frozen=True)
class Described:
    """One action: its parameters, whether it takes more, and what it gives: a kind, or the name of a schema."""

    parameters: tuple[Parameter, ...]
    is_open: bool
    result: str
    is_list: bool


@cache
def parameter_table() -> dict[str, Described]:
    """Return the table by name of action.

    Raises:
        KeyError: it uses a kind or a set that does not exist.
    """
    written = yaml.safe_load(Path(__file__).with_name("parameter_table.yaml").read_text(encoding="utf-8"))
    return {name: _described(told or {}, written) for name, told in written["actions"].items()}


def _described(told: dict[str, Any], written: dict[str, Any]) -> Described:
    names: dict[str, str] = dict(told.get("takes") or {})
    for used in told.get("uses") or []:
        names |= {name: kind for name, kind in written["sets"][used].items() if name not in names}
    gives = told.get("gives", "any")
    return Described(
        parameters=tuple(_parameter(name, kind, written["meanings"]) for name, kind in names.items()),
        is_open=bool(told.get("open")),
        result=gives[0] if isinstance(gives, list) else gives,
        is_list=isinstance(gives, list),
    )


def _parameter(name: str, written: str, meanings: dict[str, str]) -> Parameter:
    kind, _, default = (part.strip() for part in written.partition("="))
    is_required = kind.endswith("!")
    kind = kind.removesuffix("!")
    return Parameter(
        name=name,
        kind=kind if kind in KINDS else _unknown(kind),
        is_required=is_required,
        default=yaml.safe_load(default) if default else None,
        meaning=meanings.get(name, ""),
    )


def _unknown(kind: str) -> str:
    raise KeyError(f"parameter_table.yaml: there is no kind {kind!r}")
