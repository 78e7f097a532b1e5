"""Foreign keys within and between tables: the orphans are those of Frictionless."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.frictionless_oracle import Faults, dataset_faults
from samples.working_tables import write_working

from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.validation import validate_table
from publisher.validation.foreign_keys import Staged

Table = tuple[dict[str, Any], list[list[str | None]]]


def validated(tables: dict[str, Table], folder: Path, define: Any, **typed: pa.Array) -> dict[str, Faults]:
    """Return the faults of each table of a dataset; `typed` replaces the columns of that name."""
    staged = {}
    for name, (schema, rows) in tables.items():
        names = [field["name"] for field in schema["fields"]]
        columns = {
            field: typed.get(field, pa.array([row[place] for row in rows], pa.string()))
            for place, field in enumerate(names)
        }
        write_working(pa.table(columns), folder / f"{name}.arrow", rows_per_batch=max(5, len(rows) // 20))
        definition: TableDefinition = define(**schema).model_copy(update={"name": name})
        staged[name] = Staged(folder / f"{name}.arrow", definition)
    found = {}
    for name, one in staged.items():
        bad = folder / f"{name}.parquet"
        report = validate_table(one.path, one.table, valid=folder / "valid.arrow", quarantine=bad, others=staged)
        rows = pq.read_table(bad).to_pylist() if bad.exists() else []
        found[name] = {
            (row["_row"], field, kind)
            for row in rows
            for kind, field in zip(row["_errors"], row["_fields"], strict=True)
        }
        assert sum(error.count for error in report.errors) == len(found[name])
    return found


def key(fields: Any, resource: str, others: Any) -> dict[str, Any]:
    return {"fields": fields, "reference": {"resource": resource, "fields": others}}


CELLS = {
    "string": ["a", "b", "A", "1", "", "Đ"],
    "integer": ["1", "01", "2", "x", "", "12345678901234567", "12345678901234568"],
    "number": ["1", "1.0", "2.50", "2.5", "x", "", "12345678901234567", "0.10000000000000000001", "0.1"],
    "year": ["2026", "2025", "0001", "x", ""],
    "date": ["2026-11-22", "2026-11-23", "x", ""],
    "datetime": ["2026-11-22T10:00:00", "2026-11-22 10:00:00", "2026-11-22T10:00:00Z", "2026-11-22T17:00:00+07:00", ""],
    "time": ["10:00:00", "10:00:00.0", "11:00:00", ""],
    "boolean": ["true", "1", "false", ""],
    "yearmonth": ["2026-11", "2026-1", "2026-01", ""],
    "duration": ["P1D", "PT24H", "P1Y", "P12M", ""],
    "geopoint": ["1,2", "1.0, 2.00", "2,1", ""],
}
PAIRS = [
    *((kind, kind) for kind in CELLS),
    ("integer", "number"),
    ("number", "integer"),
    ("year", "integer"),
    ("boolean", "integer"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("mine", "theirs"), PAIRS)
def test_orphans_between_tables_are_those_of_frictionless(mine, theirs, define, tmp_path):
    chance = random.Random(f"{mine} {theirs}")
    for number in range(2):
        cells = {"mine": CELLS[mine], "theirs": chance.sample(CELLS[theirs], k=len(CELLS[theirs]) // 2 + 1)}
        child = {
            "fields": [{"name": "k", "type": mine}, {"name": "part", "type": "string"}, {"name": "o"}],
            "foreignKeys": [key("k", "wards", "code"), key(["k", "part"], "wards", ["code", "part"])],
        }
        parent = {"fields": [{"name": "code", "type": theirs}, {"name": "part"}, {"name": "o"}]}
        tables: dict[str, Table] = {
            "readings": (
                child,
                [[chance.choice(cells["mine"]), chance.choice(["p", "q", ""]), "x"] for _ in range(25)],
            ),
            "wards": (parent, [[chance.choice(cells["theirs"]), chance.choice(["p", "q", ""]), "x"] for _ in range(8)]),
        }
        (tmp_path / str(number)).mkdir()
        assert validated(tables, tmp_path / str(number), define) == dataset_faults(tables)


def test_tables_may_refer_to_each_other_and_to_themselves(define, tmp_path):
    people = {
        "fields": [{"name": "id", "type": "integer"}, {"name": "boss", "type": "integer"}, {"name": "office"}],
        "primaryKey": "id",
        "foreignKeys": [key("boss", "", "id"), key("office", "offices", "name")],
    }
    offices = {
        "fields": [{"name": "name"}, {"name": "head", "type": "integer"}],
        "foreignKeys": [key("head", "people", "id")],
    }
    tables: dict[str, Table] = {
        "people": (people, [["1", "", "a"], ["2", "1", "b"], ["3", "9", "c"], ["x", "2", ""], ["1", "x", "a"]]),
        "offices": (offices, [["a", "1"], ["b", "7"], ["", ""]]),
    }
    expected = dataset_faults(tables)
    assert (3, "boss", "foreign-key") in expected["people"]
    assert (2, "head", "foreign-key") in expected["offices"]
    assert validated(tables, tmp_path, define) == expected


def test_an_empty_table_knows_no_key(define, tmp_path):
    tables: dict[str, Table] = {
        "readings": ({"fields": [{"name": "k"}], "foreignKeys": [key("k", "wards", "code")]}, [["a"], ["b"]]),
        "wards": ({"fields": [{"name": "code"}]}, []),
    }
    assert validated(tables, tmp_path, define) == dataset_faults(tables) == {
        "readings": {(1, "k", "foreign-key"), (2, "k", "foreign-key")}, "wards": set(),
    }  # fmt: skip


def test_typed_columns_find_texts(define, tmp_path):
    tables: dict[str, Table] = {
        "readings": (
            {"fields": [{"name": "k", "type": "number"}], "foreignKeys": [key("k", "wards", "code")]},
            [[""]] * 4,
        ),
        "wards": (
            {"fields": [{"name": "code", "type": "number"}]},
            [["0.30000000000000004"], ["1.50"], ["9007199254740993"]],
        ),
    }
    typed = pa.array([0.1 + 0.2, 1.5, 0.3, None])
    assert validated(tables, tmp_path, define, k=typed)["readings"] == {(3, "k", "foreign-key"), (4, None, "blank-row")}
    whole = pa.array([9007199254740993, 9007199254740992])
    tables["readings"][0]["fields"][0]["type"] = "integer"
    assert validated(tables, tmp_path, define, k=whole)["readings"] == {(2, "k", "foreign-key")}


def test_a_table_that_is_not_there_is_a_mistake_of_the_definition(define, tmp_path):
    tables: dict[str, Table] = {
        "readings": ({"fields": [{"name": "k"}], "foreignKeys": [key("k", "wards", "code")]}, [["a"]])
    }
    with pytest.raises(DescriptorError, match="needs the table wards"):
        validated(tables, tmp_path, define)


@pytest.mark.slow
def test_ten_thousand_orphans_are_all_found(define, tmp_path):
    schema = {"fields": [{"name": "k"}, {"name": "up"}], "foreignKeys": [key("up", "", "k")]}
    rows: list[list[str | None]] = [[f"n{place}", f"n{place * 2}"] for place in range(20_000)]
    found = validated({"readings": (schema, rows)}, tmp_path, define)
    assert found["readings"] == {(place + 1, "up", "foreign-key") for place in range(10_000, 20_000)}


def test_unique_keys_free_rows_with_a_missing_part(define, tmp_path):
    fields = [{"name": "a"}, {"name": "b", "type": "integer"}, {"name": "c", "constraints": {"unique": True}}]
    rows: list[list[str | None]] = [["x", "1", "p"], ["x", "01", "q"], ["x", "", "q"], ["x", "", "r"], ["y", "1", "q"]]
    schema = {"fields": fields, "uniqueKeys": [["a", "b"], "c"], "primaryKey": ["a", "b", "c"]}
    assert validated({"readings": (schema, rows)}, tmp_path, define)["readings"] == {
        (2, None, "unique-error"), (3, "c", "unique-error"), (5, "c", "unique-error"),
    }  # fmt: skip
