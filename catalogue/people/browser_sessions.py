"""Who is signed in in a browser: the cookie holds a random key, the database its hash, its owner and its end.

So signing out, a new password and a deleted account end sessions at once, also in browsers that kept the cookie.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue.model import BrowserSession, User
from catalogue.people.tokens import token_sha256

SESSION_LASTS = timedelta(hours=10)


def open_browser_session(session: Session, user: User, now: datetime) -> str:
    """Note that the user signed in and return the key for the browser's cookie; sessions that are over are forgotten."""
    session.execute(delete(BrowserSession).where(BrowserSession.ends_at <= now))
    key = secrets.token_urlsafe(32)
    row = BrowserSession(key_sha256=token_sha256(key), user_id=user.id, created=now, ends_at=now + SESSION_LASTS)
    session.add(row)
    session.flush()
    return key


def user_of_browser(session: Session, key: str, now: datetime) -> User | None:
    """Return the active user who is signed in with this key, or null."""
    return session.scalar(
        select(User)
        .join(BrowserSession, BrowserSession.user_id == User.id)
        .where(BrowserSession.key_sha256 == token_sha256(key), BrowserSession.ends_at > now, User.state == "active")
    )


def end_browser_session(session: Session, key: str) -> None:
    """End the session with this key; an unknown one is no error."""
    session.execute(delete(BrowserSession).where(BrowserSession.key_sha256 == token_sha256(key)))


def end_browser_sessions(session: Session, user: User) -> None:
    """Sign the user out everywhere."""
    session.execute(delete(BrowserSession).where(BrowserSession.user_id == user.id))
