"""A small city register to anonymise: definitions and valid files made in code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from samples.small_tables import define
from samples.working_tables import write_working

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.definition import TableDefinition
from publisher.published import arrow_schema
from publisher.secrets import Secrets


@pytest.fixture
def make_table() -> Callable[..., TableDefinition]:
    return define


@pytest.fixture
def anonymise(tmp_path: Path) -> Callable[..., AnonymisedTables]:
    """Return a function that anonymises rows (columns of Python values) under a table definition; `more` goes to `anonymise_table`."""
    runs = iter(range(1000))

    def run(
        table: TableDefinition,
        columns: dict[str, list[Any]],
        *,
        seed: int = 7,
        release: str = "2026-11-22.1",
        **more: Any,
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
            **more,
        )

    return run
