"""How a dataset is made over HTTP, and what its dict and its tags hold: sections 2.1, 4.2 and 4.4 of the CKAN contract."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from samples.api_over_http import CITY, Api

NAIVE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z")
SHORT = "Must be at least 2 characters long"
LETTERS = "Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_"


def test_create_answers_the_shown_dict(api: Api) -> None:
    made = api.new(
        title="Xe buýt",
        tags=[{"name": "xe buýt"}],
        tag_string="b c, a-d",
        extras=[{"key": "spatial", "value": ""}, {"key": "n", "value": 5}, {"key": "z", "value": "1"}],
        resources=[{"url": "x.example/a.GeoJSON", "size": "12", "rows": 7, "flag": True, "list": [1, {"a": None}]}],
        license_id="cc-by",
        favourite_colour="blue",
    )
    assert made == api("package_show", {"id": made["name"]}, user=None)
    assert "favourite_colour" not in made
    assert [tag["name"] for tag in made["tags"]] == ["a-d", "b c", "xe buýt"]
    assert set(made["tags"][0]) == {"id", "name", "display_name", "state", "vocabulary_id"}
    assert made["extras"] == [
        {"key": "n", "value": "5"},
        {"key": "z", "value": "1"},
        {"key": "spatial", "value": ""},
    ]
    assert (made["num_resources"], made["num_tags"], made["private"], made["state"]) == (1, 3, False, "active")
    assert (made["isopen"], made["type"]) == (True, "dataset")
    assert made["license_title"]
    assert made["license_url"].startswith("http")
    assert made["organization"]["name"] == CITY
    assert made["owner_org"] == made["organization"]["id"]
    assert set(made["organization"]) >= {
        *("id", "name", "title", "type", "description", "image_url"),
        *("created", "is_organization", "approval_status", "state"),
    }
    assert all(NAIVE_TIME.match(made[key]) for key in ("metadata_created", "metadata_modified"))
    (resource,) = made["resources"]
    assert {key: resource[key] for key in ("url", "format", "size", "rows", "flag", "list", "position")} == {
        "url": "http://x.example/a.GeoJSON",
        "format": "GeoJSON",
        "size": 12,
        "rows": 7,
        "flag": True,
        "list": [1, {"a": None}],
        "position": 0,
    }


def test_what_is_missing_is_null_except_where_it_is_empty(api: Api) -> None:
    made = api.new(resources=[{}])
    assert made["title"] == made["name"]
    for key in ("notes", "url", "version", "author", "author_email", "maintainer", "maintainer_email", "license_id"):
        assert made[key] is None
    assert (made["license_title"], made["isopen"], "license_url" in made) == (None, False, False)
    for key in ("tags", "groups", "extras", "relationships_as_subject", "relationships_as_object"):
        assert made[key] == []
    (resource,) = made["resources"]
    empty = {"hash": "", "format": "", "url": ""}
    null = ("name", "description", "url_type", "mimetype", "mimetype_inner", "size", "last_modified")
    null += ("cache_url", "cache_last_updated", "resource_type")
    assert {key: resource[key] for key in (*empty, *null)} == {**empty, **dict.fromkeys(null)}
    assert (resource["state"], resource["datastore_active"], resource["package_id"]) == ("active", False, made["id"])
    assert NAIVE_TIME.match(resource["created"])
    assert NAIVE_TIME.match(resource["metadata_modified"])


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"name": "A"}, {"name": [SHORT, LETTERS]}),
        ({"name": "a"}, {"name": [SHORT]}),
        ({"name": "Đường"}, {"name": [LETTERS]}),
        ({"name": "search"}, {"name": ["That name cannot be used"]}),
        ({"name": "x" * 101}, {"name": ["Name must be a maximum of 100 characters long"]}),
        ({"name": ""}, {"name": ["Missing value"]}),
        ({"name": None}, {"name": ["Missing value"]}),
        ({"owner_org": None}, {"owner_org": ["An organization must be provided"]}),
        ({"owner_org": ""}, {"owner_org": ["An organization must be provided"]}),
        ({"owner_org": "nope"}, {"owner_org": ["Organization does not exist"]}),
        ({"version": "v" * 101}, {"version": ["Length must be at most 100 characters"]}),
        ({"maintainer_email": "a@"}, {"maintainer_email": ["Email a@ is not a valid format"]}),
        ({"url": "ftp://x.example"}, {"url": ["Please provide a valid URL"]}),
        ({"extras": [{"key": "a", "value": "1"}] * 2}, {"extras_validation": ['Duplicate key "a"']}),
        ({"extras": [{"key": "a", "value": "1"}, {}]}, {"extras": [{}, {"key": ["Missing value"], "value": ["Missing value"]}]}),
        ({"extras": [{"key": "notes", "value": ""}]}, {"extras": [{"key": ["There is a schema field with the same name"]}]}),
        ({"resources": [{}, {"size": "x"}]}, {"resources": [{}, {"size": ["Invalid integer"]}]}),
        ({"resources": [{"last_modified": "x"}]}, {"resources": [{"last_modified": ["Date format incorrect"]}]}),
    ],
)  # fmt: skip
def test_faults_stand_under_their_field(api: Api, fields: dict[str, Any], errors: dict[str, Any]) -> None:
    error = api.refusal("package_create", {"name": "fresh", "owner_org": CITY, **fields}, user="boss")
    assert {field: sorted(error[field]) if field == "name" else error[field] for field in error} == {
        field: sorted(errors[field]) if field == "name" else errors[field] for field in errors
    }


def test_faults_of_all_fields_come_at_once(api: Api) -> None:
    taken = api.new()["name"]
    wrong = {
        "name": taken,
        "owner_org": "nope",
        "tags": [{"name": "a"}, {"name": "b&c"}],
        "resources": [{}, {"size": "x"}],
        "author_email": "x",
    }
    error = api.refusal("package_create", wrong, user="boss")
    assert error["name"] == ["That URL is already in use."]
    assert error["owner_org"] == ["Organization does not exist"]
    assert error["resources"] == [{}, {"size": ["Invalid integer"]}]
    assert len(error["tags"]) == 2
    assert all(isinstance(message, str) for message in error["tags"])
    assert "author_email" in error


@pytest.mark.parametrize(
    "fields",
    [
        *({"tags": ["a"]}, {"tags": "ab"}, {"tags": {}}, {"resources": "x"}, {"resources": [1]}, {"resources": {}}),
        *({"extras": ["a"]}, {"extras": 5}, {"groups": ["transport"]}, {"groups": "x"}),
    ],
)
def test_wrong_nesting_is_an_integrity_error(api: Api, fields: dict[str, Any]) -> None:
    error = api.refusal("package_create", {"name": "fresh", "owner_org": CITY, **fields}, status=400, user="boss")
    assert set(error) == {"message", "data"}


def test_who_may_create(api: Api) -> None:
    fields = {"name": "fresh", "owner_org": CITY}
    anonymous = api.refusal("package_create", fields, user=None, status=403)
    assert anonymous["message"].startswith("Access denied: ")
    for user in ("an", "binh"):
        assert api.refusal("package_create", fields, user=user, status=403)["message"].startswith("Access denied: User")
    api.refusal("package_create", {"name": "fresh", "owner_org": "so-yt"}, status=403)
    chosen = str(uuid.uuid4())
    assert "id" in api.refusal("package_create", {**fields, "id": chosen})
    assert api("package_create", {**fields, "id": chosen}, user="boss")["id"] == chosen
    assert list(api.refusal("package_create", {**fields, "name": "fresh-2", "id": chosen}, user="boss")) == ["id"]


@pytest.mark.parametrize(("name", "is_good"), [
    *(("xe buýt", True), ("Đường-số_1.2", True), ("日本", True), ("ab" * 50, True)),
    *(("a", False), ("a,b", False), ("a/b", False), ("a&b", False), ("ab" * 50 + "c", False)),
])  # fmt: skip
def test_tags(api: Api, name: str, is_good: bool) -> None:
    answer = api.post(
        "package_create", {"name": f"t-{uuid.uuid4().hex[:8]}", "owner_org": CITY, "tags": [{"name": name}]}
    )
    assert answer.status_code == (200 if is_good else 409)
    if is_good:
        assert [tag["name"] for tag in answer.json()["result"]["tags"]] == [name]
    else:
        assert isinstance(answer.json()["error"]["tags"][0], str)
