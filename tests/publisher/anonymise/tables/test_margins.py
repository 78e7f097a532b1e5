from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.policy import AggregateTable
from publisher.published import published_tables

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

FIELDS = {"ngay": "date", "khu": "string", "tien": "number"}
COLUMNS: dict[str, list[Any]] = {
    "ngay": [date(2026, 1, 5)] * 20 + [date(2026, 2, 5)] * 25,
    "khu": ["A", "B"] * 10 + ["A"] * 10 + [None] * 15,
    "tien": [1.0] * 20 + [3.0] * 25,
}
MEASURES = [
    {"name": "so", "kind": "count", "title": "n"},
    {"name": "tb", "kind": "mean", "field": "tien", "title": "tb"},
    {"name": "giua", "kind": "median", "field": "tien", "title": "giua"},
]


def policy(table: dict[str, Any], **fields: dict[str, Any]) -> dict[str, Any]:
    keep = {"ngay": {"action": "keep"}, "khu": {"action": "keep"}}
    return {"subject": "none", "fields": {**keep, **fields}, "tables": [{"id": "theo", **table}]}


def rows(result: AnonymisedTables) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    [(published, path)] = result.tables
    read = pq.read_table(path).to_pylist()
    by = published.aggregate.group_by if published.aggregate else []
    return {tuple(row[name] for name in by): tuple(v for name, v in row.items() if name not in by) for row in read}


def test_totals_stand_beside_the_cells_and_are_taken_of_all_their_rows(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS, policy({"group_by": ["ngay", "khu"], "measures": MEASURES, "margins": "all"}))
    result = anonymise(table, COLUMNS)
    assert rows(result) == {
        ("*", "*"): (45, 2.1, 3.0),
        ("*", "A"): (20, 2.0, 2.0),
        ("*", "B"): (10, 1.0, 1.0),
        ("*", None): (15, 3.0, 3.0),
        ("2026-01-05", "*"): (20, 1.0, 1.0),
        ("2026-01-05", "A"): (10, 1.0, 1.0),
        ("2026-01-05", "B"): (10, 1.0, 1.0),
        ("2026-02-05", "*"): (25, 3.0, 3.0),
        ("2026-02-05", "A"): (10, 3.0, 3.0),
        ("2026-02-05", None): (15, 3.0, 3.0),
    }
    assert result.tables[0][0].arrow_schema.field("ngay").type == pa.string()


def test_only_the_margins_that_are_named_are_published(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS, policy({"group_by": ["ngay", "khu"], "margins": [["khu"], []]}))
    found = rows(anonymise(table, COLUMNS))
    assert [key for key in found if "*" in key] == [("*", "*"), ("*", "A"), ("*", "B"), ("*", None)]


def test_a_reader_is_told_what_the_star_means_where_it_stands(make_table: Make) -> None:
    [table] = published_tables(make_table(FIELDS, policy({"group_by": ["ngay", "khu"], "margins": [["khu"]]})))
    said = {one.name: (one.description, one.description_translated.get("en", "")) for one in table.fields}
    assert "* nghĩa là tất cả" in said["ngay"][0]
    assert "* means all" in said["ngay"][1]
    assert all("*" not in text for text in said["khu"])


def test_without_margins_groups_keep_their_types(make_table: Make, anonymise: Run) -> None:
    table = make_table(FIELDS, policy({"group_by": ["ngay"]}))
    assert rows(anonymise(table, COLUMNS)) == {(date(2026, 1, 5),): (20,), (date(2026, 2, 5),): (25,)}


def test_a_value_that_looks_like_a_total_is_refused_without_saying_which(make_table: Make, anonymise: Run) -> None:
    recode = {"action": "recode", "values": {"A": "A"}}
    table = make_table(FIELDS, policy({"group_by": ["khu"], "margins": "all"}, khu=recode))
    with pytest.raises(DescriptorError, match="`khu` has the value `\\*`"):
        anonymise(table, COLUMNS)


def test_a_field_that_says_nothing_at_all_has_no_totals_of_its_own(make_table: Make, anonymise: Run) -> None:
    hidden = {"action": "generalise_date", "levels": ["*"]}
    table = make_table(FIELDS, policy({"group_by": ["ngay", "khu"], "margins": "all"}, ngay=hidden))
    assert rows(anonymise(table, COLUMNS)) == {
        ("*", "*"): (45,),
        ("*", "A"): (20,),
        ("*", "B"): (10,),
        ("*", None): (15,),
    }


def test_texts_and_measures_have_defaults() -> None:
    table = AggregateTable.model_validate({"id": "benh_theo_phuong", "group_by": ["phuong"]})
    assert (table.title, [measure.name for measure in table.measures]) == ("Benh theo phuong", ["so_luong"])
    assert "phuong" in table.row


@pytest.mark.parametrize(
    "changes",
    [
        {"margins": [["gioi"]]},
        {"group_by": ["phuong", "phuong"]},
        {"measures": [{"name": "phuong", "kind": "count", "title": "n"}]},
        {"or_round": {"base": 5}, "measures": [{"name": "tb", "kind": "mean", "field": "tien", "title": "t"}]},
    ],
)
def test_tables_that_contradict_themselves_are_wrong_definitions(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AggregateTable.model_validate({"id": "t", "group_by": ["phuong"], **changes})
