"""A report names the attacks that concern its tables, and only what was verified on its bytes."""

from __future__ import annotations

from datetime import date

from samples.small_tables import published_with_waiver

from publisher.attacks import ATTACKS, attacks_on
from publisher.disclosure.guarantees import Check
from publisher.policy import Microdata
from publisher.published import PublishedTable


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
