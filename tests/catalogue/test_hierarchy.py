"""The tree of organizations and what became of them: parents, validity, successors, old names."""

from __future__ import annotations

import threading

import pytest

from catalogue.errors import MalformedInput, NotAuthorized, ValidationError
from catalogue.register.hierarchy import all_below, ids_above

pytestmark = pytest.mark.slow

CITY = "so-gtvt"


def create(catalogue, name, *, below=(), **more):
    parents = [{"name": parent} for parent in below]
    return catalogue.call("organization_create", {"name": name, "groups": parents, **more}, user="boss")


@pytest.fixture
def tree(catalogue):
    """City, two departments, a centre below the first, and a ward below both departments."""
    create(catalogue, "city")
    create(catalogue, "department", below=["city"])
    create(catalogue, "other-department", below=["city"])
    create(catalogue, "centre", below=["department"])
    create(catalogue, "ward", below=["department", "other-department"])
    return catalogue


def patch(catalogue, name, user="boss", **changes):
    return catalogue.call("organization_patch", {"id": name, **changes}, user=user)


def names_by_id(catalogue):
    listed = catalogue.call("organization_list", {"all_fields": True})
    return {one["id"]: one["name"] for one in listed}


def test_walks_up_and_down_pass_each_place_once(tree):
    names = names_by_id(tree)
    ids = {name: one for one, name in names.items()}
    with tree.store.read() as session:
        assert {names[one] for one in ids_above(session, [ids["ward"]])} == {"department", "other-department", "city"}
        below = {"department", "other-department", "centre", "ward"}
        found = all_below(session)
        assert {names[one] for one in found[ids["city"]]} == below
        assert ids["centre"] not in found


def test_parents_are_shown_and_kept_by_a_patch(tree):
    shown = tree.call("organization_show", {"id": "ward"})
    assert [(parent["name"], parent["capacity"]) for parent in shown["groups"]] == [
        ("department", "parent"),
        ("other-department", "parent"),
    ]
    assert [parent["name"] for parent in patch(tree, "ward", title="Phường")["groups"]] == [
        "department",
        "other-department",
    ]
    assert [parent["name"] for parent in patch(tree, "ward", groups=[{"name": "city"}])["groups"]] == ["city"]
    assert patch(tree, "ward", groups=[])["groups"] == []


@pytest.mark.parametrize("parent", ["city", "department", "centre"])
def test_a_circle_is_refused_with_the_names_of_both(tree, parent):
    with pytest.raises(ValidationError) as refused:
        patch(tree, "city", groups=[{"name": parent}])
    (fault,) = refused.value.error_dict["groups"]
    assert "its own parent" in fault if parent == "city" else f"{parent} lies below city" in fault
    with pytest.raises(ValidationError):
        member = {"id": "city", "object": parent, "object_type": "group", "capacity": "parent"}
        tree.call("member_create", member, user="boss")


def test_parents_are_of_the_same_kind_and_the_callers_to_name(tree):
    tree.call("group_create", {"name": "theme"}, user="boss")
    with pytest.raises(ValidationError) as refused:
        patch(tree, "ward", groups=[{"name": "theme"}])
    assert refused.value.error_dict == {"groups": ["Group was not found."]}
    tree.call("organization_member_create", {"id": CITY, "username": "binh", "role": "admin"}, user="boss")
    with pytest.raises(NotAuthorized):
        patch(tree, CITY, user="binh", groups=[{"name": "city"}])
    patch(tree, CITY, groups=[{"name": "city"}])
    kept = patch(tree, CITY, user="binh", groups=[{"name": "city"}], title="t")
    assert [parent["name"] for parent in kept["groups"]] == ["city"], "a parent that is there already needs no right"


def test_members_of_object_type_group_are_the_parents(tree):
    ids = {name: one for one, name in names_by_id(tree).items()}
    assert tree.call("member_list", {"id": "centre", "object_type": "group"}) == [
        [ids["department"], "group", "parent"]
    ]
    put = {"id": "centre", "object": "other-department", "object_type": "group"}
    assert tree.call("member_create", {**put, "capacity": "parent"}, user="boss")["table_id"] == ids["other-department"]
    assert len(tree.call("member_list", {"id": "centre", "object_type": "group"})) == 2
    tree.call("member_delete", put, user="boss")
    assert len(tree.call("member_list", {"id": "centre", "object_type": "group"})) == 1


def test_deleted_parents_are_not_shown_and_come_back(tree):
    patch(tree, "department", state="deleted")
    assert tree.call("organization_show", {"id": "centre"})["groups"] == []
    patch(tree, "centre", groups=[])
    patch(tree, "department", state="active")
    assert [parent["name"] for parent in tree.call("organization_show", {"id": "centre"})["groups"]] == ["department"]


