"""Reading a source as the release does, in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pydantic import TypeAdapter

from publisher.secrets import Secrets
from publisher.sources import NOWHERE, Surroundings, open_source
from publisher.sources.files import apart
from publisher.sources.files.reader_process import answers
from publisher.sources.spec import SourceSpec
from publisher.table_schema import FieldDefinition


@dataclass(frozen=True)
class Rows:
    """Everything a source gave."""

    table: pa.Table
    batches: int
    expected: int | None
    notes: list[str]

    @property
    def names(self) -> list[str]:
        return list(self.table.schema.names)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return dict(self.table.slice(row, 1).to_pylist()[0])

    def __len__(self) -> int:
        return int(self.table.num_rows)


Read = Callable[..., Rows]


def fields_of(*names: str, **types: str) -> list[FieldDefinition]:
    """Return plain fields; keyword arguments give a type."""
    everything = {**dict.fromkeys(names, "string"), **types}
    return [
        FieldDefinition.model_validate({"name": f"f{number}", "source_name": name, "type": kind, "title": name})
        for number, (name, kind) in enumerate(everything.items())
    ]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Return a function that reads a source to its end."""

    def read(
        spec: dict[str, Any],
        *fields: str | FieldDefinition,
        secrets: dict[str, str] | None = None,
        surroundings: Surroundings = NOWHERE,
    ) -> Rows:
        declared: Sequence[FieldDefinition] = [
            field if isinstance(field, FieldDefinition) else fields_of(field)[0] for field in fields
        ]
        if spec["kind"] == "file":
            spec = {"settle_seconds": 0, **spec}  # what a test wrote just now is complete
        source: SourceSpec = TypeAdapter(SourceSpec).validate_python(spec)
        with open_source(
            source, fields=declared, secrets=Secrets(secrets or {}), folder=tmp_path, surroundings=surroundings
        ) as stream:
            batches = list(stream.batches())
            assert len({batch.schema for batch in batches}) == 1
            return Rows(pa.Table.from_batches(batches), len(batches), stream.expected_rows, stream.notes)

    return read


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have workbooks and Parquet files read without a process of their own, which costs half a second each time."""
    monkeypatch.setattr(apart, "answers_apart", lambda request: (list(answers(request)), True))
