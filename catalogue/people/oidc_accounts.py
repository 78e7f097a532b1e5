"""The account of a person whom an OpenID Connect provider vouches for: found, taken over, or made.

An account belongs to the pair of issuer and subject. The e-mail address leads to an account only when the provider has
verified it and the account has no password yet: else whoever wrote somebody's address into an account would get their
visits into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.model import User
from catalogue.people.account_keys import forget_key
from catalogue.people.accounts import find_user_by_email, free_name
from catalogue.settings import OidcSection


@dataclass(frozen=True)
class OidcPerson:
    """Who the provider says came; `email` is null unless the provider has verified it."""

    issuer: str
    subject: str
    email: str | None
    fullname: str
    username: str


Reason = Literal["domain", "none", "password"]


class NoAccount(Exception):  # noqa: N818  what it says
    """The provider knows the person, but they may not come in here.

    The reason: their address is not of an allowed domain; there is no account for them, or a deleted one; the address is
    that of an account with a password, whose owner must connect the two.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def account_of(session: Session, person: OidcPerson, section: OidcSection, now: datetime) -> User:
    """Return the active account of the person, in a writing session.

    Raises:
        NoAccount: they may not come in.
    """
    if not _is_of_allowed_domain(person.email, section.email_domains):
        raise NoAccount("domain")
    user = _linked(session, person) or _waiting_for(session, person)
    if user is None and section.create_accounts:
        user = _create(session, person, now)
    if user is None or user.state == "deleted":
        raise NoAccount("none")
    if user.state == "pending":  # invited by letter; the provider has verified the same address
        forget_key(user)
    user.state, user.last_active = "active", now
    session.flush()
    return user


def connect(session: Session, user: User, person: OidcPerson, section: OidcSection) -> None:
    """Let the person come into this account of theirs through the provider from now on.

    Raises:
        NoAccount: the address is not of an allowed domain, or the provider's person has another account.
    """
    if not _is_of_allowed_domain(person.email, section.email_domains):
        raise NoAccount("domain")
    other = _linked(session, person)
    if other is not None and other is not user:
        raise NoAccount("none")
    user.oidc_issuer, user.oidc_subject = person.issuer, person.subject


def _linked(session: Session, person: OidcPerson) -> User | None:
    statement = select(User).where(User.oidc_issuer == person.issuer, User.oidc_subject == person.subject)
    return session.scalars(statement).first()


def _waiting_for(session: Session, person: OidcPerson) -> User | None:
    """Link the account that was prepared for this verified address and that nobody has ever signed in to."""
    user = find_user_by_email(session, person.email) if person.email else None
    if user is None:
        return None
    if user.state == "deleted":
        raise NoAccount("none")
    if user.password_hash or user.oidc_subject:
        raise NoAccount("password")
    user.oidc_issuer, user.oidc_subject = person.issuer, person.subject
    user.fullname = user.fullname or person.fullname or None
    return user


def _create(session: Session, person: OidcPerson, now: datetime) -> User:
    user = User(
        name=free_name(session, person.username or person.email or person.fullname),
        fullname=person.fullname or None,
        email=person.email,
        oidc_issuer=person.issuer,
        oidc_subject=person.subject,
        state="active",
        created=now,
    )
    session.add(user)
    return user


def _is_of_allowed_domain(email: str | None, domains: tuple[str, ...]) -> bool:
    allowed = {domain.lower().lstrip("@") for domain in domains}
    return not allowed or (email is not None and email.rpartition("@")[2].lower() in allowed)
