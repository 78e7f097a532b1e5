"""Personal data inside texts: names of datasets, metadata, file names, free-text cells."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from itertools import takewhile
from pathlib import Path
from typing import Any

from publisher.disclosure.personal.findings import Span
from publisher.disclosure.personal.numbers import MOBILE_PREFIX, is_personal_id
from publisher.disclosure.personal.wordings import EMAIL, is_personal_email
from publisher.disclosure.personal.words import any_of, fold, words

_EDGE, _END = r"(?<![\w.\-/])", r"(?![\w\-])(?!\.\d)"
_TWELVE = re.compile(rf"{_EDGE}\d{{3}}[ .]?\d{{3}}[ .]?\d{{3}}[ .]?\d{{3}}{_END}")
_AFTER_ID_WORD = re.compile(rf"{any_of('id_words.txt')}\D{{0,12}}(\d{{9}}|\d{{12}})(?!\d)", re.IGNORECASE)
_MOBILE = re.compile(rf"(?<![\w\-/])(?:\+84|0084|0)[ .\-]?{MOBILE_PREFIX}(?:[ .\-]?\d){{7}}{_END}")
_CARD = re.compile(r"\b[A-Z]{2}[1-5]\d{12}\b")
_TITLED = re.compile(rf"{any_of('titles.txt')}\s*:?\s+((?:[^\W\d_][\w']*[ ]?){{2,5}})", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]+(?: [^\W\d_]+){2,3}")
_USUAL_MIDDLES = {"van", "thi"}


def find_spans(text: str) -> list[Span]:
    """Return the personal data in a text, in order of place; kinds as the column detectors name them."""
    found = [*_numbers(text), *_emails(text), *_names(text)]
    return sorted(set(found), key=lambda span: (span.start, span.end, span.kind))


def detect_text(text: str) -> list[str]:
    """Return the kinds of personal data in a text, sorted."""
    return sorted({span.kind for span in find_spans(text)})


def scan_texts(path: Path) -> Iterator[dict[str, Any]]:
    """Yield `{"id", "spans"}` for each line `{"id", "text"}` of a JSON Lines file; spans hold places and kinds, no text."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.strip():
                record = json.loads(line)
                yield {"id": record.get("id"), "spans": [asdict(span) for span in find_spans(record.get("text") or "")]}


def _numbers(text: str) -> Iterator[Span]:
    for match in _TWELVE.finditer(text):
        if is_personal_id(re.sub(r"\D", "", match.group())):
            yield Span(match.start(), match.end(), "personal_id")
    for match in _AFTER_ID_WORD.finditer(text):
        kind = "personal_id" if len(match.group(1)) == 12 else "old_personal_id"
        yield Span(match.start(1), match.end(1), kind)
    for match in _CARD.finditer(text):
        yield Span(match.start(), match.end(), "health_insurance")
    for match in _MOBILE.finditer(text):
        yield Span(match.start(), match.end(), "phone")


def _emails(text: str) -> Iterator[Span]:
    for match in EMAIL.finditer(text):
        if is_personal_email(match.group()):
            yield Span(match.start(), match.end(), "email")


def _names(text: str) -> Iterator[Span]:
    """Yield names after a form of address, and a text that is nothing but a name with a usual middle name."""
    for match in _TITLED.finditer(text):
        name = " ".join(takewhile(lambda word: word[0].isupper(), match.group(1).split()))
        if _is_a_persons(name):
            yield Span(match.start(1), match.start(1) + len(name), "full_name")
    alone = text.strip()
    middles = set(fold(alone).split()[1:-1])
    if _LETTERS.fullmatch(alone) and alone.title() == alone and middles & _USUAL_MIDDLES and _is_a_persons(alone):
        start = text.index(alone)
        yield Span(start, start + len(alone), "full_name")


def _is_a_persons(name: str) -> bool:
    folded = fold(name)
    return " " in folded and folded.split()[0] in words("surnames.txt") and folded not in words("public_names.txt")
