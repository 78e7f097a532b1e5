"""A small city register to anonymise: definitions and valid files made in code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from samples.working_tables import write_working

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.definition import TableDefinition
from publisher.published import arrow_schema
from publisher.secrets import Secrets

SOURCE = {"kind": "sql", "url": "env:DB", "query": "SELECT * FROM ho_so"}


def make_table(fields: dict[str, str], privacy: dict[str, Any], **more: Any) -> TableDefinition:
    """Return a table definition with titles like its names; `fields` are names and Table Schema types."""
    described = [{"name": name, "type": kind, "title": name} for name, kind in fields.items()]
    content = {"name": "ho_so", "title": "x", "row": "x", "schema": {"fields": described}, "source": SOURCE}
    return TableDefinition.model_validate({**content, "privacy": privacy, **more})


@pytest.fixture(name="make_table")
def make_table_fixture() -> Callable[..., TableDefinition]:
    return make_table


@pytest.fixture
def anonymise(tmp_path: Path) -> Callable[..., AnonymisedTables]:
    """Return a function that anonymises rows (columns of Python values) under a table definition."""
    runs = iter(range(1000))

    def run(
        table: TableDefinition, columns: dict[str, list[Any]], *, seed: int = 7, release: str = "2026-11-22.1"
    ) -> AnonymisedTables:
        folder = tmp_path / "dataset"
        folder.mkdir(exist_ok=True)
        work = tmp_path / f"run{next(runs)}"
        work.mkdir()
        write_working(pa.table(columns, schema=arrow_schema(table.schema_.fields)), work / "valid.arrow")
        return anonymise_table(
            work / "valid.arrow",
            table,
            folder=folder,
            output=work / "anonymised",
            secrets=Secrets({"PSEUDO_KEY": "0123456789abcdef0123"}),
            release=release,
            seed=seed,
        )

    return run
