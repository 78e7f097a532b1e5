"""The action `package_search`: parameters in the forms that clients send, results in the shapes that they read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from catalogue.actions.authorize import Role
from catalogue.actions.context import Context
from catalogue.actions.parameters import boolean
from catalogue.errors import SearchError, SearchQueryError, ValidationError
from catalogue.json_input import read_json_parameter
from catalogue.licenses import LICENSE_BY_ID
from catalogue.model import Group
from catalogue.register.shown_packages import shown_list, shown_texts
from catalogue.search.compile import mentions_field
from catalogue.search.index import SearchIndex
from catalogue.search.order import DEFAULT_SORT, parse_sort
from catalogue.search.query import Node, has_local_parameters, parse_filter, parse_search
from catalogue.search.request import SearchPage, SearchRequest, Visibility

__all__ = ["SearchIndex", "package_search", "read_request"]

MOST_FACETS = 500  # each is a walk over the matches
MOST_FILTERS = 500
LONGEST_QUERY = 50_000  # characters; a thousand ids with OR between them fit, and it still costs less than a second

_OURS = {
    *("q", "fq", "fq_list", "sort", "rows", "start", "fl", "use_default_schema"),
    *("facet", "facet.field", "facet.limit", "facet.mincount"),
    *("include_private", "include_drafts", "include_deleted"),
}
_IGNORED = {
    *("qf", "wt", "bf", "boost", "tie", "defType", "mm", "df", "pf", "ps", "qt", "hl", "q.op"),
    *("extras", "callback", "_", "echoParams", "facet.sort"),
}
_GROUP_FIELDS = {"organization", "groups"}


def package_search(context: Context, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return datasets that match, with facets.

    Raises:
        SearchQueryError: A parameter is unknown, or the sort has no direction.
        SearchError: The query is too long, asks for another parser, or for a date that is none.
        ValidationError: A number is none.
    """
    request, sort = read_request(context, params)
    page = context.search.search(request, now=context.now)
    return {
        "count": page.count,
        "sort": sort,
        "results": _results(context, page.ids, _listed(params.get("fl"))),
        "facets": page.facets,
        "search_facets": _search_facets(context, page),
    }


def read_request(context: Context, params: Mapping[str, Any]) -> tuple[SearchRequest, str]:
    """Return the question that the parameters ask, and the sort text to echo."""
    unknown = sorted(key for key in params if key not in _OURS | _IGNORED and not key.startswith("ext_"))
    if unknown:
        raise SearchQueryError(f'"Invalid search parameters: {unknown}"')
    query = parse_search(_asked(params, "q"))
    filters = tuple(parse_filter(text) for text in _filter_texts(params))
    sort = str(params.get("sort") or "").strip()
    sort = DEFAULT_SORT if sort in {"", "rank"} else sort
    has_facets = boolean(params, "facet", default=True)
    request = SearchRequest(
        query=query,
        filters=filters,
        visibility=_visibility(context, params, (query, *filters)),
        sort=parse_sort(sort),
        start=_natural(params, "start", default=0),
        rows=min(_natural(params, "rows", default=10), context.settings.search_rows_max),
        facets=_facet_fields(params) if has_facets else (),
        facet_limit=_integer(params, "facet.limit", default=50),
        facet_mincount=_integer(params, "facet.mincount", default=1),
    )
    return request, sort


def _asked(params: Mapping[str, Any], name: str) -> str:
    value = params.get(name)
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value if value is not None else "")
    if len(text) > LONGEST_QUERY:
        raise SearchError(f"The query is longer than {LONGEST_QUERY} characters in param '{name}'.")
    if has_local_parameters(text):
        raise SearchError(f"Local parameters are not supported in param '{name}'.")
    return text


def _filter_texts(params: Mapping[str, Any]) -> list[str]:
    """Return all filters: `fq` may be repeated, `fq_list` may be one text; each is read on its own and all must hold."""
    texts: list[str] = []
    for name in ("fq", "fq_list"):
        value = params.get(name)
        values = value if isinstance(value, list) else _json_list(value) or [value]
        texts += [_asked({name: item}, name) for item in values[: MOST_FILTERS + 1] if item]
    if len(texts) > MOST_FILTERS or sum(map(len, texts)) > LONGEST_QUERY:
        raise SearchError(f"More than {MOST_FILTERS} filters, or more than {LONGEST_QUERY} characters of them.")
    return texts


