"""Who may do what: one matrix, a role in the organization (or group) concerned against an operation.

Reading in one sentence: an active dataset that is not private is everybody's; any other is readable by the members of its
organization, and by its creator when it has no organization. Resources, files and datastore rows follow their dataset.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.errors import NotAuthorized
from catalogue.model import Group, Member, Package, User, group_parents

if TYPE_CHECKING:  # context.py imports this module
    from catalogue.actions.context import Context


class Role(IntEnum):
    """What a caller is towards an organization; each role may do all that the lower ones may."""

    ANONYMOUS = 0
    USER = 1
    MEMBER = 2
    EDITOR = 3
    ADMIN = 4
    SYSADMIN = 5


CAPACITIES = {"member": Role.MEMBER, "editor": Role.EDITOR, "admin": Role.ADMIN}

# operation: (lowest role that may, what the refusal says the user may not do)
MATRIX: dict[str, tuple[Role, str]] = {
    "read_public": (Role.ANONYMOUS, "read"),
    "read_hidden_dataset": (Role.MEMBER, "read package"),
    "read_deleted_group": (Role.MEMBER, "read group"),
    "package_create": (Role.EDITOR, "add dataset to this organization"),
    "package_update": (Role.EDITOR, "edit package"),
    "package_delete": (Role.EDITOR, "delete package"),
    "package_create_unowned": (Role.SYSADMIN, "create packages"),
    "dataset_purge": (Role.SYSADMIN, "purge dataset"),
    "dataset_into_group": (Role.MEMBER, "add dataset to this group"),
    "group_create": (Role.SYSADMIN, "create groups"),
    "organization_create": (Role.SYSADMIN, "create organizations"),
    "group_update": (Role.ADMIN, "edit group"),
    "group_delete": (Role.ADMIN, "delete group"),
    "group_members": (Role.ADMIN, "edit members of group"),
    "user_details": (Role.USER, "see users"),
    "user_create": (Role.SYSADMIN, "create users"),
    "own_account": (Role.SYSADMIN, "act for this user"),  # and the person themself
}


def roles_of(session: Session, user: User | None) -> dict[str, Role]:
    """Return the user's role per organization and group id, admins of a parent included for its children."""
    if user is None:
        return {}
    rows = session.execute(select(Member.group_id, Member.capacity).where(Member.user_id == user.id))
    roles = {group_id: CAPACITIES.get(capacity, Role.USER) for group_id, capacity in rows}
    below = [group_id for group_id, role in roles.items() if role is Role.ADMIN]
    while below:
        found = session.scalars(select(group_parents.c.child_id).where(group_parents.c.parent_id.in_(below)))
        below = [child for child in found if roles.get(child) is not Role.ADMIN]
        roles.update(dict.fromkeys(below, Role.ADMIN))
    return roles


def role_in(context: Context, group_id: str | None) -> Role:
    """Return the caller's role towards one organization or group; without one, towards the portal."""
    if context.user is None:
        return Role.ANONYMOUS
    if context.user.sysadmin:
        return Role.SYSADMIN
    return context.roles.get(group_id, Role.USER) if group_id else Role.USER


def may(context: Context, operation: str, group_id: str | None = None) -> bool:
    """Tell whether the caller may do the operation in this organization or group."""
    return role_in(context, group_id) >= MATRIX[operation][0]


def require(context: Context, operation: str, group_id: str | None = None, *, subject: str = "") -> None:
    """Refuse the call unless the caller may do the operation.

    Raises:
        NotAuthorized: with the words that CKAN clients expect.
    """
    if not may(context, operation, group_id):
        raise refusal(context, operation, subject=subject)


def refusal(context: Context, operation: str, *, subject: str = "") -> NotAuthorized:
    """Return the answer to a caller who may not do the operation."""
    name = context.user.name if context.user else ""
    words = f"{MATRIX[operation][1]} {subject}".rstrip()
    return NotAuthorized(f"User {name} not authorized to {words}")


def require_account(context: Context, user: User) -> None:
    """Refuse the call unless it comes from the user's own account or from a sysadmin."""
    if context.user is None or context.user.id != user.id:
        require(context, "own_account")


def is_public(package: Package) -> bool:
    """Tell whether everybody may read the dataset."""
    return package.state == "active" and not package.private


def may_read(context: Context, package: Package) -> bool:
    """Tell whether the caller may read the dataset with all that belongs to it."""
    if is_public(package):
        return True
    if package.owner_org is None and context.user is not None and package.creator_user_id == context.user.id:
        return True
    return may(context, "read_hidden_dataset", package.owner_org)


def require_read(context: Context, package: Package) -> None:
    """Refuse the call unless the caller may read the dataset."""
    if not may_read(context, package):
        raise refusal(context, "read_hidden_dataset", subject=package.id)


def require_group_read(context: Context, group: Group) -> None:
    """Refuse the call when the organization or group is deleted and the caller does not belong to it."""
    if group.state != "active":
        require(context, "read_deleted_group", group.id, subject=group.id)
