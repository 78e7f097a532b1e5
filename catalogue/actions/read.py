"""Reading actions on datasets, resources, tags, licences and the portal itself. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any, TypeVarTuple

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, natural, optional_text, required_text
from catalogue.actions.read_groups import group_list, group_show, organization_list, organization_show
from catalogue.errors import NotFound
from catalogue.licenses import LICENSES
from catalogue.model import Package, Resource, Tag, package_tags
from catalogue.packages import get_package, package_to_dict, packages_by_ids, resource_to_dict

__all__ = [
    "current_package_list_with_resources",
    "format_autocomplete",
    "group_list",
    "group_show",
    "license_list",
    "organization_list",
    "organization_show",
    "package_autocomplete",
    "package_list",
    "package_search",
    "package_show",
    "readable_resource",
    "resource_show",
    "site_read",
    "status_show",
    "tag_autocomplete",
    "tag_list",
    "tag_show",
]

Columns = TypeVarTuple("Columns")

CKAN_VERSION = "2.11.0"  # the shapes that this API emits
MAX_PAGE = 1000
LARGEST = 2**62  # "no limit" for a database


def status_show(context: Context, _params: Params) -> dict[str, Any]:
    """Return the name, version and extensions of this portal."""
    settings = context.settings
    return {
        "site_title": settings.title,
        "site_description": settings.description,
        "site_url": settings.site_url,
        "error_emails_to": settings.contact or None,
        "locale_default": settings.locale,
        "extensions": ["activity", "datastore", "dcat"],
        "ckan_version": CKAN_VERSION,
        "product": "phusa",
    }


def site_read(_context: Context, _params: Params) -> bool:
    """Return true: everybody may read this portal."""
    return True


def package_list(context: Context, params: Params) -> list[str]:
    """Return the names of all public datasets, sorted; `limit` and `offset` cut a page out."""
    statement = _public(select(Package.name)).order_by(Package.name)
    return list(context.session.scalars(_page(statement, params)))


def current_package_list_with_resources(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return public datasets with all their parts, the last changed first; 10 unless `limit` says more."""
    limit = natural(params, "limit", default=10, maximum=MAX_PAGE)
    offset = natural(params, "offset", default=None)
    if offset is None:
        page = natural(params, "page", default=1) or 1
        offset = (page - 1) * (limit or 0)
    statement = _public(select(Package.id)).order_by(Package.metadata_modified.desc(), Package.id)
    ids = context.session.scalars(statement.limit(limit).offset(min(offset, LARGEST))).all()
    return [package_to_dict(package) for package in packages_by_ids(context.session, ids)]


def package_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the dataset whose id or name is `id`, with its resources, tags, groups and extras."""
    name_or_id = required_text(params, "id", "name_or_id", missing_as="name_or_id")
    package = get_package(context.session, name_or_id)
    require_read(context, package)
    return package_to_dict(package)


def package_search(context: Context, params: Params) -> dict[str, Any]:
    """Return the datasets that match the query `q` and the filter `fq`, with counts by the fields of `facet.field`."""
    from catalogue import search  # it imports the context of the actions

    return search.package_search(context, params)


def package_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return public datasets whose name or title contains `q`."""
    query = required_text(params, "q")
    limit = natural(params, "limit", default=10, maximum=MAX_PAGE)
    by_name = Package.name.icontains(query, autoescape=True)
    by_title = Package.title.icontains(query, autoescape=True)
    statement = _public(select(Package.name, Package.title)).where(by_name | by_title).order_by(Package.name)
    found = []
    for name, title in context.session.execute(statement.limit(limit)):
        field = "title" if query.lower() in title.lower() else "name"
        shown = title if field == "name" or title == name else f"{title} ({name})"
        found.append({"name": name, "title": title, "match_field": field, "match_displayed": shown})
    return found


def format_autocomplete(context: Context, params: Params) -> list[str]:
    """Return formats of resources that contain `q`, in lower case, the most used first."""
    query = required_text(params, "q")
    limit = natural(params, "limit", default=5, maximum=MAX_PAGE)
    lowered = func.lower(Resource.format)
    statement = _public(select(lowered).join(Package, Package.id == Resource.package_id))
    statement = statement.where(lowered.contains(query.lower(), autoescape=True)).group_by(lowered)
    return list(context.session.scalars(statement.order_by(func.count().desc(), lowered).limit(limit)))


