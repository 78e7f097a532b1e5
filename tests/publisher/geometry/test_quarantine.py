"""Rows that lie nowhere sensible leave through the quarantine, counted by kind, with their row numbers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from samples.mapped_tables import POINTS, mapped_definition
from samples.working_tables import write_working

from publisher.validation import validate_table


def test_bad_places_are_counted_and_quarantined(tmp_path: Path) -> None:
    table = mapped_definition({"ma": "string", "lng": "number", "lat": "number"}, POINTS)
    rows = [
        ("a", "106.7", "10.7"),
        ("b", "10.7", "106.7"),
        ("c", "2.3", "48.8"),
        ("d", "106.7", None),
        ("e", "x", "10.7"),
        ("f", None, None),
    ]
    columns = dict(zip(("ma", "lng", "lat"), map(list, zip(*rows, strict=True)), strict=True))
    write_working(pa.table(columns), tmp_path / "staged.arrow", rows_per_batch=2)
    report = validate_table(
        tmp_path / "staged.arrow",
        table,
        valid=tmp_path / "valid.arrow",
        quarantine=tmp_path / "quarantine" / "bad.parquet",
    )
    assert {(one.type, one.field): (one.count, one.first_rows) for one in report.errors} == {
        ("type-error", "lng"): (1, (5,)),
        ("geometry-error", None): (1, (4,)),
        ("geometry-outside", None): (1, (3,)),
        ("geometry-swapped", None): (1, (2,)),
    }
    assert report.valid_rows == 2
    kept = pq.read_table(tmp_path / "quarantine" / "bad.parquet").to_pylist()
    assert [row["_row"] for row in kept] == [2, 3, 4, 5]
