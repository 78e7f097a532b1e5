"""Reading actions on datasets, resources, licences and the portal itself. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, TypeVarTuple

from sqlalchemy import select
from sqlalchemy.sql.selectable import Select

from catalogue.actions.authorize import require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import contains, natural, required_text
from catalogue.actions.read_groups import group_list, group_show, organization_list, organization_show
from catalogue.config_options import settings_in_force
from catalogue.errors import NotFound
from catalogue.licenses import LICENSES
from catalogue.model import Package, Resource
from catalogue.register.packages import resource_to_dict
from catalogue.register.public_counts import public_formats
from catalogue.register.shown_packages import shown_list, shown_package

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
]

Columns = TypeVarTuple("Columns")

CKAN_VERSION = "2.11.0"  # the shapes that this API emits
PRODUCT = "phusa"
# CKAN's names of the extensions whose actions and addresses are answered here; clients look for them.
EXTENSIONS = ("activity", "datastore", "dcat", "datatables_view", "hierarchy", "image_view", "text_view")
MAX_PAGE = 1000
LARGEST = 2**62  # "no limit" for a database


def status_show(context: Context, _params: Params) -> dict[str, Any]:
    """Return the name, version and extensions of this portal.

    `ckan_version` is that of the CKAN whose shapes the answers have; `product` and `product_version` are this software's.
    """
    settings = settings_in_force(context.session, context.settings)
    return {
        "site_title": settings.title,
        "site_description": settings.description,
        "site_url": settings.site_url,
        "error_emails_to": settings.contact or None,
        "locale_default": settings.locale,
        "extensions": list(EXTENSIONS),
        "ckan_version": CKAN_VERSION,
        "product": PRODUCT,
        "product_version": version(PRODUCT),
    }


def site_read(_context: Context, _params: Params) -> bool:
    """Return true: everybody may read this portal."""
    return True


def package_list(context: Context, params: Params) -> list[str]:
    """Return the names of all public datasets, sorted; `limit` and `offset` cut a page out."""
    statement = _public(select(Package.name)).order_by(Package.name)
    return list(context.session.scalars(_page(statement, params)))


def current_package_list_with_resources(context: Context, params: Params) -> Any:
    """Return public datasets with all their parts, the last changed first; 10 unless `limit` says more."""
    limit = natural(params, "limit", default=10, maximum=MAX_PAGE)
    offset = natural(params, "offset", default=None)
    if offset is None:
        page = natural(params, "page", default=1) or 1
        offset = (page - 1) * (limit or 0)
    statement = _public(select(Package.id)).order_by(Package.metadata_modified.desc(), Package.id)
    ids = context.session.scalars(statement.limit(limit).offset(min(offset, LARGEST))).all()
    return shown_list(context, ids)


def package_show(context: Context, params: Params) -> Any:
    """Return the dataset whose id or name is `id`, with its resources, tags, groups and extras."""
    name_or_id = required_text(params, "id", "name_or_id", missing_as="name_or_id")
    return shown_package(context, name_or_id)


def package_search(context: Context, params: Params) -> dict[str, Any]:
    """Return the datasets that match the query `q` and the filter `fq`, with counts by the fields of `facet.field`."""
    from catalogue.search import package_search as search  # it imports the context of the actions

    return search.package_search(context, params)


def package_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return public datasets whose name or title contains `q`."""
    query = required_text(params, "q")
    limit = natural(params, "limit", default=10, maximum=MAX_PAGE)
    by_name = contains(Package.name, query)
    by_title = contains(Package.title, query)
    statement = _public(select(Package.name, Package.title)).where(by_name | by_title).order_by(Package.name)
    found = []
    for name, title in context.session.execute(statement.limit(limit)):
        field = "name" if query.lower() in name else "title"
        shown = name if field == "name" else f"{title} ({name})"
        found.append({"name": name, "title": title, "match_field": field, "match_displayed": shown})
    return found


def format_autocomplete(context: Context, params: Params) -> list[str]:
    """Return formats of resources that contain `q`, in lower case, the most used first."""
    query = required_text(params, "q")
    limit = natural(params, "limit", default=5, maximum=MAX_PAGE)
    found = [form for form in public_formats(context.session) if query.lower() in form]
    return found[:limit]


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


def license_list(_context: Context, _params: Params) -> list[dict[str, str]]:
    """Return the licences that datasets can carry."""
    return [license_.to_dict() for license_ in LICENSES]


def _public(statement: Select[*Columns]) -> Select[*Columns]:
    return statement.where(Package.state == "active", Package.private.is_(False))


def _page(statement: Select[*Columns], params: Params) -> Select[*Columns]:
    limit = natural(params, "limit", default=None)
    offset = natural(params, "offset", default=None)
    if limit is None and offset is None:
        return statement
    # SQLite has no OFFSET without LIMIT, so "no limit" is a large one.
    return statement.limit(LARGEST if limit is None else limit).offset(offset)
