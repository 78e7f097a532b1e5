from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from cityportal import formatting


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (812440, "812.440", "812,440"),
        (9.5, "9,5", "9.5"),
        (1234567.25, "1.234.567,25", "1,234,567.25"),
        (12.0, "12", "12"),
        (0.1 + 0.2, "0,3", "0.3"),
        (-3, "−3", "−3"),
    ],
)
def test_a_number_is_written_by_language(value, vi, en):
    assert formatting.number(value, "vi") == vi
    assert formatting.number(value, "en") == en


def test_a_column_of_fractions_can_ask_for_its_decimals():
    assert formatting.number(12.0, "vi", decimals=1) == "12,0"


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0\u00a0B"),
        (999, "999\u00a0B"),
        (999_600, "1,0\u00a0MB"),
        (9_100_000, "9,1\u00a0MB"),
        (128_000, "128\u00a0kB"),
    ],
)
def test_a_size_has_one_decimal_below_a_hundred(size, text):
    assert formatting.size(size, "vi") == text


def test_dates_and_times_stand_in_the_citys_time():
    moment = datetime(2026, 11, 21, 19, 5, tzinfo=UTC)
    assert formatting.moment(moment, "vi") == "02:05\u00a022/11/2026"
    assert formatting.moment(moment.replace(tzinfo=None), "en") == "22 November 2026, 02:05"
    assert formatting.day(date(2026, 11, 1), "vi") == "01/11/2026"


def test_a_share_is_written_in_per_cent():
    assert formatting.percent(0.964, "vi") == "96,4\u00a0%"


def test_a_long_hash_is_shortened_in_the_middle():
    assert formatting.short_hash("ab" * 32) == "abababab…abababab"
