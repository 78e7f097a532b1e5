"""The HTTP face of the actions: `/api/3/action/<name>` with CKAN's envelope, errors, tokens, JSONP and CORS.

It never redirects, because CKAN's clients do not follow redirects of a POST, and it does not look at cookies: a caller is
who the token says, and without a token, or with a wrong one, nobody.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from functools import cache
from typing import Any

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from catalogue.actions.registry import Action, call_action, get_action
from catalogue.errors import BadRequest, CatalogueError
from catalogue.request_params import read_params
from catalogue.services import Services
from catalogue.tokens import find_token, note_access, was_not_noted_lately

JSON_TYPE = "application/json;charset=utf-8"
JSONP_TYPE = "application/javascript;charset=utf-8"
POST_ONLY = "Bad request: JSON Error: Invalid request. Please use POST method for your request"
TOKEN_HEADERS = ("Authorization", "X-CKAN-API-Key")
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-CKAN-API-Key",
}

log = logging.getLogger(__name__)
_CALLBACK = re.compile(r"[A-Za-z0-9_.$\[\]]{1,200}")


class ActionApi:
    """Answers calls of actions: one transaction each."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.store = services.store

    def answer(self, name: str) -> Response:
        """Answer the current request to the action with this name."""
        callback = request.args.get("callback", "") if request.method == "GET" else ""
        try:
            action = get_action(name)
            status, body = self._run(action, anonymous=bool(callback))
        except BadRequest as error:
            return _reply(error.message, error.status)
        if callback and _CALLBACK.fullmatch(callback):
            return _reply(body, status, callback=callback)
        return _reply(body, status)

    def _run(self, action: Action, *, anonymous: bool) -> tuple[int, dict[str, Any]]:
        if request.method != "POST" and not action.reads:
            raise BadRequest(POST_ONLY)
        head = {"help": f"{self.services.settings.site_url}/api/3/action/help_show?name={action.name}"}
        try:
            params = read_params(request, reads=action.reads)
            if request.method == "GET":
                params.pop("callback", None)
            token = "" if anonymous else token_of_request()
            return 200, {**head, "success": True, "result": self.call(action, params, token=token)}
        except (BadRequest, HTTPException):
            raise
        except CatalogueError as error:
            return error.status, {**head, "error": error.to_dict(), "success": False}
        except Exception:
            log.exception("action %s failed", action.name)
            error_dict = {"__type": "Internal Server Error", "message": "Internal Server Error"}
            return 500, {**head, "error": error_dict, "success": False}

    def call(self, action: Action, params: dict[str, Any], *, token: str) -> Any:
        """Call the action in a transaction of its own, as the owner of the token."""
        now = cache(
            self.services.now
        )  # one moment per call, taken when it is first needed, so after the wait for the lock
        with self.store.read() if action.reads else self.store.write() as session:
            found = find_token(session, token, now()) if token else None
            context = self.services.context(session, found.user if found else None, now=now)
            result = call_action(context, action.name, params)
            to_note = found.id if found is not None and was_not_noted_lately(found, now()) else None
            if to_note and not action.reads:
                note_access(session, to_note, now())
        if to_note and action.reads:
            with self.store.write() as session:
                note_access(session, to_note, now())
        return result


def token_of_request() -> str:
    """Return the API token of the current request: raw, after `Bearer`, or in CKAN's old header; empty without one."""
    for header in TOKEN_HEADERS:
        written = request.headers.get(header, "").strip()
        if written and written[:6].lower() != "basic ":  # that one is for a proxy before us
            return written[7:].strip() if written[:7].lower() == "bearer " else written
    return ""


