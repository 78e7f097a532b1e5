"""What a request to an action says, read as CKAN reads it: query string, JSON, forms, and JSON dressed as a form."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote_plus

from flask import Request, abort
from werkzeug.datastructures import MultiDict

from catalogue.errors import BadRequest, ValidationError
from catalogue.json_input import check_storable, read_json_text
from catalogue.web.multipart import read_multipart
from catalogue.web.receiving import Receiver

MAX_BODY_BYTES = 64 * 2**20
MAX_FORM_FIELDS_BYTES = 16 * 2**20
MAX_STRANGERS_BYTES = 2**20  # without a valid token: read JSON takes many times the memory of its text

_NOT_A_DICT = "Bad request: JSON Error: Request data JSON decoded to %s but it needs to be a dictionary."
_NOT_JSON = (
    "Bad request: JSON Error: Error decoding JSON data. Error: %s JSON data extracted from the request: not shown"
)


def read_params(request: Request, *, reads: bool, receiver: Receiver) -> dict[str, Any]:
    """Return the parameters of the call.

    Args:
        request: of Flask.
        reads: the action has no side effects; only then the query string of a POST without a body counts.
        receiver: takes the files of a multipart body.

    Raises:
        BadRequest: the body is no JSON object.
        ValidationError: the parameters hold what no database can store, or a file where none belongs.
        RequestEntityTooLarge: the body is larger than this caller may send.
    """
    if request.method == "POST" and request.mimetype == "multipart/form-data":
        most = MAX_FORM_FIELDS_BYTES if _may_be_large(request, receiver) else MAX_STRANGERS_BYTES
        params = read_multipart(request, receiver.take, most_text_bytes=most)
        if receiver.misplaced:
            raise ValidationError(receiver.misplaced)
    else:
        request.max_content_length = MAX_BODY_BYTES if _may_be_large(request, receiver) else MAX_STRANGERS_BYTES
        request.max_form_memory_size = MAX_FORM_FIELDS_BYTES
        params = _plain(request.args) if request.method in {"GET", "HEAD"} else _read_body(request, reads=reads)
    check_storable(params)
    return params


def _may_be_large(request: Request, receiver: Receiver) -> bool:
    """Tell whether the body may be larger than a stranger's; who sends it is asked only where that matters."""
    is_small = request.content_length is not None and request.content_length <= MAX_STRANGERS_BYTES
    return request.method != "POST" or is_small or receiver.knows_caller()


def _read_body(request: Request, *, reads: bool) -> dict[str, Any]:
    body = request.get_data(cache=True)
    if not body:
        return _plain(request.args) if reads else {}
    if request.mimetype == "application/json":
        return _decode(body)
    if request.mimetype != "application/x-www-form-urlencoded":
        abort(415)
    return _read_form(request, body)


def _read_form(request: Request, body: bytes) -> dict[str, Any]:
    """Read a form; one that is a JSON document is plain `curl -d '{...}'`, escaped or not.

    Raises:
        BadRequest: the only key is a JSON document, but no object.
    """
    for candidate in (body, unquote_plus(body.decode(errors="replace")).encode()):
        if candidate.lstrip()[:1] == b"{":
            try:
                return _decode(candidate)
            except BadRequest:
                continue
    form = _plain(request.form)
    only = next(iter(form)) if len(form) == 1 else ""
    if only.lstrip()[:1] in {"{", "["} and form[only] in ("", "1"):
        return _decode(only.encode())
    return form


def _decode(body: bytes) -> dict[str, Any]:
    try:
        decoded = read_json_text(body)
    except RecursionError as error:
        raise BadRequest(_NOT_JSON % "nested too deeply.") from error
    except ValueError as error:
        raise BadRequest(_NOT_JSON % f"{type(error).__name__}.") from error
    if not isinstance(decoded, dict):
        raise BadRequest(_NOT_A_DICT % json.dumps(decoded)[:200])
    return decoded


def _plain(values: MultiDict[str, str]) -> dict[str, Any]:
    lists = values.to_dict(flat=False)
    return {name: given[0] if len(given) == 1 else given for name, given in lists.items()}
