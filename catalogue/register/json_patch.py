"""The difference of two JSON documents as operations of RFC 6902 (JSON Patch)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Operation = dict[str, Any]


def json_patch(before: Any, after: Any) -> list[Operation]:
    """Return operations (add, remove, replace) that turn one document into the other when done in their order.

    Objects are compared by key, lists by position. Time grows with the size of the documents.
    """
    return list(_operations(before, after, ""))


def _operations(before: Any, after: Any, path: str) -> Iterator[Operation]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(before, after, path)
    elif before != after or type(before) is not type(after):
        yield {"op": "replace", "path": path, "value": after}


def _of_objects(before: dict[str, Any], after: dict[str, Any], path: str) -> Iterator[Operation]:
    for key in sorted(before.keys() | after.keys()):
        inner = f"{path}/{key.replace('~', '~0').replace('/', '~1')}"
        if key not in after:
            yield {"op": "remove", "path": inner}
        elif key not in before:
            yield {"op": "add", "path": inner, "value": after[key]}
        else:
            yield from _operations(before[key], after[key], inner)


def _of_lists(before: list[Any], after: list[Any], path: str) -> Iterator[Operation]:
    for index, (old, new) in enumerate(zip(before, after, strict=False)):
        yield from _operations(old, new, f"{path}/{index}")
    for index in range(len(before) - 1, len(after) - 1, -1):  # from the end, so that the other positions stay
        yield {"op": "remove", "path": f"{path}/{index}"}
    for new in after[len(before) :]:
        yield {"op": "add", "path": f"{path}/-", "value": new}
