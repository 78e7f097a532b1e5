"""A dataset about people, released again and again by a real portal: what is public already decides what may be said next."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from reliability.small_city import ORGANIZATION
from servers.portal import RunningPortal, running_portal

from publisher.earlier import Earlier
from publisher.earlier_files import earlier_of
from publisher.errors import StorageError
from publisher.rollback import roll_back_to
from publisher.store import Run
from publisher.withdrawal.audit import Audited, audit_dataset

pytestmark = [pytest.mark.slow, pytest.mark.server]

NAME = "kham-benh"
DATASET = """\
name: kham-benh
title: Khám bệnh
title_translated: {{en: Visits}}
description: Số lượt khám.
licenses: [{{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY 4.0}}]
contact: {{name: Sở Thử}}
resources:
  - name: luot_kham
    title: Lượt khám
    row: Mỗi dòng là một lượt khám.
    schema:
      fields: [{{name: ma, title: Mã}}, {{name: khu, title: Khu}}, {{name: nhom, title: Nhóm}}]
    source: {{kind: file, location: "env:DROPS", pattern: "*.csv", settle_seconds: 0, format: {{kind: csv}}}}
    privacy:
      subject: person
      unit_key: [ma]
      fields: {{khu: {{action: keep, role: quasi}}, nhom: {{action: keep, role: quasi}}}}
      {guarantees}
      releases: {releases}
