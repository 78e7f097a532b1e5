"""Cells are cleaned before any check."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from publisher.validation.text import canonical_text, clean_text


@given(st.lists(st.none() | st.text(st.characters(codec="utf-8") | st.sampled_from("\u00a0\u0301\u0309 \t\u2003Đươ"))))
def test_cleaning_is_nfc_plain_spaces_and_trimmed_ends(texts):
    expected = [None if t is None else unicodedata.normalize("NFC", t.replace("\u00a0", " ")).strip() for t in texts]
    assert clean_text(pa.array(texts, pa.string())).to_pylist() == expected


def test_cleaning_twice_changes_nothing_more():
    once = clean_text(pa.array(["\u00a0 Thu\u0309\u00a0Đức \n"]))
    assert once.to_pylist() == ["Thủ Đức"]
    assert clean_text(once).equals(once)


@given(st.lists(st.none() | st.floats(allow_nan=False, allow_infinity=False)))
def test_the_text_of_a_float_reads_back_as_the_same_float(numbers):
    texts = canonical_text(pa.array(numbers, pa.float64())).to_pylist()
    assert [None if text is None else float(text) for text in texts] == numbers
    assert not any(text.endswith(".0") for text in texts if text)


def test_only_midnight_becomes_a_bare_date():
    column = pa.array([0, 36_000_000_000, 1], pa.timestamp("us"))
    assert canonical_text(column, field_type="date").to_pylist() == [
        "1970-01-01",
        "1970-01-01T10:00:00",
        "1970-01-01T00:00:00.000001",
    ]
