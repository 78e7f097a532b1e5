"""Equal rows have one hash, others another."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from publisher.engines.row_digest import RowDigest

COLUMNS: dict[str, list[Any]] = {
    "text": ["x", None, "đường", ""],
    "whole": [1, None, 3, 0],
    "number": [1.5, None, -2.5, 0.0],
    "yes": [True, None, False, False],
    "day": [date(2026, 11, 22), None, date(1970, 1, 1), date(1, 1, 1)],
    "moment": [datetime(2026, 11, 22, 1), None, datetime(1970, 1, 1), datetime(9999, 1, 1)],
    "hour": [time(1, 2), None, time(0), time(23, 59)],
    "items": [[1], None, [2, 3], []],
    "exact": [Decimal("1.50"), None, Decimal("-2.50"), Decimal("0.00")],
    "raw": [b"x", None, b"\x00", b""],
    "nothing": [None] * 4,
}
TABLE = pa.table({name: values * 50 for name, values in COLUMNS.items()})


def digest(table: pa.Table, *, cut: int | None = None) -> str:
    digest = RowDigest(table.schema)
    for batch in table.to_batches(max_chunksize=cut):
        digest.add(batch)
    return digest.sha256


@pytest.mark.parametrize("cut", [1, 7, 64, 100])
def test_the_cut_of_the_batches_does_not_matter(cut: int) -> None:
    assert digest(TABLE, cut=cut) == digest(TABLE)


def test_what_lies_behind_a_null_does_not_matter() -> None:
    values = pa.array([1, 2, 3])
    hidden = pa.Array.from_buffers(pa.int64(), 3, [pa.py_buffer(b"\x05"), values.buffers()[1]])
    assert hidden.to_pylist() == [1, None, 3]
    assert digest(pa.table({"n": hidden})) == digest(pa.table({"n": [1, None, 3]}))


@pytest.mark.parametrize("name", [name for name in COLUMNS if name != "nothing"])
def test_another_value_or_another_place_of_a_null_gives_another_hash(name: str) -> None:
    known = {digest(TABLE)}
    for order in ([1, 0, 2, 3], [2, 1, 0, 3], [0, 1, 2, 1]):
        known.add(digest(TABLE.set_column(0, name, TABLE[name].take(pa.array(order * 50)))))
    assert len(known) == 4


def test_texts_are_told_apart_by_where_they_end_and_null_from_empty() -> None:
    assert digest(pa.table({"t": ["ab", "c"]})) != digest(pa.table({"t": ["a", "bc"]}))
    assert digest(pa.table({"t": ["", "c"]})) != digest(pa.table({"t": [None, "c"]}))


def test_names_and_types_count() -> None:
    numbers = pa.table({"n": [1, 2]})
    assert digest(numbers) != digest(numbers.rename_columns(["m"]))
    assert digest(numbers) != digest(pa.table({"n": pc.cast(numbers["n"], pa.timestamp("us"))}))
