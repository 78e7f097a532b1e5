"""Every type and every constraint of Table Schema: the rows that fail, and why, are those of Frictionless."""

from __future__ import annotations

import random
from typing import Any

import pytest
from samples.frictionless_oracle import frictionless_faults

POINT = '{"type":"Point","coordinates":[105.1,21.0]}'
CELLS: dict[str, list[str]] = {
    "string": ["a", "AB", "x1", "Đường", "12", "", "a@b.vn", "http://a.vn/x", "YWI=", "POINT (1 2)", "😀😀"],
    "integer": ["0", "5", "-5", "007", "12", "1.5", "x", "", "1_0", "+3", "12 %"],
    "number": ["0", "5", "0.1", "0.10", "-1.5", "1e3", "x", "", "9.999999999999999999", "1.234,5", "$3"],
    "boolean": ["true", "false", "1", "0", "yes", "no", "", "TRUE"],
    "date": ["2026-11-22", "2024-02-29", "2026-02-29", "22/11/2026", "x", "", "2020-01-01"],
    "datetime": ["2026-11-22T10:00:00", "2026-11-22 10:00:00", "2026-11-22", "x", "", "2020-01-01T00:00:00"],
    "time": ["10:00:00", "10:00", "23:59:59", "25:00:00", "x", "", "10:00:00.5"],
    "year": ["2026", "26", "0000", "20266", "x", "", "1999"],
    "yearmonth": ["2026-11", "2026-13", "2026-1", "x", "", "1999-12"],
    "duration": ["P1D", "PT24H", "P1Y", "P12M", "P1Y2M3DT4H5M6.5S", "-P1D", "P0.5Y", "PT0S", "x", "", "P"],
    "geopoint": [
        "105.85,21.03",
        "105.850, 21.03",
        "181,0",
        "a,b",
        "1,2,3",
        "NaN,0",
        "[105.85, 21.03]",
        '{"lon":1,"lat":2}',
        "",
    ],
    "object": ['{"b":1,"a":2}', '{"a":2,"b":1}', "{}", "[]", "x", "", '{"a":{"z":1}}', "null"],
    "array": ["[1,2]", "[]", "{}", "x", "", '["2026-01-01"]', '["x","2019-01-01"]', "[1,2,3]"],
    "list": ["a,b", "a", "1;2", "1;x", "1", "", "2026-01-01,2026-01-02", ","],
    "geojson": [
        POINT,
        POINT.replace("105", "106"),
        '{"type":"Foo"}',
        "{}",
        "[]",
        "x",
        "",
        '{"type":"LineString","arcs":[42]}',
    ],
    "any": ["a", "1", "", "{}", "x"],
}
LENGTHS: list[dict[str, Any]] = [{"minLength": 1}, {"maxLength": 2}, {"minLength": 2, "maxLength": 2}]


def bounds(low: Any, high: Any) -> list[dict[str, Any]]:
    return [{"minimum": low}, {"maximum": high}, {"exclusiveMinimum": low}, {"exclusiveMaximum": high, "minimum": low}]


RULES: dict[str, list[dict[str, Any]]] = {
    "string": [*LENGTHS, {"pattern": "[A-Z]+"}, {"pattern": r"\w+", "enum": ["a", "AB"]}],
    "integer": [*bounds(0, 12), *bounds("5", 5.0), {"enum": [5, "12"]}],
    "number": [*bounds(0.1, 5), *bounds("0.1", "0.1"), {"enum": [5, "0.1"]}],
    "boolean": [{"enum": [True]}],
    "date": [*bounds("2024-02-29", "2026-11-22"), {"enum": ["2026-11-22"]}],
    "datetime": [*bounds("2020-01-01T00:00:00", "2026-11-22T10:00:00"), {"enum": ["2026-11-22T10:00:00"]}],
    "time": [*bounds("10:00:00", "23:59:59"), {"enum": ["10:00:00"]}],
    "year": [*bounds(1999, 2026), {"enum": [2026, "1999"]}],
    "yearmonth": [*bounds("1999-12", "2026-11"), {"enum": ["2026-11"]}],
    "duration": [{"enum": ["PT24H", "P12M"]}],
    "geopoint": [{"enum": ["105.85,21.03"]}],
    "object": [*LENGTHS, {"enum": [{"a": 2, "b": 1}]}],
    "array": [*LENGTHS, {"enum": [[1, 2]]}],
    "list": LENGTHS,
    "geojson": [{"enum": [POINT]}],
    "any": [{"enum": ["a", 1]}],
}
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((kind, {}) for kind in CELLS),
    *(("string", {"format": form}) for form in ("email", "uri", "uuid", "binary", "wkt")),
    ("integer", {"bareNumber": False}),
    ("number", {"floatNumber": True}),
    ("number", {"groupChar": ".", "decimalChar": ",", "bareNumber": False}),
    ("boolean", {"trueValues": ["yes"], "falseValues": ["no"]}),
    ("date", {"format": "any"}),
    ("date", {"format": "%d/%m/%Y"}),
    ("time", {"format": "%H:%M"}),
    ("geopoint", {"format": "array"}),
    ("geopoint", {"format": "object"}),
    ("geojson", {"format": "topojson"}),
    ("array", {"arrayItem": {"type": "date", "constraints": {"minimum": "2020-01-01"}}}),
    *(("list", {"itemType": kind, "delimiter": ";"}) for kind in ("integer", "number", "boolean", "time")),
    ("list", {"itemType": "date"}),
    ("string", {"missingValues": ["a", "-"]}),
    ("integer", {"missingValues": [{"value": "0", "label": "none"}, {"value": "x"}]}),
]
KEYLESS = {"object", "array", "list", "geojson"}


