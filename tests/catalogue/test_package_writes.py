"""Creating, replacing and patching datasets, and what follows from it in the same transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.model import Activity, ChangeLog, Package

CITY = "so-gtvt"
TIMES = ("metadata_modified",)


@pytest.fixture
def bus(catalogue):
    return catalogue.call(
        "package_create",
        {
            "name": "bus-stops",
            "title": "Trạm xe buýt",
            "notes": "Vị trí",
            "owner_org": CITY,
            "tags": [{"name": "xe buýt"}, {"name": "giao thông"}],
            "extras": [{"key": "spatial", "value": "HCM"}, {"key": "a", "value": 5}],
            "resources": [{"url": "http://x.example/a.csv", "size": 5, "table": "stops"}, {"name": "map"}],
        },
        user="lan",
    )


def update(catalogue, user="lan", **values):
    return catalogue.call("package_update", values, user=user)


def patch(catalogue, user="lan", **values):
    return catalogue.call("package_patch", values, user=user)


def test_the_shown_dict_has_every_key_that_clients_read(catalogue, bus):
    assert bus == catalogue.call("package_show", {"id": "bus-stops"})
    assert {
        *("id", "name", "title", "notes", "url", "version", "author", "author_email", "maintainer", "maintainer_email"),
        *("license_id", "license_title", "isopen", "owner_org", "organization", "private", "state", "type"),
        *("creator_user_id", "metadata_created", "metadata_modified", "num_resources", "num_tags", "resources", "tags"),
        *("groups", "extras", "relationships_as_subject", "relationships_as_object"),
        *("title_translated", "notes_translated"),
    } == set(bus)
    assert bus["extras"] == [{"key": "a", "value": "5"}, {"key": "spatial", "value": "HCM"}]
    assert [tag["name"] for tag in bus["tags"]] == ["giao thông", "xe buýt"]
    assert (bus["num_resources"], bus["num_tags"]) == (2, 2)
    assert len(bus["metadata_created"]) == len("2026-11-22T16:02:37.134054")
    csv, other = bus["resources"]
    assert (csv["format"], csv["table"], csv["hash"], csv["position"]) == ("CSV", "stops", "", 0)
    assert (other["url"], other["format"], other["size"], other["last_modified"]) == ("", "", None, None)


def test_replacing_nulls_what_is_left_out_and_keeps_what_ckan_keeps(catalogue, bus):
    after = update(catalogue, id=bus["id"], url="https://x.example")
    assert (after["notes"], after["tags"], after["extras"]) == (None, [], [])
    for kept in ("name", "title", "private", "owner_org", "resources"):
        assert after[kept] == bus[kept]


def test_patching_is_shallow(catalogue, bus):
    after = patch(catalogue, id="bus-stops", tags=[{"name": "một"}], notes=None)
    assert [tag["name"] for tag in after["tags"]] == ["một"]
    assert after["notes"] is None
    assert after["extras"] == bus["extras"]
    assert after["resources"] == bus["resources"]


def test_a_write_without_change_leaves_no_trace(catalogue, bus):
    with catalogue.store.read() as session:
        before = session.scalar(select(func.count()).select_from(ChangeLog))
    assert patch(catalogue, id="bus-stops", title=bus["title"]) == bus
    assert update(catalogue, **bus) == bus
    with catalogue.store.read() as session:
        assert session.scalar(select(func.count()).select_from(ChangeLog)) == before
        assert session.scalar(select(func.count()).where(Activity.object_id == bus["id"])) == 1


def test_any_change_moves_the_times_that_harvesters_follow(catalogue, bus):
    after = patch(catalogue, id="bus-stops", title="Khác")
    assert after["metadata_modified"] > bus["metadata_modified"]
    assert after["resources"] == bus["resources"]
    first, second = bus["resources"]
    catalogue.call("resource_patch", {"id": first["id"], "description": "đổi"}, user="lan")
    final = catalogue.call("package_show", {"id": "bus-stops"})
    assert final["metadata_modified"] > after["metadata_modified"]
    assert final["resources"][0]["metadata_modified"] > first["metadata_modified"]
    assert final["resources"][1] == second


def test_every_write_leaves_a_snapshot(catalogue, bus):
    after = patch(catalogue, id="bus-stops", title="Khác")
    catalogue.call("package_delete", {"id": "bus-stops"}, user="lan")
    history = catalogue.call("package_activity_list", {"id": "bus-stops"}, user="lan")
    assert [item["activity_type"] for item in history] == ["deleted package", "changed package", "new package"]
    assert [item["data"]["package"] for item in history[1:]] == [after, bus]
    assert history[0]["data"]["actor"] == "lan"
    assert len(catalogue.call("package_activity_list", {"id": "bus-stops", "limit": 1}, user="lan")) == 1


def test_a_failed_write_changes_nothing(catalogue, bus):
    with pytest.raises(ValidationError):
        patch(catalogue, id="bus-stops", title="Khác", version="v" * 101)
    assert catalogue.call("package_show", {"id": "bus-stops"}) == bus


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"name": None}, {"name": ["Missing value"]}),
        ({"name": "new"}, {"name": ["That name cannot be used"]}),
        ({"name": "a" * 101}, {"name": ["Name must be a maximum of 100 characters long"]}),
        ({"owner_org": ""}, {"owner_org": ["An organization must be provided"]}),
        ({"private": "perhaps"}, {"private": ["Parameter is not an bool"]}),
        ({"author_email": "x"}, {"author_email": ["Email x is not a valid format"]}),
        ({"url": "javascript:alert(1)"}, {"url": ["Please provide a valid URL"]}),
        (
            {"extras": [{"key": "title", "value": "x"}]},
            {"extras": [{"key": ["There is a schema field with the same name"]}]},
        ),
        ({"extras": [{"key": "k"}]}, {"extras": [{"value": ["Missing value"]}]}),
        ({"extras": [{"key": "k", "value": "1"}] * 2}, {"extras_validation": ['Duplicate key "k"']}),
        ({"tags": [{"name": "x"}]}, {"tags": ['Tag "x" length is less than minimum 2']}),
        ({"resources": [{}, {"url": "javascript:x"}]}, {"resources": [{}, {"url": ["Please provide a valid URL"]}]}),
        ({"resources": [{"created": "soon"}]}, {"resources": [{"created": ["Date format incorrect"]}]}),
        ({"resources": [{"size": 2**63}]}, {"resources": [{"size": ["Invalid integer"]}]}),
    ],
)
def test_faults_are_told_under_their_field(catalogue, wrong, errors):
    with pytest.raises(ValidationError) as refused:
        catalogue.call("package_create", {"name": "new-one", "owner_org": CITY, **wrong}, user="boss")
    assert refused.value.error_dict == errors


def test_a_name_is_never_given_to_another_dataset(catalogue, bus):
    patch(catalogue, id="bus-stops", name="stops")
    for taken in ("bus-stops", "stops"):
        with pytest.raises(ValidationError) as refused:
            catalogue.call("package_create", {"name": taken, "owner_org": CITY}, user="lan")
        assert refused.value.error_dict == {"name": ["That URL is already in use."]}
    catalogue.call("package_delete", {"id": "stops"}, user="lan")
    with pytest.raises(ValidationError):
        catalogue.call("package_create", {"name": "stops", "owner_org": CITY}, user="lan")


def test_an_old_name_leads_to_its_dataset_which_may_take_it_back(catalogue, bus):
    patch(catalogue, id="bus-stops", name="stops")
    assert catalogue.call("package_show", {"id": "bus-stops"})["name"] == "stops"
    patch(catalogue, id="bus-stops", name="bus-stops")
    assert catalogue.call("package_show", {"id": "stops"})["name"] == "bus-stops"


def test_only_a_sysadmin_chooses_the_id(catalogue):
    chosen = {"id": "5d3b1a52-2c71-5a0c-9d0d-6f2f4f3f1c11", "name": "chosen", "owner_org": CITY}
    with pytest.raises(ValidationError) as refused:
        catalogue.call("package_create", chosen, user="lan")
    assert list(refused.value.error_dict) == ["id"]
    assert catalogue.call("package_create", chosen, user="boss")["id"] == chosen["id"]
    with pytest.raises(ValidationError, match="already exists"):
        catalogue.call("package_create", {**chosen, "name": "other"}, user="boss")


def test_a_deleted_dataset_is_seen_by_its_organization_and_comes_back(catalogue, bus):
    assert catalogue.call("package_delete", {"id": "bus-stops"}, user="lan") is None
    assert catalogue.call("package_show", {"id": "bus-stops"}, user="lan")["state"] == "deleted"
    for nobody in (None, "binh"):
        with pytest.raises(NotAuthorized):
            catalogue.call("package_show", {"id": "bus-stops"}, user=nobody)
    assert "bus-stops" not in catalogue.call("package_list")
    patch(catalogue, id="bus-stops", state="active")
    assert catalogue.call("package_list") == ["bus-stops"]


def test_a_purged_dataset_is_gone_with_all_its_parts(catalogue, bus):
    catalogue.call("dataset_purge", {"id": "bus-stops"}, user="boss")
    with pytest.raises(NotFound, match="Dataset was not found"):
        catalogue.call("dataset_purge", {"id": "bus-stops"}, user="boss")
    with pytest.raises(NotFound):
        catalogue.call("resource_show", {"id": bus["resources"][0]["id"]})


def test_resources_are_replaced_patched_ordered_and_deleted(catalogue, bus):
    first, second = (resource["id"] for resource in bus["resources"])
    patched = catalogue.call("resource_patch", {"id": first, "name": "x", "rows": 7}, user="lan")
    assert (patched["name"], patched["rows"], patched["url"], patched["table"]) == (
        "x",
        7,
        "http://x.example/a.csv",
        "stops",
    )
    replaced = catalogue.call("resource_update", {"id": first, "name": "y"}, user="lan")
    assert (replaced["url"], replaced["mimetype"], replaced["size"]) == ("", None, 5)
    assert replaced["created"] == bus["resources"][0]["created"]
    assert "table" not in replaced
    order = catalogue.call("package_resource_reorder", {"id": "bus-stops", "order": [second]}, user="lan")
    assert order == {"id": bus["id"], "order": [second, first]}
    catalogue.call("package_resource_reorder", {"id": "bus-stops", "order": []}, user="lan")
    catalogue.call("resource_delete", {"id": second}, user="lan")
    left = catalogue.call("package_show", {"id": "bus-stops"})["resources"]
    assert [(resource["id"], resource["position"]) for resource in left] == [(first, 0)]


def test_a_resource_id_of_another_dataset_is_refused(catalogue, bus):
    foreign = {"id": bus["resources"][0]["id"]}
    with pytest.raises(ValidationError) as refused:
        catalogue.call("package_create", {"name": "thief", "owner_org": CITY, "resources": [foreign]}, user="lan")
    assert refused.value.error_dict == {"resources": [{"id": ["Resource id already exists."]}]}
    with pytest.raises(ValidationError):
        catalogue.call("resource_create", {"package_id": "bus-stops", **foreign}, user="lan")


def test_datasets_join_and_leave_groups(catalogue, bus):
    catalogue.call("group_create", {"name": "transport", "title": "Giao thông"}, user="boss")
    with pytest.raises(NotAuthorized):
        patch(catalogue, id="bus-stops", groups=[{"name": "transport"}])
    with pytest.raises(NotFound):
        patch(catalogue, id="bus-stops", groups=[{"name": "nope"}])
    after = patch(catalogue, "boss", id="bus-stops", groups=[{"name": "transport"}])
    assert [group["display_name"] for group in after["groups"]] == ["Giao thông"]
    assert patch(catalogue, id="bus-stops", title="Khác")["groups"] == after["groups"]
    assert [one["id"] for one in catalogue.call("group_package_show", {"id": "transport"})] == [bus["id"]]
    assert catalogue.call("group_package_show", {"id": CITY}) == []
    assert patch(catalogue, id="bus-stops", groups=[])["groups"] == []


def test_a_dataset_moves_only_between_organizations_of_its_editor(catalogue, bus):
    catalogue.call("organization_create", {"name": "so-yt"}, user="boss")
    with pytest.raises(ValidationError) as refused:
        patch(catalogue, id="bus-stops", owner_org="so-yt")
    assert refused.value.error_dict == {"owner_org": ["You cannot add a dataset to this organization"]}
    catalogue.call("organization_member_create", {"id": "so-yt", "username": "lan", "role": "editor"}, user="boss")
    assert patch(catalogue, id="bus-stops", owner_org="so-yt")["organization"]["name"] == "so-yt"


def test_a_page_of_datasets_costs_as_many_queries_as_one(catalogue, bus):
    for number in range(20):
        params = {"name": f"d-{number}", "owner_org": CITY, "tags": [{"name": f"tag {number}"}], "resources": [{}]}
        catalogue.call("package_create", params, user="lan")

    def queries(limit: int) -> int:
        from sqlalchemy import event

        seen: list[str] = []

        def note(_connection, _cursor, statement, *_):
            seen.append(statement)

        event.listen(catalogue.store.engine, "before_cursor_execute", note)
        try:
            page = catalogue.call("current_package_list_with_resources", {"limit": limit})
        finally:
            event.remove(catalogue.store.engine, "before_cursor_execute", note)
        assert len(page) == limit
        return len(seen)

    assert queries(20) == queries(1) <= 6


def test_a_dataset_without_owner_cannot_be_private(catalogue, bus):
    catalogue.call("organization_purge", {"id": CITY}, user="boss")
    assert catalogue.call("package_show", {"id": "bus-stops"})["organization"] is None
    assert patch(catalogue, "boss", id="bus-stops", title="Mồ côi")["title"] == "Mồ côi"
    with pytest.raises(ValidationError, match="can't be private"):
        patch(catalogue, "boss", id="bus-stops", private=True)
    with catalogue.store.read() as session:
        assert session.scalar(select(Package.owner_org)) is None
