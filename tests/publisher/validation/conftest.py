"""A table definition in one line, and the road from rows to report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.working_tables import read_working, write_working

from publisher.definition import TableDefinition
from publisher.validation import QualityReport, validate_table


@dataclass(frozen=True)
class Outcome:
    report: QualityReport
    valid: pa.Table
    quarantine: list[dict[str, Any]] | None
    left_behind: set[str]

    @property
    def faults(self) -> set[tuple[int, str | None, str]]:
        return {
            (row["_row"], field, kind)
            for row in self.quarantine or []
            for kind, field in zip(row["_errors"], row["_fields"], strict=True)
        }


def define(fields: list[dict[str, Any]], **rest: Any) -> TableDefinition:
    sections = {name: rest.pop(name) for name in ("thresholds", "checks") if name in rest}
    return TableDefinition.model_validate(
        {
            "name": "readings",
            "title": "Readings",
            "row": "One reading.",
            "schema": {"fields": [{"title": field["name"], **field} for field in fields], **rest},
            "source": {"kind": "sql", "url": "env:SOURCE", "query": "SELECT 1"},
            **sections,
            "privacy": {"subject": "none", "fields": {}},
        }
    )


def run(table: TableDefinition, columns: dict[str, Any], *, rows_per_group: int = 1000) -> Outcome:
    """Validate columns: lists are text, Arrow arrays stay typed."""
    data = pa.table({k: v if isinstance(v, pa.Array) else pa.array(v, pa.string()) for k, v in columns.items()})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_working(data, folder / "staged.arrow", rows_per_batch=rows_per_group)
        paths = {"valid": folder / "out" / "valid.arrow", "quarantine": folder / "quarantine" / "bad.parquet"}
        report = validate_table(folder / "staged.arrow", table, **paths)
        failing = pq.read_table(paths["quarantine"]).to_pylist() if paths["quarantine"].exists() else None
        left = {path.name for path in folder.rglob("*") if path.is_file()} - {"staged.arrow"}
        return Outcome(report, read_working(paths["valid"]), failing, left)


@pytest.fixture(scope="session", name="define")
def _define() -> Callable[..., TableDefinition]:
    return define


@pytest.fixture(scope="session", name="run")
def _run() -> Callable[..., Outcome]:
    return run
