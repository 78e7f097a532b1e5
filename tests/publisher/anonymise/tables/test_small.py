from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest

from publisher.anonymise import AnonymisedTables
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError

Make = Callable[..., TableDefinition]
Run = Callable[..., AnonymisedTables]

KEEP = {"action": "keep"}
FIELDS = {"ma": "string", "khu": "string", "benh": "string", "tien": "number"}
SUM = {"name": "tong", "kind": "sum", "field": "tien", "title": "t"}
COUNT = {"name": "n", "kind": "count", "title": "n"}


def policy(*tables: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"subject": "person", "fields": {"khu": KEEP, "benh": KEEP}, "tables": list(tables), **more}


def columns(cells: dict[tuple[str, str], list[float]]) -> dict[str, list[Any]]:
    flat = [(khu, benh, tien) for (khu, benh), values in cells.items() for tien in values]
    found = {name: [row[n] for row in flat] for n, name in enumerate(("khu", "benh", "tien"))}
    return {"ma": [str(n) for n in range(len(flat))], **found}


def counts(result: AnonymisedTables, name: str, *by: str) -> dict[Any, Any]:
    paths = {table.name: path for table, path in result.tables}
    return {tuple(row[field] for field in by): row["n"] for row in pq.read_table(paths[name]).to_pylist()}


def test_a_sum_that_one_contributor_dominates_is_hidden_with_company(make_table: Make, anonymise: Run) -> None:
    table = {"id": "t", "group_by": ["khu"], "margins": "all", "measures": [COUNT, SUM]}
    rule = {"min": 3, "dominance": {"p_percent": 20}}
    data = columns(
        {("A", "x"): [1000.0, 50.0, 40.0], ("B", "x"): [100.0] * 20, ("C", "x"): [90.0] * 20, ("D", "x"): [95.0] * 30}
    )
    shown = anonymise(make_table(FIELDS, policy({**table, "small_cell": {"min": 3}}, subject="business")), data)
    assert counts(shown, "t", "khu")["A",] == 3
    result = anonymise(make_table(FIELDS, policy({**table, "small_cell": rule}, subject="business")), data)
    found = counts(result, "t", "khu")
    assert found["A",] is None
    assert [number for key, number in found.items() if key != ("A",)].count(None) >= 1


def test_a_unit_with_many_rows_is_one_contributor(make_table: Make, anonymise: Run) -> None:
    table = {"id": "t", "group_by": ["khu"], "measures": [COUNT, SUM]}
    rule = {"min": 2, "dominance": {"p_percent": 20}}
    data = columns({("A", "x"): [10.0] * 12})
    data["ma"] = ["big"] * 9 + ["a", "b", "c"]
    several = policy({**table, "small_cell": rule}, subject="business", unit_key=["ma"])
    assert counts(anonymise(make_table(FIELDS, several), data), "t", "khu") == {
        ("A",): 12
    }  # 30 remain beside 90 and 10
    data["ma"] = ["big"] * 11 + ["a"]
    assert counts(anonymise(make_table(FIELDS, several), data), "t", "khu") == {("A",): None}


def test_a_group_of_which_all_have_one_value_does_not_tell_it(make_table: Make, anonymise: Run) -> None:
    table = {"id": "t", "group_by": ["khu", "benh"], "margins": [["khu"]]}
    data = columns({("A", "x"): [1.0] * 30, ("B", "x"): [1.0] * 40, ("B", "y"): [1.0] * 50})
    data_n = {**table, "measures": [COUNT]}
    result = anonymise(make_table(FIELDS, policy(data_n)), data)
    found = counts(result, "t", "khu", "benh")
    assert found["A", "x"] is None
    assert found["A", "y"] is None
    assert found["A", "*"] == 30


def test_small_groups_of_a_sensitive_value_do_not_tell_it_either(make_table: Make, anonymise: Run) -> None:
    few, many = [1.0] * 2, [1.0] * 40
    data = columns({("A", "x"): few, ("B", "x"): many, ("B", "y"): many, ("C", "x"): many, ("C", "y"): many})
    table = {"id": "t", "group_by": ["khu", "benh"], "measures": [COUNT]}
    plain = policy(table)
    assert ("A", "y") not in counts(anonymise(make_table(FIELDS, plain), data), "t", "khu", "benh")
    sensitive = policy(table, fields={"khu": KEEP, "benh": {**KEEP, "role": "sensitive"}})
    assert counts(anonymise(make_table(FIELDS, sensitive), data), "t", "khu", "benh")["A", "y"] is None


def test_a_code_with_its_name_is_no_group_of_one_value(make_table: Make, anonymise: Run) -> None:
    data = columns({("A", "ward a"): [1.0] * 30, ("B", "ward b"): [1.0] * 40})
    table = {"id": "t", "group_by": ["khu", "benh"], "measures": [COUNT]}
    assert counts(anonymise(make_table(FIELDS, policy(table)), data), "t", "khu", "benh") == {
        ("A", "ward a"): 30,
        ("B", "ward b"): 40,
    }


def test_hidden_zeros_look_like_hidden_small_cells(make_table: Make, anonymise: Run) -> None:
    data = columns({("A", "x"): [1.0] * 30, ("A", "y"): [1.0] * 2, ("B", "x"): [1.0] * 40, ("C", "y"): [1.0] * 20})
    table = {"id": "t", "group_by": ["khu", "benh"], "measures": [COUNT], "small_cell": {"min": 5, "zero": "hide"}}
    found = counts(anonymise(make_table(FIELDS, policy(table)), data), "t", "khu", "benh")
    assert len(found) == 6
    assert found["A", "y"] is None
    assert found["B", "y"] is None


def test_tables_of_one_source_treat_zeros_alike(make_table: Make, anonymise: Run) -> None:
    tables = [
        {"id": name, "group_by": ["khu"], "measures": [COUNT], "small_cell": {"zero": zero}}
        for name, zero in (("t", "keep"), ("u", "hide"))
    ]
    with pytest.raises(DescriptorError, match="treat zeros differently"):
        anonymise(make_table(FIELDS, policy(*tables)), columns({("A", "x"): [1.0] * 9}))
