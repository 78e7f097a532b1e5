"""A whole release whose hidden cells are empty by now: hidden because they were, and no contradiction for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.small_tables import define

from publisher.disclosure.cells import subtractions
from publisher.disclosure.guarantees import Known, check_release
from publisher.earlier import Earlier, EarlierRelease
from publisher.published import PublishedTable, published_tables

PRIVACY: dict[str, Any] = {
    "subject": "person",
    "fields": {"a": {"action": "keep"}, "b": {"action": "keep"}},
    "tables": [{"id": "theo_a_b", "group_by": ["a", "b"]}, {"id": "theo_a", "group_by": ["a"]}],
}
TABLES = published_tables(define({"a": "string", "b": "string"}, PRIVACY))


def write(folder: Path, total: int) -> Iterator[tuple[PublishedTable, Path]]:
    """Write two tables: two of three cells are hidden, and a total tells how many people stand in these."""
    folder.mkdir()
    fine = {"a": ["x"] * 3, "b": ["1", "2", "3"], "so_luong": [20, None, None]}
    for table, columns in zip(TABLES, (fine, {"a": ["x"], "so_luong": [total]}), strict=True):
        path = folder / f"{table.name}.parquet"
        pq.write_table(pa.table(columns, schema=table.arrow_schema), path)
        yield table, path


@pytest.mark.parametrize("now", [20, 30])
def test_cells_hidden_before_may_be_empty_and_others_not(tmp_path: Path, now: int) -> None:
    before = {table.name: path for table, path in write(tmp_path / "before", 40)}
    tables = list(write(tmp_path / "now", now))
    earlier = Earlier(date(2026, 2, 1), (EarlierRelease("r1", date(2026, 1, 1), before),))

    def holds(known: Earlier | None) -> bool:
        verdict = check_release(
            tmp_path / "now", TABLES, dataset="thu", today=date(2026, 2, 1), definitions=tmp_path,
            rows_before={}, known=Known(known),
        )  # fmt: skip
        [found] = [check for check in verdict.checks if check.id == "G6" and check.detail.startswith("subtraction")]
        return found.passed

    assert not holds(None)
    assert subtractions(tables) != []
    assert holds(earlier)
