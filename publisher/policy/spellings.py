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
_QUASI = {"quasi_identifier", "quasi_identifying", "quasi identifier", "qi", "qid"}
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
        if len(action) == 1 and isinstance(action[0], str):
            return spelled_out({**value, "action": action[0]}, steps)
        return _steps(value, [_step(one) for one in action], steps)
    if not isinstance(action, str):
        return value
    value = {**value, "action": _SPELLINGS.get(action, action)}
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
        leaves = {as_text(leaf): as_texts(coarser) if coarser is not None else [] for leaf, coarser in value.items()}
        if len(leaves) < len(value):
            raise ValueError("a leaf stands twice in the hierarchy")
        return leaves
    return value


def as_words(value: Any) -> Any:
    """Return the list of a recoding with texts on both sides; `1: nam` and `true: có` mean the values as they are written."""
    if not isinstance(value, dict):
        return value
    words = {as_text(text): as_text(word) if isinstance(word, int | float) else word for text, word in value.items()}
    if len(words) < len(value):
        raise ValueError("a text stands twice in the list")
    return words


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
        levels = rest.get("levels")
        levels = DATE_HIERARCHIES[str(hierarchy)] if levels is None else levels
        return {**rest, "action": "generalise_date", "levels": levels}
    if hierarchy in NUMBER_HIERARCHIES or (hierarchy is None and "widths" in rest):
        widths = rest.pop(
            "widths" if "widths" in rest else "levels", None
        )  # `levels` beside `widths` are left to be refused
        widths = NUMBER_HIERARCHIES.get(str(hierarchy)) if widths is None else widths
        return {**rest, "action": "generalise_number", "widths": widths}
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


def as_widths(widths: Any) -> Any:
    """Return the widths of bands as a list of numbers, `*` among them."""
    return [_width(width) for width in widths] if isinstance(widths, list) else [_width(widths)]


def as_share(share: Any) -> Any:
    """Return a share of 1; `2%` is 0.02."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?%", share.strip()) if isinstance(share, str) else None
    return float(match.group(1)) / 100 if match else share


def as_role(role: Any) -> Any:
    """Return a field's role by its name here; other tools call quasi-identifiers by their whole name, or QI."""
    return "quasi" if isinstance(role, str) and role.casefold().replace("-", "_") in _QUASI else role


def _width(width: Any) -> Any:
    """Return a band's width; `5y` of an age is 5."""
    if isinstance(width, str) and width.lower() in _EXACT:
        return 1
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*y?", width) if isinstance(width, str) else None
    return float(match.group(1)) if match else width


def _step(one: Any) -> Any:
    """Return one entry of a list of actions with its own settings: a word, `{action: round, base: 5}`, or `{round: {base: 5}}`."""
    if isinstance(one, str):
        return {"action": _SPELLINGS.get(one, one)}
    if isinstance(one, dict) and "action" not in one and len(one) == 1:
        [(name, settings)] = one.items()
        return {**settings, "action": _SPELLINGS.get(str(name), name)} if isinstance(settings, dict) else one
    return one


def _steps(value: dict[str, Any], entries: list[Any], steps: dict[str, set[str]]) -> dict[str, Any]:
    """Return a list of actions as steps; each takes the settings it knows, its own first, all others are settings of the whole."""
    names = [entry.get("action") if isinstance(entry, dict) else None for entry in entries]
    if not all(isinstance(name, str) and name in steps for name in names):
        return {**value, "action": "steps", "steps": entries}
    inner, used = [], {"action"}
    for name, entry in zip(names, entries, strict=True):
        shared = {key: value[key] for key in sorted(steps[str(name)]) if key in value and key not in entry}
        inner.append({**shared, **entry})
        used |= shared.keys()
    return {**{key: setting for key, setting in value.items() if key not in used}, "action": "steps", "steps": inner}
