"""JSON in pieces gives what the whole gives: any encoding, any size of piece, any path; almost JSON is refused."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.sources import json_reader
from publisher.sources.json_paths import RowsAt, WrongShapeError, at
from publisher.sources.json_reader import JsonReader, NotJsonError
from publisher.sources.json_text import compact_json, json_texts


def read(body: bytes, path: str = "", *, keep: bool = True) -> tuple[list[Any], Any]:
    rows = RowsAt(JsonReader(io.BytesIO(body)), path, keep=keep)
    return list(rows), rows.document


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("", "ROWS"), ("data", {"data": "ROWS", "more": [1]}), ("a.b", {"a": {"x": 1, "b": "ROWS"}}),
        ("a.1.b", {"a": [{"b": [7]}, {"b": "ROWS"}]}), ("odata.value", {"odata.value": "ROWS"}), ("0", ["ROWS", 5]),
        ("a.b.c", {"a": {"b.c": "ROWS"}}),
    ],
)  # fmt: skip
def test_paths_lead_to_the_rows(path: str, document: Any) -> None:
    body = json.dumps(document).replace('"ROWS"', json.dumps([{"id": n} for n in range(3)])).encode()
    around = json.loads(json.dumps(document).replace('"ROWS"', "[]"))
    found, kept = read(body, path)
    assert found == [{"id": str(n)} for n in range(3)]
    assert json.loads(compact_json(kept)) == around
    assert at(kept, path) == []
    assert read(body, path, keep=False)[0] == found


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text(max_size=5), JSON, max_size=4), max_size=6),
    before=JSON, window=st.integers(1, 40), indent=st.sampled_from([None, 0, 3]), keep=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-le"]),
)  # fmt: skip
def test_pieces_of_any_size_give_what_the_whole_gives(
    rows: list[Any], before: Any, window: int, indent: int | None, keep: bool, encoding: str
) -> None:
    document = {"before": before, "rows": rows, "total": len(rows)}
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_reader, "CHUNK_BYTES", window)
        found, around = read(text.encode(encoding), "rows", keep=keep)
        assert [json.loads(compact_json(row)) for row in found] == rows
        assert json.loads(compact_json(around)) == ({**document, "rows": []} if keep else {})
        for cut in (1, len(text) // 2, len(text) - 1):
            with pytest.raises((NotJsonError, WrongShapeError)):
                read(text[:cut].encode("utf-8"), "rows", keep=keep)


@settings(max_examples=50)
@given(st.binary(max_size=60))
def test_no_bytes_crash_the_reader(body: bytes) -> None:
    with suppress(NotJsonError, WrongShapeError):
        read(body, "a")


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize(
    "text",
    ['[{"a": 1}] x', '[{"a": 1},]', "[,1]", '{"a": 1 "b": 2}', "[1 2]", '{"rows": [1], "rows": [2]}', "{1: 2}",
     '{"a": 1} []', '{"rows": {}}', "7", ""],
)  # fmt: skip
def test_almost_json_and_other_shapes_are_refused(text: str, keep: bool) -> None:
    with pytest.raises((NotJsonError, WrongShapeError)):
        read(text.encode(), "rows" if "rows" in text else "", keep=keep)


def test_only_one_value_is_ever_held() -> None:
    long = b'[{"a": "' + b"x" * 300 + b'"}]'
    reader = JsonReader(io.BytesIO(long), longest=100)
    with (
        pytest.raises(NotJsonError, match="longer than"),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(json_reader, "CHUNK_BYTES", 10)
        list(RowsAt(reader, ""))


def test_half_letters_are_told_and_names_stay_as_they_are() -> None:
    assert json_texts({"e\u0323": "e\u0323", "b": None}) == {"e\u0323": "\u1eb9", "b": None}
    for row in ({"a": "\ud800"}, {"\ud800": 1}, {"a": ["\udfff"]}):
        with pytest.raises(UnicodeError):
            json_texts(row)
