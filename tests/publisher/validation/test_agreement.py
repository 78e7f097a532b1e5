"""Frictionless is the judge: for random tables and schemas we report what it reports, and convert as it converts."""

from __future__ import annotations

import csv
import math
import tempfile
import unicodedata
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from frictionless import Dialect, Schema, formats, system
from frictionless.resources import TableResource
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.errors import DescriptorError

UNSTORABLE = "neither a number nor a date"
ZONE = timezone(timedelta(hours=7))

BLANKS = ["", " ", "-", "NA", "\u00a0", "\u2003x\u2003", "null", "None"]
TEXTS = [
    "a",
    "A1",
    "AB12",
    "x",
    " x ",
    "Đường",
    "Đươ\u0300ng",
    "é",
    "e\u0301",
    "a\nb",
    'q"uo,te',
    "５",
    "12",
    "b2\u00a0",
    "😀😀",
]
NUMBERS = [
    "0", "-0", "00", "007", "+5", "5", " 5", "-5", "1_000", "٣", "9223372036854775807", "9223372036854775808", "1" * 30,
    "1.0", "1.50", "-1.5", ".5", "5.", "1e3", "1E400", "1e-400", "inf", "-Infinity", "NaN", "sNaN", "nan", "0x1F", "--1", "1 000",
    "0.1", "0.10000000000000000001", "0.1000000000000000055511151231257827", "10.0000000000000000001", "9.9999999999999999999",
    "100", "99.99999999999999999", "1.234,5", "1,234.5", "1.234.567", "12,5", "$5", "5 %", "€1,5x", "123456789012345678", "1__0",
]  # fmt: skip
DATES = [
    "2026-11-22", "2026-02-29", "2024-02-29", "2026-1-5", "0001-01-01", "0000-01-01", "9999-12-31", "2026-13-01", "22/11/2026",
    "29/02/2023", "1/2/2026", "22/11/26", "2026-11-22T00:00:00", "20261122", "2026-11-2２", "22-11-2026", "31/04/2026",
]  # fmt: skip
DATETIMES = [
    "2026-11-22T10:00:00", "2026-11-22 10:00:00", "2026-11-22T10:00:00.5", "2026-11-22T10:00:00.123456", "2026-11-22T24:00:00",
    "2026-11-22T23:59:60", "2026-11-22T10:00", "2026-11-22", "9999-12-31T23:59:59", "2026-11-22x10:00:00", "22/11/2026 10:00",
    "22/11/2026 9:05", "0001-01-01T00:00:00", "2026-02-30T00:00:00",
]  # fmt: skip
ZONED = [
    "2026-11-22T03:00:00Z", "2026-11-22T10:00:00+07:00", "2026-11-22T03:00:00+00:00", "2026-11-22T05:30:00+02:30",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+07:00", "0001-01-01T00:00:00Z", "2026-11-22T03:00:00.25Z",
]  # fmt: skip
OTHERS = {
    "boolean": ["true", "True", "TRUE", "1", "false", "0", "yes", "Có", "Có\u00a0", "không", "tRue"],
    "time": ["10:00:00", "10:00", "10:00:00.5", "25:00:00", "10:00:00+07:00", "03:00:00Z", "09:00"],
    "year": ["2026", "26", "0000", "-123", "2_26", "20266", "２０２６"],
    "yearmonth": ["2026-11", "2026-13", "2026-1", "26-01", "2026-011", "x-1"],
}

optional = st.sampled_from


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.none(), strategy)


PATTERNS = [r"[A-Z]+\d*", r"\w+", "a|b2", r"[^x]*", "(?:x|Đường)", r"\S+", "e\u0301|.", r"x{0,2}", r"\d+", r"a.b"]
Described = dict[str, Any]
"""Keys of a field, each with the value that was drawn; null for a key that is left out."""


