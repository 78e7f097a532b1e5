"""Typed columns: the same report as Frictionless' over pandas, and clean rows that never become Python cells."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from publisher.errors import DescriptorError
from publisher.validation.files.report import prove_file

sys.path.insert(0, str(Path(__file__).parent))
import hostile

DAY = date(2024, 1, 5)
COLUMNS: dict[str, tuple[pa.DataType, Any]] = {
    "int64": (pa.int64(), lambda chance: chance.choice([chance.randint(-3, 200), 10**15, -(2**53) - 1])),
    "int8": (pa.int8(), lambda chance: chance.randint(-3, 100)),
    "uint64": (pa.uint64(), lambda chance: chance.choice([1, 5, 2**64 - 1])),
    "double": (
        pa.float64(),
        lambda chance: chance.choice([0.5, 7.0, -1.0, 1e300, float("nan"), float("inf"), chance.random()]),
    ),
    "float": (pa.float32(), lambda chance: chance.choice([0.5, 2.1, 100.0])),
    "bool": (pa.bool_(), lambda chance: chance.random() < 0.5),
    "string": (pa.string(), lambda chance: chance.choice(["5", "", "NA", "đêm", "2024-01-05", "x" * 30])),
    "category": (pa.dictionary(pa.int32(), pa.string()), lambda chance: chance.choice(["5", "", "NA"])),
    "date": (pa.date32(), lambda chance: DAY + timedelta(chance.randint(-9, 9))),
    "time": (pa.time64("us"), lambda chance: time(chance.randint(0, 23), 5)),
    "decimal": (pa.decimal128(10, 2), lambda chance: Decimal(chance.randint(-500, 900)) / 100),
    "timestamp": (pa.timestamp("us"), lambda chance: datetime(2024, 1, 5) + timedelta(hours=chance.randint(-99, 99))),
    "instant": (
        pa.timestamp("ms", "UTC"),
        lambda chance: datetime(2024, 1, 5, tzinfo=UTC) + timedelta(hours=chance.randint(-99, 99)),
    ),
    "binary": (pa.binary(), lambda _: b"x"),
}
FIELDS: list[dict[str, Any]] = [
    {"type": "integer", "constraints": {"minimum": 0, "exclusiveMaximum": 150}},
    {"type": "integer", "constraints": {"enum": [1, 5]}},
    {"type": "integer"},
    {"type": "number", "constraints": {"maximum": 7}},
    {"type": "number", "constraints": {"exclusiveMinimum": "0.5"}},
    {"type": "number", "floatNumber": True},
    {"type": "boolean"},
    {"type": "string", "constraints": {"maxLength": 20}},
    {"type": "string", "constraints": {"required": True}},
    {"type": "date", "constraints": {"minimum": "2024-01-03"}},
    {"type": "datetime", "constraints": {"maximum": "2024-01-07T00:00:00"}},
    {"type": "datetime", "constraints": {"maximum": "2024-01-07T00:00:00Z"}},
    {"type": "datetime"},
    {"type": "time"},
    {"type": "any", "constraints": {"required": True}},
    {"type": "year"},
]


def case(number: int) -> tuple[pa.Table, dict[str, Any], int]:
    chance = Random(number)
    numbers_only = chance.random() < 0.2
    kinds = (
        ["int64", "int8", "double", "float", "uint64"][: chance.randint(1, 5)] if numbers_only else list(COLUMNS)[:-1]
    )
    columns, fields = {}, []
    rows = chance.choice([0, 5, 60, 300])
    for place in range(chance.randint(1, 6)):
        kind = "binary" if chance.random() < 0.01 else chance.choice(kinds)
        arrow, value = COLUMNS[kind]
        share = chance.choice([0, 0, 0.2, 0.02])
        values = [None if chance.random() < share else value(chance) for _ in range(rows)]
        columns[f"{kind}{place}"] = pa.array(values, arrow)
        fitting = {
            "int64": (0, 2),
            "int8": (0, 2),
            "string": (7, 8),
            "date": (9,),
            "timestamp": (10, 12),
            "instant": (11, 12),
            "bool": (6,),
        }
        field = FIELDS[chance.choice(fitting.get(kind, (3, 4, 5)))] if chance.random() < 0.7 else chance.choice(FIELDS)
        fields.append({"name": f"{kind}{place}", **field})
    if chance.random() < 0.4:
        fields[0] = {**fields[0], "constraints": {**fields[0].get("constraints", {}), "unique": True}}
    schema = {
        "$schema": hostile.PROFILE,
        "fields": fields,
        "missingValues": chance.choice([[""], ["", "NA"], ["", "5"], []]),
    }
    if chance.random() < 0.4:
        schema["primaryKey"] = [field["name"] for field in fields[: chance.randint(1, 2)]]
    if chance.random() < 0.1:
        fields[-1]["name"] = "other"
    return pa.table(columns), schema, chance.choice([5, 1000, 10**6])


def both(schema: dict[str, Any], limit: int) -> tuple[Any, Any, Any]:
    from frictionless import Resource, Schema

    try:
        report, summary = prove_file("case.parquet", schema, limit_errors=limit)
        ours = without_seconds(report)
    except DescriptorError:
        ours, summary = None, None
    try:
        plain = Resource(path="case.parquet", schema=Schema.from_descriptor(schema)).validate(limit_errors=limit)
        theirs = without_seconds(plain)
    except Exception:  # noqa: BLE001
        theirs = None
    return ours, theirs, summary


def without_seconds(report: Any) -> dict[str, Any]:
    plain: dict[str, Any] = report.to_descriptor()
    for part in (plain, *plain["tasks"]):
        del part["stats"]["seconds"]
    return plain


@pytest.mark.slow
@pytest.mark.parametrize("share", range(4))
@pytest.mark.filterwarnings("ignore")
def test_typed_files_get_frictionless_own_report(share: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas", reason="Frictionless reads Parquet through pandas")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("publisher.validation.files.parquet._CHUNK_ROWS", 50)
    proven = errors = 0
    for number in range(share, 120, 4):
        table, schema, limit = case(number)
        pq.write_table(table, "case.parquet", row_group_size=Random(number).choice([20, 1000]))
        ours, theirs, summary = both(schema, limit)
        assert ours == theirs, (number, schema, table.schema, summary)
        proven += summary.proven if summary else 0
        errors += len(theirs["tasks"][0]["errors"]) if theirs else 0
    assert proven > 100
    assert errors > 300


def test_clean_typed_rows_never_reach_frictionless(tmp_path: Path) -> None:
    table = pa.table(
        {"id": pa.array(range(100_000)), "at": pa.array([datetime(2024, 1, 5)] * 100_000), "name": ["An"] * 100_000}
    )
    pq.write_table(table, tmp_path / "names.parquet")
    schema = {
        "fields": [
            {"name": "id", "type": "integer", "constraints": {"minimum": 0}},
            {"name": "at", "type": "datetime"},
            {"name": "name", "type": "string"},
        ]
    }
    report, summary = prove_file(tmp_path / "names.parquet", schema)
    assert report.valid
    assert (summary.rows, summary.suspects, summary.fallback) == (100_000, 1, None)
