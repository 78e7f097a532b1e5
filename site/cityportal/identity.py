"""Who is signed in, and proof that a form was sent from our own page."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import Flask, abort, current_app, g, request, session
from flask.sansio.app import App

_PEOPLE = "cityportal.people"
_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Identity:
    """A signed-in person; `roles` maps the name of an organization to admin, editor or member."""

    name: str
    fullname: str = ""
    sysadmin: bool = False
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown_name(self) -> str:
        """The name to greet with."""
        return self.fullname or self.name

    def is_steward(self, organization: str) -> bool:
        """Tell whether the person works on the organization's datasets: sees runs, starts them, holds them."""
        return self.sysadmin or self.roles.get(organization) in {"editor", "admin"}

    def is_approver(self, organization: str) -> bool:
        """Tell whether the person answers for the organization's releases: approves and rejects."""
        return self.roles.get(organization) == "admin"

    def may_roll_back(self, organization: str) -> bool:
        """Tell whether the person may accept drift and move the pointer back; operators may too."""
        return self.sysadmin or self.is_approver(organization)


def know_people(app: App, find: Callable[[str], Identity | None]) -> None:
    """Tell the application how to find the person who is signed in with the key of a browser's cookie."""
    app.extensions[_PEOPLE] = find


def signed_in() -> Identity | None:
    """Return the person of this session with their rights of this moment, null for a visitor."""
    if "identity" not in g:
        g.identity = None  # when the database does not answer, the page of the error is a visitor's
        key = session.get("key")
        if isinstance(key, str) and _PEOPLE in current_app.extensions:
            g.identity = current_app.extensions[_PEOPLE](key)
    found: Identity | None = g.identity
    return found


def session_key() -> str:
    """Return the key that this browser is signed in with, empty for a visitor."""
    return str(session.get("key", ""))


def remember(key: str) -> None:
    """Begin the session of the person with this key; everything of an earlier session is forgotten."""
    forget()
    session["key"] = key


def forget() -> None:
    """Make the browser a visitor's."""
    session.clear()
    g.pop("identity", None)


def form_token() -> str:
    """Return the session's secret that every form carries."""
    if "form_token" not in session:
        session["form_token"] = secrets.token_urlsafe(24)
    return str(session["form_token"])


def is_form_token(given: str) -> bool:
    """Tell whether this is the session's secret."""
    known = session.get("form_token", "")
    return bool(known) and hmac.compare_digest(str(known).encode(), given.encode(errors="replace"))


def check_forms(app: Flask) -> None:
    """Let the application refuse with 400 every changing request that does not carry the session's secret.

    The action API alone needs none: it looks at tokens and never at the cookie.
    """

    @app.before_request
    def _check() -> None:
        is_page = request.endpoint is not None and request.blueprint != "action_api"
        if is_page and request.method in _CHANGING and not is_form_token(request.form.get("form_token", "")):
            abort(400, "form_token")


def own_path(target: str | None) -> str | None:
    """Return a path of this site to go on to, null for anything that would lead elsewhere."""
    if (
        not target
        or not target.startswith("/")
        or target.startswith("//")
        or not target.isprintable()
        or "\\" in target
    ):
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
