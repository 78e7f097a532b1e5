"""Releases to attack, each made once: the synthetic patients with and without protection, and the real tables about persons."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from attacks import real_people
from attacks.definitions import MICRODATA, PRIVACY, UNPROTECTED, patients, ward_hierarchy
from attacks.people import Person, make_patients, write_register
from attacks.real_people import Attacked
from attacks.road import Made, Office

COUNT = 12_000


@dataclass(frozen=True)
class Clinic:
    """A release of patients, the patients in it, and people of the same city who are not."""

    made: Made
    inside: list[Person]
    outside: list[Person]


@pytest.fixture(scope="session")
def population() -> list[Person]:
    """Return the people of the city: the first half are patients, the rest are not."""
    return make_patients(2 * COUNT)


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory, population: list[Person]) -> Office:
    office = Office(tmp_path_factory.mktemp("attacks"))
    write_register(population[:COUNT], office.drops / "register.csv")
    return office


@pytest.fixture(scope="session")
def clinic(office: Office, population: list[Person]) -> Clinic:
    """Return the release with every protection; the checker let it pass."""
    made = office.make(office.define(patients(PRIVACY), phuong=ward_hierarchy()))
    assert made.refused == ""
    return Clinic(made, population[:COUNT], population[COUNT:])


@pytest.fixture(scope="session")
def naked(office: Office, population: list[Person]) -> Clinic:
    """Return the baseline: names dropped and nothing else done."""
    made = office.make(office.define(patients(UNPROTECTED, name="kham-benh-tran")))
    return Clinic(made, population[:COUNT], population[COUNT:])


@pytest.fixture(scope="session")
def uniform(office: Office, population: list[Person]) -> Clinic:
    """Return the baseline for what is sensitive: k holds, and nothing is asked of the sensitive values."""
    privacy: dict[str, Any] = copy.deepcopy(PRIVACY)
    privacy["microdata"] = {name: value for name, value in MICRODATA.items() if name != "l_diversity"}
    made = office.make(office.define(patients(privacy, name="kham-benh-k"), phuong=ward_hierarchy()))
    return Clinic(made, population[:COUNT], population[COUNT:])


@pytest.fixture(scope="session", params=["adults", "requests", "passengers", "arrests"])
def attacked(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    """Return each of the real tables about persons, released under a policy."""
    real = getattr(real_people, request.param)(shared_data, Office(tmp_path_factory.mktemp(request.param)))
    assert real.made.refused == ""
    return real
