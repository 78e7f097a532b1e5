"""Organizations, groups and their members."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.errors import NotAuthorized, NotFound, ValidationError

pytest_plugins = ["servers.postgres"]

CITY = "so-gtvt"


def create(catalogue, name, kind="organization", **more):
    return catalogue.call(f"{kind}_create", {"name": name, **more}, user="boss")


def test_lists_give_names_or_pages_of_dicts(catalogue):
    for number in range(30):
        create(catalogue, f"org-{number:02}", title=f"Cơ quan {number:02}")
    assert len(catalogue.call("organization_list")) == 31
    first = catalogue.call("organization_list", {"all_fields": "true"})
    second = catalogue.call("organization_list", {"all_fields": "true", "offset": "25"})
    assert (len(first), len(second)) == (25, 6)
    assert catalogue.call("organization_list", {"all_fields": "True", "offset": 50}) == []
    assert set(first[0]) == {
        *("approval_status", "created", "description", "display_name", "id", "image_display_url", "image_url"),
        *("is_organization", "name", "num_followers", "package_count", "state", "title", "type"),
    }
    assert catalogue.call("organization_list", {"q": "quan 07"}) == ["org-07"]
    assert catalogue.call("organization_list", {"organizations": ["org-03", "org-01"]}) == ["org-01", "org-03"]


def test_lists_sort_by_one_known_field(catalogue):
    create(catalogue, "b-org", title="A")
    create(catalogue, "a-org", title="B")
    catalogue.call("package_create", {"name": "d1", "owner_org": "b-org"}, user="boss")
    assert catalogue.call("organization_list", {"sort": "name desc"}) == [CITY, "b-org", "a-org"]
    assert catalogue.call("organization_list", {"sort": "package_count desc"})[0] == "b-org"
    for wrong, message in (("zz", "Cannot sort by field `zz`"), ("name up", "Invalid sort direction `up`")):
        with pytest.raises(ValidationError) as refused:
            catalogue.call("organization_list", {"sort": wrong})
        assert refused.value.error_dict == {"message": message}


def test_organizations_and_groups_share_one_name_space(catalogue):
    with pytest.raises(ValidationError) as refused:
        create(catalogue, CITY, "group")
    assert refused.value.error_dict == {"name": ["Group name already exists in database"]}
    create(catalogue, "theme", "group")
    for action, name in (("group_show", CITY), ("organization_show", "theme")):
        with pytest.raises(NotFound):
            catalogue.call(action, {"id": name})


def test_show_gives_what_the_flags_ask_for(catalogue):
    create(catalogue, "so-yt", extras=[{"key": "code", "value": "YT"}], groups=[{"name": CITY}])
    shown = catalogue.call("organization_show", {"id": "so-yt"}, user="binh")
    assert [extra["value"] for extra in shown["extras"]] == ["YT"]
    assert [parent["name"] for parent in shown["groups"]] == [CITY]
    assert [(user["name"], user["capacity"]) for user in shown["users"]] == [("boss", "admin")]
    assert "packages" not in shown
    bare = {"include_extras": "no", "include_users": 0, "include_groups": "f", "include_dataset_count": False}
    assert not {"extras", "users", "groups", "package_count"} & set(
        catalogue.call("organization_show", {"id": "so-yt", **bare}, user="binh")
    )
    with pytest.raises(ValidationError, match="not an bool"):
        catalogue.call("organization_show", {"id": "so-yt", "include_users": "perhaps"})


def test_members_are_shown_the_private_datasets_of_their_organization(catalogue):
    for number in range(12):
        catalogue.call(
            "package_create", {"name": f"d{number:02}", "owner_org": CITY, "private": number < 3}, user="lan"
        )
    whole = {"id": CITY, "include_datasets": True}
    for user, count in (("", 9), ("binh", 9), ("lan", 12), ("boss", 12)):
        shown = catalogue.call("organization_show", whole, user=user)
        assert (shown["package_count"], len(shown["packages"])) == (count, min(count, 10)), user
        assert any(one["private"] for one in shown["packages"]) == (count == 12), user
    create(catalogue, "theme", "group")
    put = {"id": "theme", "object": "d00", "object_type": "package", "capacity": "public"}
    catalogue.call("member_create", put, user="boss")
    theme = catalogue.call("group_show", {"id": "theme", "include_datasets": True}, user="boss")
    assert (theme["package_count"], theme["packages"]) == (0, [])


def test_update_replaces_and_patch_keeps(catalogue):
    create(catalogue, "so-yt", title="Y tế", description="d", extras=[{"key": "code", "value": "YT"}])
    patched = catalogue.call("organization_patch", {"id": "so-yt", "title": "Sở Y tế"}, user="boss")
    assert (patched["title"], patched["description"], len(patched["extras"])) == ("Sở Y tế", "d", 1)
    assert ("num_followers" in patched, patched["packages"]) == (False, [])
    updated = catalogue.call("organization_update", {"id": "so-yt", "title": "Y"}, user="boss")
    assert (updated["name"], updated["description"], updated["extras"]) == ("so-yt", "", [])
    assert "num_followers" not in updated
    assert updated["packages"] == []
    assert [user["name"] for user in updated["users"]] == ["boss"]


def test_an_old_name_of_an_organization_leads_on(catalogue):
    catalogue.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")
    catalogue.call("organization_patch", {"id": CITY, "name": "so-xd"}, user="boss")
    assert catalogue.call("organization_show", {"id": CITY})["name"] == "so-xd"
    assert catalogue.call("package_show", {"id": "bus"})["organization"]["name"] == "so-xd"
    assert catalogue.call("package_search", {"fq": "organization:so-xd"})["count"] == 1
    with pytest.raises(ValidationError):
        create(catalogue, CITY)


def test_an_organization_with_datasets_is_not_deleted(catalogue):
    catalogue.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")
    with pytest.raises(ValidationError) as refused:
        catalogue.call("organization_delete", {"id": CITY}, user="boss")
    assert refused.value.error_dict == {"message": "Organization cannot be deleted while it still has datasets"}
    with pytest.raises(ValidationError):
        catalogue.call("organization_patch", {"id": CITY, "state": "deleted"}, user="boss")
    catalogue.call("package_delete", {"id": "bus"}, user="lan")
    assert catalogue.call("organization_delete", {"id": CITY}, user="boss") is None
    assert catalogue.call("organization_list") == []
    with pytest.raises(NotAuthorized):
        catalogue.call("organization_show", {"id": CITY})
    with pytest.raises(ValidationError):
        create(catalogue, CITY)


def test_members_come_change_and_go(catalogue):
    add = {"id": CITY, "username": "binh", "role": "member"}
    member = catalogue.call("organization_member_create", add, user="boss")
    assert set(member) == {"id", "table_name", "table_id", "capacity", "group_id", "state"}
    again = catalogue.call("organization_member_create", {**add, "role": "admin"}, user="boss")
    assert (again["id"], again["capacity"]) == (member["id"], "admin")
    assert [member["table_id"], "user", "Admin"] in catalogue.call("member_list", {"id": CITY}, user="lan")
    assert len(catalogue.call("member_list", {"id": CITY, "capacity": "admin"}, user="lan")) == 2
    catalogue.call("organization_member_delete", {"id": CITY, "username": "binh"}, user="boss")
    assert len(catalogue.call("member_list", {"id": CITY, "object_type": "user"}, user="lan")) == 2
    for wrong, errors in (
        ({"username": "nobody"}, {"username": ["User not found"]}),
        ({"role": "king"}, {"role": ["role does not exist."]}),
    ):
        with pytest.raises(ValidationError) as refused:
            catalogue.call("organization_member_create", {**add, **wrong}, user="boss")
        assert refused.value.error_dict == errors


def test_a_dataset_goes_into_a_group_and_out_by_script(catalogue):
    create(catalogue, "theme", "group")
    bus = catalogue.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")
    put = {"id": "theme", "object": "bus", "object_type": "package", "capacity": "public"}
    member = catalogue.call("member_create", put, user="boss")
    assert (member["table_id"], str(UUID(member["id"]))) == (bus["id"], member["id"])
    assert catalogue.call("member_create", put, user="boss") == member
    assert catalogue.call("member_list", {"id": "theme", "object_type": "package"}) == [
        [bus["id"], "package", "public"]
    ]
    assert catalogue.call("member_list", {"id": CITY, "object_type": "package"}) == [
        [bus["id"], "package", "organization"]
    ]
    shown = catalogue.call("package_show", {"id": "bus"})
    assert shown["groups"][0]["name"] == "theme"
    assert shown["metadata_modified"] > bus["metadata_modified"]
    catalogue.call("member_delete", put, user="boss")
    assert catalogue.call("package_show", {"id": "bus"})["groups"] == []


def test_the_owner_menu_shows_where_the_caller_may_publish(catalogue):
    create(catalogue, "so-yt")
    catalogue.call("organization_member_create", {"id": "so-yt", "username": "lan", "role": "member"}, user="boss")

    def menu(user, permission="create_dataset"):
        rows = catalogue.call("organization_list_for_user", {"permission": permission}, user=user)
        return {row["name"]: row["capacity"] for row in rows}

    assert menu(None) == {}
    assert menu("binh") == {}
    assert menu("lan") == {CITY: "editor"}
    assert menu("lan", "read") == {CITY: "editor", "so-yt": "member"}
    assert menu("boss") == {CITY: "admin", "so-yt": "admin"}


def test_tags_and_licences_are_listed(catalogue):
    catalogue.call(
        "package_create", {"name": "bus", "owner_org": CITY, "tag_string": "xe buýt, Giao thông"}, user="lan"
    )
    catalogue.call(
        "package_create", {"name": "no", "owner_org": CITY, "private": True, "tag_string": "mật"}, user="lan"
    )
    assert catalogue.call("tag_list") == ["Giao thông", "xe buýt"]
    assert catalogue.call("tag_list", {"query": "XE", "all_fields": True})[0]["display_name"] == "xe buýt"
    shown = catalogue.call("tag_show", {"id": "xe buýt", "include_datasets": True})
    assert [package["name"] for package in shown["packages"]] == ["bus"]
    with pytest.raises(NotFound):
        catalogue.call("tag_show", {"id": "nope"})
    licences = catalogue.call("license_list")
    assert len(licences) == 15
    assert {flag for licence in licences for flag in (licence["domain_data"], licence["is_generic"])} == {
        "True",
        "False",
    }


# ---- writers at once


def _at_once(calls):
    with ThreadPoolExecutor(8) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def _write_at_once(portal):
    """Change different fields, members and parents of one organization from many threads; nothing may be lost."""
    people = [f"person-{number}" for number in range(6)]
    for name in ("boss", *people):
        portal.add_user(name, sysadmin=name == "boss")
    for name in ("centre", "city", "ward"):
        create(portal, name)
    fields = {
        "title": "Trung tâm",
        "description": "Mô tả",
        "image_url": "http://x.vn/i.png",
        "title_translated": {"en": "C"},
    }

    def call(action, **params):
        return lambda: portal.call(action, {"id": "centre", **params}, user="boss")

    _at_once(
        [
            *(call("organization_patch", **{key: value}) for key, value in fields.items()),
            *(call("organization_member_create", username=name, role="editor") for name in [*people, *people]),
            *(call("member_create", object=name, object_type="group", capacity="parent") for name in ("city", "ward")),
        ]
    )
    shown = portal.call("organization_show", {"id": "centre"}, user="boss")
    assert {key: shown[key] for key in ("title", "description", "image_url")} == {
        key: fields[key] for key in ("title", "description", "image_url")
    }
    assert shown["title_translated"] == {"vi": "Trung tâm", "en": "C"}
    assert {user["name"] for user in shown["users"]} == {"boss", *people}
    assert [parent["name"] for parent in shown["groups"]] == ["city", "ward"]


@pytest.mark.slow
def test_writers_at_once_lose_nothing(tmp_path):
    with catalogue_on(tmp_path) as portal:
        _write_at_once(portal)


@pytest.mark.slow
@pytest.mark.server
def test_writers_at_once_lose_nothing_on_postgresql(tmp_path, postgres):
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        _write_at_once(portal)


@pytest.mark.slow
@pytest.mark.server
def test_two_writers_close_no_circle_on_postgresql(tmp_path, postgres):
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        portal.add_user("boss", sysadmin=True)
        for number in range(6):
            for name in (f"left-{number}", f"right-{number}"):
                create(portal, name)

            def put(child, parent):
                try:
                    return portal.call("organization_patch", {"id": child, "groups": [{"name": parent}]}, user="boss")
                except ValidationError:
                    return None

            ends = (f"left-{number}", f"right-{number}")
            done = _at_once([lambda ends=ends: put(*ends), lambda ends=ends: put(*reversed(ends))])
            assert sum(one is not None for one in done) == 1
