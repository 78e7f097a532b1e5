"""The HTTP face of the actions: `/api/3/action/<name>` with CKAN's envelope, errors, tokens, JSONP and CORS.

It never redirects, because CKAN's clients do not follow redirects of a POST, and it does not look at cookies: a caller is
who the token says, and without a token, or with a wrong one, nobody.
"""

from __future__ import annotations

import hashlib
import json
import logging
import re
from functools import cache, cached_property
from typing import Any

from flask import Blueprint, Flask, Response, request
from sqlalchemy.exc import DBAPIError, InvalidRequestError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from catalogue.actions.context import Context
from catalogue.actions.registry import Action, call_action, get_action
from catalogue.errors import BadRequest, CatalogueError
from catalogue.people.tokens import find_token, note_access, require_writing_token, was_not_noted_lately
from catalogue.register.change_log import newest_change
from catalogue.register.shown_packages import made_by, put_back
from catalogue.services import Services
from catalogue.store import has_met_another
from catalogue.web.http_answers import RememberedAnswers, not_modified, reply, token_of_request
from catalogue.web.json_text import JsonText, to_json
from catalogue.web.receiving import Receiver
from catalogue.web.request_params import read_params
from catalogue.web.short_forms import SHORT_FORMS

POST_ONLY = "Bad request: JSON Error: Invalid request. Please use POST method for your request"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, X-CKAN-API-Key",
}
# What everybody without a token gets, until a dataset changes; nothing else that can change shows in these answers.
SAME_UNTIL_A_CHANGE = {"package_list", "package_search", "current_package_list_with_resources"}
MOST_RETRIES = 2

log = logging.getLogger(__name__)
_CALLBACK = re.compile(r"[A-Za-z0-9_.$\[\]]{1,200}")


