"""Paths into nested dicts and lists as package_revise writes them: `resources__0__name`.

An item of a list is named by its index, from the end when negative, or by the first five or more characters of its `id`.
All functions are pure, except that `set_at` changes its argument.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

MIN_ID_PREFIX = 5


class FlatPathError(Exception):
    """A path leads nowhere; `part` is where it ends."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part


def item_at(items: list[Any], part: str) -> int | None:
    """Return the index of the item that the part of a path names, or null."""
    if part.removeprefix("-").isascii() and part.removeprefix("-").isdecimal() and len(part) < MIN_ID_PREFIX:
        index = int(part)
        return index if -len(items) <= index < len(items) else None
    if len(part) < MIN_ID_PREFIX:
        return None
    named = [i for i, item in enumerate(items) if isinstance(item, dict) and str(item.get("id") or "").startswith(part)]
    return named[0] if len(named) == 1 else None


def unmatched(stored: dict[str, Any], wanted: dict[str, Any]) -> list[str]:
    """Return the paths at which the stored dict is not as wanted; what is not mentioned does not matter."""
    paths: list[str] = []
    _collect_unmatched(stored, wanted, [], paths)
    return paths


def _collect_unmatched(stored: Any, wanted: Any, at: list[str], paths: list[str]) -> None:
    if isinstance(wanted, dict) and isinstance(stored, dict):
        for key, value in wanted.items():
            if key in stored:
                _collect_unmatched(stored[key], value, [*at, key], paths)
            else:
                paths.append("__".join([*at, key]))
    elif isinstance(wanted, list) and isinstance(stored, list) and len(wanted) == len(stored):
        for index, value in enumerate(wanted):
            _collect_unmatched(stored[index], value, [*at, str(index)], paths)
    elif stored != wanted:
        paths.append("__".join(at))


def matches(stored: Any, path: Sequence[str], wanted: Any) -> bool:
    """Tell whether the value at the path is as wanted; a path that leads nowhere is not."""
    for part in path:
        if isinstance(stored, dict) and part in stored:
            stored = stored[part]
        elif isinstance(stored, list) and (index := item_at(stored, part)) is not None:
            stored = stored[index]
        else:
            return False
    paths: list[str] = []
    _collect_unmatched(stored, wanted, [], paths)
    return not paths


def set_at(target: Any, path: Sequence[str], value: Any) -> None:
    """Set the value at the path; the last part `extend` appends the value's items to a list.

    Raises:
        FlatPathError: the path leads nowhere.
    """
    *way, last = path
    for part in way:
        target = _step(target, part)
    if isinstance(target, list):
        if last == "extend":
            target.extend(value)
        elif (index := item_at(target, last)) is not None:
            target[index] = value
        else:
            raise FlatPathError(last)
    elif isinstance(target, dict):
        target[last] = value
    else:
        raise FlatPathError(last)


def _step(target: Any, part: str) -> Any:
    if isinstance(target, dict) and part in target:
        return target[part]
    if isinstance(target, list) and (index := item_at(target, part)) is not None:
        return target[index]
    raise FlatPathError(part)


def apply_filter(stored: dict[str, Any], patterns: Sequence[str]) -> dict[str, Any]:
    """Return a copy without what the patterns drop.

    `-pattern` drops and `+pattern` keeps the value at a path with wildcards; the first pattern that fits decides, and
    what fits none is kept. Nothing is dropped on the way to something that an earlier pattern keeps.
    """
    split = [(pattern[:1] != "-", pattern.lstrip("+-").split("__")) for pattern in patterns if pattern]
    filtered = _filtered(stored, split) if split else copy.deepcopy(stored)
    return filtered if isinstance(filtered, dict) else {}


def _filtered(value: Any, patterns: list[tuple[bool, list[str]]]) -> Any:
    if isinstance(value, dict):
        children = {key: _child(child, patterns, {key}) for key, child in value.items()}
        return {key: kept[0] for key, kept in children.items() if kept}
    if isinstance(value, list):
        kept_items = [_child(item, patterns, _names_of(item, index, len(value))) for index, item in enumerate(value)]
        return [kept[0] for kept in kept_items if kept]
    return value


def _child(child: Any, patterns: list[tuple[bool, list[str]]], names: set[str]) -> list[Any]:
    """Return the child, itself filtered, as the only item of a list; an empty list when it is dropped."""
    deeper: list[tuple[bool, list[str]]] = []
    for keep, parts in patterns:
        if not any(_fits(name, parts[0]) for name in names):
            continue
        if len(parts) > 1:
            deeper.append((keep, parts[1:]))
        elif keep:
            return [_filtered(child, deeper) if deeper else copy.deepcopy(child)]
        elif not any(kept for kept, _ in deeper):
            return []
        else:
            break  # an earlier pattern keeps something below
    return [_filtered(child, deeper) if deeper else copy.deepcopy(child)]


def _names_of(item: Any, index: int, length: int) -> set[str]:
    item_id = str(item.get("id") or "") if isinstance(item, dict) else ""
    return {str(index), str(index - length), *([item_id] if item_id else [])}


def _fits(name: str, pattern: str) -> bool:
    is_prefix_of_id = len(pattern) >= MIN_ID_PREFIX - 1 and "-" in name[1:] and name.startswith(pattern)
    return is_prefix_of_id or fnmatchcase(name, pattern)
