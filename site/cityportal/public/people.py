"""What the pages of people with accounts ask of the catalogue: one transaction each, all by the page's clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from catalogue.actions.context import Context
from catalogue.actions.registry import call_action
from catalogue.model import Group, User
from catalogue.people.account_keys import choose_password, find_user_of_key, send_reset_letter
from catalogue.people.accounts import organization_roles, sign_in
from catalogue.people.browser_sessions import (
    end_browser_session,
    end_browser_sessions,
    open_browser_session,
    user_of_browser,
)
from catalogue.people.oidc_accounts import OidcPerson, account_of, connect
from catalogue.people.passwords import hash_password
from catalogue.services import Services
from cityportal.chrome import clock
from cityportal.identity import Identity
from cityportal.languages import Text


@dataclass(frozen=True)
class Membership:
    """An organization that a person belongs to, and their role there: admin, editor or member."""

    name: str
    title: Text
    role: str


@dataclass(frozen=True)
class Account:
    """A person's own account, as they see it; `tokens` are those of api_token_list."""

    name: str
    fullname: str
    email: str
    has_password: bool
    is_connected: bool
    organizations: list[Membership]
    tokens: list[dict[str, Any]]


class People:
    """The accounts of one catalogue."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.store = services.store

    def find(self, key: str) -> Identity | None:
        """Return the person who is signed in with this key."""
        with self.store.read() as session:
            user = user_of_browser(session, key, naive_now())
            if user is None:
                return None
            roles = organization_roles(session, user)
            return Identity(user.name, user.fullname or "", sysadmin=user.sysadmin, roles=roles)

    def sign_in(self, name: str, password: str) -> str | None:
        """Return the key of a new session when the password is right."""
        now = naive_now()
        user_id = sign_in(self.store, name, password, now)
        if user_id is None:
            return None
        with self.store.write() as session:
            user = session.get(User, user_id)
            return open_browser_session(session, user, now) if user else None

    def sign_out(self, key: str, *, everywhere: bool = False) -> None:
        """End the session with this key, or all sessions of its owner."""
        with self.store.write() as session:
            owner = user_of_browser(session, key, naive_now()) if everywhere else None
            if owner is not None:
                end_browser_sessions(session, owner)
            end_browser_session(session, key)

    def ask_for_letter(self, written: str) -> None:
        """Send a letter with a key to the owner of the name or address, if there is one; nobody can tell from the time."""
        words = (self.services, written[:254], naive_now())
        threading.Thread(target=send_reset_letter, args=words, name="reset").start()

    def name_of_key(self, key: str) -> str | None:
        """Return the name of the account that a letter's key opens."""
        with self.store.write() as session:
            user = find_user_of_key(session, key, naive_now())
            return user.name if user else None

    def choose_password(self, key: str, password: str) -> str | None:
        """Set the password of the account that the letter's key opens and return the key of a new session."""
        password_hash = hash_password(password)
        with self.store.write() as session:
            user = find_user_of_key(session, key, naive_now())
            if user is None:
                return None
            choose_password(session, user, password_hash)
            return open_browser_session(session, user, naive_now())

    def change_password(self, key: str, current: str, new: str) -> str | None:
        """Replace the password of the signed-in person when they know it; return the key of a new session.

        A wrong one counts as a failed sign-in, for somebody may have found an open browser.
        """
        with self.store.read() as session:
            user = user_of_browser(session, key, naive_now())
            name = user.name if user else ""
        user_id = sign_in(self.store, name, current, naive_now())
        if user_id is None:
            return None
        password_hash = hash_password(new)
        with self.store.write() as session:
            user = session.get(User, user_id, with_for_update=True)
            if user is None or not user.password_hash:
                return None
            choose_password(session, user, password_hash)
            return open_browser_session(session, user, naive_now())

    def come_in(self, person: OidcPerson) -> str:
        """Return the key of a new session of the person that the provider vouches for.

        Raises:
            NoAccount: they may not come in.
        """
        with self.store.write() as session:
            user = account_of(session, person, self.services.settings.oidc, naive_now())
            return open_browser_session(session, user, naive_now())

    def connect(self, key: str, person: OidcPerson) -> None:
        """Connect the provider's person with the account of the signed-in one.

        Raises:
            NoAccount: the two do not go together.
        """
        with self._as_owner(key) as context:
            if context.user is not None:
                connect(context.session, context.user, person, self.services.settings.oidc)

    def account(self, key: str) -> Account | None:
        """Return the account of the signed-in person."""
        with self._as_owner(key) as context:
            user = context.user
            if user is None:
                return None
            return Account(
                name=user.name,
                fullname=user.fullname or "",
                email=user.email or "",
                has_password=user.password_hash is not None,
                is_connected=user.oidc_subject is not None,
                organizations=_memberships(context, user),
                tokens=call_action(context, "api_token_list", {"user_id": user.id}),
            )

    def create_token(self, key: str, params: Mapping[str, Any]) -> str:
        """Return the text of a new API token of the signed-in person.

        Raises:
            CatalogueError: they are signed out, or a value is wrong.
        """
        with self._as_owner(key) as context:
            user = context.user.id if context.user else ""
            return str(call_action(context, "api_token_create", {**params, "user": user})["token"])

    def end_token(self, key: str, token_id: str) -> None:
        """End an API token of the signed-in person.

        Raises:
            CatalogueError: it is not theirs.
        """
        with self._as_owner(key) as context:
            call_action(context, "api_token_revoke", {"jti": token_id})

    @contextmanager
    def _as_owner(self, key: str) -> Iterator[Context]:
        with self.store.write() as session:
            user = user_of_browser(session, key, naive_now())
            yield self.services.context(session, user, now=naive_now)


def _memberships(context: Context, user: User) -> list[Membership]:
    roles = organization_roles(context.session, user)
    groups = context.session.scalars(select(Group).where(Group.name.in_(roles)).order_by(Group.title))
    return [
        Membership(group.name, Text(group.title or group.name, group.extras.get("title_en") or ""), roles[group.name])
        for group in groups
    ]


def naive_now() -> datetime:
    """Return the application's time as the catalogue keeps it: naive UTC."""
    return clock().astimezone(UTC).replace(tzinfo=None)
