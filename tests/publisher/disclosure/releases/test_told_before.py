"""Of which cells earlier releases speak, told to the audit of hidden cells."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from samples.small_tables import define

from publisher.disclosure.releases.cells import told_before
from publisher.earlier import Earlier, EarlierRelease
from publisher.published import published_tables

PRIVACY = {
    "subject": "person",
    "fields": {"phuong": {"action": "keep"}},
    "tables": [{"id": "theo_phuong", "group_by": ["phuong"]}],
}
ROUNDING = [{"id": "theo_phuong", "group_by": ["phuong"], "or_round": {"base": 5}}]
TABLE = published_tables(define({"phuong": "string"}, PRIVACY))[0]
ROUNDED = published_tables(define({"phuong": "string"}, {**PRIVACY, "tables": ROUNDING}))[0]


def released(folder: Path, number: int, counts: dict[str | None, int | None]) -> EarlierRelease:
    path = folder / f"{number}.parquet"
    columns = {"phuong": list(counts), "so_luong": list(counts.values())}
    pq.write_table(pa.table(columns, schema=TABLE.arrow_schema), path)
    return EarlierRelease(f"r{number}", date(2026, 1, number), {"theo_phuong": path})


def test_every_cell_that_was_ever_hidden_is_named(tmp_path: Path) -> None:
    releases = (released(tmp_path, 1, {"A": None, "B": 7}), released(tmp_path, 2, {"B": None, None: None, "C": 9}))
    now = released(tmp_path, 3, {"A": None, "C": 9}).tables["theo_phuong"]
    assert told_before(now, TABLE, Earlier(date(2026, 2, 1), releases)) == {("A",), ("B",), (None,)}
    assert told_before(now, TABLE, None) == set()


def test_of_rounded_tables_the_numbers_that_stayed_are_named(tmp_path: Path) -> None:
    releases = (released(tmp_path, 1, {"A": 10, "B": 15}), released(tmp_path, 2, {"A": 25, "B": 30}))
    now = released(tmp_path, 3, {"A": 10, "B": 45, "C": 10}).tables["theo_phuong"]
    assert told_before(now, ROUNDED, Earlier(date(2026, 2, 1), releases)) == {("A",)}
