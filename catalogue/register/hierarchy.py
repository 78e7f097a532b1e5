"""The tree of organizations (city, department, centre, ward) and of groups: who lies above and below whom.

A child may have several parents; the walks below end also where a circle was made by hand in the database.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from catalogue.model import Group, group_parents

HIERARCHY_LOCK = 7_404_102  # PostgreSQL: two writers at once could close a circle that neither of them sees


def ids_above(session: Session, group_ids: Collection[str]) -> set[str]:
    """Return the ids of the parents, their parents and so on; one query per level."""
    parents = group_parents.c
    found: set[str] = set()
    level = list(group_ids)
    while level:
        query = select(parents.parent_id).where(parents.child_id.in_(level)).distinct()
        level = [one for one in session.scalars(query) if one not in found]
        found.update(level)
    return found


def all_below(session: Session) -> dict[str, set[str]]:
    """Return the ids of all below each organization or group that has children; one query, there are hundreds."""
    children: dict[str, set[str]] = {}
    for child, parent in session.execute(select(group_parents.c.child_id, group_parents.c.parent_id)):
        children.setdefault(parent, set()).add(child)
    below: dict[str, set[str]] = {}
    for parent in children:
        found: set[str] = set()
        level = {parent}
        while level:
            level = set().union(*(children.get(one, set()) for one in level)) - found
            found |= level
        below[parent] = found - {parent}
    return below


def lies_above(session: Session, group: Group, parents: Collection[Group]) -> list[Group]:
    """Return those of the wanted parents that lie below the group already, or are the group itself."""
    _one_at_a_time(session)
    return [parent for parent in parents if group.id in {parent.id, *ids_above(session, [parent.id])}]


def _one_at_a_time(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": HIERARCHY_LOCK})