release: {{cadence: daily, approval: standing, formats: [parquet, csv]}}
"""
CELLS = """tables:
        - {id: theo_khu, title: Theo khu, row: Mỗi dòng là một khu., group_by: [khu, nhom], small_cell: {min: 5}}"""
ROWS = "microdata: {k: 5}"


class Agency:
    """The portal and the people whom the agency's file holds."""

    def __init__(self, portal: RunningPortal, root: Path) -> None:
        self.portal = portal
        self._root = root

    def define(self, guarantees: str, releases: str = "{}") -> None:
        folder = self._root / "definitions" / "so-thu" / NAME
        folder.mkdir(parents=True, exist_ok=True)
        (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
        text = DATASET.format(guarantees=guarantees, releases=releases)
        (folder / "dataset.yaml").write_text(text, encoding="utf-8")

    def release(self, **people: int) -> Run:
        """Let the agency's file hold so many people of each district and run the dataset."""
        rows = [f"{khu}{number},{khu},x" for khu, count in people.items() for number in range(count)]
        drops = self._root / "drops"
        drops.mkdir(exist_ok=True)
        (drops / "drop.csv").write_text("ma,khu,nhom\n" + "\n".join(rows) + "\n", encoding="utf-8")
        return self.portal.release(NAME)

    def told(self, run: Run, table: str = "theo_khu") -> dict[str, int | None]:
        assert run.state == "published", run.message
        rows = pq.read_table(self.stored / str(run.release) / f"{table}.parquet").to_pylist()
        return {row["khu"]: row["so_luong"] for row in rows}

    @property
    def stored(self) -> Path:
        return self.portal.home / "storage" / "releases" / NAME

    @property
    def kept(self) -> Path:
        return self.portal.home / "earlier" / NAME

    def audit(self) -> list[Audited]:
        return audit_dataset(self.portal.definition(NAME), self.portal.facilities, now=datetime.now(UTC))

    def earlier(self, **more: Any) -> Earlier:
        return earlier_of(self.portal.definition(NAME), self.portal.facilities, day="2030-01-01", **more)


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    definitions = tmp_path / "definitions"
    definitions.mkdir()
    with running_portal(tmp_path / "home", definitions, environment={"DROPS": str(tmp_path / "drops")}) as portal:
        yield Agency(portal, tmp_path)


def test_newcomers_show_when_there_are_enough_of_them_and_never_before(agency: Agency) -> None:
    agency.define(CELLS)
    first = agency.release(A=20, B=30)
    assert agency.told(first) == {"A": 20, "B": 30}
    assert agency.release(A=21, B=30).state == "unchanged", "one newcomer changes nothing that is public"
    second = agency.release(A=22, B=40)
    assert agency.told(second) == {"A": 20, "B": 40}
    assert agency.told(agency.release(A=25, B=40)) == {"A": 25, "B": 40}
    verdict = json.loads((agency.stored / str(second.release) / "privacy.json").read_bytes())
    assert verdict["tables"]["theo_khu"]["held_cells"] == 1
    assert {"G6", "G7", "G10"} <= {check["id"] for check in verdict["verdict"]["checks"]}


def test_no_report_tells_how_many_rows_stand_behind_cells(agency: Agency) -> None:
    """Their number, less the cells that are shown, would be the number in those that are hidden."""
    agency.define(CELLS)
    release = str(agency.release(A=733, B=481, C=4).release)
    quality = json.loads((agency.stored / release / "quality.json").read_bytes())
    [told] = quality["tables"]
    assert not {"rows", "valid_rows"} & set(told)
    assert all(share is None or round(share, 2) == share for share in quality["score"].values())
    page = agency.portal.get(f"/en/dataset/{NAME}/quality")
    assert page.status_code == 200
    for text in (page.text, *(path.read_text(encoding="utf-8") for path in (agency.stored / release).glob("*.json"))):
        assert not re.search(r"\b1[,.]?218\b", text)


def test_a_small_batch_is_held_with_its_reason_and_the_next_window_releases_it(agency: Agency) -> None:
    agency.define(ROWS, "{min_batch: 10}")
    assert agency.release(A=20, B=30).state == "published"
    held = agency.release(A=20, B=39)
    assert (held.state, held.reason_code) == ("held", "batch")
    assert "fewer than 10 units changed" in held.message
    assert "nothing to do" in held.cure
    assert agency.release(A=20, B=40).state == "published"
    states = {run.id: run.state for run in agency.portal.facilities.store.runs(NAME)}
    assert states[held.id] == "cancelled", "what waited left with the next release"


def test_earlier_bytes_are_fetched_once_and_checked(agency: Agency) -> None:
    agency.define(ROWS)
    first, second = agency.release(A=20, B=30), agency.release(A=30, B=30)
    kept = agency.earlier()
    assert [one.release for one in kept.releases] == [first.release, second.release]
    assert list(kept.releases[0].tables) == [], "of older releases the sizes of classes are enough"
    assert kept.report_of("luot_kham")["levels"] == {"khu": "kept", "nhom": "kept"}
    assert set(kept.releases[0].classes) == set(kept.releases[1].tables) == {"luot_kham"}
    for path in agency.stored.glob("*/*.parquet"):
        path.unlink()
    assert agency.earlier() == kept, "what was fetched is not asked for again"
    for path in agency.kept.glob("*/*.parquet"):
        path.unlink()
    with pytest.raises(StorageError, match="no object"):
        agency.earlier()
    assert agency.release(A=50, B=30).state == "failed", "what cannot be compared is not released"


def test_other_bytes_than_the_published_ones_stop_the_release(agency: Agency) -> None:
    agency.define(CELLS)
    first = agency.release(A=20, B=30)
    path = agency.stored / str(first.release) / "theo_khu.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(StorageError, match="not the one that was published"):
        agency.earlier()
    run = agency.release(A=40, B=30)
    assert (run.state, "not the one that was published" in run.message) == ("failed", True)
    steps = [(step.name, step.state) for step in agency.portal.facilities.store.run(run.id).steps]
    assert steps[-1] == ("anonymise", "failed"), "the run's record says where it ended"


def test_what_was_withdrawn_or_never_public_is_not_kept(agency: Agency) -> None:
    agency.define(CELLS)
    first = agency.release(A=20, B=30)
    agency.release(A=30, B=30)
    agency.earlier()
    assert (agency.kept / str(first.release)).is_dir()
    (agency.kept / "2020-01-01.1").mkdir()
    agency.portal.facilities.store.settle(NAME, str(first.release), "withdrawn")
    assert [one.release for one in agency.earlier().releases] != []
    assert first.release not in {one.release for one in agency.earlier().releases}
    assert not (agency.kept / str(first.release)).exists()
    assert not (agency.kept / "2020-01-01.1").exists()


@pytest.mark.parametrize(
    ("loose", "strict"),
    [(CELLS, CELLS.replace("min: 5", "min: 12")), (ROWS, ROWS.replace("k: 5", "k: 12"))],
    ids=["cells", "rows"],
)
def test_an_audit_looks_at_what_the_public_releases_tell_together(agency: Agency, loose: str, strict: str) -> None:
    """Each release alone passes what is asked today; ten people are the difference of two, and at least twelve are asked for."""
    agency.define(loose)
    runs = [agency.release(A=20, B=30), agency.release(A=20, B=40), agency.release(A=33, B=40)]
    first, second, third = [str(run.release) for run in runs]
    assert [run.state for run in runs] == ["published"] * 3
    assert not any(one.failures for one in agency.audit())
    agency.define(strict)
    found = {one.release: {check.id for check in one.failures} for one in agency.audit()}
    assert found == {first: set(), second: {"G7"}, third: {"G7"}}
    states = {row.release: row.state for row in agency.portal.facilities.store.releases(NAME)}
    assert states == {first: "published", second: "quarantined", third: "quarantined"}
    table = "theo_khu" if loose == CELLS else "luot_kham"
    assert agency.portal.get(f"/r/{NAME}/{second}/{table}.parquet").status_code == 410


def test_going_back_compares_only_with_what_came_before(agency: Agency) -> None:
    agency.define(CELLS)
    first, second = agency.release(A=20, B=30), agency.release(A=30, B=30)
    assert [one.release for one in agency.earlier(before=second.release).releases] == [first.release]
    roll_back_to(agency.portal.definition(NAME), agency.portal.facilities, str(first.release))
    assert agency.told(agency.release(A=33, B=30)) == {"A": 30, "B": 30}, "the release that was rolled back stays known"


def test_tables_about_nobody_fetch_nothing(agency: Agency) -> None:
    agency.define(CELLS)
    text = (agency.portal.facilities.settings.definitions / "so-thu" / NAME / "dataset.yaml").read_text(
        encoding="utf-8"
    )
    path = agency.portal.facilities.settings.definitions / "so-thu" / NAME / "dataset.yaml"
    path.write_text(text.replace("subject: person", "subject: none"), encoding="utf-8")
    assert agency.told(agency.release(A=20)) == {"A": 20}
    assert agency.told(agency.release(A=21)) == {"A": 21}
    assert agency.earlier().releases == ()
    assert agency.earlier().day == date(2030, 1, 1)
    assert not agency.kept.exists()
