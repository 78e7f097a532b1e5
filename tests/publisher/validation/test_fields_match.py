"""`fieldsMatch`: which columns may be absent, which may come in addition; the rows are checked as Frictionless checks them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from frictionless import Resource, Schema

from publisher.errors import DriftError

FIELDS = [
    {"name": "id", "type": "integer", "constraints": {"required": True}},
    {"name": "level", "type": "integer"},
    {"name": "code", "constraints": {"unique": True}},
]
CELLS = {"id": ["1", "x", ""], "level": ["5", "6", "y"], "code": ["a", "a", "b"], "extra": ["p", "q", "r"]}
NAMES = [
    ["id", "level", "code"],
    ["code", "id", "level"],
    ["id", "level", "code", "extra"],
    ["extra", "code", "id", "level"],
    ["id", "code"],
    ["level", "code"],
    ["code", "extra", "id"],
    ["extra"],
]


@pytest.mark.parametrize("match", ["exact", "equal", "subset", "superset", "partial"])
@pytest.mark.parametrize("names", NAMES, ids="-".join)
def test_the_same_columns_are_accepted_and_the_same_rows_fail(match, names, define, run):
    table = define(FIELDS, fieldsMatch=match)
    schema = Schema.from_descriptor(
        {"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fields": FIELDS, "fieldsMatch": match}
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        path.write_text(
            "\n".join([",".join(names), *(",".join(CELLS[name][row] for name in names) for row in range(3))])
        )
        errors = Resource(path="table.csv", basepath=folder, schema=schema).validate().tasks[0].errors
    columns = {name: CELLS[name] for name in names}
    if any("#header" in error.tags for error in errors):
        with pytest.raises(DriftError):
            run(table, columns)
        return
    outcome = run(table, columns)
    assert outcome.faults == {
        (error.row_number - 1, getattr(error, "field_name", None), error.type) for error in errors
    }
    assert outcome.valid.schema.names == ["id", "level", "code"]


def test_without_fields_match_the_columns_are_those_of_the_definition(define, run):
    with pytest.raises(DriftError, match="unknown: extra"):
        run(define(FIELDS), {name: CELLS[name] for name in ("id", "level", "code", "extra")})
