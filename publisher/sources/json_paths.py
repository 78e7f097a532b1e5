"""Dotted paths in JSON: to the rows of a document that is read piece by piece, and to values in one that is in memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from publisher.sources.json_reader import JsonReader


class WrongShapeError(ValueError):
    """The list of rows is not where the path says, or is none, or stands there twice."""

    def __init__(self, *, is_absent: bool = False, is_twice: bool = False) -> None:
        super().__init__()
        self.is_absent = is_absent
        self.is_twice = is_twice


class RowsAt:
    """The items of the list at a path, to be walked through once.

    A name in the path may have dots itself; a number leads into a list.

    Args:
        reader: stands before the document.
        path: empty, when the document is the list.
        keep: whether to keep what stands around the list; else it is passed over, however much it is.
    """

    def __init__(self, reader: JsonReader, path: str, *, keep: bool = False) -> None:
        self.document: Any = None
        """When walked through and kept: the document, with that list empty."""
        self._reader = reader
        self._steps = path.split(".") if path else []
        self._keep = keep
        self._lists = 0

    def __iter__(self) -> Iterator[Any]:
        """Yield the rows.

        Raises:
            NotJsonError: the bytes are no JSON document.
            WrongShapeError: there is no list at the path, or more than one.
        """
        self.document = yield from self._walk(self._steps)
        self._reader.end()
        if self._lists != 1:
            raise WrongShapeError(is_absent=True)

    def _walk(self, steps: list[str]) -> Generator[Any, None, Any]:
        sign = self._reader.next_sign()
        if not steps:
            if sign != "[":
                self._reader.skip()  # which tells when it is no JSON at all
                raise WrongShapeError
            self._lists += 1
            if self._lists > 1:
                raise WrongShapeError(is_twice=True)
            for _ in self._reader.elements():
                yield self._reader.value()
            return []
        if sign == "{":
            return (yield from self._members(steps))
        return (yield from self._elements(steps)) if sign == "[" else self._aside()

    def _members(self, steps: list[str]) -> Generator[Any, None, dict[str, Any]]:
        members: dict[str, Any] = {}
        led: set[str] = set()
        for name in self._reader.members():
            below = _below(steps, name)
            if below is None:
                aside = self._aside()
            else:
                if name in led:
                    raise WrongShapeError(is_twice=True)
                led.add(name)
                aside = yield from self._walk(below)
            if self._keep:
                members[name] = aside
        return members

    def _elements(self, steps: list[str]) -> Generator[Any, None, list[Any]]:
        elements: list[Any] = []
        for number, _ in enumerate(self._reader.elements()):
            below = _below(steps, str(number))
            aside = self._aside() if below is None else (yield from self._walk(below))
            if self._keep:
                elements.append(aside)
        return elements

    def _aside(self) -> Any:
        return self._reader.value() if self._keep else self._reader.skip()


def _below(steps: list[str], name: str) -> list[str] | None:
    """Return what is left of a path behind a name, which may itself have dots; null when it leads elsewhere."""
    if name == ".".join(steps):
        return []
    return steps[1:] if steps[0] == name else None


def at(document: Any, path: str) -> Any:
    """Return what lies at a dotted path.

    Raises:
        KeyError: nothing does.
    """
    steps = path.split(".") if path else []
    while steps:
        if isinstance(document, dict) and (whole := ".".join(steps)) in document:
            return document[whole]
        if isinstance(document, dict) and steps[0] in document:
            document = document[steps[0]]
        elif isinstance(document, list) and steps[0].isdecimal() and int(steps[0]) < len(document):
            document = document[int(steps[0])]
        else:
            raise KeyError(path)
        steps = steps[1:]
    return document
