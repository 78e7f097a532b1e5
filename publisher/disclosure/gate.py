"""G2: no personal identifier in any published column or text. Waivers hold for one kind, until their day, never for ID numbers.

Which kinds may be waived at all, on which day and for how long is the rulebook's word; a kind that it does not know cannot be waived.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from publisher.disclosure.personal.detectors import detect_parquet
from publisher.disclosure.personal.findings import NEVER_WAIVED, Finding
from publisher.disclosure.personal.spans import detect_text
from publisher.published import PublishedTable
from publisher.rulebook import rulebook_in_force


def personal_columns(path: Path, table: PublishedTable, *, today: date) -> list[str]:
    """Return what the detectors find in a table's columns and no waiver covers."""
    return [
        f"the column {finding.column} looks like {finding.kind} in {finding.share:.1%} of its cells ({finding.reason})"
        for finding in detect_parquet(path)
        if not is_waived(finding, table, today=today)
    ]


def is_waived(finding: Finding, table: PublishedTable, *, today: date) -> bool:
    """Tell whether the policy waives a finding today."""
    waiver, book = table.source.privacy.action_of(finding.column).waive, rulebook_in_force()
    if waiver is None or finding.kind in NEVER_WAIVED or not book.may_be_waived(finding.kind, day=today):
        return False
    return waiver.kind == finding.kind and today <= waiver.until and not book.reaches_too_far(waiver.until, day=today)


def personal_texts(folder: Path, tables: Sequence[PublishedTable]) -> list[str]:
    """Return where names, titles, descriptions, file names and metadata hold personal data; kinds and places only."""
    places = [("a file's name", [path.name for path in sorted(folder.iterdir())])]
    places += [(f"the description of {table.name}", list(_described(table))) for table in tables]
    for path in sorted(folder.glob("*.json")):
        places.append((path.name, list(_strings(json.loads(path.read_text(encoding="utf-8"))))))
    for path in sorted(folder.glob("*.parquet")):
        metadata = pq.read_metadata(path).metadata or {}
        places.append((f"the metadata of {path.name}", [value.decode(errors="replace") for value in metadata.values()]))
    found = [(place, {kind for text in texts for kind in detect_text(text)}) for place, texts in places]
    return [f"{place} holds {', '.join(sorted(kinds))}" for place, kinds in found if kinds]


def _described(table: PublishedTable) -> Iterator[str]:
    yield from (table.name, table.title, *table.title_translated.values(), table.row, *table.row_translated.values())
    for field in table.fields:
        yield from (field.name, field.title, *field.title_translated.values())
        yield from (field.description, *field.description_translated.values())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
