"""One column judged by every detector: as it stands, in its parts, in its JSON, and between the words of its texts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import UnionType

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal import codes, dates, names, numbers, phones, places, wordings
from publisher.disclosure.personal.columns import Column, distinct_texts, sample_column
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.spans import find_spans
from publisher.disclosure.personal.words import header_says

_MOST_TEXTS, _MOST_MAILBOXES = 400, 3_000
_LONG_NUMBER = r"\d(?:[ .\-]?\d){8}"
_PERSON_NEAR = r"(?i)(?:^|[\s,.:;(])(?:ông|bà|anh|chị|cháu|em|họ tên|tên là|tôi là|cmnd|cccd|sđt|sdt|zalo|stk)[\s.:]"
_TELLING = rf"(?:^|\D)(?:(?:\+?84|0) ?[ .\-]?{phones.MOBILE_PREFIX}(?:[ .\-]?\d){{7}}|\d{{3}}[ .]?\d{{3}}[ .]?\d{{3}}[ .]?\d{{3}})(?:\D|$)"
_LIKE_JSON = re.compile(r"^\s*[\[{].*[\]}]$")
_LEAST_LONG = 10_000_000
_SHORT_CODES = ("person_code", "household_book", "old_personal_id", "bank_account", "birth_date")
_DETECTORS: tuple[Callable[[Column], Finding | None], ...] = (
    numbers.personal_id,
    numbers.old_personal_id,
    numbers.health_insurance,
    numbers.social_insurance,
    numbers.passport,
    numbers.driving_licence,
    numbers.household_book,
    phones.phone,
    codes.tax_code,
    codes.bank_account,
    codes.plate,
    codes.land_certificate,
    codes.professional_licence,
    codes.person_code,
    codes.ip_address,
    codes.mac_address,
    wordings.social_account,
    names.full_name,
    places.address,
    places.coordinates,
    dates.birth_date,
)
_IN_PARTS = tuple(detect for detect in _DETECTORS if detect is not places.address)
_ALWAYS_INSIDE = frozenset(
    {"personal_id", "old_personal_id", "health_insurance", "phone", "email", "bank_account", "social_insurance"}
)
_OFTEN_INSIDE = frozenset({"full_name", "plate", "passport", "social_account"})
_KINDS = tuple(detect.__name__ for detect in _DETECTORS)
_DIGITS = frozenset({
    "personal_id", "old_personal_id", "social_insurance", "driving_licence", "household_book", "tax_code", "bank_account", "phone",
    "person_code", "land_certificate", "passport",
})  # fmt: skip


@dataclass(frozen=True)
class Neighbours:
    """What the other columns of the table say: that the rows are people, that a bank stands beside a number."""

    people: bool = False
    banks: bool = False


def detect_column(
    name: str,
    values: pa.Array | pa.ChunkedArray,
    neighbours: Neighbours = Neighbours(),
) -> list[Finding]:
    """Return what is personal in one column, the surest first."""
    if pa.types.is_floating(values.type) and (found := _degrees(name, values, neighbours)):
        return [found]
    distinct = distinct_texts(values)
    if distinct is None or not len(distinct[0]):
        return []
    texts, counts = distinct
    whole = pa.types.is_integer(values.type) or pa.types.is_floating(values.type)
    column = sample_column(name, texts, counts, whole_numbers=whole)
    if whole and not _may_name_people(column, texts):
        return []
    findings = _all_forms(column, neighbours)
    if len(column.texts) < len(texts):
        findings += _rare_ids(column, texts, counts)
    if not whole:
        findings += _inside_texts(column, texts, counts, {finding.kind for finding in findings})
    return settle(findings)


def settle(findings: Iterable[Finding]) -> list[Finding]:
    """Return the surest finding of each kind, the surest first; of two readings of the same digits only the surer stays."""
    surest: dict[str, Finding] = {}
    for finding in sorted(findings, key=lambda finding: finding.confidence):
        surest[finding.kind] = finding
    kept: list[Finding] = []
    for finding in sorted(surest.values(), key=lambda finding: -finding.confidence):
        same = [k for k in kept if k.kind in _DIGITS and finding.kind in _DIGITS and k.share + finding.share > 1.05]
        if not any(k.confidence > finding.confidence for k in same):
            kept.append(finding)
    return kept


def _all_forms(column: Column, neighbours: Neighbours) -> list[Finding]:
    """Return the findings of the column as it stands; of its JSON and its parts where it has such."""
    if column.share(column.matches(_LIKE_JSON.pattern)) >= 0.5:
        inner = [finding for inner in _json_columns(column) for finding in _all_forms(inner, neighbours)]
        return [replace(finding, column=column.name) for finding in inner]
    found = [finding for detect in _DETECTORS if (finding := detect(column))]
    if neighbours.people and (finding := places.coordinates(column, of_people=True)):
        found.append(finding)
    if neighbours.banks and not found and (finding := codes.bank_account(column, beside_bank=True)):
        found.append(finding)
    parts = column.parts()
    if parts is not None:
        found += [finding for detect in _IN_PARTS if (finding := detect(parts))]
    return found


def _json_columns(column: Column) -> list[Column]:
    """Return a column for each key of the JSON objects in the cells, named by the key and, where that says little, the column."""
    found: dict[str, list[tuple[str, int]]] = {}
    for text, count in zip(column.texts.to_pylist(), column.counts.tolist(), strict=True):
        try:
            content = json.loads(text)
        except ValueError:
            continue
        for key, value in _leaves(content, ""):
            found.setdefault(key, []).append((value, count))
    own = [any(header_says(key, kind) for kind in _KINDS) for key in found]
    return [_column_of(key if says else column.name, found[key]) for key, says in zip(found, own, strict=True)]


def _leaves(content: object, key: str, *, kinds: type | UnionType = str | int) -> Iterable[tuple[str, str]]:
    if isinstance(content, dict):
        for inner, value in content.items():
            yield from _leaves(value, str(inner), kinds=kinds)
    elif isinstance(content, list):
        for value in content:
            yield from _leaves(value, key, kinds=kinds)
    elif isinstance(content, kinds) and not isinstance(content, bool) and str(content).strip():
        yield key, str(content).strip()


def _readable(text: str) -> str:
    """Return a text as it is; of a JSON object only what is text in it, for its numbers are judged key by key."""
    if not _LIKE_JSON.match(text):
        return text
    try:
        content = json.loads(text)
    except ValueError:
        return text
    return "\n".join(f"{key}: {value}" for key, value in _leaves(content, "", kinds=str))


def _column_of(name: str, leaves: list[tuple[str, int]]) -> Column:
    texts = pa.array([text for text, _ in leaves])
    counts = np.array([count for _, count in leaves], np.int64)
    made = sample_column(name, texts, counts, whole_numbers=False)
    return replace(made, distinct=pc.count_distinct(texts).as_py())


def _may_name_people(column: Column, texts: pa.Array) -> bool:
    """Tell whether whole numbers are long enough to name a person, or the column's name says that shorter ones do."""
    largest = int(pc.max(pc.cast(texts, pa.int64())).as_py())
    return largest >= _LEAST_LONG or column.says(*_SHORT_CODES)