def rules_for(kind: str, options: dict[str, Any]) -> list[dict[str, Any]]:
    plain = [] if {"format", "decimalChar", "trueValues"} & options.keys() else RULES[kind]
    if "arrayItem" in options:
        plain = LENGTHS
    return [{}, {"required": True}, *([] if kind in KEYLESS else [{"unique": True}]), *plain]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "options"), VARIANTS, ids=lambda value: value if isinstance(value, str) else "-".join(value) or "plain"
)
def test_the_same_rows_fail_for_the_same_reasons(kind, options, define, run):
    chance = random.Random(f"{kind} {sorted(options)}")
    foreign = [cell for cells in CELLS.values() for cell in cells]
    for rules in rules_for(kind, options):
        fields = [{"name": "v", "type": kind, **options, "constraints": rules}, {"name": "other", "constraints": {}}]
        cells = CELLS[kind] + chance.choices(CELLS[kind], k=6) + chance.choices(foreign, k=5)
        chance.shuffle(cells)
        others = [chance.choice(["x", "x", ""]) for _ in cells]
        outcome = run(define(fields), {"v": cells, "other": others}, rows_per_group=7)
        assert outcome.faults == frictionless_faults(
            {"fields": fields}, [list(row) for row in zip(cells, others, strict=True)]
        ), rules


@pytest.mark.parametrize(
    ("field", "text", "stored"),
    [
        ({"type": "duration"}, "P1DT24H", "P2D"),
        ({"type": "duration"}, "-PT90.25S", "-PT1M30.25S"),
        ({"type": "duration"}, "P1Y0.5M", "P1Y0.5M"),
        ({"type": "geopoint"}, "105.850,21.03", "105.85, 21.03"),
        (
            {"type": "geopoint"},
            "1e-3,0.1000000000000000055511151231257827",
            "0.001, 0.1000000000000000055511151231257827",
        ),
        ({"type": "geopoint", "format": "array"}, "[105.1, 21]", "105.1, 21"),
        ({"type": "geopoint", "format": "object"}, '{"lat": 21, "lon": -0.5}', "-0.5, 21"),
        ({"type": "object"}, '{ "b": "Đ", "a": 1.50 }', '{"a":1.5,"b":"Đ"}'),
        ({"type": "array"}, '[1, "a", null]', '[1,"a",null]'),
        ({"type": "array", "arrayItem": {"type": "number"}}, '["1.50", 2]', "[1.5,2]"),
        ({"type": "list", "itemType": "number", "delimiter": ";"}, "1.50;2e1", "1.5;20"),
        ({"type": "list", "itemType": "boolean"}, "1,FALSE", "true,false"),
        ({"type": "any"}, "1.50", "1.50"),
        ({"type": "yearmonth"}, "2026-1", "2026-01"),
    ],
)
def test_structured_values_have_one_canonical_text(define, run, field, text, stored):
    outcome = run(define([{"name": "v", **field}]), {"v": [text]})
    assert outcome.valid.to_pydict() == {"v": [stored]}
    again = {**field, "format": "default"} if field["type"] == "geopoint" else field
    assert run(define([{"name": "v", **again}]), {"v": [stored]}).valid.to_pydict() == {"v": [stored]}


@pytest.mark.parametrize("text", ['{"a":NaN}', '{"a":1e999}', '{"a":"\\ud800"}', '{"a":' * 500 + "1" + "}" * 500])
def test_json_that_no_reader_takes_is_a_type_error(define, run, text):
    assert run(define([{"name": "v", "type": "object"}]), {"v": [text]}).faults <= {(1, "v", "type-error")}
    if "a" not in text[5:]:
        assert run(define([{"name": "v", "type": "object"}]), {"v": [text]}).faults == {(1, "v", "type-error")}


def test_categories_hold_and_can_be_switched_off(define, run):
    fields = [
        {
            "name": "level",
            "categories": [{"value": "low", "label": "Thấp"}, {"value": "high"}],
            "categoriesOrdered": True,
        },
        {"name": "code", "type": "integer", "categories": [1, 2]},
    ]
    columns = {"level": ["low", "mid", ""], "code": ["1", "01", "3"]}
    table = define(fields)
    assert run(table, columns).faults == {(2, "level", "constraint-error"), (3, "code", "constraint-error")}
    relaxed = table.model_copy(update={"extended_checks": False})
    assert (
        run(relaxed, columns).faults
        == frictionless_faults({"fields": fields}, [["low", "1"], ["mid", "01"], ["", "3"]])
        == set()
    )


def test_json_schema_holds_within_objects_and_arrays(define, run):
    inner = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"$ref": "#/$defs/whole"}},
        "$defs": {"whole": {"type": "integer"}},
    }
    fields = [
        {"name": "v", "type": "object", "constraints": {"jsonSchema": inner}},
        {"name": "w", "type": "array", "constraints": {"jsonSchema": {"maxItems": 1}, "minLength": 1}},
    ]
    columns = {"v": ['{"a":1}', '{"a":"x"}', "{}", "x", ""], "w": ["[1]", "[1,2]", "[]", "[1]", "[1]"]}
    assert run(define(fields), columns).faults == {
        (2, "v", "constraint-error"), (2, "w", "constraint-error"), (3, "v", "constraint-error"), (3, "w", "constraint-error"),
        (4, "v", "type-error"),
    }  # fmt: skip
