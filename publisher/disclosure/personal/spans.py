"""Personal data inside texts: complaints, minutes, notes, free-text cells; names of datasets, metadata, file names."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.texts.addresses import addresses_in, places_in
from publisher.disclosure.personal.texts.clues import clues_of
from publisher.disclosure.personal.texts.codes import codes_in, mailboxes_in
from publisher.disclosure.personal.texts.dates import birth_dates_in
from publisher.disclosure.personal.texts.names import names_in
from publisher.disclosure.personal.texts.numbers import numbers_in
from publisher.disclosure.personal.texts.reading import Reading, read_text
from publisher.errors import DescriptorError

_WORDED = frozenset({"address", "coordinates"})
"""Kinds that only running text can tell from what is public: the same words alone may be an office's or a station's."""


def find_spans(text: str) -> list[Span]:
    """Return the personal data in a text, in order of place and without overlaps; kinds as the column detectors name them.

    Places count code points of the text as given, also where it is decomposed or in an old encoding.
    """
    reading = read_text(text)
    found = []
    for span in _without_overlaps(_found(reading)):
        start, end = reading.given(span.start, span.end)
        found.append(Span(start, end, span.kind))
    return found


def detect_text(text: str) -> list[str]:
    """Return the kinds of personal data in a name, a title or a short note, sorted."""
    return sorted({span.kind for span in find_spans(text)} - _WORDED)


def scan_texts(path: Path) -> Iterator[dict[str, Any]]:
    """Yield `{"id", "spans"}` for each line `{"id", "text"}` of a JSON Lines file; spans hold places and kinds, no text.

    Raises:
        DescriptorError: a line is no such object.
    """
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                record = _record(path, number, line)
                yield {"id": record.get("id"), "spans": [asdict(span) for span in find_spans(record["text"] or "")]}


def _record(path: Path, number: int, line: str) -> dict[str, Any]:
    cure = 'write one JSON object with "id" and "text" on every line'
    try:
        record = json.loads(line)
    except ValueError:
        raise DescriptorError(f"Line {number} of {path.name} is no JSON.", cure=cure) from None
    if not isinstance(record, dict) or not isinstance(record.get("text"), str | None) or "text" not in record:
        raise DescriptorError(f'Line {number} of {path.name} has no text in "text".', cure=cure)
    return record


def _found(reading: Reading) -> Iterator[Span]:
    """Yield what the detectors find, the surest first."""
    clues = clues_of(reading)
    people = list(names_in(reading))
    yield from mailboxes_in(clues)
    yield from codes_in(clues)
    yield from numbers_in(clues)
    yield from birth_dates_in(clues, people)
    yield from places_in(clues)
    yield from people
    yield from addresses_in(clues, people)


def _without_overlaps(spans: Iterator[Span]) -> list[Span]:
    """Return spans in order of place; of two that overlap the one found first stays."""
    kept: list[
        Span
    ] = []  # in order and apart, so that only the neighbours can overlap: long texts hold tens of thousands
    for span in spans:
        place = bisect_right(kept, span.start, key=lambda other: other.start)
        if place and kept[place - 1].end > span.start:
            continue
        if place == len(kept) or kept[place].start >= span.end:
            kept.insert(place, span)
    return kept
