"""Columns that a driver delivers typed: checked as they are, or as canonical text where the declared type differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.frictionless_oracle import frictionless_faults

from publisher.errors import DescriptorError, DriftError
from publisher.validation.text import canonical_text


def one(define, run, field, values, **rest):
    outcome = run(
        define([{"name": "v", **field}, {"name": "other"}], **rest), {"v": values, "other": ["x"] * len(values)}
    )
    return outcome.valid["v"].to_pylist(), outcome.faults


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("integer", pa.array([1, None, -3], pa.int32())),
        ("number", pa.array([1.5, None, -0.25])),
        ("number", pa.array([1, None, 2**53], pa.int64())),
        ("boolean", pa.array([True, None, False])),
        ("date", pa.array([date(2026, 11, 22), None, date(1, 1, 1)])),
        ("datetime", pa.array([datetime(2026, 11, 22, 10), None, datetime(9999, 12, 31)])),
    ],
)
def test_values_of_the_declared_type_pass_as_they_are(define, run, kind, values):
    assert one(define, run, {"type": kind}, values) == (values.to_pylist(), set())


def test_bounds_hold_for_typed_values_too(define, run):
    rules = {"minimum": 0, "maximum": 10}
    good, faults = one(define, run, {"type": "integer", "constraints": rules}, pa.array([0, 10, 11, -1, None]))
    assert (good, faults) == ([0, 10, None], {(3, "v", "constraint-error"), (4, "v", "constraint-error")})
    days = pa.array([date(2026, 11, 22), date(2026, 11, 21)])
    _, faults = one(define, run, {"type": "date", "constraints": {"minimum": "2026-11-22"}}, days)
    assert faults == {(2, "v", "constraint-error")}
    _, faults = one(define, run, {"type": "number", "constraints": {"maximum": 0.3}}, pa.array([0.3, 0.1 + 0.2]))
    assert faults == {(2, "v", "constraint-error")}


def test_floats_without_a_finite_value_are_type_errors(define, run):
    values = pa.array([1.0, float("nan"), float("inf")])
    assert one(define, run, {"type": "number"}, values) == ([1.0], {(2, "v", "type-error"), (3, "v", "type-error")})


def test_missing_values_are_recognised_among_typed_values(define, run):
    good, faults = one(define, run, {"type": "integer", "missingValues": ["", "-9999"]}, pa.array([5, -9999]))
    assert (good, faults) == ([5, None], set())


def test_another_type_is_read_through_its_canonical_text(define, run):
    assert one(define, run, {"type": "string"}, pa.array([7, None])) == (["7", None], set())
    assert one(define, run, {"type": "string"}, pa.array([7.0, 0.5])) == (["7", "0.5"], set())
    assert one(define, run, {"type": "integer"}, pa.array([7.0, 7.5])) == ([7], {(2, "v", "type-error")})
    assert one(define, run, {"type": "number"}, pa.array([Decimal("1.50"), None])) == ([1.5, None], set())
    assert one(define, run, {"type": "boolean"}, pa.array([1, 0, 2])) == ([True, False], {(3, "v", "type-error")})
    assert one(define, run, {"type": "time"}, pa.array([time(10, 30)])) == (["10:30:00"], set())
    assert one(define, run, {"type": "year"}, pa.array([2026, 20266])) == ([2026], {(2, "v", "type-error")})
    assert one(define, run, {"type": "string"}, pa.array([date(2026, 11, 22)])) == (["2026-11-22"], set())
    assert one(define, run, {"type": "string"}, pa.array([datetime(2026, 11, 22, 10)])) == (
        ["2026-11-22T10:00:00"],
        set(),
    )


def test_a_timestamp_is_a_date_at_midnight_only(define, run):
    values = pa.array([datetime(2026, 11, 22), datetime(2026, 11, 22, 10)])
    assert one(define, run, {"type": "date"}, values) == ([date(2026, 11, 22)], {(2, "v", "type-error")})


def test_integers_beyond_64_bits_are_type_errors(define, run):
    values = pa.array([2**64 - 1, 5], pa.uint64())
    assert one(define, run, {"type": "integer"}, values) == ([5], {(1, "v", "type-error")})


def test_timestamps_with_a_zone_become_local_wall_time(define, run):
    values = pa.array([datetime(2026, 11, 22, 3, tzinfo=UTC), None], pa.timestamp("ms", tz="UTC"))
    assert one(define, run, {"type": "datetime"}, values) == ([datetime(2026, 11, 22, 10), None], set())
    keyed, faults = one(define, run, {"type": "datetime", "constraints": {"unique": True}}, values)
    assert (keyed, faults) == ([datetime(2026, 11, 22, 10), None], set())


def test_a_zoned_bound_against_naive_timestamps_is_a_mistake_of_the_definition(define, run):
    field = {"type": "datetime", "constraints": {"minimum": "2026-01-01T00:00:00Z"}}
    with pytest.raises(DescriptorError, match=r"only one side has a time zone.*Cure"):
        one(define, run, field, pa.array([datetime(2026, 11, 22)]))


def test_text_in_other_arrow_forms_is_text(define, run):
    for kind in (pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.binary()):
        assert one(define, run, {"type": "integer"}, pa.array(["5", " 7", None]).cast(kind)) == ([5, 7, None], set())


def test_a_type_without_text_is_drift(define, run):
    with pytest.raises(DriftError, match="list"):
        one(define, run, {"type": "string"}, pa.array([[1], [2]]))


def test_failing_typed_rows_are_text_in_quarantine(define, run):
    table = define([{"name": "v", "type": "integer", "constraints": {"maximum": 1}}, {"name": "day", "type": "date"}])
    outcome = run(table, {"v": pa.array([5]), "day": pa.array([date(2026, 11, 22)])})
    assert outcome.quarantine[0]["v"] == "5"
    assert outcome.quarantine[0]["day"] == "2026-11-22"


FORMS: list[tuple[str, dict[str, Any], pa.Array, list[str | None]]] = [
    ("integer", {}, pa.array([1, None, -3], pa.int8()), ["1", None, "-3"]),
    ("integer", {}, pa.array([1, None, 2**63], pa.uint64()), ["1", None, str(2**63)]),
    ("integer", {}, pa.array([1.0, 2.5, 1e15, 1e17]), ["1", "2.5", "1000000000000000", "100000000000000000"]),
    ("integer", {}, pa.array([Decimal("5.00"), Decimal("5.50"), None]), ["5", "5.50", None]),
    ("integer", {"enum": [5]}, pa.array([5, 6, None]), ["5", "6", None]),
    ("number", {}, pa.array([0.1, 2.5, None, float("nan")], pa.float32()), ["0.1", "2.5", None, "nan"]),
    ("number", {"minimum": 0.1}, pa.array([0.1, 0.5, 0.05], pa.float32()), ["0.1", "0.5", "0.05"]),
    ("number", {"exclusiveMinimum": 0.1}, pa.array([0.1, 0.5, 0.05]), ["0.1", "0.5", "0.05"]),
    ("number", {"maximum": 1}, pa.array([Decimal("1.0000000001"), Decimal(1)], pa.decimal128(38, 10)), ["1.0000000001", "1.0000000000"]),
    ("number", {}, pa.array([Decimal("0.00000001")], pa.decimal128(20, 8)), ["0.00000001"]),
    ("number", {"unique": True}, pa.array([0.1 + 0.2, 0.3, 0.3]), ["0.30000000000000004", "0.3", "0.3"]),
    ("number", {"unique": True}, pa.array([2**53 + 1, 2**53, 2**53]), [str(2**53 + 1), str(2**53), str(2**53)]),
    ("boolean", {}, pa.array([True, None, False]), ["true", None, "false"]),
    ("boolean", {"enum": [True]}, pa.array([True, None, False]), ["true", None, "false"]),
    ("boolean", {}, pa.array([1, 0, 2], pa.int8()), ["1", "0", "2"]),
    ("date", {"maximum": "2026-11-22"}, pa.array([date(2026, 11, 22), date(2026, 11, 23)], pa.date64()), ["2026-11-22", "2026-11-23"]),
    ("date", {}, pa.array([datetime(2026, 11, 22), datetime(2026, 11, 22, 1)]), ["2026-11-22", "2026-11-22T01:00:00"]),
    ("datetime", {}, pa.array([-1, 0], pa.timestamp("ns")), ["1969-12-31T23:59:59.999999", "1970-01-01T00:00:00"]),
    ("datetime", {"unique": True}, pa.array([0, 0], pa.timestamp("ms", "Asia/Ho_Chi_Minh")), ["1970-01-01T07:00:00+07:00", "1970-01-01T00:00:00Z"]),
    ("datetime", {"exclusiveMaximum": "1970-01-01T00:00:01Z"}, pa.array([0, 1], pa.timestamp("s", "UTC")), ["1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z"]),
    ("time", {"minimum": "10:00:00"}, pa.array([time(10), time(9, 59, 59)], pa.time32("s")), ["10:00:00", "09:59:59"]),
    ("time", {}, pa.array([time(10, 0, 0, 500_000)], pa.time64("ns")), ["10:00:00.5"]),
    ("year", {}, pa.array([2026.0, 2026.5, None]), ["2026", "2026.5", None]),
    ("duration", {}, pa.array([timedelta(days=1, seconds=5), timedelta(0), -timedelta(hours=1)]), ["P1DT5S", "PT0S", "-PT1H"]),
    ("duration", {}, pa.array([(14, 3, 10**9), (0, 0, 0)], pa.month_day_nano_interval()), ["P14M3DT1S", "PT0S"]),
    ("string", {"minLength": 2}, pa.array([b"ab", b"x"]), ["ab", "x"]),
    ("string", {}, pa.array(["x", None, "x"]).dictionary_encode(), ["x", None, "x"]),
    ("string", {}, pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
    ("string", {}, pa.array(["x", "y"], pa.string_view()), ["x", "y"]),
    ("string", {}, pa.array([bytes(range(16))], pa.uuid()), ["00010203-0405-0607-0809-0a0b0c0d0e0f"]),
    ("object", {"minLength": 1}, pa.array([{"a": 1, "b": [date(2026, 1, 1)]}, None]), ['{"a":1,"b":["2026-01-01"]}', None]),
    ("object", {}, pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())), ['{"a":1}']),
    ("array", {"maxLength": 1}, pa.array([[1.5], [1, 2], None]), ["[1.5]", "[1,2]", None]),
    ("object", {}, pa.array([{"a": float("nan")}]), ['{"a":NaN}']),
    ("geojson", {}, pa.array([{"type": "Point", "coordinates": [105.1, 21.0]}]), ['{"type":"Point","coordinates":[105.1,21.0]}']),
    ("any", {}, pa.array([[1, 2]]), ["[1,2]"]),
    ("list", {"minLength": 2}, pa.array([["a", "b"], ["c"], None]), ["a,b", "c", None]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "rules", "typed", "texts"), FORMS)
def test_typed_columns_give_what_their_texts_give(define, run, kind, rules, typed, texts):
    field = {"name": "v", "type": kind, "constraints": rules}
    others = ["x"] * len(typed)
    outcome = run(define([field, {"name": "other"}]), {"v": typed, "other": others})
    as_text = run(define([field, {"name": "other"}]), {"v": texts, "other": others})
    assert outcome.faults == as_text.faults
    assert outcome.valid.equals(as_text.valid)


KINDS = {
    "integer": [
        pa.int8(),
        pa.int16(),
        pa.int32(),
        pa.int64(),
        pa.uint32(),
        pa.float64(),
        pa.decimal128(12, 2),
        pa.string(),
    ],
    "number": [pa.int32(), pa.float32(), pa.float64(), pa.decimal128(12, 2), pa.large_string()],
    "string": [pa.int64(), pa.bool_(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.date32()],
    "boolean": [pa.bool_(), pa.int8(), pa.string()],
}
VALUES = {
    pa.bool_(): st.booleans(),
    pa.date32(): st.dates(),
    pa.float32(): st.floats(width=32, allow_nan=False),
    pa.float64(): st.floats(allow_nan=False),
    pa.decimal128(12, 2): st.decimals(-(10**9), 10**9, places=2),
}


@st.composite
def typed_columns(draw: st.DrawFn) -> tuple[str, dict[str, Any], pa.Array]:
    kind = draw(st.sampled_from(list(KINDS)))
    form = draw(st.sampled_from(KINDS[kind]))
    if pa.types.is_integer(form):
        low, high = (
            (0, 2**form.bit_width - 1)
            if "u" in str(form)
            else (-(2 ** (form.bit_width - 1)), 2 ** (form.bit_width - 1) - 1)
        )
        values = st.integers(low, high) | st.integers(0, 9)
    else:
        values = VALUES.get(form, st.sampled_from(["1", "2.50", "x", "true", " 7", "1e3"]))
    rules: dict[str, Any] = {"unique": draw(st.booleans()), "required": draw(st.booleans())}
    if kind in {"integer", "number"}:
        rules[draw(st.sampled_from(["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"]))] = draw(
            st.sampled_from([0, 5, 9])
        )
    column = pa.array(draw(st.lists(st.none() | values, min_size=1, max_size=8)))
    return kind, rules, column.cast(form, safe=False) if column.type != form and column.type != pa.null() else column


@pytest.mark.slow
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(case=typed_columns())
def test_any_typed_column_gives_what_its_text_gives_and_what_frictionless_says(case, define, run):
    kind, rules, typed = case
    fields = [{"name": "v", "type": kind, "constraints": rules}, {"name": "other"}]
    texts = canonical_text(
        typed if not pa.types.is_null(typed.type) else typed.cast(pa.string()), field_type=kind
    ).to_pylist()
    others = ["x"] * len(typed)
    outcome = run(define(fields), {"v": typed, "other": others}, rows_per_group=3)
    as_text = run(define(fields), {"v": texts, "other": others}, rows_per_group=3)
    assert outcome.faults == as_text.faults
    assert outcome.valid.equals(as_text.valid)
    storable = [text is None or kind not in {"integer", "number"} or "inf" not in text for text in texts]
    if all(storable) and not any(len(text or "") > 18 for text in texts):
        rows = [[None if text is None else text.strip(), "x"] for text in texts]
        assert outcome.faults == frictionless_faults({"fields": fields}, rows)
