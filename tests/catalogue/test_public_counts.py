"""Counts of public datasets: remembered, and true all the same."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from catalogue.model import Group, Package
from catalogue.register.change_log import log_change
from catalogue.register.public_counts import FEW, public_package_counts


@pytest.fixture
def many(catalogue):
    for number in range(FEW + 2):
        catalogue.call("group_create", {"name": f"theme-{number}"}, user="boss")
    groups = [{"name": "theme-0"}, {"name": "theme-1"}]
    catalogue.call("package_create", {"name": "bus", "owner_org": "so-gtvt", "groups": groups}, user="boss")
    return catalogue


def counted(catalogue) -> dict[str, int]:
    """Return the counts by name, asked for all groups at once and for each alone."""
    with catalogue.store.read() as session:
        groups = session.scalars(select(Group)).all()
        alone = {group.name: public_package_counts(session, [group]).get(group.id, 0) for group in groups}
        at_once = public_package_counts(session, groups)
        assert alone == {group.name: at_once.get(group.id, 0) for group in groups}
        return {name: count for name, count in alone.items() if count}


def test_counts_follow_every_change(many):
    assert counted(many) == {"so-gtvt": 1, "theme-0": 1, "theme-1": 1}
    many.call("package_patch", {"id": "bus", "groups": [{"name": "theme-1"}]}, user="boss")
    assert counted(many) == {"so-gtvt": 1, "theme-1": 1}
    many.call("package_patch", {"id": "bus", "private": True}, user="boss")
    assert counted(many) == {}
    many.call("package_patch", {"id": "bus", "private": False}, user="boss")
    assert counted(many) == {"so-gtvt": 1, "theme-1": 1}
    many.call("dataset_purge", {"id": "bus"}, user="boss")
    assert counted(many) == {}


def test_what_was_never_committed_is_not_remembered(many):
    assert counted(many)["so-gtvt"] == 1
    with pytest.raises(ZeroDivisionError), many.store.write() as session:
        package = session.scalars(select(Package)).one()
        package.private = True
        session.flush()
        log_change(session, package.id, package.metadata_modified)
        assert public_package_counts(session, session.scalars(select(Group)).all()) == {}
        raise ZeroDivisionError
    assert counted(many) == {"so-gtvt": 1, "theme-0": 1, "theme-1": 1}