def _strings(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    rules = {
        "pattern": draw(_maybe(optional(PATTERNS))),
        "minLength": draw(_maybe(st.integers(0, 3))),
        "maxLength": draw(_maybe(st.integers(1, 4))),
        "enum": draw(_maybe(st.just(["a", "x", "Đươ\u0300ng", "12"]))),
    }
    return {}, rules, TEXTS + NUMBERS[:8]


def _integers(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    rules = {
        "minimum": draw(_maybe(optional([0, -5, 5.0, "3"]))),
        "maximum": draw(_maybe(optional([7, 1000, "9223372036854775807"]))),
        "enum": draw(_maybe(st.just([5, 7, "0"]))),
    }
    return {"bareNumber": draw(_maybe(st.booleans()))}, rules, NUMBERS


def _numbers(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    rules = {
        "minimum": draw(_maybe(optional([0, 0.1, -1.5]))),
        "maximum": draw(_maybe(optional([10, 100, 99.5]))),
    }
    keys = {
        "decimalChar": draw(_maybe(optional([",", "."]))),
        "groupChar": draw(_maybe(optional([".", ",", " ", "\u00a0", "_"]))),
        "bareNumber": draw(_maybe(st.booleans())),
    }
    return keys, rules, NUMBERS


def _booleans(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    keys = {
        "trueValues": draw(_maybe(optional([["Có", "1"], ["yes"]]))),
        "falseValues": draw(_maybe(optional([["không"], ["0", "no"]]))),
    }
    return keys, {}, OTHERS["boolean"]


def _dates(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    form = draw(_maybe(optional(["default", "%d/%m/%Y", "%d/%m/%y", "%Y%m%d", "any"])))
    bounds: Described = {}
    if form in {None, "default"}:
        bounds["minimum"] = draw(_maybe(optional(["2024-02-29", "0001-01-01"])))
        bounds["maximum"] = draw(_maybe(optional(["2026-11-22", "9999-12-31"])))
    return {"format": form}, bounds, DATES


def _datetimes(draw: st.DrawFn) -> tuple[Described, Described, list[str]]:
    zoned = draw(optional([[], [], ZONED]))
    form = draw(_maybe(optional(["default", "%d/%m/%Y %H:%M", "%Y-%m-%d %H:%M:%S"])))
    bounds: Described = {}
    if form in {None, "default"}:
        bounds["minimum"] = draw(_maybe(optional(["2026-11-22T10:00:00", "2026-11-22T03:00:00Z"])))
    return {"format": form}, bounds, DATETIMES + zoned + DATES[:2]


DRAWN = {
    "string": _strings,
    "integer": _integers,
    "number": _numbers,
    "boolean": _booleans,
    "date": _dates,
    "datetime": _datetimes,
}


@st.composite
def field_and_cells(draw: st.DrawFn, name: str) -> tuple[dict[str, Any], st.SearchStrategy[Any]]:
    kind = draw(optional([*DRAWN, "time", "year", "yearmonth"]), label="type")
    common = {"required": draw(st.booleans()), "unique": draw(st.booleans())}
    keys, rules, cells = DRAWN[kind](draw) if kind in DRAWN else ({}, {}, OTHERS[kind])
    constraints = {key: value for key, value in {**common, **rules}.items() if value is not None}
    missing = draw(_maybe(optional([["", "-"], ["NA", " "], ["", "0", "null"]])))
    field = {"name": name, "type": kind, **keys, "missingValues": missing}
    field = {key: value for key, value in field.items() if value is not None}
    field["constraints"] = constraints
    return field, st.one_of(st.none(), st.sampled_from(cells), st.sampled_from(cells), st.sampled_from(BLANKS))


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[str], list[list[str | None]]]:
    names = ["a", "b", "c"][: draw(st.integers(1, 3))]
    pairs = [draw(field_and_cells(name)) for name in names]
    key = draw(optional([[], [], names[:1], names, names[-1:]]))
    rows = draw(st.lists(st.tuples(*(cells for _, cells in pairs)), max_size=12))
    return [field for field, _ in pairs], key, [list(row) for row in rows]


def cleaned(text: str) -> str:
    return unicodedata.normalize("NFC", text.replace("\u00a0", " ")).strip()


def reference_descriptor(fields: list[dict[str, Any]], key: list[str]) -> dict[str, Any]:
    """The schema with its own texts cleaned like the cells, and YAML's floats as the whole numbers they are."""
    made = []
    for field in fields:
        copy = dict(field)
        for name in ("missingValues", "trueValues", "falseValues"):
            if name in copy:
                copy[name] = [cleaned(text) for text in copy[name]]
        if "groupChar" in copy:
            copy["groupChar"] = copy["groupChar"].replace("\u00a0", " ")
        rules = dict(copy["constraints"])
        if "pattern" in rules:
            rules["pattern"] = unicodedata.normalize("NFC", rules["pattern"])
        if "enum" in rules:
            rules["enum"] = [cleaned(entry) if isinstance(entry, str) else entry for entry in rules["enum"]]
        if isinstance(rules.get("minimum"), float) and rules["minimum"].is_integer():
            rules["minimum"] = int(rules["minimum"])
        copy["constraints"] = rules
        made.append(copy)
    return {"fields": made, "primaryKey": key} if key else {"fields": made}


def stored(value: Any) -> Any:
    """What the typed file must hold for a value that Frictionless read; OverflowError when it cannot."""
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        raise OverflowError
    if isinstance(value, Decimal):
        if not math.isfinite(float(value)):
            raise OverflowError
        return float(value)
    if isinstance(value, datetime) and value.tzinfo:
        return value.astimezone(ZONE).replace(tzinfo=None)
    if isinstance(value, tuple):
        return f"{value[0]:04}-{value[1]:02}"
    if hasattr(value, "isoformat") and hasattr(value, "tzinfo") and not isinstance(value, datetime):
        return None if value.tzinfo else value.isoformat()  # zoned times have a test of their own
    return value


def reference_cell(field: Any, cell: str | None) -> str:
    """The cell as the reference CSV holds it: cleaned, null as a missing value, what no column can hold made unreadable."""
    missing = field.missing_values
    if cell is None:
        return missing[0]
    text = cleaned(cell)
    if field.type not in {"integer", "number", "datetime"} or text in missing:
        return text
    bare = Schema.from_descriptor({"fields": [{**field.to_descriptor(), "constraints": {}}]}).fields[0]
    try:
        stored(bare.read_cell(text)[0])
    except (OverflowError, ValueError):
        return UNSTORABLE
    return text


def reference(fields: list[dict[str, Any]], key: list[str], rows: list[list[str | None]]) -> tuple[set[Any], list[Any]]:
    """What Frictionless reports on the rows as a CSV file, and the typed rows it finds valid."""
    schema = Schema.from_descriptor(reference_descriptor(fields, key))
    table = [[reference_cell(field, cell) for field, cell in zip(schema.fields, row, strict=True)] for row in rows]
    with tempfile.TemporaryDirectory() as name, system.use_context(trusted=True):
        path = Path(name) / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([[field.name for field in schema.fields], *table])
        dialect = Dialect(controls=[formats.CsvControl(delimiter=",", skip_initial_space=False)])
        resource = TableResource(path=str(path), schema=schema, dialect=dialect, encoding="utf-8")
        report = resource.validate(limit_errors=10_000)
    errors = report.tasks[0].errors
    faults = {(error.row_number - 1, getattr(error, "field_name", None), error.type) for error in errors}
    failing = {row for row, _, _ in faults}
    good = [
        [stored(field.read_cell(cell)[0]) for field, cell in zip(schema.fields, row, strict=True)]
        for number, row in enumerate(table, start=1)
        if number not in failing
    ]
    return faults, good


def same(ours: Any, theirs: Any) -> bool:
    return ours == theirs and isinstance(ours, bool) == isinstance(theirs, bool)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=tables())
def test_errors_and_values_are_those_of_frictionless(case, define, run):
    fields, key, rows = case
    table = define(fields, primaryKey=key)
    columns = {field["name"]: [row[place] for row in rows] for place, field in enumerate(fields)}
    try:
        faults, good = reference(fields, key, rows)
    except TypeError:  # naive against zoned: Frictionless falls over, we explain
        with pytest.raises(DescriptorError, match="time zone"):
            run(table, columns)
        return
    outcome = run(table, columns, rows_per_group=5)
    assert outcome.faults == faults
    typed = [list(row.values()) for row in outcome.valid.to_pylist()]
    assert len(typed) == len(good)
    for ours, theirs, field in (
        (o, t, f) for x, y in zip(typed, good, strict=True) for o, t, f in zip(x, y, fields, strict=True)
    ):
        assert same(ours, theirs) or (field["type"] == "time" and theirs is None)
    counted = {(c.field, c.type): c.count for c in outcome.report.errors}
    assert counted == {
        pair: len({row for row, *rest in faults if tuple(rest) == pair})
        for pair in {tuple(rest) for _, *rest in faults}
    }
    assert outcome.report.invalid_rows == len({row for row, _, _ in faults})
