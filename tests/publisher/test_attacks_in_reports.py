"""A report names the attacks that concern its tables, and only what was verified on its bytes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from samples.small_tables import define, published_with_waiver

from publisher.attacks import ATTACKS, NEWLY_HIDDEN_CELLS, attacks_on
from publisher.disclosure.guarantees import Check
from publisher.policy import Microdata
from publisher.published import PublishedTable, published_tables


def table_about(subject: str, *, has_groups: bool = True) -> PublishedTable:
    table = published_with_waiver("ten", until=date(2030, 1, 1))
    privacy = table.source.privacy.model_copy(
        update={"subject": subject, "microdata": Microdata() if has_groups else None}
    )
    object.__setattr__(table, "source", table.source.model_copy(update={"privacy": privacy}))
    return table


def check(name: str, *, passed: bool = True) -> Check:
    return Check(name, "thu", passed, "")


def test_rows_in_groups_are_attacked_as_rows() -> None:
    told = attacks_on([table_about("person")], [check("G3"), check("G2"), check("G1"), check("G1", passed=False)])
    assert [one["name"] for one in told] == [attack.name for attack in ATTACKS if attack.rows]
    verified = {one["name"]: one["verified"] for one in told}
    assert (verified["uniqueness"], verified["formats"], verified["differencing"]) == (["G3"], ["G2"], [])


def test_who_is_public_by_law_or_nobody_is_not_attacked() -> None:
    assert attacks_on([table_about("none")], [check("G3")]) == []
    assert attacks_on([table_about("business", has_groups=False)], [check("G3")]) == []


ALONE = [{"id": "a", "group_by": ["ma"]}]


@pytest.mark.parametrize(
    ("policy", "remains"),
    [
        ({"tables": ALONE}, None),
        ({"tables": [{**ALONE[0], "margins": "all"}]}, NEWLY_HIDDEN_CELLS),
        ({"tables": [*ALONE, {"id": "b", "group_by": ["loai"]}]}, NEWLY_HIDDEN_CELLS),
        ({"tables": [{**ALONE[0], "margins": "all", "or_round": {"base": 5}}]}, None),
        ({"tables": [{**ALONE[0], "margins": "all"}], "releases": {"min_batch": 20}}, None),
    ],
)
def test_what_comparing_releases_may_still_show_is_told(policy: dict[str, Any], remains: str | None) -> None:
    fields = {name: {"action": "keep"} for name in ("ma", "loai")}
    table = define(dict.fromkeys(fields, "string"), {"subject": "person", "fields": fields, **policy})
    told = {one["name"]: one for one in attacks_on(published_tables(table), [])}
    assert told["differencing"].get("remains") == remains
    assert not any("remains" in one for name, one in told.items() if name != "differencing")
