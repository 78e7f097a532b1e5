"""How the columns of a source moved away from the definition and from the last release: by name and type, never by value."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from publisher.disclosure.personal.spans import detect_text
from publisher.errors import DriftError
from publisher.extraction import Extract, drift_of
from publisher.versions.difference import pair_renamed

SourceTypes = Mapping[str, Mapping[str, str]]
"""For each table its source's columns with their Arrow types, as the last release found them."""

_LONGEST_NAME = 60
_KINDS = {
    "string": ("string", "large_string", "dictionary"),
    "number": ("int", "uint", "float", "double", "half", "decimal"),
    "boolean": ("bool",),
    "date": ("date", "timestamp"),
    "time": ("time32", "time64", "duration"),
    "binary": ("binary", "large_binary", "fixed_size_binary"),
}


@dataclass(frozen=True)
class ColumnDrift:
    """One column that drifted; a name that may be somebody's data is empty.

    `kind`: `gone`, `new`, `renamed` (gone, and `after` is a new one with a name like it), or `retyped` (from the kind of values
    `before` to the kind `after`).
    """

    table: str
    kind: str
    column: str
    before: str = ""
    after: str = ""

    def to_dict(self) -> dict[str, str]:
        """Return the drift as plain values."""
        return asdict(self)


def column_drift(extracts: Sequence[Extract], earlier: SourceTypes) -> list[ColumnDrift]:
    """Return every column that drifted, table by table."""
    return [one for extract in extracts for one in _of_table(extract, earlier.get(extract.table.name, {}))]


def fingerprint_of_drift(extracts: Sequence[Extract], found: Sequence[ColumnDrift]) -> str:
    """Return what an approver accepts or not, empty without drift: columns that came, went, or changed their kind of values."""
    retyped = sorted(f"{one.table}.{one.column}: {one.before} {one.after}" for one in found if one.kind == "retyped")
    known = drift_of(extracts)
    return hashlib.sha256("; ".join([known, *retyped]).encode()).hexdigest() if retyped else known


def refuse_retyped(found: Sequence[ColumnDrift], *, dataset: str) -> None:
    """Hold the run when a column holds another kind of values than in the last release.

    Raises:
        DriftError: names the columns and kinds. Codes that became numbers have lost their leading zeros, for instance.
    """
    retyped = [
        f"{one.column} of `{one.table}` ({one.before}, now {one.after})" for one in found if one.kind == "retyped"
    ]
    if retyped:
        raise DriftError(
            f"The source delivers other kinds of values: {', '.join(retyped)}.",
            dataset=dataset,
            step="extract",
            cure="ask the agency; mend the source or the definition, or let an approver accept the change",
        )


def kind_of(arrow_type: str) -> str:
    """Return the kind of values of an Arrow type, empty for a column that held none."""
    return next((kind for kind, starts in _KINDS.items() if arrow_type.startswith(starts)), "")


def _of_table(extract: Extract, earlier: Mapping[str, str]) -> Iterator[ColumnDrift]:
    table = extract.table.name
    pairs = pair_renamed(extract.missing, extract.unknown)
    for gone, new in pairs.items():
        yield ColumnDrift(table, "renamed", _told(gone), after=_told(new))
    yield from (ColumnDrift(table, "gone", _told(name)) for name in extract.missing if name not in pairs)
    yield from (ColumnDrift(table, "new", _told(name)) for name in extract.unknown if name not in pairs.values())
    for name, arrow_type in extract.types.items():
        before, after = kind_of(earlier.get(name, "")), kind_of(arrow_type)
        if before and after and before != after and name not in extract.unknown:
            yield ColumnDrift(table, "retyped", _told(name), before, after)


def _told(name: str) -> str:
    """Return a column's name, or nothing where it looks like somebody's data: a lost header makes names of a row."""
    return "" if len(name) > _LONGEST_NAME or detect_text(name) else name