@pytest.mark.slow
def test_two_writers_cannot_close_a_circle(tree):
    faults = []

    def put(child, parent):
        try:
            patch(tree, child, groups=[{"name": parent}])
        except ValidationError as refused:
            faults.append(refused)

    threads = [threading.Thread(target=put, args=pair) for pair in (("centre", "ward"), ("ward", "centre"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(faults) == 1


# ---- validity and succession


def merged(catalogue):
    """Two agencies merged into a third, which was renamed later."""
    create(catalogue, "so-tnmt", title="Sở Tài nguyên", extras=[{"key": "title_en", "value": "Natural Resources"}])
    create(catalogue, "so-nn", title="Sở Nông nghiệp")
    successor = [{"name": "so-nnmt", "kind": "merged", "on": "2025-03-01"}]
    create(catalogue, "so-nnmt", title="Sở Nông nghiệp và Môi trường", valid_from="2025-03-01")
    for name in ("so-tnmt", "so-nn"):
        patch(catalogue, name, valid_to="2025-02-28", successors=successor)


def test_both_ends_of_a_succession_show_it(catalogue):
    merged(catalogue)
    old = catalogue.call("organization_show", {"id": "so-nn"})
    new = catalogue.call("organization_show", {"id": "so-nnmt"})
    assert (old["valid_from"], old["valid_to"], new["valid_from"]) == (None, "2025-02-28", "2025-03-01")
    expected = {"id": new["id"], "name": "so-nnmt", "title": new["title"], "kind": "merged", "on": "2025-03-01"}
    assert old["successors"] == [expected]
    assert [(one["name"], one["kind"]) for one in new["predecessors"]] == [("so-nn", "merged"), ("so-tnmt", "merged")]
    history = catalogue.call("organization_activity_list", {"id": "so-nn"})
    assert history[0]["data"]["group"]["successors"] == [expected]


def test_a_succession_is_written_from_either_end_and_survives_the_round_trip(catalogue):
    merged(catalogue)
    before = catalogue.call("organization_show", {"id": "so-nnmt"}, user="boss")
    catalogue.call("organization_update", before, user="boss")
    assert catalogue.call("organization_show", {"id": "so-nnmt"}, user="boss") == before
    ckan_keys = {key: before[key] for key in ("id", "name", "title", "description")}
    catalogue.call("organization_update", ckan_keys, user="boss")
    kept = catalogue.call("organization_show", {"id": "so-nnmt"})
    assert (kept["valid_from"], len(kept["predecessors"])) == ("2025-03-01", 2), (
        "a plain CKAN client takes nothing away"
    )
    patch(catalogue, "so-nnmt", predecessors=[{"id": "so-nn", "kind": "renamed"}], valid_from=None)
    assert catalogue.call("organization_show", {"id": "so-tnmt"})["successors"] == []
    (only,) = catalogue.call("organization_show", {"id": "so-nn"})["successors"]
    assert (only["kind"], only["on"]) == ("renamed", None)
    assert catalogue.call("organization_show", {"id": "so-nnmt"})["valid_from"] is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": "tomorrow"}, "valid_from"),
        ({"valid_from": "2025-03-01", "valid_to": "2025-02-01"}, "valid_to"),
        ({"successors": [{"name": "nobody", "kind": "merged"}]}, "successors"),
        ({"successors": [{"name": CITY, "kind": "merged"}]}, "successors"),
        ({"successors": [{"name": "so-yt", "kind": "eaten"}]}, "successors"),
        ({"predecessors": [{"name": "so-yt", "kind": "split", "on": "1/7/2025"}]}, "predecessors"),
    ],
)
def test_wrong_validity_and_successions_are_told_by_field(catalogue, changes, field):
    create(catalogue, "so-yt")
    with pytest.raises(ValidationError) as refused:
        patch(catalogue, CITY, **changes)
    assert list(refused.value.error_dict) == [field]


def test_successions_that_are_no_list_are_malformed(catalogue):
    with pytest.raises(MalformedInput):
        patch(catalogue, CITY, successors="so-yt")


def test_datasets_stay_with_their_owner_until_they_are_moved(catalogue):
    merged(catalogue)
    catalogue.call("package_create", {"name": "soil", "owner_org": "so-tnmt"}, user="boss")
    assert catalogue.call("package_show", {"id": "soil"})["organization"]["name"] == "so-tnmt"
    catalogue.call("package_patch", {"id": "soil", "owner_org": "so-nnmt"}, user="boss")
    assert catalogue.call("package_show", {"id": "soil"})["organization"]["name"] == "so-nnmt"


def test_who_looks_for_the_old_agency_finds_the_datasets_of_the_new_one(catalogue):
    merged(catalogue)
    catalogue.call("package_create", {"name": "soil", "title": "Đất", "owner_org": "so-nnmt"}, user="boss")
    catalogue.call("package_create", {"name": "bus", "title": "Xe buýt", "owner_org": CITY}, user="lan")
    for old in ("Sở Tài nguyên", "so tai nguyen", "Sở Nông nghiệp"):
        found = catalogue.call("package_search", {"q": old})["results"]
        assert [one["name"] for one in found] == ["soil"], old


def test_agencies_that_part_and_join_again_are_shown_at_both_ends(catalogue):
    create(catalogue, "so-yt")
    patch(catalogue, CITY, successors=[{"name": "so-yt", "kind": "split"}])
    back = patch(catalogue, "so-yt", successors=[{"name": CITY, "kind": "merged"}])
    assert [[one["name"] for one in back[side]] for side in ("successors", "predecessors")] == [[CITY], [CITY]]
