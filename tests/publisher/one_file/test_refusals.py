"""What `phusa anonymise` refuses: it says what, where and what to do, never a value, and nothing appears."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from samples.one_file_desk import Desk, desk_policy, desk_rows, phusa_with_settings

from publisher.errors import DescriptorError, DisclosureRisk, EnvironmentFault, PublisherError, ReleaseRefused
from publisher.one_file.anonymise import anonymise_file


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda policy: policy.update(fields={}), DescriptorError, "lets no column out"),
        (lambda policy: policy.update(fields={"sex": "drop"}, unit_key="id"), DescriptorError, "lets no field out"),
        (
            lambda policy: policy.update(fields={"sex": "drop"}, tables=[{"id": "t", "group_by": "sex"}]),
            DescriptorError,
            "group_by names fields that are dropped: sex",
        ),
        (lambda policy: policy["fields"].update(gone={"action": "keep"}), DescriptorError, "does not have: gone"),
        (lambda policy: policy.update(colour="red"), DescriptorError, "policy.yaml:1: colour: unknown key"),
        (lambda policy: policy["fields"]["sex"].update(action="smudge"), DescriptorError, "sex: unknown action"),
        (lambda policy: policy["fields"].update(benh={"role": "sensitive"}), DescriptorError, "benh: no action; give"),
        (lambda policy: policy["fields"].update(benh={"action": "round", "base": 5}), ReleaseRefused, "needs numbers"),
        (lambda policy: policy["fields"].update(id={"action": "keep"}), DisclosureRisk, "singles rows out"),
        (lambda policy: policy["microdata"].update(k=4000), DisclosureRisk, "no acceptable levels"),
        (
            lambda policy: policy["fields"]["marital-status"].update(hierarchy={"Married": ["*"]}),
            ReleaseRefused,
            "does not know 2 of its codes",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_appears(
    desk: Desk, change: Any, error: type[PublisherError], message: str
) -> None:
    policy = desk_policy()
    change(policy)
    source = desk.source(desk_rows())
    with pytest.raises(error, match=message) as caught:
        desk.run(source, policy)
    assert caught.value.cure
    assert "REC0" not in str(caught.value)
    assert not (desk.folder / "out.csv").exists()


@pytest.mark.slow
def test_personal_columns_do_not_leave(desk: Desk) -> None:
    draw = random.Random(8)
    rows = [
        [f"079{draw.randint(0, 1)}{draw.randint(40, 99)}{draw.randint(0, 999_999):06d}", *row[1:]]
        for row in desk_rows()
    ]
    policy = desk_policy()
    policy["fields"]["id"] = {"action": "keep", "role": "sensitive"}
    with pytest.raises(DisclosureRisk, match="G2"):
        desk.run(desk.source(rows), policy)


@pytest.mark.parametrize("text", ["", " \n", "id,marital-status,Tuổi,sex,benh\n"])
def test_a_file_without_rows_is_refused_as_data(desk: Desk, text: str) -> None:
    source = desk.folder / "in.csv"
    source.write_text(text, encoding="utf-8")
    with pytest.raises(ReleaseRefused) as caught:
        desk.run(source, desk_policy())
    assert caught.value.exit_code == 1
    assert caught.value.cure == "give a file with a header and rows"


def test_the_first_row_that_does_not_fit_is_told_and_never_its_value(desk: Desk) -> None:
    rows = desk_rows()
    rows[41][1], rows[77][2] = "Klingon", "Klingon"
    policy = desk_policy()
    policy["fields"]["Tuổi"] = {"action": "keep", "role": "quasi"}
    with pytest.raises(ReleaseRefused, match=r"`marital-status` does not know 1 .*row 42 of the valid rows") as codes:
        desk.run(desk.source(rows), policy)
    policy["fields"]["Tuổi"] = {"action": "generalise", "hierarchy": "age", "role": "quasi"}
    with pytest.raises(ReleaseRefused, match=r"`Tuổi` needs numbers, and 1 of its 400 .* first in row 78") as numbers:
        desk.run(desk.source(rows), policy)
    assert "Klingon" not in f"{codes.value}{numbers.value}"


@pytest.mark.slow
def test_what_the_run_reads_or_writes_besides_is_never_replaced(desk: Desk) -> None:
    source = desk.source(desk_rows())
    policy = desk_policy() | {"tables": [{"id": "theo_gioi", "group_by": ["sex"]}]}
    before = (desk.folder / "age.csv").read_bytes()
    for name in ("in.csv", "policy.yaml", "age.csv"):
        with pytest.raises(DescriptorError, match=f"{name} would replace"):
            desk.run(source, policy, name)
    beside = desk.source(desk_rows(), name="out.theo_gioi.csv")
    with pytest.raises(DescriptorError, match=r"out\.theo_gioi\.csv would replace"):
        desk.run(beside, policy)
    assert (desk.folder / "age.csv").read_bytes() == before
    assert not (desk.folder / "out.csv").exists()
    words = ["anonymise", str(source), "--policy", str(desk.policy(policy)), "--output"]
    words += [str(desk.folder / "out.csv"), "--report"]
    done = CliRunner().invoke(phusa_with_settings(desk), [*words, str(desk.folder / "out.csv")])
    assert isinstance(done.exception, DescriptorError)
    for place in (desk.folder / "in.csv" / "r.json", Path("/proc/r.json")):  # neither is a folder to write to
        done = CliRunner().invoke(phusa_with_settings(desk), [*words, str(place)])
        assert isinstance(done.exception, EnvironmentFault), done
        assert not (desk.folder / "out.csv").exists()


def test_a_first_row_that_may_be_data_is_not_told(desk: Desk) -> None:
    source = desk.source(desk_rows())
    lines = source.read_text(encoding="utf-8").splitlines()
    source.write_text("\n".join(lines[1:]), encoding="utf-8")
    with pytest.raises(DescriptorError, match="does not have") as caught:
        desk.run(source, desk_policy())
    assert caught.value.cure == "see whether its first row names the columns, and whether this is the right file"
    source.write_text("\n".join(["ID,Marital-Status,TUỔI,Sex,Benh", *lines[1:]]), encoding="utf-8")
    with pytest.raises(DescriptorError, match="does not have") as caught:
        desk.run(source, desk_policy())
    assert caught.value.cure == "the file writes Marital-Status, TUỔI, Sex, Benh"
    source.write_text("\n".join(["id,marital-status,Tuổi,sex,0912345678", *lines[1:]]), encoding="utf-8")
    with pytest.raises(DescriptorError, match="does not have: benh") as caught:
        desk.run(source, desk_policy())
    assert caught.value.cure == "the file has id, marital-status, Tuổi, sex, (name withheld)"


def test_an_unknown_hierarchy_is_told_with_those_that_there_are(desk: Desk) -> None:
    policy = desk_policy() | {"hierarchies": {"tuoi": "age.csv"}}
    policy["fields"]["sex"] = {"action": "generalise", "hierarchy": "moon_admin", "role": "quasi"}
    with pytest.raises(DescriptorError, match="`sex` names a hierarchy `moon_admin` that does not exist") as caught:
        desk.run(desk.source(desk_rows()), policy)
    known = "tuoi, age, birth_date, date, ethnicity, hcmc_admin_2025, icd10, isco08, number, vn_admin_2025, vn_admin_old, vsic"
    assert f"there are {known}, and CSV files by their names" in str(caught.value)


def test_hierarchies_in_two_places_are_refused_with_the_reason(desk: Desk) -> None:
    policy = {"hierarchies": {"a": "age.csv"}, "privacy": desk_policy() | {"hierarchies": {"b": "age.csv"}}}
    with pytest.raises(DescriptorError, match=r"policy.yaml:1: `hierarchies` stands both inside `privacy` and beside"):
        desk.run(desk.source(desk_rows()), policy)


def test_columns_that_stand_twice_are_refused(desk: Desk) -> None:
    source = desk.folder / "in.csv"
    source.write_text("sex,sex,benh\nnam,nu,A\nnam,nam,B\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="columns twice"):
        desk.run(source, {"subject": "none", "fields": {"sex": {"action": "keep"}}})
    source.write_text("sex,Sex,benh\nnam,nu,A\nnam,nam,B\n", encoding="utf-8")
    with pytest.raises(DescriptorError, match="columns twice"):
        desk.run(source, {"subject": "none", "fields": {"sex": {"action": "keep"}, "Sex": {"action": "keep"}}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fields: {'a ': drop, a: keep}\nsubject: none", "policy.yaml:1: fields: `a` stands twice"),
        (
            "fields:\n  - {name: a, action: drop}\n  - {name: a, action: keep}\nsubject: none",
            "1: fields: `a` stands twi",
        ),
        ("fields: {a: {action: [5]}}", "fields.a"),
        (
            "fields: {a: {action: vanish}}",
            "unknown action; there are drop, keep, generalise_date, generalise_number, generalise,",
        ),
        ("domain: {a: 1}\nfields: {a: keep}\nmicrodata: {}", "domain"),
        ("fields: {a: keep}\ntables: 5", "tables"),
        ("fields: {a: keep}\ntables:\n  - {id: t, group_by: 5}", "group_by"),
        ("a: &a {b: *a}", "fields: Field required"),
        ("? [a, b]\n: c", "policy.yaml:1: a key is a list"),
        ("subject: none\nlegal: {approved_on: 2026-13-45}", "policy.yaml:2: a value is not what it looks like"),
        ("subject: none\nfields: {a: \x07}", "policy.yaml:2: a character"),
    ],
)
def test_a_broken_policy_is_told_with_its_line(desk: Desk, text: str, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        desk.run(desk.source(desk_rows(5)), text)


def test_a_policy_in_another_encoding_is_refused(desk: Desk) -> None:
    policy = desk.folder / "policy.yaml"
    policy.write_bytes("fields: {â: keep}".encode("latin-1"))
    with pytest.raises(DescriptorError, match="byte 9 is not UTF-8"):
        anonymise_file(desk.source(desk_rows(5)), policy, desk.folder / "out.csv")
