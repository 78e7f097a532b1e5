"""Signing in and out, for the people of the agencies; readers need no account."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from flask import Blueprint, redirect, render_template, request, session, url_for
from sqlalchemy import select

from catalogue.accounts import sign_in
from catalogue.model import Group, Member
from catalogue.services import Services
from cityportal.bilingual import page
from cityportal.chrome import clock
from cityportal.identity import Identity, check_form_token, own_path, remember


def add_sign_in_pages(blueprint: Blueprint, services: Services) -> None:
    """Register the pages on the blueprint."""

    @page(blueprint, "/user/login", methods=("GET", "POST"))
    def login() -> Any:
        goal = own_path(request.values.get("next"))
        name = request.form.get("name", "").strip()
        if request.method == "GET":
            return render_template("sign_in.html", goal=goal, name="", is_wrong=False)
        check_form_token()
        identity = _identity(services, name, request.form.get("password", ""))
        if identity is None:
            return render_template("sign_in.html", goal=goal, name=name, is_wrong=True), 403
        remember(identity)
        return redirect(goal or ("/workspace" if request.path.startswith("/user") else "/en/workspace"), 303)

    @page(blueprint, "/user/logout", methods=("POST",))
    def logout() -> Any:
        check_form_token()
        session.clear()
        return redirect(url_for(".home"), 303)


def _identity(services: Services, name: str, password: str) -> Identity | None:
    now = clock().astimezone(UTC).replace(tzinfo=None)
    with services.store.write() as database:
        user = sign_in(database, name, password, now)
        if user is None:
            return None
        memberships = database.execute(
            select(Group.name, Member.capacity)
            .join(Group, Group.id == Member.group_id)
            .where(Member.user_id == user.id, Group.is_organization, Group.state == "active")
        )
        roles = {row.name: row.capacity for row in memberships}
        return Identity(user.name, user.fullname or "", sysadmin=user.sysadmin, roles=roles)
