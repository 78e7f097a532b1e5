"""Deleting actions on datasets, resources, organizations, groups and members. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from sqlalchemy import delete, update

from catalogue.actions.authorize import require, require_on, require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.actions.read import readable_resource
from catalogue.errors import NotFound, ValidationError
from catalogue.files.uploads import drop_uploads
from catalogue.model import Activity, Group, Member, Package, Upload
from catalogue.people.accounts import find_user
from catalogue.register.change_log import log_change, log_change_of_group
from catalogue.register.follows import forget_followers
from catalogue.register.group_changes import require_no_datasets, save_group
from catalogue.register.groups import find_group, get_group
from catalogue.register.names import forget_names
from catalogue.register.package_changes import log_related, save_package
from catalogue.register.packages import get_package, package_to_dict
from catalogue.rows.pushed_files import forget_rows


def package_delete(context: Context, params: Params) -> None:
    """Delete the dataset `id`: the public sees it no longer, its organization does; package_patch can bring it back."""
    package = get_package(context.session, required_text(params, "id"), lock=True)
    require_on(context, "package_delete", package)
    before = package_to_dict(package)
    package.state = "deleted"
    save_package(context, package, before=before)


def dataset_purge(context: Context, params: Params) -> None:
    """Remove the dataset `id` with its resources, releases and history; nothing can bring it back."""
    require(context, "dataset_purge")
    try:
        package = get_package(context.session, required_text(params, "id"), lock=True)
    except NotFound as error:
        raise NotFound("Dataset was not found") from error
    log_related(context.session, package, context.now())
    log_change(context.session, package.id, context.now())
    drop_uploads(context, Upload.resource_id.in_([resource.id for resource in package.resources]))
    forget_rows(context, [resource.id for resource in package.resources])
    forget_names(context.session, "package", package.id)
    forget_followers(context.session, package.id)
    context.session.execute(delete(Activity).where(Activity.object_id == package.id))
    context.session.delete(package)


def resource_delete(context: Context, params: Params) -> None:
    """Delete the resource `id`."""
    resource = readable_resource(context, required_text(params, "id"))
    package = get_package(context.session, resource.package_id, lock=True)
    require_on(context, "package_update", package)
    before = package_to_dict(package)
    package.resources = [other for other in package.resources if other.id != resource.id]
    for position, other in enumerate(package.resources):
        other.position = position
    save_package(context, package, before=before)


def organization_delete(context: Context, params: Params) -> None:
    """Delete the organization `id`, which must not own datasets any more."""
    group = _deletable_group(context, params, is_organization=True)
    require_no_datasets(context, group)
    group.state = "deleted"
    save_group(context, group, is_new=False)


def group_delete(context: Context, params: Params) -> None:
    """Delete the group `id`; its datasets stay."""
    group = _deletable_group(context, params, is_organization=False)
    group.state = "deleted"
    save_group(context, group, is_new=False)


def _deletable_group(context: Context, params: Params, *, is_organization: bool) -> Group:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization, lock=True)
    require(context, "group_delete", group.id, subject=group.id)
    return group


def organization_purge(context: Context, params: Params) -> None:
    """Remove the organization `id`; its datasets lose their owner. Nothing can bring it back."""
    _purge_group(context, params, is_organization=True)


def group_purge(context: Context, params: Params) -> None:
    """Remove the group `id`; its datasets stay. Nothing can bring it back."""
    _purge_group(context, params, is_organization=False)


def _purge_group(context: Context, params: Params, *, is_organization: bool) -> None:
    require(context, "group_purge")
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization, lock=True)
    log_change_of_group(context.session, group, context.now())
    drop_uploads(context, Upload.group_id == group.id)
    forget_names(context.session, "group", group.id)
    forget_followers(context.session, group.id)
    context.session.execute(update(Package).where(Package.owner_org == group.id).values(owner_org=None))
    context.session.execute(delete(Activity).where(Activity.object_id == group.id))
    context.session.delete(group)


def organization_member_delete(context: Context, params: Params) -> None:
    """Take the user `username` out of the organization `id`."""
    _member_delete(context, params, is_organization=True)


def group_member_delete(context: Context, params: Params) -> None:
    """Take the user `username` out of the group `id`."""
    _member_delete(context, params, is_organization=False)


def _member_delete(context: Context, params: Params, *, is_organization: bool) -> None:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization, lock=True)
    require(context, "group_members", group.id, subject=group.id)
    _remove_user(context, group, required_text(params, "username", "user_id"))


def member_delete(context: Context, params: Params) -> None:
    """Take the `object` of `object_type` (user, package or group) out of the organization or group `id`."""
    group = get_group(context.session, required_text(params, "id"), lock=True)
    written, object_type = required_text(params, "object"), required_text(params, "object_type")
    if object_type == "user":
        require(context, "group_members", group.id, subject=group.id)
        _remove_user(context, group, written)
    elif object_type == "package":
        require(context, "dataset_into_group", group.id, subject=group.id)
        _remove_package(context, group, written)
    elif object_type == "group":
        require(context, "group_update", group.id, subject=group.id)
        parent = find_group(context.session, written)
        group.parents = [other for other in group.parents if other is not parent]
        save_group(context, group, is_new=False)
    else:
        raise ValidationError({"object_type": ["Must be user, package or group"]})


def _remove_user(context: Context, group: Group, written: str) -> None:
    user = find_user(context.session, written)
    if user is None:
        raise NotFound("User not found")
    context.session.execute(delete(Member).where(Member.group_id == group.id, Member.user_id == user.id))


def _remove_package(context: Context, group: Group, written: str) -> None:
    package = get_package(context.session, written, lock=True)
    require_read(context, package)
    before = package_to_dict(package)
    package.groups = [other for other in package.groups if other.id != group.id]
    save_package(context, package, before=before)
