"""JSON, NDJSON and GeoJSON files as rows of text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from publisher.errors import SourceError
from publisher.sources.files.formats import GeoJsonFormat, JsonFormat, NdjsonFormat
from publisher.sources.files.payload import Payload
from publisher.sources.json_paths import RowsAt, WrongShapeError
from publisher.sources.json_reader import JsonReader, NotJsonError
from publisher.sources.json_text import json_texts
from publisher.sources.row_spool import ArrowFile, RowSpool
from publisher.sources.text import column_names

KNOWN_SYSTEMS = ("CRS84", "4326")
MOST_SHAPES = 1_000
"""Sets of keys whose column names are remembered."""


def spool_json(payload: Payload, format_: JsonFormat | NdjsonFormat | GeoJsonFormat, scratch: Path) -> ArrowFile:
    """Read the file into an Arrow file in the scratch folder; memory is bounded by the longest row.

    Columns come in the order in which keys come up; a key that a row lacks is null.

    Raises:
        SourceError: the file is damaged, or holds no such rows.
    """
    notes: list[str] = []
    spool = RowSpool(scratch / f"rows-{len(list(scratch.iterdir()))}.arrow")
    with payload.open() as stream:
        reader = JsonReader(stream)
        try:
            _spool_rows(_rows(reader, format_, payload.name, notes), spool, payload.name)
        except NotJsonError as fault:
            raise SourceError(
                f"{payload.name} {fault}.",
                cure="have it delivered again in UTF-8, or check `format`: one document on each line is `ndjson`",
            ) from None
        except WrongShapeError as wrong:
            path = format_.rows if isinstance(format_, JsonFormat) else ""
            raise _twice(path, payload.name) if wrong.is_twice else _nothing_at(path, payload.name) from None
    file = spool.finished()
    file.notes += notes
    return file


def _rows(
    reader: JsonReader, format_: JsonFormat | NdjsonFormat | GeoJsonFormat, name: str, notes: list[str]
) -> Iterator[dict[str, Any]]:
    if reader.next_sign() == "":
        raise SourceError(f"{name} is empty.", cure="have it delivered again")
    if isinstance(format_, GeoJsonFormat):
        yield from _features(reader, name, notes)
        return
    values = reader.values() if isinstance(format_, NdjsonFormat) else RowsAt(reader, format_.rows)
    for number, value in enumerate(values, start=1):
        yield _as_row(value, number, name)


def _spool_rows(rows: Iterator[dict[str, Any]], spool: RowSpool, name: str) -> None:
    columns: dict[tuple[str, ...], list[str]] = {}
    for number, row in enumerate(rows, start=1):
        keys = tuple(row)
        if keys not in columns:
            if len(columns) == MOST_SHAPES:
                columns.clear()
            columns[keys] = column_names(keys)
        try:
            spool.add(dict(zip(columns[keys], json_texts(row).values(), strict=True)))
        except UnicodeError:
            raise SourceError(
                f"{name}: row {number} holds half a letter (a lone surrogate).",
                cure="have the agency write its texts in whole letters",
            ) from None


def _as_row(value: Any, number: int, name: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        raise SourceError(f"{name}: row {number} is no object with keys.", cure="check `format` and its `rows`")
    return value


def _nothing_at(path: str, name: str) -> SourceError:
    return SourceError(
        f"{name} has no list at `{path or 'its top'}`.", cure="correct `rows`, a dotted path to the list of rows"
    )


def _twice(path: str, name: str) -> SourceError:
    return SourceError(f"{name} states `{path}` twice.", cure="have the agency state it once")


def _features(reader: JsonReader, name: str, notes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the features of one collection after the other, or of single features; each as its columns."""
    number = 0
    while reader.next_sign():
        alone: dict[str, Any] = {}
        collection = False
        if reader.next_sign() != "{":
            raise _no_feature(1, name)
        for key in reader.members():
            if key == "features" and reader.next_sign() == "[":
                collection = True
                for _ in reader.elements():
                    number += 1
                    yield _columns(_as_row(reader.value(), number, name), number, name)
            elif key == "crs":
                _note_system(reader.value(), name, notes)
            elif key in {"type", "id", "geometry", "properties"}:
                alone[key] = reader.value()
            else:
                reader.skip()
        if not collection:
            number += 1
            yield _columns(alone, number, name)


def _columns(feature: dict[str, Any], number: int, name: str) -> dict[str, Any]:
    properties = feature.get("properties")
    if feature.get("type") != "Feature" or not isinstance(properties, dict | None):
        raise _no_feature(number, name)
    columns = {"id": feature["id"]} if "id" in feature else {}
    for key, value in (properties or {}).items():
        columns[f"{key}_2" if key in columns or key == "geometry" else key] = value
    return columns | {"geometry": feature.get("geometry")}


def _no_feature(number: int, name: str) -> SourceError:
    return SourceError(
        f"{name}: entry {number} is no GeoJSON feature.",
        cure="have it exported as GeoJSON (RFC 7946), or check `format`",
    )


def _note_system(system: Any, name: str, notes: list[str]) -> None:
    if not any(known in str(system) for known in KNOWN_SYSTEMS):
        notes.append(f"{name} states another reference system than WGS 84; its coordinates are taken as they are")
