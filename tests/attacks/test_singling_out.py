"""Attacks 1 to 3: who stands alone, who can be found by what a neighbour knows, whose secret the others of the class give away."""

from __future__ import annotations

import copy
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from attacks.attacker import Forms, certain_secrets, link, share_below, sort_rows
from attacks.conftest import COUNT, Clinic
from attacks.definitions import FIELDS, PRIVACY, QUASI, SENSITIVE, UNPROTECTED, K, patients, ward_hierarchy
from attacks.knowledge import forms_of, true_units
from attacks.people import Person, write_register
from attacks.real_people import Attacked, Row
from attacks.road import Office

pytestmark = pytest.mark.slow
KNOWN = 1_000
"""People whom the attacker knows by name, in the data and outside of it."""
MOST_AUC = 0.55
UNIT, TABLE = "so_cccd", "kham_benh"


def known(person: Person) -> Forms:
    row = {"nam_sinh": person.ngay_sinh, "gioi_tinh": person.gioi_tinh, "ma_phuong": person.ma_phuong}
    return forms_of(FIELDS, {"phuong": ward_hierarchy()}, row)


def linked_patients(clinic: Clinic) -> tuple[int, float, float]:
    released = sort_rows(clinic.made.rows(TABLE), QUASI, unit=UNIT)
    some = clinic.inside[:KNOWN]
    units = true_units(clinic.made, (person.so_cccd for person in some))
    inside = [(unit, known(person)) for unit, person in zip(units, some, strict=True)]
    found = link(released, inside, [known(person) for person in clinic.outside[:KNOWN]])
    return found.confident, found.precision, found.auc


def secrets(clinic: Clinic) -> tuple[int, float]:
    released = sort_rows(clinic.made.rows(TABLE), QUASI, unit=UNIT, sensitive=SENSITIVE)
    return certain_secrets(released, [known(person) for person in clinic.inside[:KNOWN]])


def test_nobody_is_unique_on_any_quasi_identifiers(clinic: Clinic) -> None:
    shares = share_below(clinic.made.rows(TABLE), QUASI, K, unit=UNIT)
    assert len(shares) == 7
    assert set(shares.values()) == {0.0}


def test_nobody_is_unique_in_a_release_of_a_tenth_of_the_people(tmp_path: Path, population: list[Person]) -> None:
    office = Office(tmp_path / "office")
    write_register(population[: COUNT // 10], office.drops / "register.csv")
    made = office.make(office.define(patients(PRIVACY), phuong=ward_hierarchy()))
    assert made.refused == ""
    assert set(share_below(made.rows(TABLE), QUASI, K, unit=UNIT).values()) == {0.0}


def test_uniqueness_finds_most_people_of_an_unprotected_release(naked: Clinic) -> None:
    shares = share_below(naked.made.rows(TABLE), QUASI, K, unit=UNIT)
    assert shares[QUASI] > 0.9
    assert shares[("nam_sinh",)] > 0.5


def test_neighbours_find_nobody_for_sure_and_guess_no_better_than_one_in_k(clinic: Clinic) -> None:
    confident, precision, auc = linked_patients(clinic)
    assert confident == 0
    assert precision <= 1 / K
    assert 1 - MOST_AUC <= auc <= MOST_AUC


def test_linkage_finds_most_people_of_an_unprotected_release(naked: Clinic) -> None:
    confident, precision, auc = linked_patients(naked)
    assert confident > 0.9 * KNOWN
    assert precision > 0.9
    assert auc > 0.9


def test_no_class_gives_a_diagnosis_away(clinic: Clinic) -> None:
    certain, likeliest = secrets(clinic)
    usual = max(Counter(person.chan_doan for person in clinic.inside).values()) / COUNT
    assert certain == 0
    assert likeliest < usual + 0.03


def test_without_l_some_classes_hold_one_diagnosis_and_without_k_most_do(uniform: Clinic, naked: Clinic) -> None:
    assert secrets(uniform)[0] > 0
    assert secrets(naked)[0] > 0.9 * KNOWN


# ---- real tables


def real_forms(attacked: Attacked, rows: list[Row]) -> list[Forms]:
    return [forms_of(attacked.fields, attacked.hierarchies, row) for row in rows]


def leaves(attacked: Attacked) -> pa.Table:
    """Return the table as an office publishes it that drops the names and thinks that this is enough."""
    return pa.table({name: [row[name] or None for row in attacked.inside] for name in attacked.quasi})


def test_nobody_in_a_real_table_is_unique(attacked: Attacked) -> None:
    rows = attacked.made.rows(attacked.table)
    assert rows.num_rows >= 0.8 * len(attacked.inside)
    assert set(share_below(rows, attacked.quasi, K, unit=None).values()) == {0.0}
    assert share_below(leaves(attacked), attacked.quasi, K, unit=None)[attacked.quasi] > 0.02


def test_nobody_in_a_real_table_is_found_by_what_others_know(attacked: Attacked) -> None:
    released = sort_rows(attacked.made.rows(attacked.table), attacked.quasi, unit=None)
    step = max(1, len(attacked.inside) // KNOWN)
    inside = [(None, forms) for forms in real_forms(attacked, attacked.inside[::step])]
    found = link(released, inside, real_forms(attacked, attacked.outside))
    assert found.confident == 0
    assert found.precision <= 1 / K
    assert found.auc <= MOST_AUC
    bare = sort_rows(leaves(attacked), attacked.quasi, unit=None)
    before = link(bare, inside_of(attacked, step), [leaf(row) for row in attacked.outside])
    assert before.confident > 0


def leaf(row: Row) -> Forms:
    return tuple((value or None,) for value in row.values())


def inside_of(attacked: Attacked, step: int) -> list[tuple[None, Forms]]:
    return [(None, leaf(row)) for row in attacked.inside[::step]]


def test_no_class_of_a_real_table_gives_a_secret_away(attacked: Attacked) -> None:
    released = sort_rows(attacked.made.rows(attacked.table), attacked.quasi, unit=None, sensitive=attacked.sensitive)
    step = max(1, len(attacked.inside) // KNOWN)
    certain, _ = certain_secrets(released, real_forms(attacked, attacked.inside[::step]))
    assert certain == 0


def test_a_policy_of_k_alone_gives_rare_secrets_away(tmp_path: Path, population: list[Person]) -> None:
    """The same attack on visits instead of patients: who counts rows takes one patient's five visits for five patients."""
    office = Office(tmp_path / "office")
    write_register([person for person in population if len(person.visits) > 2][:400], office.drops / "register.csv")
    privacy = copy.deepcopy(PRIVACY) | {"unit_key": []}
    privacy["microdata"] = {**privacy["microdata"], "suppression_limit": 0.4}
    made = office.make(office.define(patients(privacy), phuong=ward_hierarchy()))
    assert max(share_below(made.rows(TABLE), QUASI, K, unit=UNIT).values()) > 0
    assert UNPROTECTED["fields"].keys() <= {field.name for field in made.tables[0].fields}