def resource_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the resource whose id is `id`."""
    return resource_to_dict(readable_resource(context, required_text(params, "id")))


def readable_resource(context: Context, resource_id: str) -> Resource:
    """Return the resource with this id.

    Raises:
        NotFound: there is none.
        NotAuthorized: the caller may not read its dataset.
    """
    resource = context.session.get(Resource, resource_id)
    if resource is None:
        raise NotFound("Resource was not found.")
    require_read(context, resource.package)
    return resource


def tag_list(context: Context, params: Params) -> list[Any]:
    """Return the tags of public datasets, as names, or as dicts with `all_fields`; `query` narrows them down."""
    all_fields = boolean(params, "all_fields", default=False)
    tags = _tags_in_use(
        context.session, optional_text(params, "query"), vocabulary=optional_text(params, "vocabulary_id")
    )
    return [_tag_to_dict(tag) for tag in tags] if all_fields else [tag.name for tag in tags]


def tag_autocomplete(context: Context, params: Params) -> list[str]:
    """Return tags of public datasets that contain `query`."""
    query = required_text(params, "query", "q")
    offset = natural(params, "offset", default=0) or 0
    limit = natural(params, "limit", default=MAX_PAGE, maximum=MAX_PAGE) or 0
    tags = _tags_in_use(context.session, query, vocabulary=optional_text(params, "vocabulary_id"))
    return [tag.name for tag in tags[offset : offset + limit]]


def tag_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the tag whose id or name is `id`; with `include_datasets` also its public datasets."""
    written = required_text(params, "id")
    vocabulary = optional_text(params, "vocabulary_id")
    same_vocabulary = Tag.vocabulary_id == vocabulary if vocabulary else Tag.vocabulary_id.is_(None)
    statement = select(Tag).where((Tag.id == written) | ((Tag.name == written) & same_vocabulary))
    tag = context.session.scalars(statement.order_by(Tag.id != written)).first()
    if tag is None:
        raise NotFound("Tag was not found.")
    shown = _tag_to_dict(tag)
    if boolean(params, "include_datasets", default=False):
        tagged = select(package_tags.c.package_id).where(package_tags.c.tag_id == tag.id)
        public = _public(select(Package.id)).where(Package.id.in_(tagged)).order_by(Package.name)
        ids = context.session.scalars(public.limit(MAX_PAGE)).all()
        shown["packages"] = [package_to_dict(package) for package in packages_by_ids(context.session, ids)]
    return shown


def license_list(_context: Context, _params: Params) -> list[dict[str, str]]:
    """Return the licences that datasets can carry."""
    return [license_.to_dict() for license_ in LICENSES]


def _tags_in_use(session: Session, query: str | None, *, vocabulary: str | None) -> list[Tag]:
    used = (
        select(package_tags.c.tag_id)
        .join(Package, Package.id == package_tags.c.package_id)
        .where(package_tags.c.tag_id == Tag.id)
    )
    statement = select(Tag).where(exists(_public(used)))
    statement = statement.where(Tag.vocabulary_id == vocabulary if vocabulary else Tag.vocabulary_id.is_(None))
    if query:
        statement = statement.where(Tag.name.icontains(query, autoescape=True))
    return list(session.scalars(statement.order_by(Tag.name)))


def _tag_to_dict(tag: Tag) -> dict[str, Any]:
    return {"id": tag.id, "name": tag.name, "vocabulary_id": tag.vocabulary_id, "display_name": tag.name}


def _public(statement: Select[*Columns]) -> Select[*Columns]:
    return statement.where(Package.state == "active", Package.private.is_(False))


def _page(statement: Select[*Columns], params: Params) -> Select[*Columns]:
    limit = natural(params, "limit", default=None)
    offset = natural(params, "offset", default=None)
    if limit is None and offset is None:
        return statement
    # SQLite has no OFFSET without LIMIT, so "no limit" is a large one.
    return statement.limit(LARGEST if limit is None else limit).offset(offset)
