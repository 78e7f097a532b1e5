"""CPU seconds of our validation against plain Frictionless on the same rows, in one run.

`python tests/bench/validation.py --rows 100000 [--dirty 0.001]`. Frictionless reads the rows as CSV, we read them as the staged
Parquet of text that a run has at that point and also write the typed valid rows; frictionless is imported before both.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from publisher.definition import TableDefinition
from publisher.validation import QualityReport, validate_table
from publisher.validation.table import prepare_checks

CATEGORIES = ["road", "light", "water", "noise", "waste", "tree", "permit", "other"]
FIELDS: list[dict[str, Any]] = [
    {"name": "request_id", "constraints": {"required": True, "pattern": "SR[0-9]{10}"}},
    {"name": "receipt_no", "type": "integer", "constraints": {"required": True, "minimum": 1, "unique": True}},
    {"name": "created_at", "type": "datetime", "constraints": {"required": True, "minimum": "2010-01-01T00:00:00"}},
    {"name": "day", "type": "date", "format": "%d/%m/%Y"},
    {"name": "category", "constraints": {"enum": CATEGORIES}},
    {"name": "ward", "constraints": {"pattern": "[0-9]{5}"}},
    {"name": "hours", "type": "number", "constraints": {"minimum": 0}},
    {"name": "lat", "type": "number", "constraints": {"minimum": 8, "maximum": 24}},
    {"name": "urgent", "type": "boolean"},
    {"name": "note", "constraints": {"maxLength": 200}},
]
DIRT = ["", "x", "-1", "31/02/2026", "2026-02-30T00:00:00", "SR12", "1e400"]
CHUNK = 50_000


def main() -> None:
    """Make the rows, time both, print one line each and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dirty", type=float, default=0.001, help="share of rows with one spoilt cell")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_rows(folder, rows=arguments.rows, dirty=arguments.dirty)
        table = _definition()
        prepare_checks(table)  # the import of frictionless belongs to neither
        ours, report = _cpu_seconds(lambda: _ours(folder, table))
        theirs, errors = _cpu_seconds(lambda: _frictionless(folder, table))
    found = sum(count.count for count in report.errors)
    print(f"rows {arguments.rows}, errors: ours {found} (a field's rules counted once a row), frictionless {errors}")
    print(f"ours         {ours:8.2f} CPU s  {arguments.rows / ours:12,.0f} rows/s")
    print(f"frictionless {theirs:8.2f} CPU s  {arguments.rows / theirs:12,.0f} rows/s")
    print(f"ratio        {theirs / ours:8.1f}")


def _ours(folder: Path, table: TableDefinition) -> QualityReport:
    return validate_table(
        folder / "rows.parquet", table, valid=folder / "valid.parquet", quarantine=folder / "bad.parquet"
    )


def _frictionless(folder: Path, table: TableDefinition) -> int:
    from frictionless import Schema, system
    from frictionless.resources import TableResource

    with system.use_context(trusted=True):
        schema = Schema.from_descriptor(table.schema_.descriptor())
        report = TableResource(path=str(folder / "rows.csv"), schema=schema).validate(limit_errors=10_000_000)
    return len(report.tasks[0].errors)


def _cpu_seconds(function: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    outcome = function()
    return time.process_time() - started, outcome


def _definition() -> TableDefinition:
    fields = [{"title": field["name"], **field} for field in FIELDS]
    return TableDefinition.model_validate(
        {
            "name": "requests",
            "title": "Requests",
            "row": "One request.",
            "schema": {"fields": fields, "primaryKey": ["request_id"]},
            "source": {"kind": "sql", "url": "env:SOURCE", "query": "SELECT 1"},
            "privacy": {"subject": "none", "fields": {}},
        }
    )


def _write_rows(folder: Path, *, rows: int, dirty: float) -> None:
    schema = pa.schema([(field["name"], pa.string()) for field in FIELDS])
    with (
        pq.ParquetWriter(folder / "rows.parquet", schema) as staged,
        pacsv.CSVWriter(folder / "rows.csv", schema) as text,
    ):
        for chunk in _chunks(rows, dirty=dirty):
            table = pa.Table.from_pylist(chunk, schema)
            staged.write_table(table)
            text.write_table(table)


def _chunks(rows: int, *, dirty: float) -> Iterator[list[dict[str, str]]]:
    numbers = random.Random(20261122)
    for start in range(0, rows, CHUNK):
        chunk = [_row(number, numbers) for number in range(start + 1, min(start + CHUNK, rows) + 1)]
        for row in chunk:
            if numbers.random() < dirty:
                row[numbers.choice(FIELDS)["name"]] = numbers.choice(DIRT)
        yield chunk


def _row(number: int, numbers: random.Random) -> dict[str, str]:
    day, month = numbers.randint(1, 28), numbers.randint(1, 12)
    return {
        "request_id": f"SR{number:010}",
        "receipt_no": str(number * 3),
        "created_at": f"2026-{month:02}-{day:02}T{number % 24:02}:{number % 60:02}:{number % 59:02}",
        "day": f"{day:02}/{month:02}/2026",
        "category": numbers.choice(CATEGORIES),
        "ward": f"{numbers.randint(26_000, 27_500):05}",
        "hours": str(round(numbers.expovariate(0.02), 2)),
        "lat": f"{numbers.uniform(10.3, 11.2):.6f}",
        "urgent": numbers.choice(["true", "false"]),
        "note": f"Request {number % 20_000}, seen at the corner",
    }


if __name__ == "__main__":
    main()
