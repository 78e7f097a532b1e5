"""Signing in and out, and choosing a password by the key of a letter; readers need no account."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for

from catalogue.people.passwords import password_faults
from catalogue.settings import OidcSection
from cityportal.bilingual import language, page
from cityportal.chrome import t
from cityportal.identity import forget, own_path, remember, session_key, signed_in
from cityportal.languages import DEFAULT, Language
from cityportal.public.people import People


def add_sign_in_pages(blueprint: Blueprint, people: People) -> None:
    """Register the pages on the blueprint."""
    _add_letters(blueprint, people)

    @page(blueprint, "/user/login", methods=("GET", "POST"))
    def login() -> Any:
        goal = own_path(request.values.get("next"))
        oidc = people.services.settings.oidc
        if request.method != "POST":
            return render_template("sign_in.html", goal=goal, name="", is_wrong=False, provider=provider_label(oidc))
        name = request.form.get("name", "").strip()
        key = people.sign_in(name, request.form.get("password", ""))
        if key is None:
            shown = {"goal": goal, "name": name, "is_wrong": True, "provider": provider_label(oidc)}
            return render_template("sign_in.html", **shown), 403
        remember(key)
        return redirect(goal or first_page(language()), 303)

    @page(blueprint, "/user/logout", methods=("POST",))
    def logout() -> Any:
        people.sign_out(session_key())
        forget()
        return redirect(url_for(".home"), 303)


def _add_letters(blueprint: Blueprint, people: People) -> None:
    @page(blueprint, "/user/reset", methods=("GET", "POST"))
    def reset() -> Any:
        if request.method != "POST":
            return render_template("reset.html", is_sent=False)
        people.ask_for_letter(request.form.get("name", "").strip())
        return render_template("reset.html", is_sent=True)

    @page(blueprint, "/user/password", methods=("GET", "POST"))
    def password() -> Any:
        key = request.values.get("key", "")
        name = people.name_of_key(key)
        if name is None:
            return render_template("set_password.html", name=None), 404
        new = request.form.get("password", "")
        problem = password_problem(new, request.form.get("again", "")) if request.method == "POST" else None
        if request.method != "POST" or problem:
            shown = render_template("set_password.html", name=name, key=key, problem=problem)
            answer = make_response(shown, 409 if problem else 200)
            answer.headers.update({"Referrer-Policy": "no-referrer", "Cache-Control": "private, no-store"})
            return answer
        session = people.choose_password(key, new)
        if session is None:
            return render_template("set_password.html", name=None), 404
        remember(session)
        flash(t("account.password_set"), "done")
        return redirect(url_for(".account"), 303)


def password_problem(new: str, again: str) -> str | None:
    """Return what is wrong with a new password, for its owner."""
    if password_faults(new):
        return t("account.password_rule")
    return None if new == again else t("account.password_differs")


def first_page(spoken: Language) -> str:
    """Return where a person goes who signed in without wanting anything special: the workspace, if they work there."""
    identity = signed_in()
    if identity is not None and (identity.sysadmin or identity.roles):
        return "/workspace" if spoken == DEFAULT else f"/{spoken}/workspace"
    return url_for(".account", language=spoken)


def provider_label(oidc: OidcSection) -> str | None:
    """Return the words on the button of the OpenID Connect provider, null when there is none."""
    if not oidc.issuer:
        return None
    return oidc.label_vi if language() == "vi" else oidc.label_en
