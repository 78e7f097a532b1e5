"""A dataset with differential privacy, released again and again by a real portal: what is spent, what is public, what is looked at again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from reliability.small_city import ORGANIZATION
from servers.portal import RunningPortal, running_portal

from publisher.ledger import entries_of
from publisher.rollback import roll_back_to
from publisher.runs import DRY_RUN
from publisher.store import EpsilonRow, Run

pytest.importorskip("opendp")
pytestmark = [pytest.mark.slow, pytest.mark.server]

NAME = "kham-benh"
DATASET = """\
name: kham-benh
title: Khám bệnh
title_translated: {en: Visits}
description: Số lượt khám.
licenses: [{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY 4.0}]
contact: {name: Sở Thử}
resources:
  - name: luot_kham
    title: Lượt khám
    row: Mỗi dòng là một lượt khám.
    schema:
      fields: [{name: ma, title: Mã}, {name: khu, title: Khu, constraints: {enum: [A, B, C], required: true}}]
    source: {kind: file, location: "env:DROPS", pattern: "*.csv", settle_seconds: 0, format: {kind: csv}}
    privacy:
      subject: person
      unit_key: [ma]
      fields: {khu: {action: keep}}
      tables: [{id: theo_khu, group_by: [khu], margins: all}]
      dp:
        unit: person
        max_rows_per_unit: 1
        mechanism: discrete_laplace
        epsilon: 0.5
        ledger: {name: so-y-te, period: ever, epsilon_cap: 1.0}
release: {cadence: daily, approval: standing, formats: [parquet, csv, sqlite]}
"""


class Agency:
    """The portal and the people whom the agency's file holds."""

    def __init__(self, portal: RunningPortal, root: Path) -> None:
        self.portal = portal
        self._root = root

    def release(self, *, trigger: str = "manual", **people: int) -> Run:
        """Let the agency's file hold so many people of each district and run the dataset."""
        rows = [f"{khu}{number},{khu}" for khu, count in people.items() for number in range(count)]
        (self._root / "drops" / "drop.csv").write_text("ma,khu\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return self.portal.release(NAME, trigger=trigger)

    def told(self, run: Run) -> dict[str, int]:
        assert run.state == "published", run.message
        rows = pq.read_table(self.stored(run) / "theo_khu.parquet").to_pylist()
        return {row["khu"]: row["so_luong"] for row in rows}

    def stored(self, run: Run) -> Path:
        return self.portal.home / "storage" / "releases" / NAME / str(run.release)

    def entries(self) -> list[dict[str, Any]]:
        return entries_of(self.portal.facilities.store, ["so-y-te"])["so-y-te"]


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    folder = tmp_path / "definitions" / "so-thu" / NAME
    folder.mkdir(parents=True)
    (tmp_path / "drops").mkdir()
    (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
    (folder / "dataset.yaml").write_text(DATASET, encoding="utf-8")
    environment = {"DROPS": str(tmp_path / "drops")}
    with running_portal(tmp_path / "home", tmp_path / "definitions", environment=environment) as portal:
        yield Agency(portal, tmp_path)


def test_noise_is_paid_for_once_until_the_budget_is_spent(agency: Agency) -> None:
    first = agency.release(A=200, B=300)
    assert set(agency.told(first)) == {"*", "A", "B", "C"}
    assert abs(agency.told(first)["A"] - 200) < 80
    report = json.loads((agency.stored(first) / "privacy.json").read_bytes())
    spent = report["tables"]["theo_khu"]["dp"]
    assert (spent["epsilon"], spent["spent"], spent["cap"], spent["ledger"]) == (0.5, 0.5, 1.0, "so-y-te")
    assert spent["head"] == agency.entries()[0]["digest"]
    assert "G9" in {check["id"] for check in report["verdict"]["checks"]}

    assert agency.release(B=300, A=200).state == "unchanged", "the same people in another order are the same question"
    assert len(agency.entries()) == 1
    rehearsed = agency.release(A=199, B=300, trigger=DRY_RUN)
    assert (rehearsed.state, len(agency.entries())) == ("checked", 1), rehearsed.message
    second = agency.release(A=201, B=300)
    assert len(agency.entries()) == 2
    held = agency.release(A=202, B=300)
    assert (held.state, len(agency.entries())) == ("held", 2)
    assert "privacy budget `so-y-te` has 0 left" in held.message
    assert agency.portal.facilities.store.current(NAME).release == second.release  # type: ignore[union-attr]

    roll_back_to(agency.portal.definition(NAME), agency.portal.facilities, str(first.release))
    with agency.portal.facilities.store.session() as session:
        for number in (1, 2):
            session.get_one(EpsilonRow, ("so-y-te", number)).epsilon = 0.01
    refused = agency.release(A=200, B=300, C=1)
    assert refused.state == "held"
    assert "chain breaks" in refused.message
