"""Resources over HTTP, by plain requests and by the client most scripts use: sections 2.3, 4.3 and 8.4 of the CKAN contract."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from samples.api_over_http import Api


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"url": "x.example/a.csv"}, {"url": "http://x.example/a.csv", "format": "CSV", "mimetype": "text/csv"}),
        ({"url": "https://x.example/a.CSV?x=1"}, {"url": "https://x.example/a.CSV?x=1", "format": "CSV"}),
        ({"url": "http://x.example/a.xls"}, {"format": "XLS"}),
        ({"url": "http://x.example/a.geojson"}, {"format": "GeoJSON"}),
        ({"url": "http://x.example/a.parquet"}, {"format": "Parquet"}),
        ({"url": "http://x.example/a", "format": "geojson"}, {"format": "GeoJSON", "mimetype": None}),
        ({"format": "strange kind"}, {"format": "strange kind", "url": ""}),
        ({"format": ".csv"}, {"format": "CSV"}),
        ({"size": "12"}, {"size": 12}),
        ({"size": 12.0}, {"size": 12}),
        ({"size": ""}, {"size": None}),
        ({"hash": "abc", "resource_type": "file"}, {"hash": "abc", "resource_type": "file"}),
        ({"last_modified": "2026-11-22T03:00:00Z"}, {"last_modified": "2026-11-22T03:00:00"}),
        ({"created": "2026-11-22"}, {"created": "2026-11-22T00:00:00"}),
        ({"last_modified": "2024-01-02T03:04:05.5"}, {"last_modified": "2024-01-02T03:04:05.500000"}),
        ({"rows": 5, "note": None, "many": ["a"]}, {"rows": 5, "note": None, "many": ["a"]}),
        ({"url_type": "datastore", "url": "http://x.example/dump"}, {"url_type": "datastore"}),
        ({"url_type": "upload", "url": "http://old.example/f.csv"}, {"url_type": None, "url": "http://old.example/f.csv"}),
        ({"position": 7, "package_id": "X"}, {"position": 0}),
    ],
)  # fmt: skip
def test_a_resource_is_shown_as(api: Api, given: dict[str, Any], shown: dict[str, Any]) -> None:
    made = api("resource_create", {**given, "package_id": api.new()["id"]})
    assert {key: made[key] for key in shown} == shown
    assert api("resource_show", {"id": made["id"]}, user=None) == made


def test_resource_create_appends(api: Api) -> None:
    package = api.new(resources=[{"name": "a"}])
    made = api("resource_create", {"package_id": package["name"], "name": "b"})
    after = api("package_show", {"id": package["id"]})
    assert [resource["name"] for resource in after["resources"]] == ["a", "b"]
    assert (after["resources"][1], after["num_resources"]) == (made, 2)
    assert after["metadata_modified"] > package["metadata_modified"]
    assert api.refusal("resource_create", {"url": "x"}) == {"package_id": "Missing value"}
    api.refusal("resource_create", {"package_id": "nope"}, status=404)
    for user in (None, "an", "binh"):
        api.refusal("resource_create", {"package_id": package["id"]}, status=403, user=user)
    assert api.refusal("resource_create", {"package_id": package["id"], "size": "x"}) == {"size": ["Invalid integer"]}


def test_resource_update_replaces_except_what_stays(api: Api) -> None:
    made = api(
        "resource_create",
        {
            "package_id": api.new()["id"],
            "url": "http://x.example/a.csv",
            "size": 5,
            "last_modified": "2026-01-01",
            "hash": "h",
            "name": "n",
            "own": 1,
            "description": "d",
            "datastore_active": False,
        },
    )
    after = api("resource_update", {"id": made["id"], "format": "JSON"})
    assert {key: after[key] for key in ("url", "mimetype", "name", "description", "hash", "format")} == {
        "url": "",
        "mimetype": None,
        "name": None,
        "description": None,
        "hash": "",
        "format": "JSON",
    }
    assert "own" not in after
    for key in ("id", "created", "size", "last_modified", "datastore_active", "package_id"):
        assert after[key] == made[key]


def test_resource_patch_merges(api: Api) -> None:
    made = api(
        "resource_create", {"package_id": api.new()["id"], "url": "http://x.example/a.csv", "name": "n", "own": 1}
    )
    after = api("resource_patch", {"id": made["id"], "description": "d", "other": [2]})
    ignored = ("metadata_modified", "description")
    assert {key: value for key, value in after.items() if key not in ignored} == {
        **{key: value for key, value in made.items() if key not in ignored},
        "other": [2],
    }
    assert after["description"] == "d"
    assert after["metadata_modified"] > made["metadata_modified"]
    missing = str(uuid.uuid4())
    for action in ("resource_show", "resource_update", "resource_patch", "resource_delete"):
        gone = api.refusal(action, {"id": missing}, status=404)
        assert gone == {"message": "Not found: Resource was not found."}
    for user in (None, "an", "binh"):
        api.refusal("resource_patch", {"id": made["id"]}, status=403, user=user)


def test_resource_delete_closes_the_gap(api: Api) -> None:
    package = api.new(resources=[{"name": "a"}, {"name": "b"}])
    assert api("resource_delete", {"id": package["resources"][0]["id"]}) is None
    left = api("package_show", {"id": package["id"]})["resources"]
    assert [(resource["name"], resource["position"]) for resource in left] == [("b", 0)]
    api.refusal("resource_show", {"id": package["resources"][0]["id"]}, status=404)


def test_a_resource_follows_the_rights_of_its_dataset(api: Api) -> None:
    package = api.new(private=True, resources=[{"name": "a"}])
    resource = package["resources"][0]["id"]
    for user, status in ((None, 403), ("binh", 403), ("an", 200), ("lan", 200)):
        assert api.post("resource_show", {"id": resource}, user=user).status_code == status


def test_ckanapi_uploads_and_reads_errors(api: Api) -> None:
    import io

    import ckanapi

    client = ckanapi.RemoteCKAN(api.url, apikey=api.tokens["lan"])
    package = api.new()
    content = io.BytesIO(b"a,b\n1,2\n")
    content.name = "Số liệu.csv"
    made = client.action.resource_create(package_id=package["id"], name="x", upload=content)
    assert (made["url_type"], made["format"], made["size"]) == ("upload", "CSV", 8)
    assert made["url"].endswith("/download/so-lieu.csv")
    with pytest.raises(ckanapi.ValidationError) as refused:
        client.action.package_patch(id=package["id"], author_email="x")
    assert refused.value.error_dict["author_email"] == ["Email x is not a valid format"]
    with pytest.raises(ckanapi.NotFound):
        client.action.resource_show(id="nope")
    with pytest.raises(ckanapi.NotAuthorized):
        ckanapi.RemoteCKAN(api.url).action.package_delete(id=package["id"])
