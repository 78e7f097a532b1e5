"""Signing in with the OpenID Connect provider: to it, back from it, and connecting it with an account that is there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, abort, flash, redirect, request, session, url_for
from sqlalchemy.exc import IntegrityError

from catalogue.people.oidc import Attempt, OidcCancelled, OidcProvider, OidcRefused, OidcUnavailable
from catalogue.people.oidc_accounts import NoAccount, OidcPerson
from cityportal.bilingual import language, page
from cityportal.chrome import clock
from cityportal.identity import is_form_token, own_path, remember, session_key, signed_in
from cityportal.languages import Language, translate
from cityportal.public.people import People
from cityportal.public.sign_in_pages import first_page

BACK_WITHIN_SECONDS = 15 * 60

log = logging.getLogger(__name__)


def add_oidc_pages(blueprint: Blueprint, people: People) -> None:
    """Register the pages of the provider in the settings on the blueprint."""
    provider = OidcProvider(people.services.settings)

    @page(blueprint, "/user/oidc")
    def to_provider() -> Any:
        connecting = "connect" in request.args
        if connecting and (signed_in() is None or not is_form_token(request.args["connect"])):
            abort(400, "form_token")
        try:
            address, attempt = provider.begin(clock())
        except OidcUnavailable as error:
            return _back_to_sign_in(error, language())
        session["oidc"] = {
            "attempt": [attempt.state, attempt.nonce, attempt.verifier],
            "until": clock().timestamp() + BACK_WITHIN_SECONDS,
            "goal": own_path(request.args.get("next")),
            "language": language(),
            "connect": connecting,
        }
        return redirect(address, 302)

    @blueprint.get("/user/oidc/back")
    def from_provider() -> Any:
        told = session.pop("oidc", None)
        if not isinstance(told, dict) or told["until"] < clock().timestamp():
            return _back_to_sign_in(OidcRefused("no attempt of this browser"), language())
        spoken: Language = told["language"]
        try:
            person = provider.finish(Attempt(*told["attempt"]), request.url, clock())
            return redirect(_connect(people, person, spoken) if told["connect"] else _enter(people, person, told), 303)
        # IntegrityError: the same person came in through two windows at once
        except (OidcRefused, NoAccount, IntegrityError) as error:
            return _back_to_sign_in(error, spoken)


def _enter(people: People, person: OidcPerson, told: Mapping[str, Any]) -> str:
    """Sign the person in and return where to go on to."""
    remember(people.come_in(person))
    return told["goal"] or first_page(told["language"])


def _connect(people: People, person: OidcPerson, spoken: Language) -> str:
    people.connect(session_key(), person)
    flash(translate(spoken, "account.connected_now"), "done")
    return url_for(".account", language=spoken)


def _back_to_sign_in(error: Exception, spoken: Language) -> Any:
    if isinstance(error, NoAccount):
        problem = f"oidc.no_account_{error.reason}"
    else:
        named: dict[type[Exception], str] = {OidcUnavailable: "oidc.unavailable", OidcCancelled: "oidc.cancelled"}
        problem = named.get(type(error), "oidc.refused")
    log.info(
        "sign-in with the provider failed: %s %s",
        type(error).__name__,
        "" if isinstance(error, IntegrityError) else error,
    )
    flash(translate(spoken, problem), "wrong")
    return redirect(url_for(".login", language=spoken), 303)
