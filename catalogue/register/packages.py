"""Datasets: finding them in the database and showing them as CKAN's package and resource dicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload, selectinload
from sqlalchemy.orm.interfaces import ORMOption

from catalogue.errors import NotFound
from catalogue.licenses import LICENSE_BY_ID
from catalogue.model import Group, NameRedirect, Package, PackageRelationship, Resource, Tag
from catalogue.register.relationships import relationships_to_dict
from catalogue.register.translations import ENDING, portal_language, translated
from catalogue.times import show_given_time, show_time

PACKAGE_TEXTS = ("notes", "url", "version", "author", "author_email", "maintainer", "maintainer_email", "license_id")
PACKAGE_TRANSLATED = ("title", "notes")
RESOURCE_COLUMNS = tuple(column.key for column in Resource.__table__.columns if column.key != "extras")


def everything() -> tuple[ORMOption, ...]:
    """Return the loading options with which a dataset dict costs no further query, however many datasets are loaded."""
    return (
        joinedload(Package.organization),
        selectinload(Package.resources),
        selectinload(Package.tags),
        selectinload(Package.groups),
        # The datasets at the other end cost a query only where there are any.
        selectinload(Package.relationships).options(
            selectinload(PackageRelationship.subject), selectinload(PackageRelationship.object)
        ),
    )


def find_package_id(session: Session, name_or_id: str) -> str | None:
    """Return the id of the dataset with this id, name or former name, whatever its state, or null."""
    statement = select(Package.id, Package.name).where(or_(Package.id == name_or_id, Package.name == name_or_id))
    rows = session.execute(statement).all()
    for package_id, _ in sorted(rows, key=lambda row: row[0] != name_or_id):
        return package_id
    return session.scalar(
        select(NameRedirect.target_id).where(NameRedirect.kind == "package", NameRedirect.name == name_or_id)
    )


def get_package(session: Session, name_or_id: str, *, lock: bool = False) -> Package:
    """Return the dataset with this id, name or former name, whatever its state.

    With `lock`, others wait with writing to it until the transaction ends (SQLite: the writing session does that).

    Raises:
        NotFound: there is none.
    """
    package_id = find_package_id(session, name_or_id)
    if package_id is not None and lock:
        session.execute(select(Package.id).where(Package.id == package_id).with_for_update())
    statement = select(Package).where(Package.id == package_id).options(*everything())
    package = session.scalar(statement.execution_options(populate_existing=lock)) if package_id else None
    if package is None:
        raise NotFound("Package was not found.")
    return package


def packages_by_ids(session: Session, ids: Sequence[str]) -> list[Package]:
    """Return the datasets with these ids, in this order, with all their parts; absent ones are left out.

    The number of queries does not depend on the number of datasets.
    """
    rows = session.scalars(select(Package).where(Package.id.in_(ids)).options(*everything())).all()
    found = {package.id: package for package in rows}
    return [found[package_id] for package_id in ids if package_id in found]


def package_to_dict(package: Package) -> dict[str, Any]:
    """Return the dataset as `package_show` shows it."""
    license_ = LICENSE_BY_ID.get(package.license_id or "")
    language = portal_language(package)
    shown: dict[str, Any] = {
        "id": package.id,
        "name": package.name,
        "title": package.title,
        **{field: getattr(package, field) for field in PACKAGE_TEXTS},
        "license_title": license_.title if license_ else package.license_id,
        "isopen": bool(license_ and license_.is_open),
        "owner_org": package.owner_org,
        "organization": organization_of_package(package.organization) if package.organization else None,
        "private": package.private,
        "state": package.state,
        "type": package.type,
        "creator_user_id": package.creator_user_id,
        "metadata_created": show_time(package.metadata_created),
        "metadata_modified": show_time(package.metadata_modified),
        "num_resources": len(package.resources),
        "num_tags": len(package.tags),
        "resources": [resource_to_dict(resource) for resource in package.resources],
        "tags": [tag_to_dict(tag) for tag in sorted(package.tags, key=lambda tag: (tag.name, tag.id))],
        "groups": [group_of_package(group) for group in sorted(package.groups, key=lambda group: group.name)],
        "extras": extras_to_list(package.extras),
        **relationships_to_dict(package),
        **{
            field + ENDING: translated(field, getattr(package, field), package.extras, language)
            for field in PACKAGE_TRANSLATED
        },
    }
    if license_ and license_.url:
        shown["license_url"] = license_.url
    return shown


def resource_to_dict(resource: Resource) -> dict[str, Any]:
    """Return the resource as CKAN shows it; its further keys stand beside the known ones."""
    return {
        **resource.extras,
        "id": resource.id,
        "package_id": resource.package_id,
        "position": resource.position,
        "name": resource.name,
        "description": resource.description,
        "url": resource.url,
        "url_type": resource.url_type,
        "format": resource.format,
        "mimetype": resource.mimetype,
        "mimetype_inner": resource.mimetype_inner,
        "size": resource.size,
        "hash": resource.hash,
        "created": show_given_time(resource.created),
        "last_modified": show_given_time(resource.last_modified),
        "metadata_modified": show_time(resource.metadata_modified),
        "cache_url": resource.cache_url,
        "cache_last_updated": show_given_time(resource.cache_last_updated),
        "resource_type": resource.resource_type,
        "state": resource.state,
        "datastore_active": resource.datastore_active,
    }


def tag_to_dict(tag: Tag) -> dict[str, Any]:
    """Return the tag as it stands in a dataset dict."""
    return {
        "id": tag.id,
        "name": tag.name,
        "display_name": tag.name,
        "state": "active",
        "vocabulary_id": tag.vocabulary_id,
    }


def organization_of_package(group: Group) -> dict[str, Any]:
    """Return the organization as it stands in a dataset dict."""
    return {
        "id": group.id,
        "name": group.name,
        "title": group.title,
        "type": group.type,
        "description": group.description,
        "image_url": group.image_url,
        "created": show_time(group.created),
        "is_organization": group.is_organization,
        "approval_status": group.approval_status,
        "state": group.state,
    }


def group_of_package(group: Group) -> dict[str, Any]:
    """Return the group as it stands in a dataset dict."""
    return {
        "id": group.id,
        "name": group.name,
        "title": group.title,
        "display_name": group.title or group.name,
        "description": group.description,
        "image_display_url": group.image_url,
    }


def extras_to_list(extras: dict[str, Any]) -> list[dict[str, Any]]:
    """Return extras in CKAN 2.12's order: short keys first, then by their bytes."""
    keys = sorted(extras, key=lambda key: (len(key.encode()), key.encode()))
    return [{"key": key, "value": extras[key]} for key in keys]
