"""Relations between datasets: types and their reverses, who may see them, and that readers follow."""

from __future__ import annotations

import pytest

from catalogue.actions.registry import call_action
from catalogue.errors import NotAuthorized, NotFound, ValidationError

pytestmark = pytest.mark.slow

CITY = "so-gtvt"
REVERSES = {
    "depends_on": "dependency_of",
    "derives_from": "has_derivation",
    "links_to": "linked_from",
    "child_of": "parent_of",
}


@pytest.fixture
def portal(catalogue):
    for name in ("bus", "stops", "secret"):
        dataset = {"name": name, "owner_org": CITY, "private": name == "secret"}
        catalogue.call("package_create", dataset, user="lan")
    return catalogue


def relate(portal, subject, kind, other, **more):
    pair = {"subject": subject, "type": kind, "object": other}
    return portal.call("package_relationship_create", {**pair, **more}, user="lan")


def relations(portal, name, user=None, **more):
    listed = portal.call("package_relationships_list", {"id": name, **more}, user=user)
    return [(one["subject"], one["type"], one["object"]) for one in listed]


def shown(portal, name, user=None):
    dataset = portal.call("package_show", {"id": name}, user=user)
    return [
        [(one["type"], *one["__extras"].values()) for one in dataset[f"relationships_as_{side}"]]
        for side in ("subject", "object")
    ]


@pytest.mark.parametrize(("kind", "reverse"), REVERSES.items())
def test_each_type_has_its_reverse_seen_from_the_other_end(portal, kind, reverse):
    assert relate(portal, "bus", kind, "stops", comment="vì sao") == {
        "subject": "bus",
        "type": kind,
        "object": "stops",
        "comment": "vì sao",
    }
    assert relations(portal, "bus") == [("bus", kind, "stops")]
    assert relations(portal, "stops") == [("stops", reverse, "bus")]
    relate(portal, "stops", reverse, "bus")  # the same relation once more
    assert relations(portal, "bus") == [("bus", kind, "stops")]


def test_both_datasets_show_the_relation_and_move_in_time(portal):
    before = [portal.call("package_show", {"id": name}) for name in ("bus", "stops")]
    relate(portal, "stops", "parent_of", "bus")
    after = [portal.call("package_show", {"id": name}) for name in ("bus", "stops")]
    bus, stops = (one["id"] for one in after)
    assert shown(portal, "bus") == [[("child_of", bus, stops)], []]
    assert shown(portal, "stops") == [[], [("child_of", bus, stops)]]
    assert all(new["metadata_modified"] > old["metadata_modified"] for old, new in zip(before, after, strict=True))
    found = portal.call("package_search", {"q": "name:bus"})["results"][0]
    assert len(found["relationships_as_subject"]) == 1
    portal.call("package_update", {**after[0], "title": "Xe buýt"}, user="lan")
    assert relations(portal, "bus") == [("bus", "child_of", "stops")], "a dataset sent back keeps its relations"


def test_a_private_dataset_is_not_told_through_its_relations(portal):
    relate(portal, "bus", "links_to", "secret")
    assert relations(portal, "bus") == []
    assert relations(portal, "bus", user="lan") == [("bus", "links_to", "secret")]
    assert shown(portal, "bus", user="lan") == [[], []], "the dict is the same for all callers"
    with pytest.raises(NotAuthorized):
        relations(portal, "bus", id2="secret")
    portal.call("package_patch", {"id": "secret", "private": False}, user="lan")
    assert len(shown(portal, "bus")[0]) == 1, "once the other is public, the relation is shown"
    portal.call("package_delete", {"id": "secret"}, user="lan")
    assert shown(portal, "bus") == [[], []]
    portal.call("package_patch", {"id": "secret", "state": "active"}, user="lan")
    assert len(shown(portal, "bus")[0]) == 1
    portal.call("dataset_purge", {"id": "secret"}, user="boss")
    assert shown(portal, "bus") == [[], []]


def test_the_list_is_narrowed_by_the_other_dataset_and_by_type(portal):
    relate(portal, "bus", "depends_on", "stops")
    relate(portal, "bus", "linked_from", "stops")
    assert relations(portal, "bus", rel="linked_from") == [("bus", "linked_from", "stops")]
    assert len(relations(portal, "bus", id2="stops")) == 2
    assert relations(portal, "bus", id2="secret", user="lan") == []
    with pytest.raises(ValidationError):
        relations(portal, "bus", rel="likes")


def test_comments_change_and_relations_end(portal):
    pair = {"subject": "stops", "type": "dependency_of", "object": "bus"}
    relate(portal, "bus", "depends_on", "stops", comment="a")
    updated = portal.call("package_relationship_update", {**pair, "comment": "b"}, user="lan")
    assert updated == {**pair, "comment": "b"}
    assert portal.call("package_show", {"id": "bus"})["relationships_as_subject"][0]["comment"] == "b"
    assert portal.call("package_relationship_delete", pair, user="lan") is None
    for action in ("package_relationship_delete", "package_relationship_update"):
        with pytest.raises(NotFound):
            portal.call(action, pair, user="lan")
    assert shown(portal, "stops") == [[], []]


def test_wrong_relations_are_refused(portal):
    for subject, kind, other in (("bus", "likes", "stops"), ("bus", "links_to", "bus")):
        with pytest.raises(ValidationError):
            relate(portal, subject, kind, other)
    with pytest.raises(NotFound):
        relate(portal, "bus", "links_to", "nothing")
    with pytest.raises(ValidationError):
        portal.call("package_relationship_create", {"subject": "bus", "object": "stops"}, user="lan")


def test_both_ends_must_be_the_callers_to_change(portal):
    portal.call("organization_create", {"name": "so-yt"}, user="boss")
    portal.call("package_create", {"name": "clinics", "owner_org": "so-yt"}, user="boss")
    for pair in (("bus", "clinics"), ("clinics", "bus")):
        with pytest.raises(NotAuthorized):
            relate(portal, pair[0], "links_to", pair[1])


def test_relations_do_not_stop_other_writes(portal):
    relate(portal, "bus", "links_to", "stops")
    portal.call("group_create", {"name": "theme"}, user="boss")
    into = {"id": "theme", "object": "bus", "object_type": "package", "capacity": "public"}
    assert portal.call("member_create", into, user="boss")["table_name"] == "package"
    portal.call("bulk_update_private", {"org_id": CITY, "datasets": ["bus"]}, user="boss")
    assert shown(portal, "stops") == [[], []]
    with portal.store.read() as session:
        assert call_action(portal.services.context(session), "package_relationships_list", {"id": "stops"}) == []
