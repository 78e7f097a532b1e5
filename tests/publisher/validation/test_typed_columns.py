"""Columns that a driver delivers typed: checked as they are, or as canonical text where the declared type differs."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from publisher.errors import DescriptorError, DriftError


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