def _reply(body: Any, status: int, *, callback: str = "") -> Response:
    text = json.dumps(body, ensure_ascii=bool(callback))
    response = Response(f"{callback}({text});" if callback else text, status)
    response.headers["Content-Type"] = JSONP_TYPE if callback else JSON_TYPE
    shared = "private" if token_of_request() else "public"
    response.headers["Cache-Control"] = f"{shared}, max-age=0, must-revalidate"
    response.headers["Vary"] = "Cookie, Authorization, X-CKAN-API-Key"
    response.headers["X-Content-Type-Options"] = "nosniff"
    if status == 200 and request.method in {"GET", "HEAD"}:
        response.add_etag()
        response.make_conditional(request)
    return response


def action_api_blueprint(services: Services) -> Blueprint:
    """Return the blueprint to mount at the root of the portal; all its addresses begin with `/api`."""
    api = ActionApi(services)
    blueprint = Blueprint("action_api", __name__, url_prefix="/api")

    def version(number: int = 1) -> Response:
        return _reply({"version": number}, 200)

    blueprint.add_url_rule("", "root", version, strict_slashes=False)
    for number in (1, 2, 3):
        defaults = {"number": number}
        blueprint.add_url_rule(f"/{number}", f"version_{number}", version, defaults=defaults, strict_slashes=False)
    for number, rule in enumerate(("/3/action/<name>", "/action/<name>")):
        blueprint.add_url_rule(rule, f"action_{number}", api.answer, methods=["GET", "POST"])
    _add_short_forms(blueprint, api)
    blueprint.after_request(_let_other_sites_read)
    return blueprint


def _let_other_sites_read(response: Response) -> Response:
    """Allow pages of other sites to call, preflight requests included; no cookie of ours counts here."""
    response.headers.update(CORS)
    return response


def _add_short_forms(blueprint: Blueprint, api: ActionApi) -> None:
    """Add `/api/util/...`, the addresses that forms of CKAN's own pages and some clients call."""

    def run(name: str, **params: str | None) -> Any:
        return api.call(get_action(name), params, token=token_of_request())

    def answer(kind: str) -> Response:
        given = request.args
        limit = given.get("limit")
        try:
            return _reply(_SHORT_FORMS[kind](run, given.get("incomplete", ""), given.get("q", ""), limit), 200)
        except CatalogueError as error:
            return _reply(error.to_dict(), error.status)

    for number, prefix in enumerate(("/util", "/1/util", "/2/util")):
        for kind in _SHORT_FORMS:
            endpoint = f"util_{number}_{kind.replace('/', '_')}"
            blueprint.add_url_rule(f"{prefix}/{kind}", endpoint, answer, defaults={"kind": kind})


def _result_set(rows: list[Any]) -> dict[str, Any]:
    return {"ResultSet": {"Result": rows}}


_SHORT_FORMS: dict[str, Callable[..., Any]] = {
    "dataset/autocomplete": lambda run, incomplete, _q, limit: _result_set(
        run("package_autocomplete", q=incomplete, limit=limit or "10") if incomplete else []
    ),
    "tag/autocomplete": lambda run, incomplete, _q, limit: _result_set(
        [{"Name": name} for name in run("tag_autocomplete", q=incomplete, limit=limit or "10")] if incomplete else []
    ),
    "resource/format_autocomplete": lambda run, incomplete, _q, limit: _result_set(
        [{"Format": name} for name in run("format_autocomplete", q=incomplete, limit=limit or "5")]
        if incomplete
        else []
    ),
    "user/autocomplete": lambda run, _incomplete, q, limit: (
        run("user_autocomplete", q=q, limit=limit or "20") if q else []
    ),
    "group/autocomplete": lambda run, _incomplete, q, limit: run("group_autocomplete", q=q, limit=limit or "20"),
    "organization/autocomplete": lambda run, _incomplete, q, limit: run(
        "organization_autocomplete", q=q, limit=limit or "20"
    ),
    "status": lambda run, _incomplete, _q, _limit: run("status_show"),
}


def create_app(services: Services) -> Flask:
    """Return an application that answers the action API and nothing else."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(action_api_blueprint(services))
    return app
