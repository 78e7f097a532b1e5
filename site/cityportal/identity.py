"""Who is signed in, and proof that a form was sent from our own page."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flask import abort, request, session


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


def signed_in() -> Identity | None:
    """Return the person of this session, null for a visitor."""
    known = session.get("identity")
    if not isinstance(known, dict):
        return None
    return Identity(known["name"], known.get("fullname") or "", bool(known.get("sysadmin")), known.get("roles") or {})


def remember(identity: Identity) -> None:
    """Begin the person's session; everything of an earlier session is forgotten."""
    session.clear()
    session["identity"] = {
        "name": identity.name,
        "fullname": identity.fullname,
        "sysadmin": identity.sysadmin,
        "roles": dict(identity.roles),
    }


def form_token() -> str:
    """Return the session's secret that every form carries."""
    if "form_token" not in session:
        session["form_token"] = secrets.token_urlsafe(24)
    return str(session["form_token"])


def check_form_token() -> None:
    """Refuse a form with 400 unless it carries the session's secret."""
    known, given = session.get("form_token", ""), request.form.get("form_token", "")
    if not known or not hmac.compare_digest(str(known).encode(), given.encode()):
        abort(400, "form_token")


def own_path(target: str | None) -> str | None:
    """Return a path of this site to go on to, null for anything that would lead elsewhere."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
