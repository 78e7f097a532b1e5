"""Updating actions on datasets, resources, organizations and groups. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from catalogue.actions.authorize import require, require_on
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text, words
from catalogue.actions.read import readable_resource
from catalogue.actions.read_groups import group_as_shown
from catalogue.errors import MalformedInput, ValidationError
from catalogue.model import Package
from catalogue.register.group_changes import keep_image, read_group, require_no_datasets, save_group, write_group
from catalogue.register.groups import get_group, group_extras, group_to_dict
from catalogue.register.package_changes import save_package, write_package, write_resource
from catalogue.register.package_input import read_package
from catalogue.register.packages import get_package, package_to_dict, resource_to_dict
from catalogue.register.resource_input import keep_files, read_resources

# What stays as it is when package_update leaves it out; everything else becomes null.
KEPT = ("name", "title", "private", "owner_org", "state", "groups")


def package_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the dataset `id` by the given one.

    Fields left out become null, tags and extras left out are deleted; name, title, private, owner_org, groups and
    resources stay when they are left out. See package_patch for changing single fields.
    """
    package = _writable_package(context, required_text(params, "id", "name", missing_as="id"))
    return replace_package(context, package, params)


def package_patch(context: Context, params: Params) -> dict[str, Any]:
    """Change the given fields of the dataset `id`; a list that is given replaces the whole list."""
    package = _writable_package(context, required_text(params, "id"))
    return replace_package(context, package, {**package_to_dict(package), **params})


def _writable_package(context: Context, name_or_id: str) -> Package:
    package = get_package(context.session, name_or_id, lock=True)
    require_on(context, "package_update", package)
    return package


def replace_package(context: Context, package: Package, raw: Params) -> dict[str, Any]:
    """Write a whole dataset dict over the stored dataset and return the new shown dict."""
    before = package_to_dict(package)
    given = {name: value for name, value in raw.items() if name not in KEPT or value is not None}
    kept = {name: before[name] for name in KEPT}
    wanted = read_package(context, {**kept, **given, "type": package.type}, package)
    write_package(context, package, wanted)
    shown = save_package(context, package, before=before)
    keep_files(context, wanted.resources or [])
    return shown


def package_resource_reorder(context: Context, params: Params) -> dict[str, Any]:
    """Put the resources named in `order` first; the others follow in the order they had."""
    package = _writable_package(context, required_text(params, "id"))
    before = package_to_dict(package)
    order = words(params, "order")
    stored = {resource.id: resource for resource in package.resources}
    if len(set(order)) != len(order):
        raise ValidationError({"order": ["Must supply unique resource_ids"]})
    if unknown := [resource_id for resource_id in order if resource_id not in stored]:
        raise ValidationError({"order": [f"resource_ids must be of this dataset: {len(unknown)} are not"]})
    first = [stored.pop(resource_id) for resource_id in order]
    package.resources = [*first, *stored.values()]
    for position, resource in enumerate(package.resources):
        resource.position = position
    save_package(context, package, before=before)
    return {"id": package.id, "order": [resource.id for resource in package.resources]}


def resource_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the resource `id` by the given one; see resource_patch for changing single fields."""
    return _replace_resource(context, params, keep=False)


def resource_patch(context: Context, params: Params) -> dict[str, Any]:
    """Change the given fields of the resource `id`."""
    return _replace_resource(context, params, keep=True)


def _replace_resource(context: Context, params: Params, *, keep: bool) -> dict[str, Any]:
    resource = readable_resource(context, required_text(params, "id"))
    package = _writable_package(context, resource.package_id)
    before = package_to_dict(package)
    raw = {**resource_to_dict(resource), **params} if keep else params
    inputs, faults = read_resources(context, [{**raw, "id": resource.id}], package)
    if faults[0]:
        raise ValidationError(faults[0])
    resource = write_resource(context, package, inputs[0])
    save_package(context, package, before=before)
    keep_files(context, inputs)
    return resource_to_dict(resource)


def organization_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the organization `id` by the given one; see organization_patch for changing single fields."""
    return _replace_group(context, params, is_organization=True, keep=False)


def organization_patch(context: Context, params: Params) -> dict[str, Any]:
    """Change the given fields of the organization `id`."""
    return _replace_group(context, params, is_organization=True, keep=True)


def group_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the group `id` by the given one; see group_patch for changing single fields."""
    return _replace_group(context, params, is_organization=False, keep=False)


def group_patch(context: Context, params: Params) -> dict[str, Any]:
    """Change the given fields of the group `id`."""
    return _replace_group(context, params, is_organization=False, keep=True)


def _replace_group(context: Context, params: Params, *, is_organization: bool, keep: bool) -> dict[str, Any]:
    if "extras" in params and not isinstance(params["extras"], list | None):
        raise MalformedInput("extras")
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization, lock=True)
    require(context, "group_update", group.id, subject=group.id)
    stays: dict[str, Any] = {
        "name": group.name,
        "type": group.type,
        "approval_status": group.approval_status,
        "state": group.state,
    }
    if keep:
        stays = {**group_to_dict(group), "extras": group_extras(group)}
    given = {name: value for name, value in params.items() if name not in stays or keep or value is not None}
    raw = {**stays, **given, "type": group.type}
    wanted = read_group(context, raw, group, is_organization=is_organization)
    if wanted.columns["state"] == "deleted":
        require_no_datasets(context, group)
    write_group(context, group, wanted)
    save_group(context, group, is_new=False)
    keep_image(context, group, wanted)
    return group_as_shown(context, group, {"include_datasets": True, "include_followers": False})
