"""Serial dates of the 1900 system."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.validation.excel_dates import serial_to_iso


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("45231", "2023-11-01"),
        ("45231.0", "2023-11-01"),
        ("1", "1900-01-01"),
        ("59", "1900-02-28"),
        ("61", "1900-03-01"),
        ("2958465", "9999-12-31"),
    ],
)
def test_whole_serials_are_days(text, iso):
    assert serial_to_iso(text, field_type="date") == iso


@pytest.mark.parametrize(
    "text", ["0", "60", "2958466", "45231.5", "-1", "1e4", "４５２３１", "", "45231.", "2023-11-01"]
)
def test_what_is_no_day_stays_for_the_judge(text):
    assert serial_to_iso(text, field_type="date") == text


def test_a_fraction_is_a_time_to_the_millisecond():
    assert serial_to_iso("45231.4166666667", field_type="datetime") == "2023-11-01T10:00:00"
    assert serial_to_iso("45231", field_type="datetime") == "2023-11-01T00:00:00"
    assert serial_to_iso("45231.999999999999", field_type="datetime") == "2023-11-02T00:00:00"
    assert serial_to_iso("2958465.9999999999", field_type="datetime") == "2958465.9999999999"


@given(st.datetimes(datetime(1900, 3, 1), datetime(9999, 12, 30)))
def test_every_second_survives_the_way_through_excel(moment):
    moment = moment.replace(microsecond=0)
    serial = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    assert datetime.fromisoformat(serial_to_iso(f"{serial:.12f}", field_type="datetime")) == moment


def test_serials_are_checked_like_dates(define, run):
    field = {"name": "day", "type": "date", "format": "excel", "constraints": {"minimum": "2023-01-01"}}
    outcome = run(define([field, {"name": "at", "type": "datetime", "format": "excel"}]), {
        "day": ["45231", "45231.0", "2023-11-01", "60", "44000", " 45232 ", None],
        "at": ["45231.5"] * 7,
    })  # fmt: skip
    assert outcome.faults == {(4, "day", "type-error"), (5, "day", "constraint-error")}
    assert outcome.valid["day"].to_pylist() == [date(2023, 11, 1)] * 3 + [date(2023, 11, 2), None]
    assert set(outcome.valid["at"].to_pylist()) == {datetime(2023, 11, 1, 12)}