def _json_list(value: Any) -> list[Any] | None:
    if not (isinstance(value, str) and value.startswith('["')):
        return None
    try:
        parsed = read_json_parameter(value)
    except ValueError:
        return None
    return parsed if isinstance(parsed, list) else None


def _listed(value: Any) -> list[str]:
    """Return a list that may come as a list, as JSON text, or as words with commas."""
    if isinstance(value, str):
        parsed = _json_list(value)
        value = parsed if parsed is not None else value.strip("[] ").split(",")
    items = value if isinstance(value, list) else [] if value is None else [value]
    return [str(item).strip().strip("\"'") for item in items if str(item).strip()]


def _facet_fields(params: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(_listed(params.get("facet.field"))))
    if len(names) > MOST_FACETS:
        raise ValidationError({"facet.field": [f"At most {MOST_FACETS} fields"]})
    return names


def _integer(params: Mapping[str, Any], name: str, *, default: int) -> int:
    value = params.get(name)
    try:
        return default if value in (None, "") else int(str(value))
    except ValueError:
        raise ValidationError({name: ["Invalid integer", "Must be a natural number"]}) from None


def _natural(params: Mapping[str, Any], name: str, *, default: int) -> int:
    number = _integer(params, name, default=default)
    if number < 0:
        raise ValidationError({name: ["Must be a natural number"]})
    return number


def _visibility(context: Context, params: Mapping[str, Any], asked: tuple[Node, ...]) -> Visibility:
    """Return what the caller may find; a query that mentions `state` lifts the default of active, never a permission."""
    if context.user is None:
        return Visibility()
    names_state = any(mentions_field(node, "state") for node in asked)
    return Visibility(
        user_id=context.user.id,
        organizations=tuple(sorted(id_ for id_, role in context.roles.items() if role >= Role.MEMBER)),
        is_unlimited=context.is_sysadmin,
        packages=tuple(sorted(context.collaborations)),
        include_private=boolean(params, "include_private", default=context.settings.default_include_private),
        include_drafts=names_state or boolean(params, "include_drafts", default=False),
        include_deleted=names_state or boolean(params, "include_deleted", default=False),
    )


def _results(context: Context, ids: list[str], wanted: list[str]) -> Any:
    """Return the datasets whole, or only the index fields that `fl` asks for."""
    if not wanted:
        return shown_list(context, ids)
    return [_chosen(json.loads(text), wanted) for text in shown_texts(context, ids)]


def _chosen(package: Mapping[str, Any], wanted: list[str]) -> dict[str, Any]:
    """Return the index fields asked for by `fl`, flat as a search engine keeps them."""
    resources = package["resources"]
    flat = {
        **{extra["key"]: extra["value"] for extra in package["extras"]},
        **{f"extras_{extra['key']}": extra["value"] for extra in package["extras"]},
        **package,
        "organization": (package["organization"] or {}).get("name"),
        "tags": [tag["name"] for tag in package["tags"]],
        "groups": [group["name"] for group in package["groups"]],
        "res_format": [resource["format"] for resource in resources],
        "res_name": [resource["name"] for resource in resources],
        "res_description": [resource["description"] for resource in resources if resource["description"]],
        "res_url": [resource["url"] for resource in resources],
        "license": package["license_title"],
        "capacity": "private" if package["private"] else "public",
        "dataset_type": package["type"],
        "entity_type": "package",
        "title_string": package["title"],
    }
    return flat if "*" in wanted else {name: flat[name] for name in wanted if flat.get(name) is not None}


def _search_facets(context: Context, page: SearchPage) -> dict[str, Any]:
    """Return the facets with the names that people read, in descending order of these."""
    shown = {}
    for field, counts in page.facets.items():
        names = _display_names(context, field, list(counts))
        items = [{"name": name, "display_name": names.get(name, name), "count": n} for name, n in counts.items()]
        items.sort(key=lambda item: str(item["display_name"]), reverse=True)
        shown[field] = {"title": field, "items": items}
    return shown


def _display_names(context: Context, field: str, values: list[str]) -> dict[str, str]:
    if field in _GROUP_FIELDS and values:
        rows = context.session.execute(select(Group.name, Group.title).where(Group.name.in_(values)))
        return {name: title or name for name, title in rows}
    if field == "license_id":
        return {value: LICENSE_BY_ID[value].title for value in values if value in LICENSE_BY_ID}
    return {}
