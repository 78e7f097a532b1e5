"""Actions on the views of resources; they are seen and changed by those who may see and change the dataset."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select

from catalogue.actions.authorize import require, require_on
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, json_of, required_text, words
from catalogue.actions.read import readable_resource
from catalogue.errors import MalformedInput, NotFound, ValidationError
from catalogue.model import Package, Resource, ResourceView, new_id
from catalogue.register.packages import get_package
from catalogue.register.validation import MISSING, FieldReader
from catalogue.register.views import VIEW_TYPES, add_missing_views, title_of_type, view_to_dict

# What a view has beside the settings of its kind, or what clients send along with it.
FIELDS = {"id", "resource_id", "package_id", "title", "description", "view_type", "position", "order"}
ADDRESSES = ("page_url", "image_url")  # settings that a browser will open


def resource_view_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return all views of the resource `id`, in their order."""
    resource = readable_resource(context, required_text(params, "id"))
    return [view_to_dict(view, resource.package_id) for view in _views_of(context, resource.id)]


def resource_view_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the view whose id is `id`."""
    view, resource = _get_view(context, required_text(params, "id"))
    return view_to_dict(view, resource.package_id)


def resource_view_create(context: Context, params: Params) -> dict[str, Any]:
    """Add a view of the kind `view_type` to the resource `resource_id` and return it.

    `title` and `description` are texts; every other key is a setting of the kind and is kept as it is.
    """
    resource = readable_resource(context, required_text(params, "resource_id"))
    _writable_package(context, resource)
    view = ResourceView(id=new_id(), resource_id=resource.id, position=_next_position(context, resource.id))
    _write(context, view, params)
    context.session.add(view)
    context.session.flush()
    return view_to_dict(view, resource.package_id)


def resource_view_update(context: Context, params: Params) -> dict[str, Any]:
    """Replace the view `id` by the given one and return it; its resource stays, and so does its kind if left out."""
    view, resource = _get_view(context, required_text(params, "id"))
    _writable_package(context, resource)
    _write(context, view, {**params, "view_type": params.get("view_type") or view.view_type})
    context.session.flush()
    return view_to_dict(view, resource.package_id)


def resource_view_delete(context: Context, params: Params) -> None:
    """Delete the view `id`."""
    view, resource = _get_view(context, required_text(params, "id"))
    _writable_package(context, resource)
    context.session.delete(view)


def resource_view_reorder(context: Context, params: Params) -> dict[str, Any]:
    """Put the views of the resource `id` that are named in `order` first; the others follow in the order they had."""
    resource = readable_resource(context, required_text(params, "id"))
    _writable_package(context, resource)
    order = words(params, "order")
    stored = {view.id: view for view in _views_of(context, resource.id)}
    if not order:
        raise ValidationError({"order": MISSING})
    if len(set(order)) != len(order):
        raise ValidationError({"order": ["Must supply unique ids of views"]})
    if unknown := [view_id for view_id in order if view_id not in stored]:
        raise ValidationError({"order": [f"Must be views of this resource: {len(unknown)} are not"]})
    ordered = [stored.pop(view_id) for view_id in order] + list(stored.values())
    for position, view in enumerate(ordered):
        view.position = position
    return {"id": resource.id, "order": [view.id for view in ordered]}


def resource_view_clear(context: Context, params: Params) -> None:
    """Delete the views of all resources, or only those of the kinds `view_types`; for sysadmins."""
    require(context, "portal")
    statement = delete(ResourceView)
    if kinds := words(params, "view_types"):
        statement = statement.where(ResourceView.view_type.in_(kinds))
    context.session.execute(statement)


def resource_create_default_resource_views(context: Context, params: Params) -> list[dict[str, Any]]:
    """Give the resource `resource` (its dict) the views its format allows and it lacks; return the new ones.

    New resources get them by themselves; calling this again adds nothing.
    """
    resource = readable_resource(context, _id_within(params, "resource"))
    boolean(params, "create_datastore_views", default=False)
    package = _writable_package(context, resource)
    return _add_defaults(context, package, [resource])


def package_create_default_resource_views(context: Context, params: Params) -> list[dict[str, Any]]:
    """Give all resources of the dataset `package` (its dict) the views they lack; return the new ones.

    New resources get them by themselves; calling this again adds nothing.
    """
    package = get_package(context.session, _id_within(params, "package"), lock=True)
    boolean(params, "create_datastore_views", default=False)
    require_on(context, "package_update", package)
    return _add_defaults(context, package, package.resources)


def _add_defaults(context: Context, package: Package, resources: list[Resource]) -> list[dict[str, Any]]:
    added = add_missing_views(context.session, resources, locale=context.settings.locale)
    context.session.flush()
    return [view_to_dict(view, package.id) for view in added]


def _id_within(params: Params, name: str) -> str:
    """Return the id in the dict under this name; an id alone is taken as well."""
    required_text(params, name)
    value = params[name]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json_of(value, name)
    if isinstance(value, dict):
        return required_text(value, "id")
    if not isinstance(value, str):
        raise MalformedInput(name)
    return value


def _get_view(context: Context, view_id: str) -> tuple[ResourceView, Resource]:
    view = context.session.get(ResourceView, view_id)
    if view is None:
        raise NotFound("Resource view was not found.")
    return view, readable_resource(context, view.resource_id)


def _views_of(context: Context, resource_id: str) -> list[ResourceView]:
    statement = select(ResourceView).where(ResourceView.resource_id == resource_id)
    return list(context.session.scalars(statement.order_by(ResourceView.position, ResourceView.id)))


def _writable_package(context: Context, resource: Resource) -> Package:
    """Return the dataset of the resource, locked, so that its views change one call after the other."""
    package = get_package(context.session, resource.package_id, lock=True)
    require_on(context, "package_update", package)
    if resource.id not in {one.id for one in package.resources}:
        raise NotFound("Resource was not found.")  # it went while we waited
    return package


def _next_position(context: Context, resource_id: str) -> int:
    last = select(func.max(ResourceView.position)).where(ResourceView.resource_id == resource_id)
    position = context.session.scalar(last)
    return 0 if position is None else position + 1


def _write(context: Context, view: ResourceView, params: Params) -> None:
    """Put the given values into the view.

    Raises:
        ValidationError: with the faults of all fields.
    """
    reader = FieldReader(params)
    view_type = reader.text("view_type", required=True) or ""
    if view_type and view_type not in VIEW_TYPES:
        reader.fault(
            "view_type", f"No plugin found for view_type {view_type[:100]}: use one of {', '.join(VIEW_TYPES)}"
        )
    title, description = reader.text("title"), reader.text("description")
    for setting in ADDRESSES:
        reader.web_address(setting)
    config = {key: value for key, value in params.items() if key not in FIELDS}
    for key, value in config.items():
        if len(key) > 100:
            reader.fault(key[:100], "Names of settings have at most 100 characters")
        if not isinstance(value, str | int | float | list | dict | None):
            reader.fault(key, "A file cannot be a setting of a view")
    reader.finish()
    view.view_type = view_type
    view.title = title if title is not None else title_of_type(view_type, context.settings.locale)
    view.description = description or ""
    view.config = config
