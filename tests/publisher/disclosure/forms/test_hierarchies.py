"""The checker's own reading of hierarchies: one level for the whole column, and no unit of too few people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from publisher.disclosure.forms.hierarchies import hierarchy_judges
from publisher.policy import Action

READ: TypeAdapter[Any] = TypeAdapter(Action)


def _fits(values: list[str], hierarchy: Any, folder: Path = Path(), **more: Any) -> bool:
    action = READ.validate_python({"action": "generalise", "hierarchy": hierarchy, **more})
    return any(judge([(value, 1) for value in values]) for judge in hierarchy_judges(action, folder))


@pytest.mark.parametrize("spec", [{"delimiter": ";", "header": False}, {}])
def test_a_file_without_header(tmp_path: Path, spec: dict[str, Any]) -> None:
    (tmp_path / "age.csv").write_text("1;0-4;*\n2;0-4;*\n7;5-9;*\n", encoding="utf-8")
    hierarchy = {"file": "age.csv", **spec}
    assert _fits(["0-4", "5-9"], hierarchy, tmp_path)
    assert _fits(["*"], hierarchy, tmp_path)
    assert not _fits(["0-4", "7"], hierarchy, tmp_path)
    assert not _fits(["1"], hierarchy, tmp_path, levels=[1, 2])
    assert _fits(["1"], hierarchy, tmp_path, levels=["age", "band", "*"])


def test_a_file_with_header_and_levels_by_name(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("ma,khu\n01,A\n02,B\n", encoding="utf-8")
    assert _fits(["A", "B"], "w.csv", tmp_path, levels=["khu", "*"])
    assert not _fits(["01"], "w.csv", tmp_path, levels=["khu", "*"])
    assert not _fits(["A", "*"], "w.csv", tmp_path, levels=["khu", "*"])


def test_leaves_in_the_policy() -> None:
    leaves = {"Kinh": ["đa số", "*"], "Hoa": ["thiểu số", "*"]}
    assert _fits(["đa số", "thiểu số"], leaves)
    assert not _fits(["đa số", "Hoa"], leaves)


def test_names_of_the_levels_above_the_leaf() -> None:
    hierarchy = {"names": ["nhom", "all"], "leaves": {"Kinh": ["đa số", "*"], "Hoa": ["thiểu số", "*"]}}
    assert _fits(["đa số"], hierarchy, levels=["nhom", "all"])
    assert _fits(["*"], hierarchy)
    assert not _fits(["Kinh"], hierarchy, levels=["nhom", "all"])


def test_a_column_of_people_is_known_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("ma,khu,Population\n1,A,30\n2,A,9\n3,B,40\n", encoding="utf-8")
    assert _fits(["Khác", "3"], "w.csv", tmp_path, min_population=20)
    assert not _fits(["2"], "w.csv", tmp_path, min_population=20)


@pytest.mark.parametrize(
    ("name", "good", "bad", "levels"),
    [
        ("icd10", ["I10-I15", "C30-C39"], ["I10-I15", "I11"], ["block", "chapter"]),
        ("icd10", ["IX", "II"], ["XXX"], ["chapter"]),
        ("isco08", ["251", "011"], ["251", "2512"], ["minor", "major"]),
        ("vsic", ["A", "G"], ["Z"], ["section"]),
        ("ethnicity", ["Kinh", "Dân tộc thiểu số"], ["Tày"], ["majority"]),
        ("hcmc_admin_2025", ["Quận 1", "Huyện Củ Chi"], ["Phường Sài Gòn"], ["area"]),
        ("vn_admin_2025", ["01", "79"], ["00004"], ["province"]),
        ("moon_admin", ["*"][:0], ["*"], None),
    ],
)
def test_built_in_hierarchies(name: str, good: list[str], bad: list[str], levels: list[str] | None) -> None:
    assert not _fits(bad, name, levels=levels)
    assert not good or _fits(good, name, levels=levels)


def test_units_of_too_few_people_may_not_show(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("ma,khu,population\n1,A,30\n2,A,9\n3,A,4\n4,B,25\n", encoding="utf-8")
    settings: dict[str, Any] = {"folder": tmp_path, "levels": ["ma", "khu", "*"], "min_population": 10}
    assert _fits(["1", "A", "4"], "w.csv", **settings)  # 2 and 3 are 13 people together
    assert not _fits(["1", "2", "A"], "w.csv", **settings)  # 2 alone has 9
    assert _fits(["1", "A"], "w.csv", **settings)
    assert not _fits(["1", "A"], "w.csv", **(settings | {"min_population": 14}))
    assert _fits(["1", "Khác"], "w.csv", **(settings | {"min_population": 14}))
    assert not _fits(["C"], "w.csv", **settings)
    assert not _fits(["1", "*"], "w.csv", **settings)
    assert _fits(["*"], "w.csv", **settings)
    assert not _fits(["1"], {"a": ["x"]}, min_population=5)
