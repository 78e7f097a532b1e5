"""Reads what portals export: dumps of ckanapi, answers of the CKAN API, lists of dicts; compressed or not."""

from __future__ import annotations

import gzip
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

Record = dict[str, Any]

NAMESPACE = uuid.UUID("0f6e7d61-5d3c-5d0c-8c35-5b8f2f0b7d4e")
"""For ids of records that have none: they follow from their names."""

_GZIP = b"\x1f\x8b"


class UnreadableDump(ValueError):  # noqa: N818  says what it is
    """The file is no dump; the message names the line and what was expected."""


def read_dump(path: Path) -> Iterator[Record]:
    """Yield each package, organization or group of the file: one JSON document, or one a line.

    Answers of the API are unwrapped; what is neither is left out.

    Raises:
        UnreadableDump: the file holds something else than JSON objects.
    """
    with opened(path) as file:
        try:
            if _holds_lines(file):
                yield from _lines(file)
            else:
                yield from records_in(json.load(file))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise UnreadableDump(f"{path.name} is no JSON: {type(error).__name__}") from None


def opened(path: Path) -> IO[str]:
    """Open a text file that may be compressed with gzip."""
    with path.open("rb") as file:
        is_compressed = file.read(2) == _GZIP
    return gzip.open(path, "rt", encoding="utf-8-sig") if is_compressed else path.open(encoding="utf-8-sig")


def records_in(document: Any) -> Iterator[Record]:
    """Yield the records of one document: a record, a list of them, or an answer of the API around either."""
    if isinstance(document, list):
        for item in document:
            yield from records_in(item)
    elif isinstance(document, dict):
        if is_package(document) or is_group(document):
            yield document if document.get("id") else {**document, "id": str(uuid.uuid5(NAMESPACE, document["name"]))}
        else:
            yield from records_in(document.get("result") or document.get("results"))


def is_package(record: Record) -> bool:
    """Tell whether the record is a dataset."""
    return isinstance(record.get("resources"), list) and "name" in record


def is_group(record: Record) -> bool:
    """Tell whether the record is an organization or a group."""
    return isinstance(record.get("is_organization"), bool) and "name" in record


def _holds_lines(file: IO[str]) -> bool:
    """Tell whether the first line is a whole document and another one follows."""
    first, second = file.readline(), file.readline()
    file.seek(0)
    try:
        json.loads(first)
    except ValueError:
        return False
    return bool(second.strip())


def _lines(file: IO[str]) -> Iterator[Record]:
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except ValueError:
            raise UnreadableDump(f"line {number} is no JSON; is the file complete?") from None
        yield from records_in(document)
