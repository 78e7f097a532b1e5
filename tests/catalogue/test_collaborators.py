"""Collaborators: single people in single datasets, beside the roles in organizations."""

from __future__ import annotations

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.errors import NotAuthorized, NotFound, ValidationError

CITY = "so-gtvt"


@pytest.fixture
def portal(tmp_path):
    with catalogue_on(tmp_path, allow_dataset_collaborators=True, allow_admin_collaborators=True) as made:
        yield _filled(made)


def _filled(portal):
    for name in ("boss", "ada", "binh"):
        portal.add_user(name, sysadmin=name == "boss")
    for name in (CITY, "so-yt"):
        portal.call("organization_create", {"name": name}, user="boss")
    portal.call("organization_member_create", {"id": CITY, "username": "ada", "role": "admin"}, user="boss")
    for name in ("secret", "other"):
        dataset = {"name": name, "owner_org": CITY, "private": True, "resources": [{"id": f"{name}-file"}]}
        portal.call("package_create", dataset, user="ada")
    return portal


def let_in(portal, capacity, user="ada"):
    return portal.call(
        "package_collaborator_create", {"id": "secret", "user_id": "binh", "capacity": capacity}, user=user
    )


@pytest.mark.parametrize(
    "action",
    [f"package_collaborator_{verb}" for verb in ("create", "delete", "list", "list_for_user")],
)
def test_where_they_are_switched_off_the_answer_says_so(catalogue, action):
    with pytest.raises(ValidationError) as refused:
        catalogue.call(action, {"id": "x", "user_id": "binh", "capacity": "member"}, user="boss")
    assert refused.value.error_dict == {"message": "Dataset collaborators not enabled"}


def test_switching_them_off_takes_the_rights_of_stored_ones_away(tmp_path):
    with catalogue_on(tmp_path, allow_dataset_collaborators=True) as portal:
        let_in(_filled(portal), "editor")
        assert portal.call("package_show", {"id": "secret"}, user="binh")
    with catalogue_on(tmp_path) as portal, pytest.raises(NotAuthorized):
        portal.call("package_show", {"id": "secret"}, user="binh")


def test_a_member_reads_the_dataset_and_nothing_else_of_its_organization(portal):
    made = let_in(portal, "member")
    assert set(made) == {"package_id", "user_id", "capacity", "modified"}
    assert portal.call("package_show", {"id": "secret"}, user="binh")["private"] is True
    assert portal.call("resource_show", {"id": "secret-file"}, user="binh")["package_id"] == made["package_id"]
    for action, params in (
        ("package_show", {"id": "other"}),
        ("package_patch", {"id": "secret", "title": "t"}),
        ("package_collaborator_list", {"id": "secret"}),
    ):
        with pytest.raises(NotAuthorized):
            portal.call(action, params, user="binh")
    found = portal.call("package_search", {"include_private": True}, user="binh")
    assert [one["name"] for one in found["results"]] == ["secret"]
    assert portal.call("package_search", {}, user="binh")["count"] == 0


def test_an_editor_changes_the_dataset_but_does_not_take_it_away(portal):
    let_in(portal, "editor")
    portal.call("organization_member_create", {"id": "so-yt", "username": "binh", "role": "editor"}, user="boss")
    assert portal.call("package_patch", {"id": "secret", "title": "Mới"}, user="binh")["title"] == "Mới"
    assert portal.call("resource_create", {"package_id": "secret", "url": "http://x.vn/a.csv"}, user="binh")["id"]
    with pytest.raises(ValidationError, match="cannot move this dataset"):
        portal.call("package_patch", {"id": "secret", "owner_org": "so-yt"}, user="binh")
    with pytest.raises(NotAuthorized):
        let_in(portal, "member", user="binh")


def test_an_admin_lets_others_in_where_there_are_admins(portal, tmp_path):
    let_in(portal, "admin")
    portal.add_user("chi")
    add = {"id": "secret", "user_id": "chi", "capacity": "member"}
    assert portal.call("package_collaborator_create", add, user="binh")["capacity"] == "member"
    with catalogue_on(tmp_path, allow_dataset_collaborators=True) as without_admins:
        with pytest.raises(NotAuthorized):
            without_admins.call("package_collaborator_create", add, user="binh")
        with pytest.raises(ValidationError, match="member, editor"):
            without_admins.call("package_collaborator_create", {**add, "capacity": "admin"}, user="ada")


def test_collaborators_are_listed_changed_and_sent_away(portal):
    first = let_in(portal, "member")
    assert let_in(portal, "editor")["capacity"] == "editor"
    (listed,) = portal.call("package_collaborator_list", {"id": "secret"}, user="ada")
    assert (listed["user_id"], listed["capacity"]) == (first["user_id"], "editor")
    assert portal.call("package_collaborator_list", {"id": "secret", "capacity": "member"}, user="ada") == []
    (own,) = portal.call("package_collaborator_list_for_user", {"id": "binh"}, user="binh")
    assert own == {name: listed[name] for name in ("package_id", "capacity", "modified")}
    with pytest.raises(NotAuthorized):
        portal.call("package_collaborator_list_for_user", {"id": "binh"}, user="ada")
    who = {"id": "secret", "user_id": "binh"}
    assert portal.call("package_collaborator_delete", who, user="ada") is None
    with pytest.raises(NotFound):
        portal.call("package_collaborator_delete", who, user="ada")
    with pytest.raises(NotAuthorized):
        portal.call("package_show", {"id": "secret"}, user="binh")


def test_wrong_words_are_told(portal):
    add = {"id": "secret", "user_id": "binh", "capacity": "member"}
    for wrong, error in (
        ({"capacity": "king"}, ValidationError),
        ({"user_id": "nobody"}, NotFound),
        ({"id": "nothing"}, NotFound),
    ):
        with pytest.raises(error):
            portal.call("package_collaborator_create", {**add, **wrong}, user="ada")
