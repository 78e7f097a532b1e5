"""Whatever the tables, an attacker who solves all of them together learns no hidden cell more closely than the policy says."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from attacks.reconstruction import Table, hidden_intervals
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.disclosure.cells import small_cells, subtractions

pytestmark = pytest.mark.slow

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

FIELDS = ["a", "b", "c"]
KEEP = {name: {"action": "keep"} for name in [*FIELDS, "ten_a"]}
SPECS: dict[str, list[dict[str, Any]]] = {
    "all margins of two": [{"id": "t", "group_by": ["a", "b"], "margins": "all"}],
    "all margins of three": [{"id": "t", "group_by": FIELDS, "margins": "all"}],
    "some margins": [{"id": "t", "group_by": FIELDS, "margins": [["a"], []]}],
    "linked by one field": [
        {"id": "t", "group_by": ["a", "b"]},
        {"id": "u", "group_by": ["b", "c"], "margins": "all"},
        {"id": "v", "group_by": ["a"]},
    ],
    "a triangle": [
        {"id": "t", "group_by": ["a", "b"], "margins": "all"},
        {"id": "u", "group_by": ["b", "c"], "margins": "all"},
        {"id": "v", "group_by": ["a", "c"], "margins": "all"},
    ],
}


def draw_rows(seed: int, number: int) -> dict[str, list[Any]]:
    draw = random.Random(seed)
    sizes = [draw.choice([2, 3, 4]) for _ in FIELDS]
    rows = [[min(int(draw.expovariate(0.6)), size - 1) for size in sizes] for _ in range(number)]
    columns = {name: [f"{name}{row[place]}" for row in rows] for place, name in enumerate(FIELDS)}
    return {**columns, "ten_a": [f"name of {value}" for value in columns["a"]]}


def published(result: AnonymisedTables) -> list[Table]:
    return [Table(tuple(t.aggregate.group_by), "so_luong", pq.read_table(p).to_pylist()) for t, p in result.tables]  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", list(SPECS))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(seed=3, number=100, width=10)
@given(seed=st.integers(0, 10**6), number=st.sampled_from([15, 40, 100]), width=st.sampled_from([3, 10]))
def test_every_hidden_cell_keeps_its_interval(
    make_table: Make, anonymise: Run, kind: str, seed: int, number: int, width: int
) -> None:
    rule = {"small_cell": {"min": 4}, "secondary": {"protect_width": width}}
    policy = {"subject": "business", "fields": KEEP, "tables": [{**table, **rule} for table in SPECS[kind]]}
    result = anonymise(make_table(dict.fromkeys([*FIELDS, "ten_a"], "string"), policy), draw_rows(seed, number))
    tables = published(result)
    if any(row["so_luong"] is not None for table in tables for row in table.rows):
        intervals = hidden_intervals(tables, least_hidden=1)
        assert intervals is not None
        assert all(interval.width >= width for interval in intervals)
    assert subtractions(result.tables) == []
    assert all(small_cells(path, table) == [] for table, path in result.tables)


def test_what_is_hidden_does_not_change_from_run_to_run(make_table: Make, anonymise: Run) -> None:
    policy = {"subject": "person", "fields": KEEP, "tables": SPECS["a triangle"]}
    table = make_table(dict.fromkeys([*FIELDS, "ten_a"], "string"), policy)
    rows = draw_rows(5, 300)
    assert published(anonymise(table, rows)) == published(anonymise(table, rows, seed=8))


def test_tables_are_linked_through_a_field_that_follows_from_another(make_table: Make, anonymise: Run) -> None:
    """One table has the code, the other its name: each hides what the other would tell."""
    rows = {"a": ["a0"] * 30 + ["a1"] * 40, "b": ["x"] * 28 + ["y"] * 2 + ["x"] * 20 + ["y"] * 20}
    rows |= {"c": ["c"] * 70, "ten_a": [f"name of {value}" for value in rows["a"]]}
    tables = [{"id": "t", "group_by": ["a", "b"]}, {"id": "u", "group_by": ["ten_a"]}]
    policy = {"subject": "person", "fields": KEEP, "tables": tables}
    result = anonymise(make_table(dict.fromkeys([*FIELDS, "ten_a"], "string"), policy), rows)
    told = {row["b"]: row["so_luong"] for row in published(result)[0].rows if row["a"] == "a0"}
    total = next(row["so_luong"] for row in published(result)[1].rows if row["ten_a"] == "name of a0")
    assert told == {"x": None, "y": None} or total is None


def test_with_a_unit_key_two_hidden_cells_of_one_person_are_not_enough(make_table: Make, anonymise: Run) -> None:
    rows = {
        "a": ["a0"] * 60,
        "b": ["x"] * 12 + ["y"] * 12 + ["z"] * 36,
        "c": ["one"] * 24 + [f"p{n}" for n in range(36)],
    }
    rows |= {"ten_a": ["n"] * 60}
    policy = {"subject": "person", "unit_key": ["c"], "fields": KEEP, "tables": [SPECS["all margins of two"][0]]}
    result = anonymise(make_table(dict.fromkeys([*FIELDS, "ten_a"], "string"), policy), rows)
    shown = {(row["a"], row["b"]): row["so_luong"] for row in published(result)[0].rows}
    assert shown["a0", "x"] is shown["a0", "y"] is None
    assert shown["a0", "z"] is None or shown["a0", "*"] is None
