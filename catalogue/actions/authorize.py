"""Who may do what: one matrix, a role in the organization (or group) concerned against an operation.

Reading in one sentence: an active dataset that is not private is everybody's; any other is readable by the members of its
organization, by its collaborators, and by its creator when it has no organization. Resources, files and datastore rows
follow their dataset. What a switch of the settings opens stands in `SWITCHES`.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from catalogue.errors import NotAuthorized
from catalogue.model import Collaborator, Group, Member, Package, User, group_parents

if TYPE_CHECKING:  # context.py imports this module
    from catalogue.actions.context import Context


class Role(IntEnum):
    """What a caller is towards an organization or a dataset; each role may do all that the lower ones may."""

    ANONYMOUS = 0
    USER = 1
    MEMBER = 2
    EDITOR = 3
    ADMIN = 4
    SYSADMIN = 5


class Guarded(Protocol):
    """What decides who may read and change a dataset: a `Package`, or a row with these columns of it."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def private(self) -> bool: ...
    @property
    def owner_org(self) -> str | None: ...
    @property
    def creator_user_id(self) -> str | None: ...


CAPACITIES = {"member": Role.MEMBER, "editor": Role.EDITOR, "admin": Role.ADMIN}

# operation: (lowest role that may, what the refusal says the user may not do)
MATRIX: dict[str, tuple[Role, str]] = {
    # datasets with their resources, views and rows: the role in the owning organization, or as collaborator
    "read_public": (Role.ANONYMOUS, "read"),
    "read_hidden_dataset": (Role.MEMBER, "read package"),
    "package_create": (Role.EDITOR, "add dataset to this organization"),
    "package_update": (Role.EDITOR, "edit package"),
    "package_delete": (Role.EDITOR, "delete package"),
    "package_collaborators": (Role.ADMIN, "manage collaborators of package"),
    "package_create_unowned": (Role.SYSADMIN, "create packages"),
    "package_owner_org_update": (Role.SYSADMIN, "change the organization of package"),
    "dataset_purge": (Role.SYSADMIN, "purge dataset"),
    # organizations and groups: the role in them
    "read_deleted_group": (Role.MEMBER, "read group"),
    "dataset_into_group": (Role.MEMBER, "add dataset to this group"),
    "bulk_update": (Role.ADMIN, "update the datasets of this organization"),
    "group_update": (Role.ADMIN, "edit group"),
    "group_delete": (Role.ADMIN, "delete group"),
    "group_members": (Role.ADMIN, "edit members of group"),
    "group_relatives": (Role.ADMIN, "name as parent, predecessor or successor the group"),
    "group_create": (Role.SYSADMIN, "create groups"),
    "organization_create": (Role.SYSADMIN, "create organizations"),
    "group_purge": (Role.SYSADMIN, "purge group"),
    # people and the portal
    "user_details": (Role.USER, "see users"),
    "user_create": (Role.SYSADMIN, "create users"),
    "own_account": (Role.SYSADMIN, "act for this user"),  # and the person themself
    "follower_list": (Role.SYSADMIN, "see followers"),
    "portal": (Role.SYSADMIN, "change the portal"),  # vocabularies, settings, jobs
}