def _degrees(name: str, values: pa.Array | pa.ChunkedArray, neighbours: Neighbours) -> Finding | None:
    usable = values.filter(pc.fill_null(pc.is_finite(values), fill_value=False)).slice(0, 3_000)
    if not len(usable):
        return None
    texts = pc.cast(usable.combine_chunks() if isinstance(usable, pa.ChunkedArray) else usable, pa.string())
    column = sample_column(name, texts, np.ones(len(texts), np.int64), whole_numbers=False)
    finding = places.coordinates(column, of_people=neighbours.people)
    return replace(finding, column=name) if finding else None


def _rare_ids(column: Column, texts: pa.Array, counts: npt.NDArray[np.int64]) -> list[Finding]:
    """Search all texts for ID numbers of twelve digits, which a sample may miss."""
    twelve = np.asarray(pc.match_substring_regex(texts, r"^\d{12}(?:\.0)?$").to_numpy(zero_copy_only=False), bool)
    if not twelve.any():
        return []
    kept = sample_column(column.name, texts.filter(pa.array(twelve)), counts[twelve], whole_numbers=False)
    finding = numbers.personal_id(kept)
    return [replace(finding, share=round(finding.share * kept.cells / column.cells, 4))] if finding else []


def _inside_texts(column: Column, texts: pa.Array, counts: npt.NDArray[np.int64], known: set[str]) -> list[Finding]:
    """Search all texts of a column, not only the sample, for e-mails, and for numbers and names between other words.

    Reading a text takes a millisecond, so of very many only some are read: evenly taken among those with a number that looks like a person's, and
    among the others. A few telephone numbers in a hundred thousand notes stand among the former.
    """
    findings = []
    holding = np.asarray(pc.match_substring(texts, "@").to_numpy(zero_copy_only=False), bool)
    if holding.any():
        kept = np.flatnonzero(holding)
        kept = kept[:: max(1, len(kept) // _MOST_MAILBOXES)]
        scale = float(counts[holding].sum() / counts[kept].sum())
        found = wordings.email(
            column, holding=texts.take(pa.array(kept)), counts=(counts[kept] * scale).astype(np.int64)
        )
        findings += [found] if found else []
    worded = pc.and_(pc.match_substring_regex(texts, r"\p{L}{2}.* .*\p{L}{2}|[;,/]"), pc.match_substring_regex(texts, f"{_LONG_NUMBER}|{_PERSON_NEAR}"))  # fmt: skip
    most = _MOST_TEXTS // 4 if known else _MOST_TEXTS
    telling = pc.and_(worded, pc.match_substring_regex(texts, _TELLING))
    cells: dict[str, int] = {}
    for some in (telling, pc.and_not(worded, telling)):
        for kind, number in _cells_by_kind(texts, counts, some, most).items():
            cells[kind] = cells.get(kind, 0) + number
    for kind in (*known, "email"):
        cells.pop(kind, None)
    for kind, number in cells.items():
        often = (
            kind in _OFTEN_INSIDE
            and number >= max(3, 0.02 * column.cells)
            and not column.says("organisation", "thing", "place")
        )
        if kind in _ALWAYS_INSIDE or often:
            findings.append(
                Finding(column.name, kind, round(number / column.cells, 4), 0.7, "between other words of a text")
            )
    return findings


def _cells_by_kind(texts: pa.Array, counts: npt.NDArray[np.int64], chosen: pa.Array, most: int) -> dict[str, int]:
    """Return how many cells of the chosen texts hold each kind, reckoned from at most so many texts, evenly taken."""
    places = np.flatnonzero(chosen.to_numpy(zero_copy_only=False))
    all_cells = int(counts[places].sum())
    places = places[:: max(1, len(places) // most)][:most]
    scale = all_cells / max(1, int(counts[places].sum()))
    cells: dict[str, int] = {}
    for place, text in zip(places, texts.take(pa.array(places)).to_pylist(), strict=True):
        for kind in {span.kind for span in find_spans(_readable(text))}:
            cells[kind] = cells.get(kind, 0) + int(counts[place] * scale)
    return cells
