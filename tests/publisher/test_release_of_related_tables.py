"""Tables of one dataset that refer to each other: orphans go to quarantine, failures of a whole table hold the run."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from publisher.definition import load_dataset
from publisher.facilities import open_facilities
from publisher.runs import DRY_RUN, run_dataset
from publisher.settings import PublisherSettings
from publisher.store import Run

DATASET = """\
name: places
title: Places
description: What is where.
licenses: [{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY}]
contact: {name: Office}
release: {cadence: daily}
resources:
  - name: stops
    title: Stops
    row: One stop.
    schema:
      fieldsMatch: subset
      fields:
        - {name: id, type: integer, title: Number}
        - {name: ward, title: Ward}
        - {name: place, type: geopoint, title: Place}
        - {name: tags, type: list, itemType: integer, delimiter: ";", title: Tags}
      foreignKeys: [{fields: ward, reference: {resource: wards, fields: code}}]
    checks: [{type: row-constraint, formula: id > 0}, {type: table-dimensions, minRows: MINIMUM}]
    thresholds: {max_invalid_share: 0.9}
    source: {kind: file, location: "env:DROPS", pattern: "stops.csv", settle_seconds: 0, format: {kind: csv}}
    privacy: {subject: none, fields: {id: {action: keep}, place: {action: keep}, tags: {action: keep}}}
  - name: wards
    title: Wards
    row: One ward.
    schema:
      fields: [{name: code, title: Code}, {name: main_stop, type: integer, title: Main stop}]
      primaryKey: code
      foreignKeys: [{fields: [main_stop], reference: {resource: stops, fields: [id]}}]
    thresholds: {max_invalid_share: 0.9}
    source: {kind: file, location: "env:DROPS", pattern: "wards.csv", settle_seconds: 0, format: {kind: csv}}
    privacy: {subject: none, fields: {code: {action: keep}}}
"""
STOPS = 'id,ward,place,tags,left\n1,a,"106.70,10.5",1;2,x\n2,b,"1,2",,x\n3,zz,"1,2",x;1,x\n-4,a,"1,2",4,x\n'
WARDS = "code,main_stop\na,1\nb,9\nc,\n"


def dry_run(folder: Path, *, minimum: int) -> tuple[Run, Path]:
    (folder / "drops").mkdir()
    (folder / "drops" / "stops.csv").write_text(STOPS)
    (folder / "drops" / "wards.csv").write_text(WARDS)
    (folder / "definitions" / "agency" / "places").mkdir(parents=True)
    (folder / "definitions" / "agency" / "organization.yaml").write_text("name: agency\ntitle: Agency\n")
    path = folder / "definitions" / "agency" / "places" / "dataset.yaml"
    path.write_text(DATASET.replace("MINIMUM", str(minimum)))
    settings = PublisherSettings(
        home=folder / "home", definitions=folder / "definitions", catalogue_url="http://127.0.0.1:9"
    )
    facilities = open_facilities(settings, {"DROPS": str(folder / "drops")})
    run = run_dataset(load_dataset(path), facilities, trigger=DRY_RUN, actor="somebody")
    return run, folder / "home" / "quarantine" / "places" / run.id


def errors(path: Path) -> dict[int, list[str]]:
    return {row["_row"]: row["_errors"] for row in pq.read_table(path).to_pylist()}


@pytest.mark.slow
def test_orphans_of_both_tables_go_to_quarantine_and_the_rest_is_checked_to_the_end(tmp_path: Path) -> None:
    run, quarantine = dry_run(tmp_path, minimum=4)
    assert run.state == "checked", run.message
    assert errors(quarantine / "stops.parquet") == {3: ["type-error", "foreign-key"], 4: ["row-constraint"]}
    assert errors(quarantine / "wards.parquet") == {2: ["foreign-key"]}


@pytest.mark.slow
def test_a_table_that_is_too_small_holds_the_run(tmp_path: Path) -> None:
    run, _ = dry_run(tmp_path, minimum=5)
    assert (run.state, run.reason_code) == ("held", "threshold")
    assert run.message.startswith("`stops`: table-dimensions: number of rows is 4, the minimum is 5. Found: ")
