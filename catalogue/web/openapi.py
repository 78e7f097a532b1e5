"""OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.0) of what the catalogue answers: made from the registry of actions.

Texts are the actions' own docstrings; parameters and results come from `parameter_table.yaml`; the other addresses and the
schemas of results from `openapi_parts.yaml`.
"""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from catalogue.actions.parameter_table import KINDS, Described, Parameter, parameter_table
from catalogue.actions.registry import ACTIONS, Action
from catalogue.tongues.described import Portal
from catalogue.web.documents import program_version

Json = dict[str, Any]

ENVELOPE_TYPE = "application/json"
_DESCRIPTION = (
    "The action API of CKAN, for which every CKAN client works, and the catalogue's other open formats. "
    "Reading needs no key; pages of other sites may call it. Errors name the field and the cure."
)
_TOKEN_NOTE = "A token of the API, raw or after `Bearer`."  # noqa: S105  words about tokens
_ROW_FORMS = {"csv": "text/csv", "tsv": "text/tab-separated-values", "json": "application/json", "xml": "text/xml"}


def openapi_document(portal: Portal) -> Json:
    """Return the description of this portal's API."""
    parts = _parts()
    paths: Json = {"/api/3": {"get": _version()}}
    for action in ACTIONS.values():
        paths[f"/api/3/action/{action.name}"] = _action_item(action)
    for address, told in parts["addresses"].items():
        paths[address] = {"get": _address_operation(address, told, parts["rdf"])}
    paths["/datastore/dump/{resource_id}"] = {"get": _dump()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": portal.title,
            "summary": portal.description or portal.title,
            "description": _DESCRIPTION,
            "version": program_version() or "0",
            **({"contact": {"email": portal.contact}} if portal.contact else {}),
        },
        "servers": [{"url": portal.url}],
        "tags": [{"name": "read"}, {"name": "write"}, {"name": "formats"}],
        "paths": paths,
        "components": {
            "schemas": parts["schemas"],
            "parameters": parts["parameters"],
            "responses": _error_responses(),
            "securitySchemes": _security_schemes(),
        },
    }


@cache
def _parts() -> Json:
    text = Path(__file__).with_name("openapi_parts.yaml").read_text(encoding="utf-8")
    parts: Json = yaml.safe_load(text)
    return parts


# ---- actions -------------------------------------------------------------------------------------------------------


def _action_item(action: Action) -> Json:
    described = parameter_table().get(action.name) or Described((), is_open=True, result="any", is_list=False)
    post = _action_operation(action, described) | {"requestBody": _body(described)}
    if not action.reads:
        return {"post": post}
    get = _action_operation(action, described)
    post["operationId"] = f"{action.name}_post"
    callback = {"$ref": "#/components/parameters/callback"}
    return {"get": get | {"parameters": [*map(_in_query, described.parameters), callback]}, "post": post}


def _action_operation(action: Action, described: Described) -> Json:
    text = inspect.getdoc(action.function) or action.name
    return {
        "operationId": action.name,
        "tags": ["read" if action.reads else "write"],
        "summary": text.partition("\n")[0],
        "description": text,
        "security": [*([{}] if action.reads else []), {"token": []}, {"bearer": []}, {"key": []}],
        "responses": {"200": _success(described)} | _errors("400", "403", "404", "409"),
    }


def _in_query(parameter: Parameter) -> Json:
    """Return a parameter of a GET, where objects are texts with JSON."""
    told: Json = {"name": parameter.name, "in": "query", "required": parameter.is_required, "schema": parameter.schema}
    if parameter.kind in {"object", "objects"}:
        told.pop("schema")
        told["content"] = {"application/json": {"schema": parameter.schema}}
    return told | ({"description": parameter.meaning} if parameter.meaning else {})


def _body(described: Described) -> Json:
    schema: Json = {
        "type": "object",
        "properties": {
            one.name: one.schema | ({"description": one.meaning} if one.meaning else {})
            for one in described.parameters
            if one.kind != "file"
        },
    }
    if required := [one.name for one in described.parameters if one.is_required]:
        schema["required"] = required
    content = {"application/json": {"schema": schema}}
    files = {one.name: one.schema for one in described.parameters if one.kind == "file"}
    if files:
        content["multipart/form-data"] = {"schema": schema | {"properties": schema["properties"] | files}}
    return {"content": content, "required": bool(required)}


