"""Activities: complete, in one order, and silent about what the caller may not see."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st

from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.register.json_patch import json_patch
from catalogue.store import migration_config

pytestmark = pytest.mark.slow

CITY = "so-gtvt"
MINH = "minh"  # a member of the city's organization


@pytest.fixture
def city(catalogue):
    catalogue.add_user(MINH)
    catalogue.call("organization_member_create", {"id": CITY, "username": MINH, "role": "member"}, user="boss")
    catalogue.call("group_create", {"name": "theme", "title": "Chủ đề"}, user="boss")
    put(catalogue, "package_create", name="stops", title="Trạm", owner_org=CITY, groups=[{"name": "theme"}])
    put(catalogue, "package_patch", id="stops", notes="n1")
    return catalogue


def put(city, action, **params):
    return city.call(action, params, user="boss")


def listed(city, action, user=None, **params):
    return city.call(f"{action}_activity_list", params, user=user)


def kinds(city, action, user=None, **params):
    return [one["activity_type"] for one in listed(city, action, user, **params)]


def every_list(city, user):
    """Return all that the lists show to somebody."""
    asked = [("package", "stops"), ("organization", CITY), ("group", "theme"), ("user", "boss")]
    shown = []
    for action, one in asked:
        try:
            shown += listed(city, action, user, id=one, limit=100)
        except NotAuthorized:
            assert (action, one) in {("package", "stops"), ("user", "boss")}
    return shown + listed(city, "recently_changed_packages", user, limit=100)


def test_a_dataset_has_a_history_of_full_snapshots(city):
    changed, new = listed(city, "package", id="stops")
    assert (changed["activity_type"], new["activity_type"]) == ("changed package", "new package")
    assert changed["data"]["package"] == city.call("package_show", {"id": "stops"})
    assert new["data"]["package"]["notes"] is None
    assert set(new) == {"id", "timestamp", "user_id", "object_id", "activity_type", "data"}
    assert (new["user_id"], new["data"]["actor"]) == (None, None)
    (_, for_people) = listed(city, "package", "binh", id="stops")
    assert for_people["data"]["actor"] == "boss"


def test_organizations_and_groups_have_what_happened_to_their_datasets(city):
    put(city, "organization_patch", id=CITY, title="Sở")
    put(city, "group_patch", id="theme", title="Chủ đề 2")
    of_datasets = ["changed package", "new package"]
    assert kinds(city, "organization", id=CITY) == ["changed organization", *of_datasets, "new organization"]
    assert kinds(city, "group", id="theme") == ["changed group", *of_datasets, "new group"]
    assert kinds(city, "recently_changed_packages") == of_datasets
    put(city, "package_delete", id="stops")
    assert kinds(city, "organization", MINH, id=CITY)[0] == "deleted package"
    assert kinds(city, "recently_changed_packages", "boss")[0] == "deleted package"
    assert kinds(city, "recently_changed_packages") == []


def test_people_see_what_somebody_did(city):
    assert kinds(city, "user", "binh", id="boss") == ["changed package", "new package", "new group", "new organization"]
    with pytest.raises(NotAuthorized):
        listed(city, "user", id="boss")
    with pytest.raises(NotFound):
        listed(city, "user", "binh", id="nope")


def test_what_happens_to_an_account_is_told_without_its_address(city):
    put(city, "user_create", name="tam", email="tam@secret.example", password="12345678")
    put(city, "user_patch", id="tam", fullname="Tám")
    put(city, "user_patch", id="tam", email="tam2@secret.example")
    put(city, "user_delete", id="tam")
    told = listed(city, "user", "binh", id="tam")
    assert [one["activity_type"] for one in told] == ["deleted user", "changed user", "new user"]
    assert [one["data"]["user"]["display_name"] for one in told] == ["Tám", "Tám", "tam"]
    assert "secret" not in json.dumps(told)
    with pytest.raises(NotAuthorized):
        city.call("activity_show", {"id": told[0]["id"]})


def test_lists_are_cut_and_narrowed_down(city):
    for number in range(3):
        put(city, "package_patch", id="stops", notes=f"n{number + 2}")
    everything = listed(city, "package", id="stops")
    assert [one["timestamp"] for one in everything] == sorted((one["timestamp"] for one in everything), reverse=True)
    assert listed(city, "package", id="stops", limit=2, offset=1) == everything[1:3]
    assert kinds(city, "package", id="stops", activity_types="new package") == ["new package"]
    assert kinds(city, "package", id="stops", exclude_activity_types=["changed package"]) == ["new package"]
    moment = everything[2]["timestamp"]
    assert listed(city, "package", id="stops", before=moment) == everything[3:]
    seconds = datetime.fromisoformat(f"{moment}+00:00").timestamp()
    assert listed(city, "package", id="stops", after=str(seconds)) == everything[:2]
    for wrong in ({"activity_types": "a", "exclude_activity_types": "b"}, {"before": "soon"}, {"limit": -1}):
        with pytest.raises(ValidationError):
            listed(city, "package", id="stops", **wrong)


@pytest.mark.slow
def test_a_page_has_31_lines_and_never_more_than_100(city):
    for number in range(110):
        put(city, "package_patch", id="stops", notes=f"x{number}")
    assert [len(listed(city, "package", id="stops", **more)) for more in ({}, {"limit": 1000})] == [31, 100]


def test_hidden_activity_is_asked_for_by_those_who_may(city):
    for action, one, somebody in (
        ("package", "stops", "lan"),
        ("organization", CITY, "boss"),
        ("user", "binh", "binh"),
    ):
        for nobody in (None, MINH):
            with pytest.raises(NotAuthorized):
                listed(city, action, nobody, id=one, include_hidden_activity=True)
        listed(city, action, somebody, id=one, include_hidden_activity=True)


@pytest.mark.parametrize("hide", [{"private": True}, {"state": "draft"}, {"state": "deleted"}])
def test_a_dataset_that_is_hidden_now_hides_its_whole_history(city, hide):
    assert "Trạm" in json.dumps(every_list(city, None), ensure_ascii=False)
    activity = listed(city, "package", id="stops")[0]["id"]
    put(city, "package_patch", id="stops", **hide)
    for user in (None, "binh"):
        assert "Trạm" not in json.dumps(every_list(city, user), ensure_ascii=False)
        for action in ("activity_show", "activity_data_show", "activity_diff"):
            with pytest.raises(NotAuthorized):
                city.call(action, {"id": activity, "object_type": "package"}, user=user)
    for user in (MINH, "lan", "boss"):
        assert kinds(city, "package", user, id="stops")[1:] == ["changed package", "new package"]
        assert city.call("activity_show", {"id": activity}, user=user)["id"] == activity


@pytest.mark.parametrize("hidden", [{"private": True}, {"state": "draft"}])
def test_what_a_dataset_said_before_it_was_published_stays_hidden(city, hidden):
    put(city, "package_create", name="plan", title="Bí mật", owner_org=CITY, **hidden)
    put(city, "package_patch", id="plan", title="Kế hoạch", private=False, state="active")
    for user in (None, "binh"):
        assert kinds(city, "package", user, id="plan") == ["changed package"]
        assert "Bí mật" not in json.dumps([listed(city, "package", user, id="plan"), *every_list(city, user)])
        with pytest.raises(NotFound, match="Previous"):
            published = listed(city, "package", user, id="plan")[0]["id"]
            city.call("activity_diff", {"id": published, "object_type": "package"}, user=user)
    assert kinds(city, "package", MINH, id="plan") == ["changed package", "new package"]


def test_activities_of_before_this_rule_follow_it(city):
    put(city, "package_create", name="plan", title="Bí mật", owner_org=CITY, private=True)
    put(city, "package_patch", id="plan", title="Kế hoạch", private=False)
    with city.store.engine.begin() as connection:
        command.downgrade(migration_config(connection), "0001")
    city.store.upgrade()
    assert kinds(city, "package", id="plan") == ["changed package"]
    assert kinds(city, "package", MINH, id="plan") == ["changed package", "new package"]


def test_a_private_dataset_does_not_show_in_the_lists_of_others(city):
    put(city, "package_create", name="plan", title="Bí mật", owner_org=CITY, private=True, groups=[{"name": "theme"}])
    for user in (None, "binh"):
        assert "Bí mật" not in json.dumps(every_list(city, user), ensure_ascii=False)
        with pytest.raises(NotAuthorized):
            listed(city, "package", user, id="plan")
    assert "Bí mật" in json.dumps(every_list(city, MINH), ensure_ascii=False)


def test_a_deleted_group_hides_its_history(city):
    activity = listed(city, "group", id="theme")[-1]["id"]
    put(city, "group_delete", id="theme")
    for user in (None, "binh"):
        with pytest.raises(NotAuthorized):
            city.call("activity_show", {"id": activity}, user=user)
    assert city.call("activity_show", {"id": activity}, user="boss")["activity_type"] == "new group"


def test_one_activity_is_shown_with_or_without_its_snapshot(city):
    activity = listed(city, "package", id="stops")[0]
    assert city.call("activity_show", {"id": activity["id"]}) == activity
    short = city.call("activity_show", {"id": activity["id"], "include_data": "false"})
    assert short == {**activity, "data": {"package": {"title": "Trạm"}, "actor": None}}
    assert city.call("activity_data_show", {"id": activity["id"]}) == activity["data"]
    snapshot = city.call("activity_data_show", {"id": activity["id"], "object_type": "package"})
    assert snapshot == activity["data"]["package"]
    for action, params in (
        ("activity_show", {"id": "nope"}),
        ("activity_data_show", {"id": "nope"}),
        ("activity_data_show", {"id": activity["id"], "object_type": "group"}),
        ("activity_data_show", {"id": activity["id"], "object_type": "zz"}),
    ):
        with pytest.raises(NotFound):
            city.call(action, params)


def test_a_diff_tells_what_changed(city):
    new, changed = reversed(listed(city, "package", id="stops"))
    ask = {"id": changed["id"], "object_type": "package"}
    unified = city.call("activity_diff", ask)
    assert unified["activities"] == [new, changed]
    assert '-  "notes": null,' in unified["diff"].splitlines()
    assert '+  "notes": "n1",' in unified["diff"].splitlines()
    assert '!   "notes": "n1",' in city.call("activity_diff", {**ask, "diff_type": "context"})["diff"].splitlines()
    as_json = city.call("activity_diff", {**ask, "diff_type": "json"})["diff"]
    assert {"op": "replace", "path": "/notes", "value": "n1"} in as_json
    assert all(one["path"].startswith(("/metadata_modified", "/notes")) for one in as_json)
    for wrong in ({"diff_type": "html"}, {"object_type": ""}):
        with pytest.raises(ValidationError):
            city.call("activity_diff", {**ask, **wrong})
    with pytest.raises(NotFound):
        city.call("activity_diff", {**ask, "id": new["id"]})
    put(city, "organization_patch", id=CITY, title="Sở mới")
    activity = listed(city, "organization", id=CITY)[0]["id"]
    told = city.call("activity_diff", {"id": activity, "object_type": "organization", "diff_type": "json"})["diff"]
    assert {"op": "replace", "path": "/title", "value": "Sở mới"} in told


@pytest.mark.slow
def test_snapshots_of_any_length_are_compared_as_json(city):
    many = [{"key": f"k{number}", "value": "v"} for number in range(6000)]
    put(city, "package_patch", id="stops", extras=many)
    activity = listed(city, "package", id="stops", limit=1)[0]["id"]
    with pytest.raises(ValidationError, match="json"):
        city.call("activity_diff", {"id": activity, "object_type": "package"})
    told = city.call("activity_diff", {"id": activity, "object_type": "package", "diff_type": "json"})["diff"]
    assert sum(one["op"] == "add" for one in told) == 6000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(alphabet="a/~é", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="a/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def patched(document, operations):
    """Do what RFC 6902 says, independently of how the operations were made."""
    root = {"": json.loads(json.dumps(document))}
    for operation in operations:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")]
        place = root
        for part in way:
            place = place[int(part)] if isinstance(place, list) else place[part]
        if operation["op"] == "remove":
            del place[int(last) if isinstance(place, list) else last]
        elif operation["op"] == "add" and isinstance(place, list):
            place.append(operation["value"])
        else:
            place[int(last) if isinstance(place, list) else last] = operation["value"]
    return root[""]


@pytest.mark.slow
@given(JSON, JSON)
def test_a_patch_leads_from_one_document_to_the_other(before, after):
    operations = json_patch(before, after)
    assert json.dumps(patched(before, operations), sort_keys=True) == json.dumps(after, sort_keys=True)
    assert json_patch(after, after) == []
