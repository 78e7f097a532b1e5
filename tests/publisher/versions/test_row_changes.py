"""The change summary: true counts by key, by whole row, and when columns come and go."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sample_release import sample_definition, sample_rows, sample_table, write_source

from publisher.published import PublishedTable
from publisher.versions.row_changes import TableChanges, table_changes, total_changes


def keyless(table: PublishedTable) -> PublishedTable:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource["schema"]["primaryKey"] = []
    return replace(table, source=sample_definition(resources=[resource]).resources[0])


def counts(changes: TableChanges) -> tuple[int, int, int]:
    return changes.added, changes.removed, changes.changed


def test_rows_are_matched_by_the_primary_key(tmp_path: Path) -> None:
    table, rows = sample_table(), sample_rows(count=10)
    before = write_source(tmp_path / "a.parquet", rows, table)
    later = {name: values[2:] for name, values in rows.items()}  # two removed
    later["name"] = ["another", *later["name"][1:]]  # one changed
    later = {name: [*values, None] for name, values in later.items()} | {"id": [*later["id"], 99]}  # one added
    changes = table_changes(before, write_source(tmp_path / "b.parquet", later, table), table)
    assert counts(changes) == (1, 2, 1)
    assert (changes.key, changes.rows_before, changes.rows) == (("id",), 10, 9)


def test_without_a_key_a_changed_row_is_one_removed_and_one_added(tmp_path: Path) -> None:
    table = keyless(sample_table())
    rows = sample_rows(count=6)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {**rows, "name": ["x", *rows["name"][1:]]}, table)
    changes = table_changes(before, after, table)
    assert counts(changes) == (1, 1, 0)
    assert changes.key == ()


def test_order_does_not_count(tmp_path: Path) -> None:
    table, rows = keyless(sample_table()), sample_rows(count=20)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {name: values[::-1] for name, values in rows.items()}, table)
    assert counts(table_changes(before, after, table)) == (0, 0, 0)


def test_equal_rows_are_counted_one_by_one(tmp_path: Path) -> None:
    table = keyless(sample_table())
    one = {name: values[:1] for name, values in sample_rows().items()}
    before = write_source(tmp_path / "a.parquet", {name: values * 5 for name, values in one.items()}, table)
    after = write_source(tmp_path / "b.parquet", {name: values * 2 for name, values in one.items()}, table)
    assert counts(table_changes(before, after, table)) == (0, 3, 0)


def test_a_new_table_is_all_added(tmp_path: Path) -> None:
    table = sample_table()
    changes = table_changes(None, write_source(tmp_path / "b.parquet", sample_rows(), table), table)
    assert counts(changes) == (3, 0, 0)
    assert len(changes.columns_added) == len(table.fields)


def test_columns_that_come_go_or_change_type_are_named_and_not_compared(tmp_path: Path) -> None:
    table, rows = sample_table(), sample_rows()
    after = write_source(tmp_path / "b.parquet", rows, table)
    old = pa.table(rows, schema=table.arrow_schema).drop_columns(["month"]).append_column("gone", pa.array([1, 2, 3]))
    old = old.set_column(old.column_names.index("year"), "year", pa.array(["2026", None, "2026"]))
    pq.write_table(old, tmp_path / "a.parquet")
    changes = table_changes(tmp_path / "a.parquet", after, table)
    assert counts(changes) == (0, 0, 0)
    assert (changes.columns_added, changes.columns_removed, changes.columns_retyped) == (
        ("month",),
        ("gone",),
        ("year",),
    )


def test_nothing_in_common_is_everything_anew(tmp_path: Path) -> None:
    table = sample_table()
    pq.write_table(pa.table({"other": [1, 2]}), tmp_path / "a.parquet")
    after = write_source(tmp_path / "b.parquet", sample_rows(), table)
    assert counts(table_changes(tmp_path / "a.parquet", after, table)) == (3, 2, 0)


def test_empty_tables_differ_in_nothing(tmp_path: Path) -> None:
    table = sample_table()
    empty = write_source(tmp_path / "a.parquet", {name: [] for name in sample_rows()}, table)
    assert counts(table_changes(empty, empty, table)) == (0, 0, 0)


def test_totals_are_over_all_tables_and_plain() -> None:
    one = TableChanges("a", 1, 2, 1, 0, 3, key=("id",))
    assert total_changes([one, replace(one, table="b", removed=4)]) == {"added": 2, "removed": 4, "changed": 6}
    assert one.to_dict()["key"] == ["id"]


Rows = st.dictionaries(st.integers(0, 8), st.tuples(st.sampled_from(["a", "b", None]), st.booleans()), max_size=9)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(Rows, Rows)
def test_counts_are_those_of_a_plain_comparison(tmp_path: Path, old: dict[int, Any], new: dict[int, Any]) -> None:
    table = sample_table()
    paths = []
    for name, rows in (("a", old), ("b", new)):
        columns: dict[str, list[object]] = {field.name: [None] * len(rows) for field in table.fields}
        columns |= {"id": list(rows), "name": [r[0] for r in rows.values()], "open": [r[1] for r in rows.values()]}
        paths.append(write_source(tmp_path / f"{name}.parquet", columns, table))
    expected = (len(new.keys() - old), len(old.keys() - new), sum(old[k] != new[k] for k in old.keys() & new))
    assert counts(table_changes(paths[0], paths[1], table)) == expected
    bag_old, bag_new = Counter(old.items()), Counter(new.items())
    expected = ((bag_new - bag_old).total(), (bag_old - bag_new).total(), 0)
    assert counts(table_changes(paths[0], paths[1], keyless(table))) == expected


def rows_of(path: Path) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return listed


def about_persons(table: PublishedTable) -> PublishedTable:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    resource["privacy"] |= {"subject": "person", "microdata": {"k": 2}}
    return replace(table, source=sample_definition(resources=[resource]).resources[0])


def test_listed_rows_are_the_new_ones_and_of_removed_rows_the_key(tmp_path: Path) -> None:
    table, rows = sample_table(), sample_rows(count=10)
    before = write_source(tmp_path / "a.parquet", rows, table)
    later = {name: values[2:] for name, values in rows.items()}
    later["name"] = ["another", *later["name"][1:]]
    later = {name: [*values, None] for name, values in later.items()} | {"id": [*later["id"], 99]}
    after = write_source(tmp_path / "b.parquet", later, table)
    changes = table_changes(before, after, table, listed=tmp_path / "c.parquet")
    listed = rows_of(tmp_path / "c.parquet")
    assert [(row["_change"], row["id"]) for row in listed] == [
        ("changed", 2),
        ("added", 99),
        ("removed", 0),
        ("removed", 1),
    ]
    assert listed[0]["name"] == "another"
    assert {value for row in listed[2:] for name, value in row.items() if name not in {"_change", "id"}} == {None}
    assert (changes.fields, changes.unlisted, changes.removed_listed) == ({"name": 1}, None, True)


def test_no_removed_key_is_repeated_where_the_policy_lets_less_out(tmp_path: Path) -> None:
    table, rows = sample_table(), sample_rows(count=4)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {name: values[1:] for name, values in rows.items()}, table)
    changes = table_changes(before, after, table, listed=tmp_path / "c.parquet", list_removed=False)
    assert rows_of(tmp_path / "c.parquet") == []
    assert (changes.removed, changes.removed_listed) == (1, False)


def test_without_a_key_rows_that_went_are_counted_and_not_told(tmp_path: Path) -> None:
    table, rows = keyless(sample_table()), sample_rows(count=4)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {**rows, "name": ["x", *rows["name"][1:]]}, table)
    changes = table_changes(before, after, table, listed=tmp_path / "c.parquet")
    assert [(row["_change"], row["name"]) for row in rows_of(tmp_path / "c.parquet")] == [("added", "x")]
    assert (changes.removed, changes.removed_listed) == (1, False)


def test_single_rows_about_persons_are_never_listed(tmp_path: Path) -> None:
    table, rows = about_persons(sample_table()), sample_rows(count=4)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {**rows, "name": ["x", *rows["name"][1:]]}, table)
    changes = table_changes(before, after, table, listed=tmp_path / "c.parquet")
    assert (changes.changed, changes.unlisted) == (1, "person")
    assert not (tmp_path / "c.parquet").exists()


def test_a_table_that_is_all_new_is_not_written_twice(tmp_path: Path) -> None:
    table, rows = sample_table(), sample_rows(count=20_000)
    before = write_source(tmp_path / "a.parquet", rows, table)
    after = write_source(tmp_path / "b.parquet", {**rows, "id": [-1 - key for key in rows["id"]]}, table)
    changes = table_changes(before, after, table, listed=tmp_path / "c.parquet")
    assert (changes.added, changes.removed, changes.unlisted) == (20_000, 20_000, "most")
    assert not (tmp_path / "c.parquet").exists()


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=20)
@given(Rows, Rows)
def test_whoever_applies_the_list_has_the_new_release(tmp_path: Path, old: dict[int, Any], new: dict[int, Any]) -> None:
    table = sample_table()
    paths = []
    for name, rows in (("a", old), ("b", new)):
        columns: dict[str, list[object]] = {field.name: [None] * len(rows) for field in table.fields}
        columns |= {"id": list(rows), "name": [r[0] for r in rows.values()], "open": [r[1] for r in rows.values()]}
        paths.append(write_source(tmp_path / f"{name}.parquet", columns, table))
    table_changes(paths[0], paths[1], table, listed=tmp_path / "c.parquet")
    first = (tmp_path / "c.parquet").read_bytes()
    known = {row["id"]: row for row in rows_of(paths[0])}
    for row in rows_of(tmp_path / "c.parquet"):
        change = row.pop("_change")
        if change == "removed":
            del known[row["id"]]
        else:
            known[row["id"]] = row
    assert known == {row["id"]: row for row in rows_of(paths[1])}
    table_changes(paths[0], paths[1], table, listed=tmp_path / "c.parquet")
    assert (tmp_path / "c.parquet").read_bytes() == first
