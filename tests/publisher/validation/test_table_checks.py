"""Checks by Frictionless' names: the same rows fail, and the same tables."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from samples.frictionless_oracle import frictionless_faults

FIELDS: list[dict[str, Any]] = [
    {"name": "s"},
    {"name": "i", "type": "integer"},
    {"name": "n", "type": "number"},
    {"name": "d", "type": "date"},
    {"name": "t", "type": "datetime"},
    {"name": "b", "type": "boolean"},
    {"name": "y", "type": "year"},
    {"name": "g", "type": "geopoint"},
    {"name": "o", "type": "object"},
    {"name": "l", "type": "list"},
    {"name": "a", "type": "any"},
    {"name": "m", "type": "yearmonth"},
]
CELLS = {
    "s": ["a", "b", "a,b", "Đ", "x" * 255, "x" * 254, "None", "", "é" * 255],
    "i": ["0", "1", "2", "01", "-1", "32767", "65535", "2147483647", "9007199254740993", "x", ""],
    "n": ["0", "1", "1.0", "1.50", "0.5", "0.1", "2", "-1", "0.10000000000000000001", "1e3", "x", ""],
    "d": ["2026-11-22", "2020-01-01", "x", ""],
    "t": ["2026-11-22T10:00:00", "2020-01-01 00:00:00", "2026-11-22T03:00:00Z", ""],
    "b": ["true", "1", "false", ""],
    "y": ["2026", "1999", "0001", ""],
    "g": ["1,2", "1.0,2", ""],
    "o": ['{"a":1}', '{"a": 1}', "{}", ""],
    "l": ["a,b", "a", ""],
    "a": ["a", "1", "x" * 255, ""],
    "m": ["2026-11", "2026-01", ""],
}
CHECKS: list[dict[str, Any]] = [
    {"type": "baseline"},
    {"type": "forbidden-value", "fieldName": "s", "values": ["a", "Đ"]},
    {"type": "forbidden-value", "fieldName": "s", "values": [None, "b"]},
    {"type": "forbidden-value", "fieldName": "i", "values": [1, 2.0, None]},
    {"type": "forbidden-value", "fieldName": "n", "values": [1, 0.5, -1]},
    {"type": "forbidden-value", "fieldName": "b", "values": [False]},
    {"type": "forbidden-value", "fieldName": "y", "values": [1999, 1]},
    {"type": "forbidden-value", "fieldName": "o", "values": [{"a": 1}]},
    {"type": "forbidden-value", "fieldName": "l", "values": [["a", "b"]]},
    {"type": "truncated-value"},
    {"type": "ascii-value"},
    {"type": "duplicate-row"},
    *({"type": "sequential-value", "fieldName": name} for name in "sinydgbt"),
    {"type": "row-constraint", "formula": "i > 0"},
    {"type": "row-constraint", "formula": "n == 1.0 or n == 0.1"},
    {"type": "row-constraint", "formula": "i is not None and n <= i"},
    {"type": "row-constraint", "formula": "not (s == 'a' or s in ('b', 'Đ'))"},
    {"type": "row-constraint", "formula": "t > t or d == d"},
    {"type": "row-constraint", "formula": "str(i) < '5'"},
    {"type": "row-constraint", "formula": "i + 1 > n"},
    {"type": "row-constraint", "formula": "b"},
    {"type": "row-constraint", "formula": "0 <= i <= 2 and b"},
    {"type": "row-constraint", "formula": "g[0] == 1 and o['a'] == 1"},
]


def rows_of(chance: random.Random, count: int) -> list[list[str | None]]:
    rows: list[list[str | None]] = [[chance.choice(CELLS[field["name"]]) for field in FIELDS] for _ in range(count)]
    return [*rows, *chance.choices(rows, k=3), [""] * len(FIELDS), [""] * len(FIELDS)]


def columns_of(rows: list[list[str | None]], fields: list[dict[str, Any]] = FIELDS) -> dict[str, Any]:
    return {field["name"]: [row[place] for row in rows] for place, field in enumerate(fields)}


@pytest.mark.slow
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: " ".join(map(str, check.values()))[:60])
def test_the_same_rows_fail_a_check(check, define, run):
    rows = rows_of(random.Random(json.dumps(check)), 30)
    outcome = run(define(FIELDS, checks=[check]), columns_of(rows), rows_per_group=7)
    assert outcome.faults == frictionless_faults({"fields": FIELDS}, rows, [check])


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "3"], ["1", "2", "4", "9"], ["0", "1", "2"], ["-2", "-1", "0", "1"], ["-2", "-1", "7", "8", "8"], ["-1", "x"],
        ["", "1"], ["5", "", "7"], ["-3", "-2", "-1", "5", "6", "-1", "3"], ["9223372036854775806", "9223372036854775807", "1"], [],
        ["0", "0", "1"], ["-1", "0", "0", "1"], ["0.5", "1.5", "2.50", "3"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["integer", "number"])
def test_sequences_break_where_frictionless_sees_it(cells, kind, define, run):
    fields = [{"name": "v", "type": kind}, {"name": "o"}]
    check = {"type": "sequential-value", "fieldName": "v"}
    outcome = run(define(fields, checks=[check]), {"v": cells, "o": ["x"] * len(cells)}, rows_per_group=2)
    assert outcome.faults == frictionless_faults({"fields": fields}, [[cell, "x"] for cell in cells], [check])


def deviating_rows(check: dict[str, Any], fields: list[dict[str, Any]], rows: list[list[str | None]]) -> set[int]:
    """Return the rows that Frictionless finds deviating: it tells them in its notes only."""
    from frictionless import Checklist, Resource, Schema

    data = [[field["name"] for field in fields], *rows]
    resource = Resource(data=data, schema=Schema.from_descriptor({"fields": fields}))
    report = resource.validate(Checklist.from_descriptor({"checks": [check]}))
    notes = [error.note for error in report.tasks[0].errors if error.type == check["type"]]
    return {int(note.split("position" if "position" in note else "row")[1].split('"')[1]) - 1 for note in notes}


@pytest.mark.parametrize("average", ["mean", "median", "mode"])
@pytest.mark.parametrize(("kind", "options"), [("integer", {}), ("number", {}), ("number", {"floatNumber": True})])
def test_deviated_values_are_those_of_frictionless(kind, options, average, define, run):
    chance = random.Random(f"{kind}{average}")
    fields = [{"name": "v", "type": kind, **options}, {"name": "o"}]
    for interval in (1, 2):
        check = {"type": "deviated-value", "fieldName": "v", "interval": interval, "average": average}
        cells = [
            str(chance.randint(1, 9)) + ("" if kind == "integer" else f".{chance.randint(0, 9)}") for _ in range(40)
        ]
        cells += ["100", "-50", "", "x"]
        rows: list[list[str | None]] = [[cell, "x"] for cell in cells]
        outcome = run(define(fields, checks=[check]), columns_of(rows, fields), rows_per_group=9)
        found = {row for row, _, type_ in outcome.faults if type_ == "deviated-value"}
        assert found == deviating_rows(check, fields, rows) != set()


def test_a_value_on_the_bound_does_not_deviate(define, run):
    fields = [{"name": "v", "type": "number"}, {"name": "o"}]
    check = {"type": "deviated-value", "fieldName": "v", "interval": 1}
    for cells in (
        ["1", "2", "3"],
        ["0.1", "0.2", "0.3"],
        ["1", "1", "1"],
        ["7"],
        [],
        ["0.1", "0.3", "0.1000000000000000000000000001"],
    ):
        rows: list[list[str | None]] = [[cell, "x"] for cell in cells]
        outcome = run(define(fields, checks=[check]), columns_of(rows, fields))
        assert {row for row, *_ in outcome.faults} == deviating_rows(check, fields, rows)


def test_very_long_cells_deviate(define, run):
    fields = [{"name": "v"}, {"name": "w"}]
    check = {"type": "deviated-cell", "interval": 2, "ignoreFields": ["w"]}
    rows: list[list[str | None]] = [
        *[["a" * size, "x" * 6000] for size in (3, 4, 5) * 5],
        ["b" * 6000, "x"],
        ["c" * 4000, "x"],
        ["", ""],
    ]
    outcome = run(define(fields, checks=[check]), columns_of(rows, fields), rows_per_group=4)
    assert outcome.faults == {(16, "v", "deviated-cell"), (18, None, "blank-row")}
    assert deviating_rows(check, fields, rows) == {16}


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ({"type": "table-dimensions", "minRows": 4}, "number of rows is 3, the minimum is 4"),
        ({"type": "table-dimensions", "maxRows": 2, "numFields": 2}, "number of rows is 3, the maximum is 2"),
        ({"type": "table-dimensions", "numRows": 5}, "number of rows is 3, the required is 5"),
        ({"type": "table-dimensions", "minFields": 3}, "number of fields is 2, the minimum is 3"),
        (
            {"type": "required-value", "fieldName": "v", "values": [1, 7]},
            "one of the values that v must hold is absent",
        ),
    ],
)
def test_a_table_that_fails_as_a_whole_holds_the_run(check, says, define, run):
    fields = [{"name": "v", "type": "integer"}, {"name": "o"}]
    outcome = run(define(fields, checks=[check]), {"v": ["1", "2", "3"], "o": ["a", "b", "c"]})
    assert outcome.report.breaches == (f"{check['type']}: {says}",)
    assert [(error.type, error.count, error.first_rows) for error in outcome.report.errors] == [(check["type"], 1, ())]
    assert outcome.report.valid_rows == 3
    theirs = frictionless_faults({"fields": fields}, [["1", "a"], ["2", "b"], ["3", "c"]], [check])
    assert theirs == {(0, None, check["type"])}


@pytest.mark.parametrize(
    "check",
    [
        {"type": "table-dimensions", "minRows": 0, "maxRows": 3, "numRows": 3, "maxFields": 2},
        {"type": "required-value", "fieldName": "v", "values": [1, 2.0, None]},
        {"type": "required-value", "fieldName": "o", "values": ["a"]},
        {"type": "deviated-cell"},
    ],
)
def test_a_table_that_passes_as_a_whole_is_released(check, define, run):
    fields = [{"name": "v", "type": "integer"}, {"name": "o"}]
    outcome = run(define(fields, checks=[check]), {"v": ["1", "2", ""], "o": ["a", "b", "c"]})
    assert outcome.report.breaches == outcome.report.errors == ()
    assert frictionless_faults({"fields": fields}, [["1", "a"], ["2", "b"], ["", "c"]], [check]) == set()


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ({"type": "row-constraint", "formula": "v >"}, "no Python expression"),
        ({"type": "row-constraint", "formula": "vv > 1"}, "unknown fields: vv"),
        ({"type": "row-constraint", "formula": "rand() > v"}, "random"),
        ({"type": "forbidden-value", "fieldName": "x", "values": [1]}, "unknown fields: x"),
        ({"type": "forbidden-value", "fieldName": "v", "values": ["1"]}, "never be equal"),
        ({"type": "forbidden-value", "fieldName": "n", "values": [0.1]}, "never be equal"),
        ({"type": "required-value", "fieldName": "l", "values": [["a"]]}, "cannot look for"),
        ({"type": "deviated-value", "fieldName": "o"}, "numeric"),
        ({"type": "deviated-value", "fieldName": "n", "interval": 2.5}, "whole interval"),
        ({"type": "deviated-value", "fieldName": "n", "average": "middle"}, "'mean', 'median' or 'mode'"),
        ({"type": "row-count"}, "does not match any of the expected tags"),
        ({"type": "truncated-value", "fieldName": "v"}, "Extra inputs"),
    ],
)
def test_a_check_that_cannot_be_is_a_mistake_of_the_definition(check, says, define):
    fields = [
        {"name": "v", "type": "integer"},
        {"name": "o"},
        {"name": "n", "type": "number"},
        {"name": "l", "type": "list"},
    ]
    with pytest.raises(ValidationError, match=says):
        define(fields, checks=[check])


NAMES = st.sampled_from(["s", "i", "n", "d", "b", "y"])
CONSTANTS = st.sampled_from(["0", "1", "-1", "0.5", "0.1", "2", "1e3", "'a'", "'Đ'", "None", "True"])
COMPARISONS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "is", "is not"])


@st.composite
def formulas(draw: st.DrawFn, depth: int = 2) -> str:
    if depth and draw(st.booleans()):
        left, right = draw(formulas(depth=depth - 1)), draw(formulas(depth=depth - 1))
        return draw(st.sampled_from([f"({left}) and ({right})", f"({left}) or ({right})", f"not ({left})"]))
    left, right = draw(NAMES), draw(st.one_of(NAMES, CONSTANTS))
    if draw(st.integers(0, 5)) == 0:
        return f"{left} in ({right}, {draw(CONSTANTS)})"
    comparison = draw(COMPARISONS if right in {"None", "True"} else COMPARISONS.filter(lambda word: "is" not in word))
    return f"{left} {comparison} {right}" + (
        f" {draw(st.sampled_from(['<', '==']))} {draw(NAMES)}" if draw(st.integers(0, 6)) == 0 else ""
    )


@pytest.mark.slow
@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(formula=formulas(), seed=st.integers(0, 1000))
def test_any_formula_finds_the_rows_that_frictionless_finds(formula, seed, define, run):
    rows = rows_of(random.Random(seed), 12)
    check = {"type": "row-constraint", "formula": formula}
    outcome = run(define(FIELDS, checks=[check]), columns_of(rows), rows_per_group=6)
    assert outcome.faults == frictionless_faults({"fields": FIELDS}, rows, [check])


def test_reports_of_checks_and_keys_hold_no_value(define, run):
    mark = "Vạn Hạnh 77"
    fields = [
        {"name": "v", "categories": ["a"]},
        {"name": "o", "type": "object", "constraints": {"jsonSchema": {"required": ["b"]}}},
    ]
    checks = [
        {"type": "forbidden-value", "fieldName": "v", "values": [mark]},
        {"type": "required-value", "fieldName": "v", "values": ["z"]},
        {"type": "row-constraint", "formula": "v == 'a'"},
        {"type": "ascii-value"},
        {"type": "duplicate-row"},
    ]
    keys = [{"fields": "v", "reference": {"resource": "", "fields": "v"}}]
    table = define(fields, checks=checks, uniqueKeys=["v"], foreignKeys=keys, primaryKey="v")
    outcome = run(table, {"v": [mark, mark], "o": [json.dumps({"a": mark})] * 2})
    told = json.dumps(outcome.report.to_dict(), ensure_ascii=False) + repr(outcome.report)
    assert mark not in told
    assert "first_rows" not in json.dumps(outcome.report.to_dict())
    assert outcome.report.invalid_rows == 2
    assert sorted(kind for row, _, kind in outcome.faults if row == 2) == [
        "ascii-value", "constraint-error", "constraint-error", "duplicate-row", "forbidden-value", "primary-key", "row-constraint",
        "unique-error",
    ]  # fmt: skip
