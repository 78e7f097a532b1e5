"""How a dataset changes, keeps its names and its order of resources, and goes, over HTTP: sections 2.1 and 8.2 of the CKAN contract."""

from __future__ import annotations

import json

import pytest
from samples.api_over_http import CITY, Api


def test_update_replaces_and_patch_merges_the_top_level(api: Api) -> None:
    made = api.new(
        title="T",
        notes="n",
        tags=[{"name": "một"}],
        extras=[{"key": "k", "value": "v"}],
        resources=[{"name": "r"}],
        groups=[],
    )
    api("member_create", {"id": "transport", "object": made["id"], "object_type": "package", "capacity": "public"}, user="boss")  # fmt: skip
    patched = api("package_patch", {"id": made["name"], "extras": [{"key": "l", "value": 1}]})
    assert (patched["extras"], patched["notes"]) == ([{"key": "l", "value": "1"}], "n")
    assert [tag["name"] for tag in patched["tags"]] == ["một"]
    updated = api("package_update", {"id": made["id"], "author": "a"})
    assert (updated["notes"], updated["tags"], updated["extras"], updated["author"]) == (None, [], [], "a")
    for key in ("name", "title", "private", "owner_org", "type", "resources"):
        assert updated[key] == made[key]
    assert [group["name"] for group in updated["groups"]] == ["transport"]
    assert set(updated["groups"][0]) == {"id", "name", "title", "display_name", "description", "image_display_url"}
    assert api("package_update", {"name": made["name"], "resources": []})["resources"] == []


def test_nothing_changed_moves_no_time(api: Api) -> None:
    made = api.new(resources=[{"url": "http://x.example/a.csv"}])
    assert api("package_update", made) == made
    assert api("package_patch", {"id": made["id"], "title": made["title"]}) == made
    assert api("package_patch", {"id": made["id"], "title": "x"})["metadata_modified"] > made["metadata_modified"]


@pytest.mark.parametrize("action", ["package_update", "package_patch", "resource_update", "resource_patch"])
def test_a_missing_id_is_told_in_a_plain_text(api: Api, action: str) -> None:
    for params in ({}, {"id": None}, {"id": ""}):
        assert api.refusal(action, params) == {"id": "Missing value"}


def test_a_missing_name_at_creation_is_a_list(api: Api) -> None:
    assert api.refusal("package_create", {"owner_org": CITY}) == {"name": ["Missing value"]}
    assert api.refusal("package_show", {"id": None}) == {"name_or_id": "Missing value"}


def test_what_is_not_there_or_not_allowed(api: Api) -> None:
    made = api.new()
    for action in ("package_update", "package_patch", "package_delete", "package_show"):
        assert api.refusal(action, {"id": "nope"}, status=404) == {"message": "Not found: Package was not found."}
    for action in ("package_update", "package_patch", "package_delete"):
        for user in (None, "binh", "an"):
            api.refusal(action, {"id": made["id"]}, status=403, user=user)
    assert "owner_org" in api.refusal("package_patch", {"id": made["id"], "owner_org": "so-yt"})


def test_private_needs_an_owner_and_reads_booleans_leniently(api: Api) -> None:
    for word, meant in (("true", True), ("Yes", True), (1, True), ("0", False), ("off", False), (None, False)):
        made = api.new(private=word)
        assert made["private"] is meant
        assert api.post("package_show", {"id": made["id"]}, user=None).status_code == (403 if meant else 200)
        assert api("package_show", {"id": made["id"]}, user="an") == made


def test_states(api: Api) -> None:
    made = api.new(state="draft")
    assert made["state"] == "draft"
    api.refusal("package_show", {"id": made["id"]}, status=403, user=None)
    assert api("package_show", {"id": made["id"]}, user="an")["state"] == "draft"
    assert api("package_patch", {"id": made["id"], "state": "active"})["state"] == "active"
    assert api.post("package_delete", {"id": made["name"]}).json()["result"] is None
    api.refusal("package_show", {"id": made["id"]}, status=403, user=None)
    assert api("package_show", {"id": made["name"]})["state"] == "deleted"
    assert made["name"] not in api("package_list", user=None)
    assert api("package_patch", {"id": made["id"], "state": "active"})["state"] == "active"
    assert "state" in api.refusal("package_patch", {"id": made["id"], "state": "gone"})


def test_a_public_name_stays_with_its_dataset(api: Api) -> None:
    made = api.new()
    api("package_patch", {"id": made["id"], "name": f"{made['name']}-new"})
    assert api("package_show", {"id": made["name"]}, user=None)["name"] == f"{made['name']}-new"
    api("package_delete", {"id": made["id"]})
    for name in (made["name"], f"{made['name']}-new"):
        error = api.refusal("package_create", {"name": name, "owner_org": CITY})
        assert error == {"name": ["That URL is already in use."]}
    api.refusal("dataset_purge", {"id": made["id"]}, status=403)
    assert api("dataset_purge", {"id": made["id"]}, user="boss") is None
    gone = api.refusal("dataset_purge", {"id": made["id"]}, user="boss", status=404)
    assert gone == {"message": "Not found: Dataset was not found"}
    assert api("package_create", {"name": made["name"], "owner_org": CITY})["id"] != made["id"]


def test_reorder(api: Api) -> None:
    made = api.new(resources=[{"name": "a"}, {"name": "b"}, {"name": "c"}])
    a, b, c = (resource["id"] for resource in made["resources"])
    answer = api("package_resource_reorder", {"id": made["name"], "order": [c]})
    assert answer == {"id": made["id"], "order": [c, a, b]}
    assert [(r["id"], r["position"]) for r in api("package_show", {"id": made["id"]})["resources"]] == [
        (c, 0),
        (a, 1),
        (b, 2),
    ]
    assert api("package_resource_reorder", {"id": made["id"], "order": []})["order"] == [c, a, b]
    assert api("package_resource_reorder", {"id": made["id"], "order": json.dumps([b])})["order"] == [b, c, a]
    for wrong in ([a, a], ["nope"]):
        assert list(api.refusal("package_resource_reorder", {"id": made["id"], "order": wrong})) == ["order"]
