"""What the library ckanapi must be able to do: the smoke test of the CKAN contract, over HTTP."""

from __future__ import annotations

import io

import ckanapi
import pytest


@pytest.fixture(scope="module")
def admin(live, boss):
    with live.as_user(boss) as client:
        client.action.organization_create(name="so-yt", title="Sở Y tế")
        yield client


@pytest.fixture
def anonymous(live):
    with live.as_user() as client:
        yield client


def test_status_tells_that_this_is_a_ckan_with_a_datastore(anonymous):
    status = anonymous.action.status_show()
    assert "datastore" in status["extensions"]
    assert all(part.isdigit() for part in status["ckan_version"].split("."))
    assert anonymous.action.site_read() is True


def test_a_dataset_lives_from_creation_to_purge(admin, anonymous):
    created = admin.action.package_create(
        name="clinics", title="Phòng khám", owner_org="so-yt", tags=[{"name": "y tế"}]
    )
    resource = admin.action.resource_create(package_id="clinics", url="files.example.vn/a/phong-kham.csv", size="12")
    assert (resource["format"], resource["mimetype"], resource["size"]) == ("CSV", "text/csv", 12)
    assert resource["url"] == "http://files.example.vn/a/phong-kham.csv"
    patched = admin.action.package_patch(id=created["id"], notes="Danh sách")
    assert patched["notes"] == "Danh sách"
    assert [r["id"] for r in patched["resources"]] == [resource["id"]]
    assert anonymous.action.package_show(id="clinics") == anonymous.action.package_show(id=created["id"]) == patched
    assert anonymous.action.resource_show(id=resource["id"])["package_id"] == created["id"]
    admin.action.package_delete(id="clinics")
    assert admin.action.package_show(id="clinics")["state"] == "deleted"
    with pytest.raises(ckanapi.NotAuthorized):
        anonymous.action.package_show(id="clinics")
    admin.action.dataset_purge(id="clinics")
    with pytest.raises(ckanapi.NotFound):
        admin.action.package_show(id="clinics")


def test_searching_pages_to_the_end(admin, anonymous):
    for number in range(5):
        admin.action.package_create(name=f"page-{number}", owner_org="so-yt")
    names, start = [], 0
    while page := anonymous.action.package_search(q="name:page-*", rows=2, start=start, sort="id asc")["results"]:
        names += [package["name"] for package in page]
        start += 2
    assert sorted(names) == [f"page-{number}" for number in range(5)]
    assert anonymous.action.package_search(rows=1000)["count"] >= 5


def test_errors_become_the_exceptions_of_the_library(admin, anonymous):
    with pytest.raises(ckanapi.NotFound) as absent:
        anonymous.action.package_show(id="nope")
    assert str(absent.value) == "Package was not found."
    with pytest.raises(ckanapi.NotAuthorized):
        anonymous.action.package_create(name="mine", owner_org="so-yt")
    with pytest.raises(ckanapi.ValidationError) as refused:
        admin.action.package_create(name="X", owner_org="nobody", resources=[{}, {"size": "many"}])
    assert refused.value.error_dict == {
        "name": [
            "Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_",
            "Must be at least 2 characters long",
        ],
        "owner_org": ["Organization does not exist"],
        "resources": [{}, {"size": ["Invalid integer"]}],
        "__type": "Validation Error",
    }
    with pytest.raises(ckanapi.SearchQueryError):
        anonymous.action.package_search(foo="bar")
    with pytest.raises(ckanapi.CKANAPIError) as unknown:
        anonymous.call_action("no_such_action")
    assert "Action name not known" in str(unknown.value)


def test_get_only_mode_reads(live, admin):
    admin.action.package_create(name="by-get", owner_org="so-yt")
    with live.as_user(get_only=True) as client:
        assert client.action.package_show(id="by-get")["name"] == "by-get"
        assert len(client.action.organization_list(all_fields=True, limit=1)) == 1
        with pytest.raises(ckanapi.CKANAPIError):
            client.action.package_create(name="not-by-get")


def test_an_upload_becomes_a_resource(admin, anonymous):
    package = admin.action.package_create(name="uploads", owner_org="so-yt")
    made = admin.action.resource_create(package_id="uploads", upload=io.BytesIO(b"a,b"), format="CSV")
    assert (made["url_type"], made["size"], made["format"]) == ("upload", 3, "CSV")
    assert made["url"].endswith(f"/dataset/{package['id']}/resource/{made['id']}/download/upload")
    assert anonymous.action.resource_show(id=made["id"]) == made


def test_registering_again_changes_nothing(admin, anonymous):
    dataset = {
        "id": "5d3b1a52-2c71-5a0c-9d0d-6f2f4f3f1c11",
        "name": "again",
        "owner_org": "so-yt",
        "extras": [{"key": "release", "value": "2026-11-22.1"}],
        "tags": [{"name": "y tế"}],
        "resources": [{"id": "0f7a61c1-52a8-5d8a-8f3e-2b7d2f6c9a55", "url": "http://x.example/a.csv", "rows": 5}],
    }
    first = admin.action.package_create(**dataset)
    assert (first["id"], first["resources"][0]["rows"]) == (dataset["id"], 5)
    assert admin.action.package_patch(**dataset) == admin.action.package_update(**dataset) == first
    assert len(anonymous.action.package_activity_list(id="again")) == 1
