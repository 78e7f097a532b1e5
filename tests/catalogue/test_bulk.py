"""Many datasets of an organization at once, the owner of one, resources by their fields, and jobs that never are."""

from __future__ import annotations

import pytest

from catalogue.errors import NotAuthorized, NotFound, ValidationError

pytestmark = pytest.mark.slow

CITY = "so-gtvt"


@pytest.fixture
def city(catalogue):
    catalogue.add_user("ada")
    catalogue.call("organization_member_create", {"id": CITY, "username": "ada", "role": "admin"}, user="boss")
    catalogue.call("organization_create", {"name": "so-yt"}, user="boss")
    for name, owner in (("stops", CITY), ("lines", CITY), ("clinics", "so-yt")):
        resources = [
            {"url": f"https://files.example/{name}.csv", "name": f"Bảng {name}", "hash": f"ab{name}", "size": 7}
        ]
        catalogue.call("package_create", {"name": name, "owner_org": owner, "resources": resources}, user="boss")
    return catalogue


def ids(city, *names):
    return [city.call("package_show", {"id": name}, user="boss")["id"] for name in names]


def shown(city, name):
    return city.call("package_show", {"id": name}, user="boss")


def resources(city, query, **params):
    found = city.call("resource_search", {"query": query, **params})
    assert set(found) == {"count", "results"}
    return found["count"], [one["name"].removeprefix("Bảng ") for one in found["results"]]


def test_an_admin_hides_shows_and_deletes_many_datasets(city):
    both = {"datasets": ids(city, "stops", "lines", "clinics"), "org_id": CITY}
    assert city.call("bulk_update_private", both, user="ada") is None
    assert [shown(city, name)["private"] for name in ("stops", "lines", "clinics")] == [True, True, False]
    assert city.call("package_search")["count"] == 1
    assert city.call("bulk_update_public", both, user="ada") is None
    assert city.call("package_search")["count"] == 3
    assert city.call("bulk_update_delete", {**both, "datasets": ids(city, "stops")}, user="ada") is None
    assert [shown(city, name)["state"] for name in ("stops", "lines", "clinics")] == ["deleted", "active", "active"]
    kinds = [one["activity_type"] for one in city.call("package_activity_list", {"id": "stops"}, user="ada")]
    assert kinds == ["deleted package", "changed package", "changed package", "new package"]


@pytest.mark.parametrize("action", ["bulk_update_private", "bulk_update_public", "bulk_update_delete"])
def test_only_admins_of_the_organization_change_many(city, action):
    params = {"datasets": ids(city, "stops"), "org_id": CITY}
    for user in (None, "binh", "lan"):
        with pytest.raises(NotAuthorized):
            city.call(action, params, user=user)
    with pytest.raises(NotAuthorized):
        city.call(action, {**params, "org_id": "so-yt"}, user="ada")
    with pytest.raises(NotFound):
        city.call(action, {**params, "org_id": "nope"}, user="ada")
    for missing in ({"datasets": params["datasets"]}, {"org_id": CITY}):
        with pytest.raises(ValidationError, match="Missing value"):
            city.call(action, missing, user="ada")


def test_a_sysadmin_gives_a_dataset_to_another_organization(city):
    move = {"id": "stops", "organization_id": "so-yt"}
    for user in (None, "lan", "ada"):
        with pytest.raises(NotAuthorized):
            city.call("package_owner_org_update", move, user=user)
    before = shown(city, "stops")
    assert city.call("package_owner_org_update", move, user="boss") is None
    assert shown(city, "stops")["organization"]["name"] == "so-yt"
    assert shown(city, "stops")["metadata_modified"] > before["metadata_modified"]
    assert city.call("package_search", {"fq": "organization:so-yt"})["count"] == 2
    for nowhere in ({"id": "nope", "organization_id": CITY}, {"id": "stops", "organization_id": "nope"}):
        with pytest.raises(NotFound):
            city.call("package_owner_org_update", nowhere, user="boss")
    city.call("package_owner_org_update", {"id": "stops", "organization_id": None}, user="boss")
    assert shown(city, "stops")["owner_org"] is None
    city.call("package_patch", {"id": "lines", "private": True}, user="boss")
    for refused in ({"id": "lines", "organization_id": ""}, {"id": "lines"}):
        with pytest.raises(ValidationError):
            city.call("package_owner_org_update", refused, user="boss")


def test_resources_are_found_by_their_fields(city):
    assert resources(city, "name:BẢNG", order_by="name") == (3, ["clinics", "lines", "stops"])
    assert resources(city, ["format:csv", "url:Stops"]) == (1, ["stops"])
    assert resources(city, '["format:csv", "url:stops"]') == (1, ["stops"])
    assert resources(city, "hash:ABst") == (1, ["stops"])
    assert resources(city, "hash:stops") == (0, [])
    assert resources(city, "size:7")[0] == 3
    assert resources(city, "size:8")[0] == 0
    assert resources(city, "datastore_active:true")[0] == 0
    assert resources(city, "created:2000-01-01") == (0, [])
    assert resources(city, "url:https://files")[0] == 3
    assert resources(city, "name:%") == (0, [])
    assert resources(city, "name:bảng", order_by="name", limit=1, offset="1") == (3, ["lines"])
    assert resources(city, "name:bảng", order_by="nope", limit=0) == (3, [])
    (one,) = city.call("resource_search", {"query": "name:stops"})["results"]
    assert one == shown(city, "stops")["resources"][0]


def test_a_search_of_resources_knows_only_public_datasets(city):
    city.call("package_patch", {"id": "stops", "private": True}, user="lan")
    city.call("package_patch", {"id": "lines", "state": "draft"}, user="lan")
    for user in (None, "lan", "boss"):
        assert city.call("resource_search", {"query": "format:CSV"}, user=user)["count"] == 1


@pytest.mark.parametrize(
    "query", [None, [], "stops", "color:red", "extras:x", "size:big", "created:soon", "state:x:y", {}]
)
def test_a_search_of_resources_names_its_fault(city, query):
    if query == "state:x:y":
        assert resources(city, query) == (0, [])
        return
    with pytest.raises(ValidationError) as refusal:
        city.call("resource_search", {"query": query})
    assert list(refusal.value.error_dict) == ["query"]


def test_there_are_no_jobs(city):
    for user in (None, "lan"):
        for action in ("job_list", "job_show", "job_cancel", "job_clear"):
            with pytest.raises(NotAuthorized):
                city.call(action, {"id": "x"}, user=user)
    assert city.call("job_list", {"ids_only": True}, user="boss") == []
    assert city.call("job_clear", {"queues": ["default"]}, user="boss") == []
    for action in ("job_show", "job_cancel"):
        with pytest.raises(NotFound):
            city.call(action, {"id": "x"}, user="boss")