def _success(described: Described) -> Json:
    result = KINDS.get(described.result, {"$ref": f"#/components/schemas/{described.result}"})
    if described.is_list:
        result = {"type": "array", "items": result}
    envelope = {
        "type": "object",
        "required": ["help", "success", "result"],
        "properties": {"help": {"type": "string"}, "success": {"const": True}, "result": result},
    }
    return {
        "description": "The result, in CKAN's envelope.",
        "content": {ENVELOPE_TYPE: {"schema": envelope}, **_JSONP},
    }


_JSONP: Json = {"application/javascript": {"schema": {"type": "string"}}}


def _errors(*statuses: str) -> Json:
    return {status: {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _error_responses() -> Json:
    envelope = {"$ref": "#/components/schemas/Error"}
    kinds = {
        "400": (
            "The call cannot be read, or its search parameters are wrong.",
            [{"$ref": "#/components/schemas/BareError"}],
        ),
        "403": ("The caller may not do this.", []),
        "404": ("There is no such thing.", []),
        "409": ("Parameters or values are wrong: messages per field.", []),
    }
    return {
        status: {
            "description": text,
            "content": {ENVELOPE_TYPE: {"schema": {"anyOf": [envelope, *others]} if others else envelope}, **_JSONP},
        }
        for status, (text, others) in kinds.items()
    }


def _security_schemes() -> Json:
    return {
        "token": {"type": "apiKey", "in": "header", "name": "Authorization", "description": _TOKEN_NOTE},
        "bearer": {"type": "http", "scheme": "bearer", "description": _TOKEN_NOTE},
        "key": {"type": "apiKey", "in": "header", "name": "X-CKAN-API-Key", "description": "For older clients."},
    }


# ---- other addresses -----------------------------------------------------------------------------------------------


def _version() -> Json:
    schema = {"type": "object", "required": ["version"], "properties": {"version": {"const": 3}}}
    return {
        "operationId": "api_version",
        "tags": ["read"],
        "summary": "The version of the API",
        "responses": {"200": {"description": "The version.", "content": {ENVELOPE_TYPE: {"schema": schema}}}},
    }


def _address_operation(address: str, told: Json, rdf: list[str]) -> Json:
    types = rdf if told["gives"] == "rdf" else told["gives"]
    schema = {"type": "object"} if types == [ENVELOPE_TYPE] else {}
    name = address.strip("/").replace("{", "").replace("}", "")
    return {
        "operationId": "".join(letter if letter.isalnum() else "_" for letter in name),
        "tags": ["formats"],
        "summary": told["summary"],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in told.get("takes", [])],
        "responses": {
            "200": {"description": told["summary"], "content": {one: {"schema": schema} for one in types}},
            "304": {"description": "Unchanged since the client asked last."},
            **{status: _as_text(text) for status, text in _REFUSALS.items()},
        },
    }


_REFUSALS = {"400": "Wrong search parameters.", "404": "There is no such thing.", "409": "A parameter is wrong."}


def _as_text(text: str) -> Json:
    """Return a refusal in words; an address that does not exist at all is answered by a page."""
    words = {"schema": {"type": "string"}}
    return {"description": text, "content": {"text/plain": words, "text/html": words}}


def _dump() -> Json:
    rows = {one.name: one for one in parameter_table()["datastore_search"].parameters}
    kept = ("q", "filters", "plain", "distinct", "fields", "sort", "limit", "offset")
    forms = {"name": "format", "in": "query", "schema": {"enum": list(_ROW_FORMS), "default": "csv"}}
    return {
        "operationId": "datastore_dump",
        "tags": ["formats"],
        "summary": "All rows of a resource as a file",
        "parameters": [
            {
                "name": "resource_id",
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": "^[^/?#.]+$"},
            },
            forms,
            {"name": "bom", "in": "query", "schema": {"type": "boolean"}, "description": "For spreadsheets."},
            *(_in_query(rows[name]) for name in kept),
        ],
        "responses": {
            "200": {"description": "The rows.", "content": {one: {"schema": {}} for one in _ROW_FORMS.values()}},
            **{status: _as_text(text) for status, text in _REFUSALS.items()},
            "503": _as_text("The files are not available at the moment."),
        },
    }
