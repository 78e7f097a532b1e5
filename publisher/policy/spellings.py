"""The short ways of writing an action, spelled out before it is read: what people write into policies without being told the long form."""

from __future__ import annotations

import re
from typing import Any

DATE_HIERARCHIES = {
    "birth_date": ["year", "5y", "10y", "*"],
    "date": ["day", "month", "quarter", "year", "*"],
}
"""Hierarchies of dates by name, with the levels they have when the policy names none."""

NUMBER_HIERARCHIES: dict[str, list[Any]] = {"age": [1, 5, 10, 20, "*"], "number": []}
"""Hierarchies of numbers by name, with their widths when the policy names none."""

_SPELLINGS = {"generalize": "generalise", "pseudonymize": "pseudonymise", "topcode": "top_code"}
_OF_FILES = {"delimiter", "header"}
_EXACT = {"exact", "value", "0"}


def spelled_out(value: Any, steps: dict[str, set[str]]) -> Any:
    """Return an action in its long form: a word alone, a list of actions, hierarchies of dates and numbers, leaves written here.

    `steps` are the settings of each action that may stand in a list; what is not understood is left for the models to refuse.
    """
    if isinstance(value, str):
        value = {"action": value}
    if not isinstance(value, dict):
        return value
    action = value.get("action", "generalise" if "hierarchy" in value else None)
    if isinstance(action, list):
        names = [_SPELLINGS.get(str(name), name) for name in action]
        return spelled_out({**value, "action": names[0]}, steps) if len(names) == 1 else _steps(value, names, steps)
    if action is None:
        return value
    value = {**value, "action": _SPELLINGS.get(str(action), action)}
    return _generalise(value) if value["action"] == "generalise" else value


def with_hierarchies(policy: dict[str, Any]) -> dict[str, Any]:
    """Return a policy in which a field's `hierarchy: NAME` is what the policy's `hierarchies` declare under that name."""
    declared, fields = policy.get("hierarchies"), policy.get("fields")
    if not isinstance(declared, dict) or not isinstance(fields, dict):
        return policy
    named = {str(name): declared_hierarchy(hierarchy) for name, hierarchy in declared.items()}
    replaced = {
        name: {**action, "hierarchy": named[action["hierarchy"]]}
        if isinstance(action, dict) and isinstance(action.get("hierarchy"), str) and action["hierarchy"] in named
        else action
        for name, action in fields.items()
    }
    return {**policy, "fields": replaced}


def declared_hierarchy(hierarchy: Any) -> Any:
    """Return a declared hierarchy in its long form: a file's name alone, rows, or leaves."""
    if isinstance(hierarchy, str):
        return {"file": hierarchy}
    if isinstance(hierarchy, list):
        return {"leaves": hierarchy}
    return _own_hierarchy(hierarchy) if isinstance(hierarchy, dict) else hierarchy


def as_texts(values: Any) -> Any:
    """Return a list of levels, or one level, as texts; numbers as people write them."""
    if isinstance(values, list):
        return [as_text(value) for value in values]
    return values if isinstance(values, dict) or values is None else [as_text(values)]


def as_text(value: Any) -> str:
    """Return one leaf or level as text; YAML reads `true` and `39` for itself."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_leaves(value: Any) -> Any:
    """Return an inline hierarchy as leaves with their coarser values, from a mapping or from rows whose first cell is the leaf."""
    if isinstance(value, list) and all(isinstance(row, list) and row for row in value):
        keys = [as_text(row[0]) for row in value]
        if len(set(keys)) < len(keys):
            raise ValueError("a leaf stands twice in the hierarchy")
        return {key: as_texts(row[1:]) for key, row in zip(keys, value, strict=True)}
    if isinstance(value, dict):
        return {as_text(leaf): as_texts(coarser) if coarser is not None else [] for leaf, coarser in value.items()}
    return value


def _generalise(value: dict[str, Any]) -> dict[str, Any]:
    hierarchy = value.get("hierarchy")
    rest = {key: setting for key, setting in value.items() if key != "hierarchy"}
    if isinstance(hierarchy, str) and "." in hierarchy and rest.keys() & _OF_FILES:
        of_file = {key: rest.pop(key) for key in sorted(_OF_FILES & rest.keys())}
        return {**rest, "hierarchy": {"file": hierarchy, **of_file}}
    if isinstance(hierarchy, list):
        return {**rest, "hierarchy": {"leaves": hierarchy}}
    if isinstance(hierarchy, dict):
        return {**rest, "hierarchy": _own_hierarchy(hierarchy)}
    if hierarchy in DATE_HIERARCHIES:
        levels = rest.get("levels") or DATE_HIERARCHIES[str(hierarchy)]
        return {**rest, "action": "generalise_date", "levels": as_texts(levels)}
    if hierarchy in NUMBER_HIERARCHIES:
        widths = rest.pop("levels", None) or rest.pop("widths", None) or NUMBER_HIERARCHIES[str(hierarchy)]
        return {**rest, "action": "generalise_number", "widths": [_width(width) for width in widths]}
    return value


def _own_hierarchy(hierarchy: dict[Any, Any]) -> dict[Any, Any]:
    for key, word in (
        ("path", "file"),
        ("csv", "file"),
        ("rows", "leaves"),
        ("inline", "leaves"),
        ("values", "leaves"),
    ):
        if key in hierarchy and word not in hierarchy and _fits(hierarchy[key], word):
            return _own_hierarchy({word if name == key else name: setting for name, setting in hierarchy.items()})
    if isinstance(hierarchy.get("file"), str):
        return hierarchy
    if isinstance(hierarchy.get("leaves"), dict) or _is_rows(hierarchy.get("leaves")):
        return hierarchy
    return {"leaves": hierarchy}


def _fits(value: Any, word: str) -> bool:
    return isinstance(value, str) if word == "file" else isinstance(value, dict) or _is_rows(value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def _width(width: Any) -> Any:
    """Return a band's width; `5y` of an age is 5."""
    if isinstance(width, str) and width.lower() in _EXACT:
        return 1
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*y?", width) if isinstance(width, str) else None
    return float(match.group(1)) if match else width


def _steps(value: dict[str, Any], names: list[Any], steps: dict[str, set[str]]) -> dict[str, Any]:
    """Return a list of actions as steps; each takes the settings it knows, all others are settings of the whole."""
    if not all(name in steps for name in names):
        return {**value, "action": "steps", "steps": [{"action": name} for name in names]}
    inner = [{"action": name, **{key: value[key] for key in sorted(steps[name]) if key in value}} for name in names]
    used = set().union(*(steps[name] for name in names))
    rest = {key: setting for key, setting in value.items() if key not in used | {"action"}}
    return {**rest, "action": "steps", "steps": inner}
