"""The rulebook decides what may be waived, when and for how long, and what holds where a policy says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError
from samples.small_tables import published_with_waiver

from publisher import rulebook
from publisher.definition import Retention
from publisher.disclosure.gate import is_waived
from publisher.disclosure.personal.findings import NEVER_WAIVED, Finding
from publisher.errors import DescriptorError
from publisher.policy import Privacy, Waiver
from publisher.rulebook import read_rulebook, rulebook_in_force, use_rulebook

TODAY = date(2026, 11, 23)
OWN = Path(rulebook.__file__).with_name("rulebook.yaml")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Any]:
    """Put another rulebook in force: the own one, changed by what the test gives."""

    def put(change: Any) -> None:
        said = yaml.safe_load(OWN.read_text(encoding="utf-8"))
        change(said)
        path = tmp_path / f"rulebook-{len(list(tmp_path.iterdir()))}.yaml"
        path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
        use_rulebook(path)

    yield put
    use_rulebook(None)


def policy(**more: Any) -> Privacy:
    fields = {"tuoi": {"action": "keep", "role": "quasi"}, "benh": {"action": "keep"}}
    return Privacy.model_validate({"subject": "person", "fields": fields, "microdata": {}, **more})


def cells(**more: Any) -> Privacy:
    table = {
        "id": "dem",
        "title": "Đếm",
        "row": "Mỗi dòng là một nhóm.",
        "group_by": ["tuoi"],
        "measures": [{"name": "so", "kind": "count", "title": "Số"}],
    }
    fields = {"tuoi": {"action": "keep"}}
    return Privacy.model_validate({"subject": "person", "fields": fields, "tables": [table], **more})


def test_id_numbers_are_waived_by_no_rulebook_of_ours() -> None:
    book = rulebook_in_force()
    assert not any(book.may_be_waived(kind, day=TODAY) for kind in NEVER_WAIVED)
    assert book.may_be_waived("full_name", day=TODAY)
    assert not book.may_be_waived("a_kind_of_tomorrow", day=TODAY)


@pytest.mark.parametrize("kind", sorted(NEVER_WAIVED))
def test_a_waiver_for_an_id_number_is_a_mistake_of_the_definition(kind: str) -> None:
    with pytest.raises(ValidationError, match="cannot be waived"):
        Waiver(kind=kind, reason="Không phải dữ liệu cá nhân.", by="so-thu", until=TODAY)


def test_a_waiver_holds_for_its_kind_until_its_day_and_not_for_ever(other: Any) -> None:
    finding = Finding("ten", "full_name", 0.9, 0.9, "names")
    table = published_with_waiver("ten", until=TODAY + timedelta(days=10))
    assert is_waived(finding, table, today=TODAY)
    assert not is_waived(Finding("ten", "phone", 0.9, 0.9, "shape"), table, today=TODAY)
    assert not is_waived(finding, table, today=TODAY + timedelta(days=11))
    assert not is_waived(finding, published_with_waiver("ten", until=date(2099, 1, 1)), today=TODAY)
    other(lambda said: said["kinds"]["full_name"].update(may_be_waived=False))
    assert not is_waived(finding, table, today=TODAY)


def test_a_kind_whose_law_ended_is_no_longer_waived(other: Any) -> None:
    def end(said: dict[str, Any]) -> None:
        said["sources"]["decree-356-2025"]["to"] = date(2027, 12, 31)

    other(end)
    book = rulebook_in_force()
    assert book.may_be_waived("full_name", day=date(2027, 12, 31))
    assert not book.may_be_waived("full_name", day=date(2028, 1, 1))
    assert book.digest(date(2027, 12, 31)) != book.digest(date(2028, 1, 1))
    assert [basis.source for basis in book.bases_of("full_name", day=date(2025, 6, 1))] == ["decree-13-2023"]


def test_defaults_follow_the_sensitivity_and_the_domain() -> None:
    sensitive = {"tuoi": {"action": "keep", "role": "quasi"}, "benh": {"action": "keep", "role": "sensitive"}}
    ethnic = {"tuoi": {"action": "keep", "role": "quasi"}, "dan_toc": {"action": "keep", "class": "sensitive"}}
    dropped = {"tuoi": {"action": "keep", "role": "quasi"}, "benh": {"action": "drop", "role": "sensitive"}}
    found = [policy(), policy(fields=sensitive), policy(fields=ethnic), policy(fields=dropped), policy(domain="health")]
    assert [one.microdata.k for one in found if one.microdata] == [5, 10, 10, 5, 10]
    stated = policy(fields=sensitive, microdata={"k": 3}).microdata
    assert stated is not None
    assert stated.k == 3
    assert [one.tables[0].small_cell.min for one in (cells(), cells(domain="justice"))] == [5, 10]


def test_a_domain_that_nobody_describes_is_a_mistake() -> None:
    with pytest.raises(ValidationError, match="health, justice, social"):
        policy(domain="weather")


def test_another_file_takes_its_place(other: Any) -> None:
    def change(said: dict[str, Any]) -> None:
        said["defaults"]["k"] = 7
        said["retention"]["all_days"] = 400
        said["domains"]["water"] = {**said["domains"]["health"], "min_cell": 20}

    other(change)
    stated = policy().microdata
    assert stated is not None
    assert (stated.k, cells(domain="water").tables[0].small_cell.min, Retention().all_days) == (7, 20, 400)
    use_rulebook(None)
    assert Retention().all_days == 730


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda said: said.update(surprise=1), "surprise"),
        (lambda said: said["defaults"].update(k=1), "defaults.k"),
        (lambda said: said["kinds"]["phone"].update(basis=[{"source": "nowhere"}]), "nowhere"),
        (lambda said: said["sources"]["law-91-2025"].pop("from"), "sources.law-91-2025.from"),
    ],
)
def test_a_wrong_file_is_told_with_its_keys_and_the_cure(other: Any, change: Any, what: str) -> None:
    with pytest.raises(DescriptorError, match=what) as refused:
        other(change)
    assert "rulebook.yaml" in refused.value.cure


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DescriptorError, match="cannot be read"):
        read_rulebook(tmp_path / "none.yaml")


def test_every_kind_has_words_for_people() -> None:
    for tongue in ("vi", "en"):
        path = OWN.parent.parent / "site" / "cityportal" / "translations" / f"{tongue}.yaml"
        words = yaml.safe_load(path.read_text(encoding="utf-8"))["kinds"]
        assert words.keys() == rulebook_in_force().kinds.keys()
