"""Attack 6: who knows the algorithm does not learn from the levels that a finer one failed because of one person."""

from __future__ import annotations

import copy
import random
from dataclasses import replace
from pathlib import Path

import pytest
from attacks.definitions import MICRODATA, PRIVACY
from attacks.people import Person, make_patients
from attacks.road import anonymised

pytestmark = pytest.mark.slow
PEOPLE, TARGETS = 1_500, 101
MOST_CHANGED = 0.01


def changed(folder: Path, people: list[Person], targets: list[Person], privacy: dict[str, object]) -> float:
    """Return the share of targets without whom other levels would have been chosen."""
    levels = told_levels(folder / "all", people, privacy)
    without = [[person for person in people if person is not target] for target in targets]
    differ = [told_levels(folder / str(n), rest, privacy) != levels for n, rest in enumerate(without)]
    return sum(differ) / len(targets)


def told_levels(folder: Path, people: list[Person], privacy: dict[str, object]) -> object:
    """Return the levels as the privacy report tells them."""
    return anonymised(folder, people, privacy).report["kham_benh"]["levels"]


def test_one_person_does_not_choose_the_levels(tmp_path: Path) -> None:
    people = make_patients(PEOPLE, seed=6)
    targets = random.Random(6).sample(people, TARGETS)
    assert changed(tmp_path, people, targets, PRIVACY) < MOST_CHANGED


def test_without_suppression_an_outlier_chooses_them(tmp_path: Path) -> None:
    """A policy that may leave nobody out generalises for one old man, and everybody can read that he is there."""
    known = [person for person in make_patients(PEOPLE, seed=6) if person.ngay_sinh and person.gioi_tinh]
    middle = [person for person in known if "1960" <= person.ngay_sinh < "1999"]
    old = replace(middle[0], ngay_sinh="1911-01-01")
    privacy = copy.deepcopy(PRIVACY)
    privacy["fields"]["ma_phuong"] = {"action": "drop"}
    privacy["microdata"] = {**MICRODATA, "suppression_limit": 0.0}
    assert changed(tmp_path, [*middle[1:], old], [old], privacy) == 1.0
