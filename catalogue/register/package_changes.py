"""Writing a dataset: its columns and parts, and in the same transaction all that must follow from the change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from catalogue.actions.context import Context
from catalogue.errors import ValidationError
from catalogue.files.uploads import drop_lost_uploads
from catalogue.model import Activity, Package, Resource, Tag, new_id
from catalogue.register.change_log import log_change, log_changes
from catalogue.register.names import TAKEN, redirect_old_name
from catalogue.register.package_input import PackageInput
from catalogue.register.packages import package_to_dict, resource_to_dict
from catalogue.register.relationships import without_relationships
from catalogue.register.releases import follow_pointer
from catalogue.register.resource_input import ResourceInput
from catalogue.register.shown_packages import keep_shown
from catalogue.register.views import add_missing_views, missing_views
from catalogue.register.vocabularies import tag_id
from catalogue.rows.pushed_files import drop_lost_rows


def write_package(context: Context, package: Package, given: PackageInput) -> None:
    """Put the read values into the dataset, a new or a stored one; `save_package` must follow."""
    now = context.now()
    if package.name is not None and package.name != given.columns["name"]:
        redirect_old_name(
            context.session,
            "package",
            old=package.name,
            new=given.columns["name"],
            target_id=package.id,
            now=now,
        )
    for column, value in given.columns.items():
        setattr(package, column, value)
    package.organization = given.organization
    package.extras = given.extras
    package.tags = [*ensure_tags(context.session, given.tags), *given.vocabulary_tags]
    package.groups = given.groups
    if given.resources is not None:
        package.resources = _write_resources(package, given.resources, now)


def _write_resources(package: Package, given: list[ResourceInput], now: datetime) -> list[Resource]:
    stored = {resource.id: resource for resource in package.resources}
    resources = []
    for position, item in enumerate(given):
        resource = stored.get(item.id or "") or Resource(id=item.id or new_id(), metadata_modified=now, state="active")
        resource.position = position
        for column, value in item.columns.items():
            if getattr(resource, column) != value:
                setattr(resource, column, value)
        resources.append(resource)
    return resources


def save_package(context: Context, package: Package, *, before: dict[str, Any] | None) -> dict[str, Any]:
    """Finish a write: times, releases, change log and activity follow, unless nothing changed; return the shown dict.

    Args:
        context: of the call.
        package: the dataset with its new values.
        before: the shown dict of before the write; null for a new dataset.

    Raises:
        ValidationError: another transaction took the name at the same moment.
    """
    session, now = context.session, context.now()
    if before is not None:
        after = package_to_dict(package)
        if _without_times(before) == _without_times(after):
            return before
        drop_lost_uploads(context, before, after)
        drop_lost_rows(context, before, after)
        package.metadata_modified = now
        if (before["state"], before["private"]) != (package.state, package.private):
            log_related(session, package, now)
        _move_times_of_resources(package, before, now)
    try:
        session.flush()
    except IntegrityError as error:
        raise ValidationError({"name": [TAKEN["package"]]}) from error
    _make_viewable(context, package, before)
    after = package_to_dict(package)
    if _pointer(before) != _pointer(after):
        follow_pointer(session, package, now)
    log_change(session, package.id, now, is_new=before is None)
    keep_shown(context, package, after)
    record_activity(context, package.id, _activity_type(before, package), {"package": without_relationships(after)})
    session.flush()
    return after


def log_related(session: Session, package: Package, now: datetime) -> None:
    """Tell all readers that the datasets related to this one show it from now on, or show it no longer."""
    ends = {end for row in package.relationships for end in (row.subject_id, row.object_id)}
    if related := ends - {package.id}:
        log_changes(session, Package.id.in_(related), now)


def _activity_type(before: dict[str, Any] | None, package: Package) -> str:
    if before is None:
        return "new package"
    return "deleted package" if package.state == "deleted" and before["state"] != "deleted" else "changed package"


def _without_times(shown: dict[str, Any]) -> dict[str, Any]:
    resources = [{**resource, "metadata_modified": None} for resource in shown["resources"]]
    return {**shown, "metadata_modified": None, "resources": resources}


def _move_times_of_resources(package: Package, before: dict[str, Any], now: datetime) -> None:
    shown_before = {resource["id"]: resource for resource in before["resources"]}
    for resource in package.resources:
        if resource.id in shown_before and resource_to_dict(resource) != shown_before[resource.id]:
            resource.metadata_modified = now


def _make_viewable(context: Context, package: Package, before: dict[str, Any] | None) -> None:
    """Give views to new resources, and to those that can be shown in another way now."""
    locale = context.settings.locale
    known = {one["id"]: (one["format"], one["datastore_active"]) for one in before["resources"]} if before else {}
    for resource in package.resources:
        if resource.id not in known:
            context.session.add_all(missing_views(resource, locale=locale))
        elif known[resource.id] != (resource.format, resource.datastore_active):
            add_missing_views(context.session, [resource], locale=locale)


def _pointer(shown: dict[str, Any] | None) -> dict[str, str]:
    extras = shown["extras"] if shown else []
    return {
        extra["key"]: extra["value"]
        for extra in extras
        if extra["key"] in {"release", "release_summary", "releases_deleted", "releases_withdrawn"}
    }


def ensure_tags(session: Session, names: list[str]) -> list[Tag]:
    """Return the free tags with these names; those that do not exist yet are made, also when others make them now."""
    ids = {tag_id(name): name for name in sorted(names)}
    if not ids:
        return []
    statement = select(Tag).where(Tag.id.in_(ids)).order_by(Tag.name)
    found = session.scalars(statement).all()
    missing = set(ids) - {tag.id for tag in found}
    if missing:
        rows = [{"id": tag_id, "name": name} for tag_id, name in ids.items() if tag_id in missing]
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(dialect.insert(Tag).on_conflict_do_nothing(), rows)
        found = session.scalars(statement).all()
    return list(found)


def record_activity(context: Context, object_id: str, activity_type: str, data: dict[str, Any]) -> None:
    """Write down who did what, with a snapshot of the object."""
    context.session.add(
        Activity(
            timestamp=context.now(),
            user_id=context.user.id if context.user else None,
            object_id=object_id,
            activity_type=activity_type,
            data={**data, "actor": context.user.name if context.user else None},
            hidden=_is_hidden(data.get("package")),
        )
    )


def _is_hidden(shown: dict[str, Any] | None) -> bool:
    return shown is not None and (shown["private"] or shown["state"] == "draft")


def write_resource(context: Context, package: Package, given: ResourceInput) -> Resource:
    """Put one resource into its dataset: in the place of the one with its id, else at the end."""
    stored = [ResourceInput(resource.id, {}) for resource in package.resources]
    position = next((i for i, item in enumerate(stored) if item.id == given.id), len(stored))
    stored[position : position + 1] = [given]
    package.resources = _write_resources(package, stored, context.now())
    return package.resources[position]
