"""Organizations and groups: finding them in the database and showing them as CKAN's dicts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from catalogue.errors import NotFound
from catalogue.model import Follow, Group, Member, NameRedirect, Package, User, package_groups
from catalogue.people.accounts import user_to_dict
from catalogue.register.packages import extras_to_list
from catalogue.times import show_time

_FORMER = select(NameRedirect.target_id).where(NameRedirect.kind == "group", NameRedirect.name == bindparam("called"))
_CALLED = select(Group).where(
    or_(Group.id == bindparam("called"), Group.name == bindparam("called"), Group.id.in_(_FORMER))
)


def find_group(session: Session, name_or_id: str, *, is_organization: bool | None = None) -> Group | None:
    """Return the organization or group with this id, name or former name, whatever its state, or null."""
    found = session.scalars(_CALLED, {"called": name_or_id}).all()
    ranked = sorted(found, key=lambda group: (group.id != name_or_id, group.name != name_or_id))
    group = ranked[0] if ranked else None
    wrong_kind = group is not None and is_organization is not None and group.is_organization != is_organization
    return None if wrong_kind else group


def get_group(session: Session, name_or_id: str, *, is_organization: bool | None = None, lock: bool = False) -> Group:
    """Return the organization or group with this id, name or former name, whatever its state.

    Raises:
        NotFound: there is none, or it is of the other kind.
    """
    group = find_group(session, name_or_id, is_organization=is_organization)
    if group is None:
        raise NotFound("" if is_organization is None else f"{kind_title(is_organization)} was not found.")
    if lock:
        # Without the key, so that others may name the group as owner or parent meanwhile and none waits in a circle.
        session.refresh(group, with_for_update={"key_share": True})
    return group


def kind_title(is_organization: bool) -> str:
    """Return the word for the kind, as messages start with it."""
    return "Organization" if is_organization else "Group"


def follower_counts(session: Session, groups: list[Group]) -> dict[str, int]:
    """Return how many people follow each organization or group; nobody is left out."""
    statement = select(Follow.object_id, func.count()).where(Follow.object_id.in_([group.id for group in groups]))
    rows = session.execute(statement.group_by(Follow.object_id))
    return dict(rows.all())


def packages_of(group: Group | None) -> ColumnElement[bool]:
    """Return the condition that a dataset is owned by the organization, or is in the group."""
    if group is None:
        return false()
    if group.is_organization:
        return Package.owner_org == group.id
    return Package.id.in_(select(package_groups.c.package_id).where(package_groups.c.group_id == group.id))


def group_to_dict(group: Group, *, package_count: int | None = None, followers: int = 0) -> dict[str, Any]:
    """Return the organization or group as lists show it."""
    shown: dict[str, Any] = {
        "approval_status": group.approval_status,
        "created": show_time(group.created),
        "description": group.description,
        "display_name": group.title or group.name,
        "id": group.id,
        "image_display_url": group.image_url,
        "image_url": group.image_url,
        "is_organization": group.is_organization,
        "name": group.name,
        "num_followers": followers,
        "state": group.state,
        "title": group.title,
        "type": group.type,
    }
    if package_count is not None:
        shown["package_count"] = package_count
    return shown


def group_extras(group: Group) -> list[dict[str, Any]]:
    """Return the extras as organizations show them."""
    return [{**extra, "state": "active"} for extra in extras_to_list(group.extras)]


def parents_to_list(group: Group) -> list[dict[str, Any]]:
    """Return the active parents as organizations and groups show them."""
    return [
        {
            "id": parent.id,
            "name": parent.name,
            "title": parent.title,
            "display_name": parent.title or parent.name,
            "capacity": "parent",
        }
        for parent in group.parents
        if parent.state == "active"
    ]


def members_to_list(session: Session, group: Group, *, private: bool) -> list[dict[str, Any]]:
    """Return the users with their capacity; e-mail addresses only when `private`."""
    rows = session.execute(
        select(User, Member.capacity)
        .join(Member, Member.user_id == User.id)
        .where(Member.group_id == group.id, User.state == "active")
        .order_by(User.name)
    )
    return [{**user_to_dict(user, private=private), "capacity": capacity} for user, capacity in rows]
