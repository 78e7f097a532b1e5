"""Attack 7: the order of rows and the made-up keys say nothing of the source, and no list of ID numbers opens the keys."""

from __future__ import annotations

import copy
import hashlib
import hmac
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from attacks.attacker import rank_correlation
from attacks.conftest import Clinic
from attacks.definitions import PRIVACY, patients, ward_hierarchy
from attacks.knowledge import true_units
from attacks.people import Person, make_patients
from attacks.road import PSEUDONYM_KEY, Made, Office, anonymised, rows_of

from publisher.anonymise.fields.pseudonyms import separate_key

pytestmark = pytest.mark.slow
MOST_CORRELATED = 0.05
"""Five standard errors of no correlation at all, for ten thousand rows."""
TABLE, UNIT = "kham_benh", "so_cccd"
GUESSED_IDS = 30_000


def order_and_keys(made: Made, people: list[Person]) -> tuple[float, float]:
    """Return how the place and the pseudonym of people with one visit go with their place in the register."""
    once = [person for person in people if len(person.visits) == 1]
    once.sort(key=lambda person: (person.visits[0][0], person.so_cccd))
    units = made.rows(TABLE)[UNIT].to_pylist()
    place = {unit: number for number, unit in enumerate(units)}
    pairs = [(n, place[u], int(u, 16)) for n, u in enumerate(true_units(made, [p.so_cccd for p in once])) if u in place]
    source, output, key = zip(*pairs, strict=True)
    return rank_correlation(source, output), rank_correlation(source, key)


def opened(pseudonyms: set[str], ids: Iterable[str], digests: Iterable[Callable[[bytes], str]]) -> int:
    """Return how many pseudonyms a list of ID numbers opens under some ways of making them."""
    return len(pseudonyms & {digest(one.encode())[:16] for digest in digests for one in ids})


def guesses(*keys: bytes) -> list[Callable[[bytes], str]]:
    """Return the plain digests that people take for anonymous, and the keyed ones under keys that leaked."""
    plain = [lambda text, name=name: hashlib.new(name, text).hexdigest() for name in ("md5", "sha1", "sha256")]
    return plain + [lambda text, key=key: hmac.digest(key, text, "sha256").hex() for key in keys]


def test_order_and_keys_say_nothing_of_the_source(clinic: Clinic) -> None:
    order, keys = order_and_keys(clinic.made, clinic.inside)
    assert abs(order) < MOST_CORRELATED
    assert abs(keys) < MOST_CORRELATED


def test_without_shuffling_the_order_is_that_of_the_source(office: Office, clinic: Clinic) -> None:
    privacy = copy.deepcopy(PRIVACY)
    privacy["microdata"]["shuffle_rows"] = False
    made = office.make(office.define(patients(privacy, name="kham-benh-thu-tu"), phuong=ward_hierarchy()))
    assert order_and_keys(made, clinic.inside)[0] > 0.99


def test_no_list_of_id_numbers_opens_a_pseudonym(clinic: Clinic) -> None:
    """The attacker has everybody's number, many that nobody has, and every key that earlier releases and other fields used."""
    made = clinic.made
    name, today = made.definition.folder.name, made.document("datapackage.json")["release"]
    places = [(name, TABLE, UNIT, "2026-11-01.1"), (name, TABLE, "khac", today), ("khac", TABLE, UNIT, today)]
    leaked = [separate_key(PSEUDONYM_KEY, *place) for place in places]
    space = [
        f"079{century}{year:02d}{serial:06d}" for century in "01" for year in range(50, 99) for serial in range(300)
    ]
    ids = [person.so_cccd for person in clinic.inside] + space[:GUESSED_IDS]
    pseudonyms = set(made.rows(TABLE)[UNIT].to_pylist())
    assert opened(pseudonyms, ids, guesses(PSEUDONYM_KEY.encode(), *leaked)) == 0
    current = separate_key(PSEUDONYM_KEY, name, TABLE, UNIT, today)
    assert opened(pseudonyms, ids, guesses(current)) == len(pseudonyms)


def test_the_list_opens_plain_digests(clinic: Clinic) -> None:
    ids = [person.so_cccd for person in clinic.inside]
    hashed = {hashlib.sha256(one.encode()).hexdigest()[:16] for one in ids}
    assert opened(hashed, ids, guesses()) == len(hashed)


def test_pseudonyms_of_two_releases_have_nothing_in_common(tmp_path: Path) -> None:
    people = make_patients(2_000)
    one, other = (
        set(rows_of(anonymised(tmp_path / release / "kham-benh", people, PRIVACY, release=release))[UNIT].to_pylist())
        for release in ("2026-11-22.1", "2026-11-22.2")
    )
    assert len(one) > 1_000
    assert not one & other
