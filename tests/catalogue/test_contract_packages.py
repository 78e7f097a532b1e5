"""Datasets and resources over HTTP, row by row as the CKAN contract has them: sections 2.1-2.3, 4.2-4.4 and 8.2."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from samples.served_catalogue import ServedCatalogue, catalogue_on, served

CITY = "so-gtvt"
NAIVE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\Z")
SHORT = "Must be at least 2 characters long"
LETTERS = "Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_"


class Api:
    """Calls actions over HTTP as `boss` (sysadmin), `lan` (editor), `an` (member), `binh` (nobody's) or nobody."""

    def __init__(self, portal: ServedCatalogue) -> None:
        self.url = portal.url
        self.tokens = {name: portal.add_user(name, sysadmin=name == "boss") for name in ("boss", "lan", "an", "binh")}

    def post(self, action: str, params: Any = None, *, user: str | None = "lan", **more: Any) -> requests.Response:
        headers = {"Authorization": self.tokens[user]} if user else {}
        body = more or {"json": params or {}}
        return requests.post(f"{self.url}/api/3/action/{action}", headers=headers, timeout=30, **body)

    def __call__(self, action: str, params: Any = None, **more: Any) -> Any:
        answer = self.post(action, params, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()["result"]

    def refusal(self, action: str, params: Any = None, *, status: int = 409, **more: Any) -> Any:
        """Return the error of a refused call without its type, which must fit the status."""
        answer = self.post(action, params, **more)
        assert answer.status_code == status, answer.text
        error = answer.json()["error"]
        kinds = {
            400: "Integrity Error",
            403: "Authorization Error",
            404: "Not Found Error",
            409: "Validation Error",
        }
        assert error.pop("__type") == kinds[status]
        return error

    def new(self, **fields: Any) -> dict[str, Any]:
        """Create a dataset with a name of its own."""
        name = f"d-{uuid.uuid4().hex[:8]}"
        return self("package_create", {"name": name, "owner_org": CITY, **fields})


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with catalogue_on(tmp_path_factory.mktemp("contract")) as portal, served(portal):
        api = Api(portal)
        api("organization_create", {"name": CITY, "title": "Sở Giao thông"}, user="boss")
        for name, role in (("lan", "editor"), ("an", "member")):
            api("organization_member_create", {"id": CITY, "username": name, "role": role}, user="boss")
        api("organization_create", {"name": "so-yt"}, user="boss")
        api("group_create", {"name": "transport", "title": "Giao thông"}, user="boss")
        yield api


# 2.1 package_create, and 4.2: what a dataset dict holds


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


# 2.1 package_update, package_patch


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


# states, deletion, purge, 8.2: names


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


# 2.1 package_resource_reorder


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


# 2.3 and 4.3: resources


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


# 4.4: tags


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


# 2.2 package_revise


def test_revise_in_all_its_spellings(api: Api) -> None:
    made = api.new(title="T", notes="n", resources=[{"name": "a"}, {"name": "b"}])
    first = made["resources"][0]["id"]
    for params, seen in (
        ({"match": {"name": made["name"], "title": "T"}, "update": {"title": "U"}}, ("title", "U")),
        ({"match__id": made["id"], "match__title": "U", "update__title": "V"}, ("title", "V")),
        ({"match": json.dumps({"id": made["id"]}), "update": '{"notes": "m"}'}, ("notes", "m")),
        ({"match": {"id": made["id"]}, "filter": "-notes"}, ("notes", None)),
        ({"match__name": made["name"], "match__resources__0__id": first, "update__author": "x"}, ("author", "x")),
    ):
        assert api("package_revise", params)["package"][seen[0]] == seen[1]
    form = {"match": json.dumps({"name": made["name"]}), "update__resources__-1__name": "c"}
    form["update__resources__extend"] = '[{"name": "d"}]'
    assert [r["name"] for r in api("package_revise", data=form)["package"]["resources"]] == ["a", "b", "c"]
    path = f"update__resources__{first[:5]}__size"
    assert api("package_revise", {"match": {"id": made["id"]}, path: "5"})["package"]["resources"][0]["size"] == 5
    keep = {"match": {"id": made["id"]}, "filter": [f"+resources__{first[:5]}__*", "-resources__*"]}
    assert [r["id"] for r in api("package_revise", keep)["package"]["resources"]] == [first]
    narrow = {"match": {"id": made["id"]}, "include": ["+package__name", "-package__*"]}
    assert api("package_revise", narrow) == {"package": {"name": made["name"]}}


@pytest.mark.parametrize(
    ("params", "errors"),
    [
        ({}, {"match__id": "Missing value"}),
        ({"match": {}}, {"match__id": "Missing value"}),
        ({"match": {"title": "T"}}, {"match__id": "Missing value"}),
        ({"match": {"id": "ID", "title": "other"}}, {"match": ["title"]}),
        ({"match": {"id": "ID", "name": "other"}}, {"match": ["name"]}),
        ({"match": {"id": "ID", "resources": [{"name": "z"}, {}]}}, {"match": ["resources__0__name"]}),
        ({"match__id": "ID", "match__resources__1__name": "z"}, {"match": ["resources__1__name"]}),
        ({"match__id": "ID", "match__resources__9__name": "z"}, {"match": ["resources__9__name"]}),
        ({"match__id": "ID", "update__resources__99": {}}, {"resources__99": ["Unmatched key 99"]}),
        ({"match__id": "ID", "update__resources__9__url": ""}, {"resources__9__url": ["Unmatched key 9"]}),
        ({"match__id": "ID", "update__resources__abcd__url": ""}, {"resources__abcd__url": ["Unmatched key abcd"]}),
        ({"match__id": "ID", "update": {"title": "x", "version": "v" * 101}}, {"version": ["Length must be at most 100 characters"]}),
        ({"match__id": "ID", "update__resources__1__size": "x"}, {"resources": [{}, {"size": ["Invalid integer"]}]}),
    ],
)  # fmt: skip
def test_a_refused_revision_writes_nothing(api: Api, params: dict[str, Any], errors: dict[str, Any]) -> None:
    made = api.new(title="T", resources=[{"name": "a"}, {"name": "b"}])
    filled = json.loads(json.dumps(params).replace('"ID"', f'"{made["id"]}"'))
    assert api.refusal("package_revise", filled) == errors
    assert api("package_show", {"id": made["id"]}) == made


def test_revise_is_for_those_who_may_update(api: Api) -> None:
    made = api.new()
    for user in (None, "an", "binh"):
        api.refusal("package_revise", {"match__id": made["id"], "update__title": "x"}, status=403, user=user)
    api.refusal("package_revise", {"match__id": "nope"}, status=404)


# 8.4: the client most scripts use


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
