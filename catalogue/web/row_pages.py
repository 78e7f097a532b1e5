"""Addresses of rows outside the action API: `/datastore/dump/<id>` and the search that DKAN 1 had.

The caller is who the token says: an organization reads here what it pushed and nobody has released yet, and the publisher,
with a token of that organization, reads it as a source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response, request

from catalogue.actions.context import Context
from catalogue.actions.datastore import datastore_dump, datastore_search
from catalogue.errors import CatalogueError
from catalogue.people.tokens import find_token
from catalogue.services import Services
from catalogue.web.http_answers import reply, token_of_request
from catalogue.web.json_text import to_json

DKAN_PATH = "/api/action/datastore/search.json"
_DKAN_LIMIT = 10
_DKAN_HELP = "Search a datastore table. :param resource_id: id or alias of the data that is going to be selected."
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-CKAN-API-Key",
    "Access-Control-Expose-Headers": "Content-Disposition, X-Release",
}
_OF_COLUMN = re.compile(r"(filters|sort|fields|resource_id)\[([^\]]*)\]")


class RowPages:
    """Answers with rows."""

    def __init__(self, services: Services) -> None:
        self.services = services

    @contextmanager
    def _caller(self) -> Iterator[Context]:
        with self.services.store.read() as session:
            token = token_of_request()
            found = find_token(session, token, self.services.now()) if token else None
            yield self.services.context(session, found.user if found else None)

    def dump(self, resource_id: str) -> Response:
        """Stream all rows of a resource's table."""
        params: dict[str, Any] = {**request.args.to_dict(), "resource_id": resource_id}
        with self._caller() as context:
            dump = datastore_dump(context, params)
        chunks = (chunk.encode() for chunk in dump.chunks)
        response = Response(chunks, content_type=f"{dump.media_type}; charset=utf-8", headers=_CORS)
        response.headers["Content-Disposition"] = f'attachment; filename="{dump.file_name}"'
        response.headers["X-Content-Type-Options"] = "nosniff"
        if dump.release is not None:
            response.headers["X-Release"] = dump.release
        if token_of_request():
            response.headers["Cache-Control"] = "private, no-store"
        return response

    def search_like_dkan(self) -> Response:
        """Answer a search in the words and the shape of DKAN 1; all values are texts there."""
        head = {"help": _DKAN_HELP}
        try:
            params = dkan_params(request.args.to_dict(flat=False))
            with self._caller() as context:
                found = datastore_search(context, params)
        except CatalogueError as error:
            body, status = {**head, "success": False, "error": error.to_dict()}, error.status
        else:
            fields = [field for field in found["fields"] if not field["id"].startswith(("_id", "rank"))]
            names = [field["id"] for field in fields]
            result = {
                "fields": [{"id": field["id"], "type": field["type"]} for field in fields],
                "resource_id": [found["resource_id"]],
                "limit": found["limit"],
                "offset": params["offset"],
                "total": found["total"],
                "records": [{name: _dkan_value(record[name]) for name in names} for record in found["records"]],
            }
            body, status = {**head, "success": True, "result": result}, 200
        response = reply(to_json(body), status)
        response.headers.update(_CORS)
        return response


def dkan_params(given: dict[str, list[str]]) -> dict[str, Any]:
    """Return the parameters of `datastore_search` for a query string of DKAN: `filters[ward]=A,B&sort[ward]=desc`."""
    params: dict[str, Any] = {"limit": _DKAN_LIMIT, "offset": 0}
    filters: dict[str, Any] = {}
    order, fields = [], []
    for key, values in given.items():
        match = _OF_COLUMN.fullmatch(key)
        kind, column = (match[1], match[2]) if match else (key, "")
        listed = [item for value in values for item in value.split(",")]
        if kind == "filters" and column:
            filters[column] = listed if len(listed) > 1 else listed[0]
        elif kind == "sort":
            order += [f'"{column}" {value}' for value in values] if column else values
        elif kind == "fields":
            fields += listed
        elif kind in {"resource_id", "limit", "offset"}:
            params[kind] = values[0]
        elif kind in {"query", "q"}:
            params["q"] = values[0]
    if filters:
        params["filters"] = filters
    if order:
        params["sort"] = order
    if fields:
        params["fields"] = fields
    return params


def _dkan_value(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(value)


def row_pages_blueprint(services: Services) -> Blueprint:
    """Return the routes `/datastore/dump/<id>` and DKAN's search; whoever mounts them answers the errors of the dump."""
    pages = RowPages(services)
    blueprint = Blueprint("row_pages", __name__)
    blueprint.add_url_rule("/datastore/dump/<resource_id>", "dump", pages.dump)
    blueprint.add_url_rule(DKAN_PATH, "dkan", pages.search_like_dkan)
    return blueprint
