"""Small readers: formats, fields, paths and filters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue.actions.flattened import FlatPathError, apply_filter, item_at, matches, set_at, unmatched
from catalogue.formats_table import canonical_format, format_of_url, media_type_of_url
from catalogue.register.validation import as_boolean, as_integer, name_faults

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("csv", "CSV"),
        (".Geojson", "GeoJSON"),
        ("PARQUET", "Parquet"),
        ("text/csv", "CSV"),
        ("jsonl", "JSON Lines"),
        ("Odd", "Odd"),
        ("", ""),
    ],
)
def test_formats_have_one_spelling(written, canonical):
    assert canonical_format(written) == canonical


@pytest.mark.parametrize(
    ("url", "name", "media_type"),
    [
        ("https://x.example/r/bus/2026-11-22.1/stops.csv.gz", "CSV", "text/csv"),
        ("https://x.example/a.parquet?x=1", "Parquet", "application/vnd.apache.parquet"),
        ("https://x.example/a.b/page", "", None),
        ("http://[", "", None),
        ("", "", None),
    ],
)
def test_an_extension_tells_the_format(url, name, media_type):
    assert (format_of_url(url), media_type_of_url(url)) == (name, media_type)


def test_booleans_and_integers_are_read_leniently():
    assert [as_boolean(word) for word in ("TRUE", "y", 1, "off", "0", False)] == [True, True, True, False, False, False]
    assert as_boolean("perhaps") is None
    assert [as_integer(word) for word in ("12", " 7 ", 5, 5.0)] == [12, 7, 5, 5]
    assert [as_integer(word) for word in ("1.5", True, "x", 2**63, "9" * 40, None, [])] == [None] * 7


@given(st.text(alphabet="abz09_-", min_size=2, max_size=100))
def test_plain_names_have_no_fault(name):
    assert name_faults(name) == []


@pytest.mark.parametrize("name", ["a", "A1", "có", "a b", "a\n", "new", "x" * 101])
def test_other_names_have_a_fault(name):
    assert name_faults(name)


@pytest.mark.slow
@given(JSON)
def test_a_dict_matches_itself_and_an_empty_filter_keeps_all(value):
    assert unmatched({"a": value}, {"a": value}) == []
    assert apply_filter({"a": value}, []) == {"a": value}
    assert apply_filter({"a": value}, ["-*"]) == {}
    assert apply_filter({"a": value}, ["+a", "-*"]) == {"a": value}


def test_items_are_named_by_index_or_by_a_prefix_of_their_id():
    items = [{"id": "1f9ab-x"}, {"id": "1f9ac-x"}, {"id": "12345-x"}]
    assert [item_at(items, part) for part in ("0", "-1", "1f9ab", "12345")] == [0, -1, 0, 2]
    assert [item_at(items, part) for part in ("3", "-4", "1f9a", "1f9", "--1", "²")] == [None] * 6


def test_paths_set_and_compare_values():
    data = {"a": [{"b": 1}]}
    set_at(data, ["a", "0", "b"], 2)
    set_at(data, ["a", "extend"], [3])
    assert data == {"a": [{"b": 2}, 3]}
    assert matches(data, ["a", "0", "b"], 2)
    assert not matches(data, ["a", "0", "c"], 2)
    for path in (["a", "9"], ["x", "y"], ["a", "1", "b"]):
        with pytest.raises(FlatPathError):
            set_at(data, path, 0)
