"""Creating actions on datasets, resources, organizations, groups and members. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from catalogue.actions.authorize import (
    CAPACITIES,
    creates_somewhere,
    may_create_unowned,
    refusal,
    require,
    require_on,
    require_read,
)
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text
from catalogue.actions.read_groups import group_as_shown
from catalogue.errors import NotAuthorized, ValidationError
from catalogue.model import Group, Member, Package, new_id
from catalogue.people.accounts import find_user
from catalogue.register.group_changes import keep_image, parent_faults, read_group, save_group, write_group
from catalogue.register.groups import find_group, get_group
from catalogue.register.package_changes import save_package, write_package, write_resource
from catalogue.register.package_input import read_package
from catalogue.register.packages import get_package, package_to_dict, resource_to_dict
from catalogue.register.resource_input import keep_files, read_resources


def package_create(context: Context, params: Params) -> dict[str, Any]:
    """Create a dataset in the organization `owner_org` and return it as `package_show` would."""
    _require_package_create(context, optional_text(params, "owner_org"))
    given = read_package(context, params, None)
    now = context.now()
    package = Package(
        id=given.columns.pop("id", None) or new_id(),
        creator_user_id=context.user.id if context.user else None,
        metadata_created=given.columns.pop("metadata_created", now),
        metadata_modified=given.columns.pop("metadata_modified", now),
        relationships=[],  # told, so that nobody asks the database
    )
    write_package(context, package, given)
    context.session.add(package)
    return save_package(context, package, before=None)


def _require_package_create(context: Context, owner: str | None) -> None:
    may_be_unowned = may_create_unowned(context)
    if context.user is None and not may_be_unowned:
        raise NotAuthorized("Action package_create requires an authenticated user")
    organization = find_group(context.session, owner, is_organization=True) if owner else None
    if organization is not None:
        require(context, "package_create", organization.id)
    elif not (may_be_unowned or context.is_sysadmin or creates_somewhere(context)):
        raise refusal(context, "package_create_unowned")


def resource_create(context: Context, params: Params) -> dict[str, Any]:
    """Add a resource at the end of the dataset `package_id` and return it as `resource_show` would."""
    package = get_package(context.session, required_text(params, "package_id"), lock=True)
    require_on(context, "package_update", package)
    before = package_to_dict(package)
    inputs, faults = read_resources(context, [params], package)
    if inputs[0].id in [resource.id for resource in package.resources]:
        faults[0].setdefault("id", []).append("Resource id already exists.")
    if faults[0]:
        raise ValidationError(faults[0])
    resource = write_resource(context, package, inputs[0])
    save_package(context, package, before=before)
    keep_files(context, inputs)
    return resource_to_dict(resource)


def organization_create(context: Context, params: Params) -> dict[str, Any]:
    """Create an organization; the caller becomes its admin."""
    return _group_create(context, params, is_organization=True)


def group_create(context: Context, params: Params) -> dict[str, Any]:
    """Create a group; the caller becomes its admin."""
    return _group_create(context, params, is_organization=False)


def _group_create(context: Context, params: Params, *, is_organization: bool) -> dict[str, Any]:
    require(context, "organization_create" if is_organization else "group_create")
    given = read_group(context, params, None, is_organization=is_organization)
    group = Group(id=given.columns.pop("id", None) or new_id(), created=context.now(), is_organization=is_organization)
    if given.members is None:
        given.members = {}
    if context.user is not None:
        given.members.setdefault(context.user.id, "admin")
    context.session.add(group)
    write_group(context, group, given)
    save_group(context, group, is_new=True)
    keep_image(context, group, given)
    return group_as_shown(context, group, {})


def organization_member_create(context: Context, params: Params) -> dict[str, Any]:
    """Give the user `username` the role `role` (admin, editor or member) in the organization `id`."""
    return _member_create(context, params, is_organization=True)


def group_member_create(context: Context, params: Params) -> dict[str, Any]:
    """Give the user `username` the role `role` (admin, editor or member) in the group `id`."""
    return _member_create(context, params, is_organization=False)


def _member_create(context: Context, params: Params, *, is_organization: bool) -> dict[str, Any]:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization, lock=True)
    require(context, "group_members", group.id, subject=group.id)
    return _set_capacity(
        context, group, user=required_text(params, "username"), capacity=required_text(params, "role"), field="username"
    )


def member_create(context: Context, params: Params) -> dict[str, Any]:
    """Put the `object` of `object_type` (user, package or group) into the organization or group `id` with `capacity`.

    A package goes into a group this way, a group below its parent.
    """
    group = get_group(context.session, required_text(params, "id"), lock=True)
    written, object_type = required_text(params, "object"), required_text(params, "object_type")
    capacity = required_text(params, "capacity")
    if object_type == "user":
        require(context, "group_members", group.id, subject=group.id)
        return _set_capacity(context, group, user=written, capacity=capacity, field="object")
    if object_type == "package":
        object_id = _put_package_into(context, group, written)
    elif object_type == "group":
        object_id = _put_below(context, group, written)
    else:
        raise ValidationError({"object_type": ["Must be user, package or group"]})
    return _member_dict(group, object_type, object_id, capacity=capacity, member_id=_membership_id(group, object_id))


def _membership_id(group: Group, object_id: str) -> str:
    """Return the id of a membership that has no row of its own; the same whenever it is asked for."""
    return str(uuid5(NAMESPACE_URL, f"{group.id} {object_id}"))


def _set_capacity(context: Context, group: Group, *, user: str, capacity: str, field: str) -> dict[str, Any]:
    found = find_user(context.session, user)
    if capacity not in CAPACITIES:
        raise ValidationError({"role": ["role does not exist."]})
    if found is None or found.state != "active":
        raise ValidationError({field: ["User not found"]})
    member = context.session.get(Member, (group.id, found.id))
    if member is None:
        member = Member(id=new_id(), group_id=group.id, user_id=found.id)
        context.session.add(member)
    member.capacity = capacity
    context.session.flush()
    return _member_dict(group, "user", found.id, capacity=capacity, member_id=member.id)


def _put_package_into(context: Context, group: Group, written: str) -> str:
    if group.is_organization:
        raise ValidationError({"id": ["A dataset gets its organization by its `owner_org`"]})
    require(context, "dataset_into_group", group.id, subject=group.id)
    package = get_package(context.session, written, lock=True)
    require_read(context, package)
    if group not in package.groups:
        before = package_to_dict(package)
        package.groups = [*package.groups, group]
        save_package(context, package, before=before)
    return package.id


def _put_below(context: Context, group: Group, written: str) -> str:
    require(context, "group_update", group.id, subject=group.id)
    parent = get_group(context.session, written, is_organization=group.is_organization)
    if faults := parent_faults(context, group, [parent]):
        raise ValidationError({"object": faults})
    if parent not in group.parents:
        group.parents = [*group.parents, parent]
        save_group(context, group, is_new=False)
    return parent.id


def _member_dict(group: Group, table_name: str, table_id: str, *, capacity: str, member_id: str) -> dict[str, Any]:
    return {
        "id": member_id,
        "table_name": table_name,
        "table_id": table_id,
        "capacity": capacity,
        "group_id": group.id,
        "state": "active",
    }
