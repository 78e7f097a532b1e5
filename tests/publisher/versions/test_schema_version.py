"""Which change of a definition makes which version, and that nobody lowers one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_release import sample_definition

from publisher.errors import DescriptorError
from publisher.versions.contract import Contract, contract_of
from publisher.versions.difference import LEVELS, RANKS, differences
from publisher.versions.schema_version import EarlierVersion, next_version, numbers_of, raised

Resource = dict[str, Any]
Edit = Callable[[Resource], Any]


def contract(edit: Edit | None = None, **changes: Any) -> Contract:
    resource = sample_definition().resources[0].model_dump(by_alias=True)
    if edit is not None:
        edit(resource)
    return contract_of(sample_definition(resources=[resource], **changes))


def field(resource: Resource, name: str) -> Resource:
    found: Resource = next(one for one in resource["schema"]["fields"] if one["name"] == name)
    return found


def act(name: str, **action: Any) -> Edit:
    return lambda resource: resource["privacy"]["fields"].update({name: action})


def constrain(name: str, **bounds: Any) -> Edit:
    return lambda resource: field(resource, name)["constraints"].update(bounds)


def count_cells(resource: Resource, least: int = 5) -> None:
    measure = {"name": "so_phieu", "kind": "count", "title": "Số phiếu"}
    cells = {"id": "cells", "title": "Ô", "row": "Mỗi dòng là một năm.", "group_by": ["year"], "measures": [measure]}
    resource["privacy"]["tables"] = [{**cells, "small_cell": {"min": least}}]


def rename(resource: Resource) -> None:
    field(resource, "amount")["name"] = "amounts"
    resource["privacy"]["fields"]["amounts"] = resource["privacy"]["fields"].pop("amount")


def personal(k: int, **more: Any) -> Edit:
    def edit(resource: Resource) -> None:
        resource["privacy"] |= {"subject": "person", "microdata": {"k": k, **more}}

    return edit


CASES: list[tuple[str, Edit | None, Edit | None, set[str]]] = [
    ("nothing", None, None, set()),
    ("a column is dropped", None, act("name", action="drop"), {"field_removed"}),
    ("a column leaves that did not", act("name", action="drop"), None, {"field_added"}),
    ("a column is renamed", None, rename, {"field_renamed"}),
    ("a unit", None, lambda r: field(r, "amount").update(unit="USD"), {"unit_changed"}),
    ("the key", None, lambda r: r["schema"].update(primaryKey=["id", "day"]), {"key_changed"}),
    ("the grain", count_cells, lambda r: count_cells(r, least=10), {"suppresses_more"}),
    ("rows become cells", None, count_cells, {"table_removed", "table_added"}),
    ("smaller cells", lambda r: count_cells(r, least=10), count_cells, {"suppresses_less"}),
    ("a larger k", personal(2), personal(5), {"suppresses_more"}),
    ("a smaller k", personal(5), personal(2), {"suppresses_less"}),
    ("rounding", None, act("amount", action="round", base=10), {"less_precise"}),
    ("finer rounding", act("amount", action="round", base=10), act("amount", action="round", base=5), {"more_precise"}),
    ("no rounding", act("amount", action="round", base=10), None, {"more_precise"}),
    (
        "coarser days",
        act("at", action="generalise_date", levels=["day"]),
        act("at", action="generalise_date", levels=["month"]),
        {"less_precise", "field_retyped"},
    ),
    (
        "a lower top",
        act("amount", action="top_code", at=100),
        act("amount", action="top_code", at=50),
        {"less_precise"},
    ),
    ("codes", constrain("name", enum=["a", "b"]), constrain("name", enum=["a", "b", "c"]), {"codes_added"}),
    ("codes gone", constrain("name", enum=["a", "b"]), constrain("name", enum=["a"]), {"codes_removed"}),
    (
        "a code for another",
        constrain("name", enum=["a"]),
        constrain("name", enum=["b"]),
        {"codes_removed", "codes_added"},
    ),
    ("a list of codes", None, constrain("name", enum=["a"]), {"codes_removed"}),
    ("wider bounds", constrain("amount", maximum=5), constrain("amount", maximum=9), {"bounds_widened"}),
    ("narrower bounds", constrain("amount", maximum=9), constrain("amount", maximum=5), {"bounds_narrowed"}),
    ("a title", None, lambda r: field(r, "name").update(title="Họ tên"), {"labels_changed"}),
    ("the order", None, lambda r: r.update(sort_by=["id"]), {"order_changed"}),
    ("the order of columns", None, lambda r: r["schema"]["fields"].reverse(), {"order_changed"}),
    ("the source", None, lambda r: r["source"].update(query="SELECT 2"), set()),
]


@pytest.mark.parametrize(("before", "after", "kinds"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_change_of_the_definition_is_what_it_is(before: Edit | None, after: Edit | None, kinds: set[str]) -> None:
    assert {one.kind for one in differences(contract(before), contract(after))} == kinds


def test_every_kind_has_a_level() -> None:
    assert set(LEVELS.values()) == set(RANKS)


def test_another_type_is_major_and_told_with_both() -> None:
    found = differences(contract(), contract(lambda r: field(r, "year").update(type="string")))
    assert [one.to_dict() for one in found] == [
        {
            "level": "major",
            "kind": "field_retyped",
            "table": "tickets",
            "field": "year",
            "before": "year",
            "after": "string",
        }
    ]


def test_forms_come_and_go() -> None:
    fewer = contract(release={"cadence": "daily", "formats": ["parquet"]})
    assert {one.kind for one in differences(contract(), fewer)} == {"form_removed"}
    assert {one.kind for one in differences(fewer, contract())} == {"form_added"}


@pytest.mark.parametrize(
    ("lines", "kinds"),
    [
        (["a,1", "b,1", "c,2"], {"codes_added"}),
        (["a,2", "b,1"], {"codes_removed", "codes_added"}),
        (["a,1"], {"codes_removed"}),
    ],
)
def test_the_vintage_of_area_codes_is_part_of_the_contract(tmp_path: Path, lines: list[str], kinds: set[str]) -> None:
    def with_hierarchy(written: list[str]) -> Contract:
        (tmp_path / "areas.csv").write_text("\n".join(["name,area", *written]), encoding="utf-8")
        resource = sample_definition().resources[0].model_dump(by_alias=True)
        act("name", action="generalise", hierarchy="areas.csv", levels=["area"])(resource)
        return contract_of(sample_definition(resources=[resource], folder=tmp_path))

    before = with_hierarchy(["a,1", "b,1"])
    assert {one.kind for one in differences(before, with_hierarchy(lines))} == kinds


def earlier(version: str, kept: Contract, *, stated: str = "1.0.0") -> EarlierVersion:
    return EarlierVersion(version, stated, kept)


def version(
    new: Contract, *, current: EarlierVersion | None, used: list[EarlierVersion] | None = None, stated: str = "1.0.0"
) -> str:
    known = used if used is not None else [current] if current else []
    return next_version(new, stated=stated, current=current, used=known, dataset="requests").version


LESS, MORE, WORDS = act("name", action="drop"), act("owner", action="keep"), lambda r: r.update(title="Các phiếu")


def test_the_first_release_has_the_version_stated() -> None:
    assert version(contract(), current=None, stated="3.1.0") == "3.1.0"


@pytest.mark.parametrize(("edit", "expected"), [(LESS, "2.0.0"), (MORE, "1.5.0"), (WORDS, "1.4.3"), (None, "1.4.2")])
def test_the_version_follows_the_gravest_difference(edit: Edit | None, expected: str) -> None:
    assert version(contract(edit), current=earlier("1.4.2", contract())) == expected


def test_a_person_may_raise_it() -> None:
    assert version(contract(MORE), current=earlier("1.4.2", contract()), stated="2.0.0") == "2.0.0"


@pytest.mark.parametrize("stated", ["0.9.0", "1.4.1", "1.4.9"])
def test_nobody_lowers_it(stated: str) -> None:
    with pytest.raises(DescriptorError) as caught:
        version(contract(MORE), current=earlier("1.4.2", contract()), stated=stated)
    assert "1.5.0" in str(caught.value)
    assert "field added tickets owner" in caught.value.message
    assert "never lowered" in caught.value.cure


def test_a_version_names_one_contract_also_after_a_roll_back() -> None:
    back, gone = earlier("1.0.0", contract()), earlier("2.0.0", contract(LESS))
    assert version(contract(LESS), current=back, used=[back, gone]) == "2.0.0"
    assert version(contract(), current=gone, used=[back, gone]) == "2.1.0"
    other = contract(act("amount", action="drop"))
    assert version(other, current=back, used=[back, gone]) == "3.0.0"
    with pytest.raises(DescriptorError, match=r"2\.0\.0"):
        version(contract(MORE), current=back, used=[back, gone], stated="2.0.0")


def test_releases_without_a_known_contract_begin_at_the_version_stated() -> None:
    assert version(contract(), current=earlier("", {}), stated="1.2.0") == "1.2.0"


def test_numbers() -> None:
    assert raised("1.9.9", "minor") == "1.10.0"
    assert numbers_of("1.10.0") > numbers_of("1.9.9")
