"""Real portals are taken over whole: Tokyo's and Birmingham's CKAN, the DCAT-US of Washington, DC."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from samples.served_catalogue import ServedCatalogue, catalogue_on
from sqlalchemy import select

from catalogue.importing.dcat_us import packages_of
from catalogue.importing.dumps import read_dump
from catalogue.importing.report import Report
from catalogue.importing.takeover import Takeover
from catalogue.model import User

pytestmark = pytest.mark.slow


@pytest.fixture
def portal(tmp_path):
    with catalogue_on(tmp_path / "home") as opened:
        opened.add_user("boss", sysadmin=True)
        yield opened


def take(portal: ServedCatalogue, records: list[dict[str, Any]], path: Path) -> Report:
    """Take the records in and return the report of this run."""
    with portal.store.read() as session:
        user_id = session.scalars(select(User.id)).one()
    report = Report(path)
    Takeover(portal.services, user_id, report).run(lambda: records)
    assert report.failed == []
    return report


def shown_by_id(portal: ServedCatalogue) -> dict[str, dict[str, Any]]:
    """Return every dataset, page by page as harvesters read them."""
    shown: dict[str, dict[str, Any]] = {}
    while True:
        params = {"rows": 1000, "start": len(shown), "sort": "id asc"}
        found = portal.call("package_search", params)["results"]
        if not found:
            return shown
        shown |= {package["id"]: package for package in found}


def test_tokyo_keeps_every_dataset_resource_and_name(portal, shared_data, tmp_path):
    records = list(read_dump(shared_data / "catalogue" / "tokyo_ckan_packages_a.ndjson.gz"))
    report = take(portal, records, tmp_path / "report.jsonl")
    assert report.counts["dataset created"] == len(records) == 3033
    here = shown_by_id(portal)
    assert set(here) == {record["id"] for record in records}
    owners = Counter(record["name"] for record in records)
    for record in records:
        shown = here[record["id"]]
        if owners[record["name"]] == 1:
            assert shown["name"] == record["name"]
        for field in ("title", "private", "owner_org", "metadata_modified", "metadata_created", "license_id"):
            assert shown[field] == record[field], (record["id"], field)
        kept = ("id", "url", "position", "created", "name")
        assert [[r[k] for k in kept[:3]] for r in shown["resources"]] == [
            [r["id"], r["url"].strip(), n] for n, r in enumerate(record["resources"])
        ]
        assert {group["id"] for group in shown["groups"]} == {group["id"] for group in record["groups"]}
        assert {tag["name"] for tag in shown["tags"]} == {tag["name"] for tag in record["tags"]}
    shared = {name for name, count in owners.items() if count > 1}
    for name in shared:  # the one that changed last has it
        claims = [record for record in records if record["name"] == name]
        newest = max(claims, key=lambda record: record["metadata_modified"])
        assert portal.call("package_show", {"id": name})["id"] == newest["id"]
    assert report.changed == len(shared) == 87
    again = take(portal, records, tmp_path / "report.jsonl")
    assert again.counts["dataset unchanged"] == len(records)


def test_birmingham_keeps_every_file_where_it_is(portal, shared_data, tmp_path):
    records = list(read_dump(shared_data / "catalogue" / "birmingham_ckan_package_search.json"))
    take(portal, records, tmp_path / "report.jsonl")
    here = shown_by_id(portal)
    for record in records:
        urls = [resource["url"] for resource in record["resources"]]
        assert [resource["url"] for resource in here[record["id"]]["resources"]] == urls
        assert here[record["id"]]["license_title"] == record["license_title"]


def test_washington_keeps_every_identifier_and_old_address(portal, shared_data, tmp_path):
    with gzip.open(shared_data / "catalogue" / "opendata_dc_gov_data_json_2020-11.json.gz", "rt") as file:
        catalogue = json.load(file)
    report = take(portal, list(packages_of(catalogue)), tmp_path / "report.jsonl")
    assert report.counts["dataset created"] == len(catalogue["dataset"]) == 1357
    here = shown_by_id(portal)
    identifiers = {e["value"] for shown in here.values() for e in shown["extras"] if e["key"] == "identifier"}
    assert identifiers == {item["identifier"] for item in catalogue["dataset"]}
    for item in catalogue["dataset"][::50]:
        old = item["landingPage"].rsplit("/", 1)[-1].lower()
        shown = portal.call("package_show", {"id": old})
        assert shown["title"] == item["title"]
        assert len(shown["resources"]) == len(item["distribution"])
