"""Keys in letters that let their readers choose a password: random, stored as a hash, for one use, and soon over."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.model import User
from catalogue.people.accounts import find_user_to_sign_in
from catalogue.people.browser_sessions import end_browser_sessions
from catalogue.people.letters import Letter, post_after_commit
from catalogue.people.tokens import token_sha256
from catalogue.services import Services
from catalogue.settings import CatalogueSettings

RESET_LASTS = timedelta(hours=1)
INVITATION_LASTS = timedelta(days=7)
PAUSE_BETWEEN_LETTERS = timedelta(minutes=5)  # so that nobody's mailbox can be filled from our page


def find_user_of_key(session: Session, key: str, now: datetime) -> User | None:
    """Return the user whose letter carries this key, or null: unknown, used, over, or of a deleted account."""
    statement = select(User).where(
        User.reset_sha256 == token_sha256(key), User.reset_until > now, User.state.in_(("active", "pending"))
    )
    return session.scalars(statement.with_for_update()).first() if key else None


def choose_password(session: Session, user: User, password_hash: str) -> None:
    """Give the user a password: the account is active and unlocked, the key is used up, all browsers are signed out."""
    user.password_hash = password_hash
    user.state = "active"
    user.failed_sign_ins, user.locked_until = 0, None
    forget_key(user)
    end_browser_sessions(session, user)
    session.flush()


def forget_key(user: User) -> None:
    """Let no letter's key count any more."""
    user.reset_sha256 = user.reset_until = None


def send_invitation(
    session: Session, settings: CatalogueSettings, user: User, *, now: datetime, group: str, inviter: str
) -> None:
    """Send the pending user a letter with a new key; it leaves when the transaction is committed."""
    address = _address_with_new_key(settings, user, now, INVITATION_LASTS)
    words = {"group": group, "inviter": inviter, "address": address, "name": user.name}
    post_after_commit(session, settings, Letter("invitation", user.email or "", words, now))


def send_reset_letter(services: Services, written: str, now: datetime) -> None:
    """Send a letter with a new key when an account has this name or address; to one person not more often than sensible."""
    with services.store.read() as session:  # so that wrong guesses, however many, wait for no lock
        if not _may_get_letter(find_user_to_sign_in(session, written), now):
            return
    with services.store.write() as session:
        user = find_user_to_sign_in(session, written)
        if user is None or not _may_get_letter(user, now):
            return
        address = _address_with_new_key(services.settings, user, now, _lasts(user))
        letter = "invitation_again" if user.state == "pending" else "reset"
        words = {"address": address, "name": user.name}
        post_after_commit(session, services.settings, Letter(letter, user.email or "", words, now))


def _may_get_letter(user: User | None, now: datetime) -> bool:
    if user is None or not user.email or user.state not in {"active", "pending"}:
        return False
    return user.reset_until is None or user.reset_until - _lasts(user) + PAUSE_BETWEEN_LETTERS <= now


def _lasts(user: User) -> timedelta:
    return INVITATION_LASTS if user.state == "pending" else RESET_LASTS


def _address_with_new_key(settings: CatalogueSettings, user: User, now: datetime, lasts: timedelta) -> str:
    key = secrets.token_urlsafe(32)
    user.reset_sha256, user.reset_until = token_sha256(key), now + lasts
    return f"{settings.site_url}/user/password?key={key}"