class ActionApi:
    """Answers calls of actions: one transaction each."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.store = services.store
        self._remembered = RememberedAnswers()

    def answer(self, name: str) -> Response:
        """Answer the current request to the action with this name."""
        callback = request.args.get("callback", "") if request.method != "POST" else ""
        try:
            action = get_action(name)
            _require_post(action)
            return self._answer(action, callback)
        except BadRequest as error:
            return reply(to_json(error.message), error.status)

    def _answer(self, action: Action, callback: str) -> Response:
        help_ = f"{self.services.settings.site_url}/api/3/action/help_show?name={action.name}"
        spelled = callback if _CALLBACK.fullmatch(callback) else ""
        token = "" if callback else token_of_request()
        try:
            with Receiver(self.services, action.name, token) as receiver:
                params = read_params(request, reads=action.reads, receiver=receiver)
                if request.method != "POST":
                    params.pop("callback", None)
                if not token and not callback and _is_same_for_all(action, params):
                    return self._answer_for_all(action, params, help_)
                result = self.call(action, params, token=token, as_text=not callback)
        except (BadRequest, HTTPException):
            raise
        except CatalogueError as error:
            status, failure = error.status, error.to_dict()
        except Exception:
            log.exception("action %s failed", action.name)
            status, failure = 500, {"__type": "Internal Server Error", "message": "Internal Server Error"}
        else:
            return _success(help_, result, callback=spelled)
        body = {"help": help_, "error": failure, "success": False}
        return reply(json.dumps(body, ensure_ascii=bool(spelled)), status, callback=spelled)

    def _answer_for_all(self, action: Action, params: dict[str, Any], help_: str) -> Response:
        """Answer what everybody is answered, without making the answer when the client or this process has it."""
        question = f"{action.name} {json.dumps(params, sort_keys=True)}"
        with self.store.read() as session:
            seq = newest_change(session)
            context = self.services.context(session, now=cache(self.services.now))
            context.wants_texts = True
            is_timeless = "NOW" not in question  # what a query says about the time changes by itself
            tag = f"{self._edition}-{seq}" if is_timeless and request.method != "POST" else ""
            if tag and (known := not_modified(tag)):
                return known
            text = self._remembered.get(question, seq=seq) if is_timeless else None
            if text is None:
                text = to_json(call_action(context, action.name, params))
                if is_timeless:
                    self._remembered.put(question, text, seq=seq)
        self._put_back(context)
        return _success(help_, JsonText(text), tag=tag)

    def call(self, action: Action, params: dict[str, Any], *, token: str, as_text: bool = False) -> Any:
        """Call the action in a transaction of its own, as the owner of the token.

        With `as_text` the result may hold `JsonText`. A write that met another one is begun anew: what is there now is
        what the caller hears about.
        """
        for _ in range(0 if action.reads else MOST_RETRIES):
            try:
                return self._call(action, params, token=token, as_text=as_text)
            except (DBAPIError, StaleDataError, InvalidRequestError) as error:
                if not has_met_another(error):
                    raise
        return self._call(action, params, token=token, as_text=as_text)

    def _call(self, action: Action, params: dict[str, Any], *, token: str, as_text: bool) -> Any:
        # one moment per call, taken when it is first needed, so after the wait for the lock
        now = cache(self.services.now)
        with self.store.read() if action.reads else self.store.write() as session:
            found = find_token(session, token, now()) if token else None
            if found is not None and not action.reads:
                require_writing_token(found, action.name)
            context = self.services.context(session, found.user if found else None, now=now)
            context.wants_texts = as_text
            result = call_action(context, action.name, params)
            to_note = found.id if found is not None and was_not_noted_lately(found, now()) else None
            if to_note and not action.reads:
                note_access(session, to_note, now())
        if to_note and action.reads:
            with self.store.write() as session:
                note_access(session, to_note, now())
        self._put_back(context)
        return result

    @cached_property
    def _edition(self) -> str:
        """Return what tells the answers of this code with these settings from those of others."""
        settings = hashlib.sha256(self.services.settings.model_dump_json().encode()).hexdigest()
        return f"{made_by(self.services.settings)}-{settings[:16]}"

    def _put_back(self, context: Context) -> None:
        """Store the texts that were missing; that the next reader is quicker must not cost this one the answer."""
        if not context.made_anew:
            return
        try:
            put_back(context)
        except SQLAlchemyError as error:
            log.info("the texts of %d datasets could not be stored: %s", len(context.made_anew), type(error).__name__)


def _is_same_for_all(action: Action, params: dict[str, Any]) -> bool:
    if action.name == "tag_list":  # a vocabulary can change without any dataset
        return not params.get("vocabulary_id")
    return action.name in SAME_UNTIL_A_CHANGE


def _require_post(action: Action) -> None:
    if request.method != "POST" and not action.reads:
        raise BadRequest(POST_ONLY)


def _success(help_: str, result: Any, *, callback: str = "", tag: str = "") -> Response:
    body = {"help": help_, "success": True, "result": result}
    return reply(json.dumps(body) if callback else to_json(body), callback=callback, tag=tag)


def action_api_blueprint(services: Services) -> Blueprint:
    """Return the blueprint to mount at the root of the portal; all its addresses begin with `/api`."""
    api = ActionApi(services)
    blueprint = Blueprint("action_api", __name__, url_prefix="/api")
    blueprint.add_url_rule("", "root", _version, strict_slashes=False)
    for number in (1, 2, 3):
        defaults = {"number": number}
        blueprint.add_url_rule(f"/{number}", f"version_{number}", _version, defaults=defaults, strict_slashes=False)
    for number, rule in enumerate(("/3/action/<name>", "/action/<name>")):
        blueprint.add_url_rule(rule, f"action_{number}", api.answer, methods=["GET", "POST"])
    _add_short_forms(blueprint, api)
    blueprint.after_request(_let_other_sites_read)
    return blueprint


def _version(number: int = 1) -> Response:
    return reply(to_json({"version": number}))


def _let_other_sites_read(response: Response) -> Response:
    """Allow pages of other sites to call, preflight requests included; no cookie of ours counts here."""
    response.headers.update(CORS)
    return response


def _add_short_forms(blueprint: Blueprint, api: ActionApi) -> None:
    def run(name: str, **params: str | None) -> Any:
        return api.call(get_action(name), params, token=token_of_request())

    def answer(kind: str) -> Response:
        given = request.args
        try:
            result = SHORT_FORMS[kind](run, given.get("incomplete", ""), given.get("q", ""), given.get("limit"))
        except CatalogueError as error:
            return reply(to_json(error.to_dict()), error.status)
        return reply(to_json(result))

    for number, prefix in enumerate(("/util", "/1/util", "/2/util")):
        for kind in SHORT_FORMS:
            endpoint = f"util_{number}_{kind.replace('/', '_')}"
            blueprint.add_url_rule(f"{prefix}/{kind}", endpoint, answer, defaults={"kind": kind})


def create_app(services: Services) -> Flask:
    """Return an application that answers the action API and nothing else."""
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(action_api_blueprint(services))
    return app
