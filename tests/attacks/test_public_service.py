"""Attacks 4, 8 and 9 where the public stands: releases one after the other in a portal, its files, pages, interfaces and query service."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from attacks.channels import needles
from attacks.definitions import patients
from attacks.differencing import Release, telling_cells
from attacks.people import IDENTIFIERS, Person, make_patients, write_register
from attacks.road import ENVIRONMENT, ORGANIZATION
from servers.portal import RunningPortal, running_portal

pytestmark = [pytest.mark.slow, pytest.mark.server]
COUNT, LATER = 3_000, 300
LEAST, BASE = 5, 5
ASKED = 1_000
KEEP = {"action": "keep"}
N = {"name": "n", "kind": "count", "title": "n"}
BY_WARD = {"id": "theo_phuong", "group_by": ["ma_phuong", "chan_doan"], "measures": [N], "small_cell": {"min": LEAST}}
ROUNDED = {**BY_WARD, "id": "lam_tron", "margins": "all", "or_round": {"base": BASE}}
FIELDS = {"ma_phuong": KEEP, "chan_doan": KEEP}
PRIVACY = {"subject": "person", "fields": FIELDS}


@dataclass
class Clinics:
    """A portal with two datasets of one register: counts with small cells hidden, and counts rounded."""

    portal: RunningPortal
    drops: Path
    releases: list[Release]
    rounded: list[list[dict[str, Any]]]
    people: list[Person]

    def release(self, people: list[Person]) -> None:
        write_register(people, self.drops / "register.csv")
        for name in ("dem", "lam-tron"):
            run = self.portal.release(name)
            assert run.state in {"published", "unchanged"}, f"{run.reason_code}: {run.message}"
        self.releases.append({"theo_phuong": self._fetch("dem", "theo_phuong")})
        self.rounded.append(self._fetch("lam-tron", "lam_tron"))

    def _fetch(self, dataset: str, table: str) -> list[dict[str, Any]]:
        answer = self.portal.get(f"/latest/{dataset}/{table}.parquet")
        assert answer.status_code == 200
        rows: list[dict[str, Any]] = pq.read_table(BytesIO(answer.content)).to_pylist()
        return rows


@pytest.fixture(scope="module")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """Return the portal after four releases: everybody, one person more, many more, one less."""
    root = tmp_path_factory.mktemp("clinics")
    (root / "drops").mkdir()
    for name, table in (("dem", BY_WARD), ("lam-tron", ROUNDED)):
        folder = root / "definitions" / "so-thu" / name
        folder.mkdir(parents=True)
        content = patients({**PRIVACY, "tables": [table]}, name=name, formats=("parquet", "csv", "sqlite"))
        (folder / "dataset.yaml").write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    (root / "definitions" / "so-thu" / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
    people = make_patients(COUNT + LATER + 1, seed=4)
    environment = {"DROPS": str(root / "drops"), **ENVIRONMENT}
    with running_portal(root / "home", root / "definitions", environment=environment) as portal:
        made = Clinics(portal, root / "drops", [], [], people)
        for present in (people[:COUNT], people[: COUNT + 1], people, people[1:]):
            made.release(present)
        yield made


def test_no_arrival_is_seen_between_published_releases(clinics: Clinics) -> None:
    assert telling_cells(clinics.releases, {"theo_phuong": "n"}, LEAST) == []
    first, *_, last = clinics.releases
    assert first != last


def test_rounded_counts_are_no_true_counts_and_the_same_in_every_release(clinics: Clinics) -> None:
    """Four releases give four times the same number wherever the true one is the same: there is nothing to average."""
    first, second = ({tuple(row[g] for g in FIELDS): row["n"] for row in rows} for rows in clinics.rounded[:2])
    arrived = clinics.people[COUNT]
    touched = {arrived.ma_phuong, arrived.chan_doan, "*"}
    same = [key for key in first if not set(key) <= touched]
    assert len(same) > 50
    assert all(second.get(key) == first[key] for key in same)
    assert all(row["n"] is None or row["n"] % BASE == 0 for rows in clinics.rounded for row in rows)


def test_the_same_question_a_thousand_times_has_one_answer(clinics: Clinics) -> None:
    package = clinics.portal.action("package_show", id="lam-tron")
    [resource] = [one["id"] for one in package["resources"] if one.get("datastore_active")][:1]
    question = f"/api/3/action/datastore_search?resource_id={resource}&limit=50"
    answers = {clinics.portal.get(question).text for _ in range(ASKED)}
    assert len(answers) == 1
    assert '"success": true' in answers.pop()
    total = "/query/lam-tron.json?sql=select+sum(n)+from+lam_tron&_shape=array"
    assert len({clinics.portal.get(total).text for _ in range(ASKED // 20)}) == 1


def test_noise_that_is_drawn_anew_is_averaged_away(clinics: Clinics) -> None:
    """The baseline: an office that rounds at random each time it is asked gives the true number to who asks often."""
    import random

    draw, true = random.Random(9), 17
    answers = [true // BASE * BASE + BASE * (draw.random() < true % BASE / BASE) for _ in range(ASKED)]
    assert len(set(answers)) == 2
    assert round(sum(answers) / ASKED) == true
    assert clinics.rounded


def test_what_the_public_is_shown_holds_no_identifier(clinics: Clinics) -> None:
    search = needles({getattr(one, name) for one in clinics.people[:500] for name in IDENTIFIERS} - {""})
    package = clinics.portal.action("package_show", id="dem")
    places = [
        "/dataset/dem",
        "/en/dataset/dem",
        "/query/dem.json",
        "/query/dem",
        "/api/3/action/package_show?id=dem",
    ]
    places += ["/query/dem/theo_phuong.json?_facet=ma_phuong&_size=max", "/api/3/action/package_search?q=dem"]
    places += [one["url"].removeprefix(clinics.portal.url) for one in package["resources"]]
    answers = {place: clinics.portal.get(place) for place in places}
    assert {place for place, answer in answers.items() if answer.status_code != 200} == set()
    assert {place for place, answer in answers.items() if search.count_in(answer.content)} == set()
    log = b"".join(path.read_bytes() for path in clinics.portal.home.rglob("*.log"))
    assert search.count_in(log) == 0
