"""A release written by the publisher, read by the catalogue: both halves mean the same by types, names and hashes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from sample_release import RELEASE, make_release, sample_definition
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.actions.datastore import datastore_info, datastore_search
from catalogue.model import Package, Resource
from publisher.signing import signing_key


@pytest.fixture
def portal(tmp_path: Path):
    portal = open_portal(tmp_path)
    definition = sample_definition()
    folder = tmp_path / "storage" / "releases" / "requests" / RELEASE
    folder.parent.mkdir(parents=True)
    summary = make_release(folder, signing_key(tmp_path / "keys" / "signing.pem"), count=6, definition=definition)
    said = {"release": RELEASE, "rows": summary.rows, "manifest_sha256": summary.manifest_sha256}
    portal.add_dataset(
        "requests",
        extras={"release": RELEASE, "release_summary": json.dumps(said)},
        resources=[{"id": id_of("tickets"), "datastore_active": True, "extras": {"table": "tickets"}}],
    )
    yield portal
    portal.store.close()


def test_rows_come_back_in_release_order_with_datastore_types(portal: SamplePortal) -> None:
    answer = portal.call(datastore_search, resource_id=id_of("tickets"))
    types = {field["id"]: field["type"] for field in answer["fields"]}
    assert types == {
        "_id": "int", "id": "int", "name": "text", "amount": "numeric", "open": "bool",
        "day": "date", "at": "timestamp", "year": "int", "month": "text",
    }  # fmt: skip
    assert answer["total"] == 6
    first = answer["records"][0]
    assert (first["_id"], first["open"], first["day"], first["at"]) == (1, True, "2026-11-22", "2026-11-22T10:00:00")
    assert first["name"] == 'Phường "Bến Nghé", Quận 1'


def test_the_dictionary_is_the_definitions(portal: SamplePortal) -> None:
    fields = {f["id"]: f for f in portal.call(datastore_info, resource_id=id_of("tickets"))["fields"]}
    assert fields["amount"]["info"] == {"label": "Số tiền", "unit": "VND"}
    assert fields["name"]["info"]["notes"] == "Tên gọi"
    assert "owner" not in fields


def test_hashes_of_the_manifest_are_those_of_the_bytes(portal: SamplePortal) -> None:
    for file in portal.files.manifest("requests", RELEASE)["files"]:
        info = portal.files.info("requests", RELEASE, file["path"])
        assert info.size_bytes == len(portal.files.read("requests", RELEASE, file["path"]))
    with portal.store.read() as session:
        assert session.get(Package, id_of("requests")) is not None
        assert session.get(Resource, id_of("tickets")) is not None
