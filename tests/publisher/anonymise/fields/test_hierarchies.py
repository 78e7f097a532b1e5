"""Hierarchies from files with and without a header, from the policy, built-in; and floors of population."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from publisher.anonymise.fields.built_in import BuiltInClimb, built_in_of
from publisher.anonymise.fields.floors import climb_small
from publisher.anonymise.fields.hierarchy import Hierarchy, hierarchy_of
from publisher.errors import DescriptorError, ReleaseRefused
from publisher.policy import Action, GeneraliseHierarchy

READ: TypeAdapter[Any] = TypeAdapter(Action)
AGES = "1;0-4;0-9;*\n2;0-4;0-9;*\n7;5-9;0-9;*\n12;10-14;10-19;*\n"


def _action(hierarchy: Any, **more: Any) -> GeneraliseHierarchy:
    action = READ.validate_python({"action": "generalise", "hierarchy": hierarchy, **more})
    assert isinstance(action, GeneraliseHierarchy)
    return action


def _read(tmp_path: Path, text: str, levels: list[Any] | None = None, **spec: Any) -> Hierarchy:
    (tmp_path / "h.csv").write_text(text, encoding="utf-8")
    return hierarchy_of(_action({"file": "h.csv", **spec}, levels=levels), tmp_path)


@pytest.mark.parametrize("spec", [{}, {"delimiter": ";"}, {"delimiter": ";", "header": False}])
def test_a_file_without_header_has_all_its_rows_and_levels_by_number(tmp_path: Path, spec: dict[str, Any]) -> None:
    found = _read(tmp_path, AGES, **spec)
    assert found.leaves == ("1", "2", "7", "12")
    assert found.levels == ("0", "1", "2", "3")
    assert found.labels[1] == ("0-4", "0-4", "5-9", "10-14")
    assert set(found.labels[3]) == {"*"}


def test_levels_are_chosen_by_number_or_named_in_order(tmp_path: Path) -> None:
    assert _read(tmp_path, AGES, [0, 2]).labels[1] == ("0-9", "0-9", "0-9", "10-19")
    assert _read(tmp_path, AGES, ["age", "five", "ten", "*"]).levels == ("age", "five", "ten", "*")
    with pytest.raises(DescriptorError, match="no column for the level `ten`"):
        _read(tmp_path, AGES, ["ten"])


def test_a_cell_may_hold_a_line_break_and_a_header_names_each_level_once(tmp_path: Path) -> None:
    assert _read(tmp_path, 'ma,khu\n1,"A\nB"\n2,C\n', ["khu"]).labels == (("A\nB", "C"),)
    with pytest.raises(DescriptorError, match="two levels alike"):
        _read(tmp_path, "ma,khu,khu\n1,A,X\n2,B,X\n", ["khu"])


WARD_ZONES = "ward,zone\na,north\nb,north\nc,south\n"


@pytest.mark.parametrize("levels", [["ward", "zones"], ["zones"], ["Zone", "*"], ["wards", "zone", "*"]])
def test_a_misspelt_level_is_told_from_a_file_without_header(tmp_path: Path, levels: list[str]) -> None:
    [wrong] = set(levels) - {"ward", "zone", "*"}
    with pytest.raises(DescriptorError, match=f"no column for the level `{wrong}`") as caught:
        _read(tmp_path, WARD_ZONES, levels)
    assert "its levels are ward, zone and `*`" in caught.value.cure


def test_a_level_like_no_word_of_the_first_row_is_told_that_levels_have_numbers(tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match="no first row names the levels, so they have numbers") as caught:
        _read(tmp_path, WARD_ZONES, ["street"])
    assert "there are 0, 1 and `*`" in caught.value.cure
    assert "header: true" in caught.value.cure


@pytest.mark.parametrize("header", [True, None])
def test_a_header_names_the_levels(tmp_path: Path, header: bool | None) -> None:
    found = _read(tmp_path, "\ufeffma,khu,vung\n 01 ,A,X\n02,A,X\n03,B,X\n", header=header)
    assert (found.leaves, found.levels) == (("01", "02", "03"), ("ma", "khu", "vung"))
    assert _read(tmp_path, "ma,khu\n01,A\n02,B\n", ["khu", "*"]).labels == (("A", "B"), ("*", "*"))


def test_a_first_row_whose_values_come_again_is_no_header(tmp_path: Path) -> None:
    assert _read(tmp_path, "White,light\nBlack,dark\nPale,light\n").leaves == ("White", "Black", "Pale")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a;x;y\nb;x\n", "row 2 lacks a cell"),
        ("a;x;*\na;y;*\n", "a leaf stands twice"),
        ("a;x;u;*\nb;x;v;*\n", "two parents"),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        _read(tmp_path, text, header=False)


def test_a_hierarchy_stands_in_the_policy() -> None:
    found = hierarchy_of(_action({"Kinh": ["da so", "*"], "Hoa": ["thieu so", "*"]}), Path())
    assert found.levels == ("0", "1", "2")
    assert found.labels[1] == ("da so", "thieu so")
    named = _action({"names": ["dan_toc", "nhom"], "leaves": {"Kinh": ["a"], "Hoa": ["b"]}}, levels=["nhom", "*"])
    assert hierarchy_of(named, Path()).labels == (("a", "b"), ("*", "*"))
    with pytest.raises(DescriptorError, match="more levels than others"):
        hierarchy_of(_action({"a": ["x"], "b": ["x", "*"]}), Path())


WARDS = "phuong,khu,population\n1,A,30000\n2,A,9000\n3,A,12000\n4,B,25000\n5,B,100\n6,B,40000\n"


def test_units_of_few_people_climb_until_enough_share_the_value(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(WARDS, encoding="utf-8")
    found = hierarchy_of(_action("h.csv", levels=["phuong", "khu", "*"], min_population=20000), tmp_path)
    # 2 and 3 are 21,000 people together; 5 is alone in its district and in what is left over, so the smallest value joins it.
    assert found.labels[0] == ("1", "Khác", "Khác", "4", "Khác", "6")
    assert found.labels[1] == ("A", "Khác", "Khác", "B", "Khác", "B")
    assert set(found.labels[2]) == {"*"}
    (tmp_path / "h.csv").write_text("a,x\nb,x\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="knows no populations"):
        hierarchy_of(_action("h.csv", min_population=5), tmp_path)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_value_is_shared_by_enough_people_at_every_level(data: st.DataObject) -> None:
    number = data.draw(st.integers(2, 25))
    people = data.draw(st.lists(st.integers(0, 50), min_size=number, max_size=number))
    first = data.draw(st.lists(st.integers(0, 8), min_size=number, max_size=number))
    second = [one // 3 for one in first]
    labels: list[list[Any]] = [[("leaf", place) for place in range(number)], first, second, ["*"] * number]
    floor = data.draw(st.integers(1, max(1, sum(people))))
    if sum(people) < floor:
        return
    lowest = climb_small(labels, people, floor)
    for level in range(len(labels)):
        shared: dict[Any, int] = {}
        for leaf in range(number):
            at = max(level, lowest[leaf])
            shared[at, labels[at][leaf]] = shared.get((at, labels[at][leaf]), 0) + people[leaf]
        assert min(shared.values()) >= floor


def _settled(name: str, codes: list[Any], **more: Any) -> dict[str, list[Any]]:
    climb = built_in_of("ma", _action(name, **more))
    assert isinstance(climb, BuiltInClimb)
    settled = climb.settle(pa.array(codes))
    return {level: settled.apply(pa.array(codes), place).to_pylist() for place, level in enumerate(settled.levels)}


def test_built_in_hierarchies_know_codes_and_names_as_they_are_written() -> None:
    icd = _settled("icd10", ["I10", "I21.9", "C341", "u07.1", None])
    assert icd["category"] == ["I10", "I21", "C34", "U07", None]
    assert icd["block"] == ["I10-I15", "I20-I25", "C30-C39", "U00-U49", None]
    assert icd["chapter"] == ["IX", "IX", "II", "XXII", None]
    assert _settled("isco08", ["2512", "0110"], levels=["minor", "major"])["major"] == ["2", "0"]
    assert _settled("vsic", ["01110", "47", "9700"], levels=["division", "section"]) == {
        "division": ["01", "47", "97"],
        "section": ["A", "G", "T"],
    }
    groups = _settled("ethnicity", ["Kinh", "kinh", "Khmer", "H'Mông", "DÂN TỘC TÀY", "E de"])
    assert groups["ethnicity"] == ["Kinh", "Kinh", "Khơ Me", "Mông", "Tày", "Ê Đê"]
    assert groups["majority"] == ["Kinh", "Kinh", *["Dân tộc thiểu số"] * 4]
    assert _settled("vn_admin_2025", ["00004", "4"], levels=["province"])["province"] == ["01", "01"]
    assert _settled("vn_admin_old", ["00001"])["district"] == ["001"]
    wards = _settled("hcmc_admin_2025", ["Phường Sài Gòn", "phuong ben thanh", "Củ Chi"], levels=["ward", "area", "*"])
    assert wards["ward"] == ["Phường Sài Gòn", "Phường Bến Thành", "Xã Củ Chi"]
    assert wards["area"] == ["Quận 1", "Quận 1", "Huyện Củ Chi"]
    assert _settled("hcmc_admin_2025", ["26740"], levels=["ward"])["ward"] == ["26740"]


def test_a_ward_of_few_people_does_not_show() -> None:
    found = _settled("hcmc_admin_2025", ["Xã Thạnh An", "Phường Sài Gòn", "Đặc khu Côn Đảo"], min_population=20000)
    assert found["ward"][0] != "Xã Thạnh An"
    assert found["ward"][1] == "Phường Sài Gòn"
    assert found["ward"][2] != "Đặc khu Côn Đảo"


def test_unknown_codes_hierarchies_and_levels_are_refused() -> None:
    with pytest.raises(ReleaseRefused, match="does not know 2 of its codes"):
        _settled("icd10", ["I10", "tim", "9"])
    with pytest.raises(ReleaseRefused, match="does not know 1"):
        _settled("ethnicity", ["Kinh", "Atlantis"])
    with pytest.raises(DescriptorError, match="level `street`"):
        built_in_of("ma", _action("vn_admin_2025", levels=["street"]))
    with pytest.raises(DescriptorError, match="knows no populations"):
        built_in_of("ma", _action("icd10", min_population=10))