# operation: (switch of the settings, lowest role that may while it is on)
SWITCHES: dict[str, tuple[str, Role]] = {
    "group_create": ("user_create_groups", Role.USER),
    "organization_create": ("user_create_organizations", Role.USER),
    "user_create": ("create_user_via_api", Role.ANONYMOUS),
    "user_details": ("public_user_details", Role.ANONYMOUS),
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


def collaborations_of(session: Session, user: User | None) -> dict[str, Role]:
    """Return the user's role per id of a dataset that they collaborate on."""
    if user is None:
        return {}
    statement = select(Collaborator.package_id, Collaborator.capacity).where(Collaborator.user_id == user.id)
    return {package_id: CAPACITIES.get(capacity, Role.USER) for package_id, capacity in session.execute(statement)}


def role_in(context: Context, group_id: str | None) -> Role:
    """Return the caller's role towards one organization or group; without one, towards the portal."""
    if context.user is None:
        return Role.ANONYMOUS
    if context.user.sysadmin:
        return Role.SYSADMIN
    return context.roles.get(group_id, Role.USER) if group_id else Role.USER


def role_towards(context: Context, package: Guarded) -> Role:
    """Return the caller's role towards a dataset: in its organization, as collaborator, or as creator of an unowned one."""
    role = role_in(context, package.owner_org)
    if context.user is None or role is Role.SYSADMIN:
        return role
    role = max(role, context.collaborations.get(package.id, Role.USER))
    if package.owner_org is None and package.creator_user_id == context.user.id:
        # Where datasets must have an owner, one that lost it can be read by its creator, no more.
        role = max(role, Role.EDITOR if context.settings.create_unowned_dataset else Role.MEMBER)
    return role


def lowest_role(context: Context, operation: str) -> Role:
    """Return the lowest role that may do the operation, as the settings' switches have it."""
    lowest = MATRIX[operation][0]
    switch, opened_to = SWITCHES.get(operation, ("", lowest))
    return min(lowest, opened_to) if switch and getattr(context.settings, switch) else lowest


def may(context: Context, operation: str, group_id: str | None = None) -> bool:
    """Tell whether the caller may do the operation in this organization or group."""
    return role_in(context, group_id) >= lowest_role(context, operation)


def may_on(context: Context, operation: str, package: Guarded) -> bool:
    """Tell whether the caller may do the operation on this dataset."""
    return role_towards(context, package) >= lowest_role(context, operation)


def may_create_unowned(context: Context) -> bool:
    """Tell whether the caller may create a dataset of no organization."""
    settings = context.settings
    if not settings.create_unowned_dataset:
        return False
    if context.user is None:
        return settings.anon_create_dataset and settings.create_dataset_if_not_in_organization
    if settings.create_dataset_if_not_in_organization:
        return True
    return context.is_sysadmin or creates_somewhere(context)


def creates_somewhere(context: Context) -> bool:
    """Tell whether the caller may create datasets in any organization."""
    return any(role >= lowest_role(context, "package_create") for role in context.roles.values())


def require(context: Context, operation: str, group_id: str | None = None, *, subject: str = "") -> None:
    """Refuse the call unless the caller may do the operation.

    Raises:
        NotAuthorized: with the words that CKAN clients expect.
    """
    if not may(context, operation, group_id):
        raise refusal(context, operation, subject=subject)


def require_on(context: Context, operation: str, package: Guarded) -> None:
    """Refuse the call unless the caller may do the operation on this dataset.

    Raises:
        NotAuthorized: with the words that CKAN clients expect.
    """
    if not may_on(context, operation, package):
        raise refusal(context, operation, subject=package.id if may_read(context, package) else "")


def refusal(context: Context, operation: str, *, subject: str = "") -> NotAuthorized:
    """Return the answer to a caller who may not do the operation."""
    name = context.user.name if context.user else ""
    words = f"{MATRIX[operation][1]} {subject}".rstrip()
    return NotAuthorized(f"User {name} not authorized to {words}")


def require_account(context: Context, user: User) -> None:
    """Refuse the call unless it comes from the user's own account or from a sysadmin."""
    if context.user is None or context.user.id != user.id:
        require(context, "own_account")


def is_public(package: Guarded) -> bool:
    """Tell whether everybody may read the dataset."""
    return package.state == "active" and not package.private


def may_read(context: Context, package: Guarded) -> bool:
    """Tell whether the caller may read the dataset with all that belongs to it."""
    return is_public(package) or may_on(context, "read_hidden_dataset", package)


def is_public_now() -> ColumnElement[bool]:
    """Return `is_public` as a condition on `Package`."""
    return and_(Package.state == "active", Package.private.is_(False))


def reads_hidden(context: Context) -> ColumnElement[bool]:
    """Return as a condition on `Package` that the caller may read the dataset whether it is public or not."""
    if context.user is None:
        return false()
    if context.is_sysadmin:
        return true()
    lowest = lowest_role(context, "read_hidden_dataset")
    groups = [group_id for group_id, role in context.roles.items() if role >= lowest]
    packages = [package_id for package_id, role in context.collaborations.items() if role >= lowest]
    own = and_(Package.owner_org.is_(None), Package.creator_user_id == context.user.id)
    return or_(Package.owner_org.in_(groups), Package.id.in_(packages), own)


def require_read(context: Context, package: Guarded) -> None:
    """Refuse the call unless the caller may read the dataset."""
    if not may_read(context, package):  # who knows the name does not learn the id
        raise refusal(context, "read_hidden_dataset")


def require_group_read(context: Context, group: Group) -> None:
    """Refuse the call when the organization or group is deleted and the caller does not belong to it."""
    if group.state != "active":
        require(context, "read_deleted_group", group.id, subject=group.id)
