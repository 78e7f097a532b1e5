"""Following datasets, organizations and groups."""

from __future__ import annotations

import pytest

from catalogue.errors import NotAuthorized, NotFound, ValidationError

CITY = "so-gtvt"


@pytest.fixture
def city(catalogue):
    catalogue.call("group_create", {"name": "theme"}, user="boss")
    catalogue.call("package_create", {"name": "stops", "owner_org": CITY}, user="lan")
    catalogue.call("package_create", {"name": "plan", "owner_org": CITY, "private": True}, user="lan")
    return catalogue


@pytest.mark.parametrize(
    ("kind", "name", "counting"),
    [("dataset", "stops", "dataset"), ("group", "theme", "group"), ("group", CITY, "organization")],
)
def test_following_is_counted_and_ended(city, kind, name, counting):
    def call(action, user="binh"):
        return city.call(action, {"id": name}, user=user)

    assert (call(f"am_following_{kind}"), call(f"{counting}_follower_count", None)) == (False, 0)
    made = call(f"follow_{kind}")
    assert set(made) == {"follower_id", "object_id", "datetime"}
    call(f"follow_{kind}", "lan")
    assert (call(f"am_following_{kind}"), call(f"{counting}_follower_count", None)) == (True, 2)
    with pytest.raises(ValidationError, match="already following"):
        call(f"follow_{kind}")
    followers = call(f"{counting}_follower_list", "boss")
    assert [user["name"] for user in followers] == ["binh", "lan"]
    assert all("email" not in user for user in followers)
    assert call(f"unfollow_{kind}") is None
    with pytest.raises(NotFound, match="not following"):
        call(f"unfollow_{kind}")
    assert (call(f"am_following_{kind}"), call(f"{counting}_follower_count", None)) == (False, 1)


@pytest.mark.parametrize("kind", ["dataset", "group", "organization"])
def test_who_follows_is_told_to_sysadmins_only(city, kind):
    for user in (None, "binh", "lan"):
        with pytest.raises(NotAuthorized):
            city.call(f"{kind}_follower_list", {"id": "stops"}, user=user)


def test_following_needs_an_account_and_something_that_can_be_seen(city):
    for action in ("follow_dataset", "unfollow_dataset", "am_following_dataset"):
        with pytest.raises(NotAuthorized):
            city.call(action, {"id": "stops"})
        with pytest.raises(NotAuthorized):
            city.call(action, {"id": "plan"}, user="binh")
        with pytest.raises(NotFound):
            city.call(action, {"id": "nope"}, user="binh")
        with pytest.raises(ValidationError):
            city.call(action, {}, user="binh")
    with pytest.raises(NotAuthorized):
        city.call("dataset_follower_count", {"id": "plan"}, user="binh")
    with pytest.raises(NotFound):
        city.call("organization_follower_count", {"id": "theme"})


def test_what_is_hidden_by_now_can_still_be_left(city):
    city.call("follow_dataset", {"id": "stops"}, user="binh")
    city.call("follow_group", {"id": "theme"}, user="binh")
    city.call("package_patch", {"id": "stops", "private": True}, user="lan")
    city.call("group_delete", {"id": "theme"}, user="boss")
    for action, one in (("unfollow_dataset", "stops"), ("unfollow_group", "theme")):
        assert city.call(action, {"id": one}, user="binh") is None
        with pytest.raises(NotAuthorized):
            city.call(action, {"id": one}, user="binh")


def test_organizations_show_how_many_follow_them(city):
    city.call("follow_group", {"id": CITY}, user="binh")
    assert city.call("organization_show", {"id": CITY})["num_followers"] == 1
    (listed,) = city.call("organization_list", {"all_fields": True})
    assert listed["num_followers"] == 1


def test_what_is_purged_has_no_followers(city):
    for action in ("follow_dataset", "follow_group"):
        city.call(action, {"id": "stops" if action == "follow_dataset" else "theme"}, user="binh")
    package, group = (
        city.call(f"{kind}_show", {"id": one}) for kind, one in (("package", "stops"), ("group", "theme"))
    )
    city.call("dataset_purge", {"id": "stops"}, user="boss")
    city.call("group_purge", {"id": "theme"}, user="boss")
    city.call("package_create", {"name": "stops", "owner_org": CITY, "id": package["id"]}, user="boss")
    city.call("group_create", {"name": "theme", "id": group["id"]}, user="boss")
    assert city.call("dataset_follower_count", {"id": "stops"}) == 0
    assert city.call("group_show", {"id": "theme"})["num_followers"] == 0
