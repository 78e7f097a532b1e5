"""The account of a signed-in person: who they are here, their API tokens, their password."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from catalogue.errors import CatalogueError, NotAuthorized, ValidationError
from catalogue.times import read_time
from cityportal.bilingual import page
from cityportal.chrome import t
from cityportal.identity import forget, remember, session_key, signed_in
from cityportal.public.people import People
from cityportal.public.sign_in_pages import password_problem, provider_label

DAY_SECONDS = 24 * 3600
EXPIRES_AFTER_DAYS = ("30", "90", "365", "never")
LABEL_LENGTH = 80


def add_account_pages(blueprint: Blueprint, people: People) -> None:
    """Register the pages on the blueprint."""
    _add_tokens(blueprint, people)

    @page(blueprint, "/account")
    def account() -> Any:
        return _page(people)

    @page(blueprint, "/account/password", methods=("POST",))
    def change_password() -> Any:
        new = request.form.get("password", "")
        problem = password_problem(new, request.form.get("again", ""))
        if problem:
            return _page(people, problem=problem), 409
        key = people.change_password(session_key(), request.form.get("current", ""), new)
        if key is None:
            return _page(people, problem=t("account.password_wrong")), 403
        remember(key)
        flash(t("account.password_set"), "done")
        return redirect(url_for(".account"), 303)

    @page(blueprint, "/account/sign-out-everywhere", methods=("POST",))
    def sign_out_everywhere() -> Any:
        people.sign_out(session_key(), everywhere=True)
        forget()
        return redirect(url_for(".home"), 303)


def _add_tokens(blueprint: Blueprint, people: People) -> None:
    @page(blueprint, "/account/tokens", methods=("POST",))
    def create_token() -> Any:
        label, days = request.form.get("label", "").strip(), request.form.get("expires", "")
        scope = "all" if request.form.get("scope") == "all" else "read"
        if not 0 < len(label) <= LABEL_LENGTH or days not in EXPIRES_AFTER_DAYS:
            return _page(people, token_problem=t("account.token_needs_label")), 409
        params: dict[str, Any] = {"name": label, "scope": scope}
        if days != "never":
            params |= {"expires_in": int(days), "unit": DAY_SECONDS}
        try:
            made = people.create_token(session_key(), params)
        except CatalogueError:
            abort(403)
        return _page(people, made=made)

    @page(blueprint, "/account/tokens/<token_id>/end", methods=("POST",))
    def end_token(token_id: str) -> Any:
        try:
            people.end_token(session_key(), token_id)
        except (NotAuthorized, ValidationError):
            abort(404)
        flash(t("account.token_ended"), "done")
        return redirect(url_for(".account"), 303)


def _page(people: People, **said: Any) -> Any:
    """Return the page of the account; `said` is what happened: `made`, `problem` or `token_problem`."""
    account = people.account(session_key()) if signed_in() else None
    if account is None:
        return redirect(url_for(".login", next=url_for(".account")))
    return render_template(
        "account.html",
        account=account,
        tokens=[_dated(token) for token in account.tokens],
        expiries=EXPIRES_AFTER_DAYS,
        provider=provider_label(people.services.settings.oidc),
        **said,
    )


def _dated(token: dict[str, Any]) -> dict[str, Any]:
    """Return the token with times instead of their texts."""
    times = {name: _time(token.get(name)) for name in ("created_at", "last_access", "expires_at")}
    return {"scope": "all", **token, **times}


def _time(written: str | None) -> datetime | None:
    return read_time(written) if written else None
