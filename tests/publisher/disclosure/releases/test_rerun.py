"""G10: a table that comes out another one when it is made again is found, and the road's own comes out the same."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.small_tables import define

from publisher.disclosure.releases.rerun import other_rows
from publisher.published import published_tables

TABLE = published_tables(
    define(
        {"phuong": "string", "so": "number"},
        {"subject": "none", "fields": {"phuong": {"action": "keep"}, "so": {"action": "keep"}}},
    )
)[0]
ROWS = {"phuong": ["A", "B", None], "so": [1.5, None, 2.0]}


def write(path: Path, columns: dict[str, list[object]]) -> Path:
    pq.write_table(pa.table(columns, schema=TABLE.arrow_schema), path)
    return path


@pytest.mark.parametrize(
    ("second", "same"),
    [
        (ROWS, True),
        ({"phuong": ["B", "A", None], "so": [None, 1.5, 2.0]}, False),
        ({"phuong": ["A", "B", None], "so": [1.5, None, 2.5]}, False),
        ({"phuong": ["A", "B"], "so": [1.5, None]}, False),
    ],
)
def test_rows_and_their_order_are_compared(tmp_path: Path, second: dict[str, list[object]], *, same: bool) -> None:
    first, again = write(tmp_path / "a.parquet", dict(ROWS)), write(tmp_path / "b.parquet", second)
    assert (other_rows(first, again, TABLE) == []) is same
