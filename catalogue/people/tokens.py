"""API tokens: opaque random text, shown once, stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.orm import Session, contains_eager

from catalogue.errors import NotAuthorized
from catalogue.model import ApiToken, User

PREFIX = "phusa_"
SCOPES = ("all", "read")
LAST_ACCESS_STEP = timedelta(minutes=10)  # so that reading does not write all the time
_VALID = (  # made once, because every call with a token asks this
    select(ApiToken)
    .join(ApiToken.user)
    .options(contains_eager(ApiToken.user))
    .where(
        ApiToken.token_sha256 == bindparam("sha256"),
        User.state == "active",
        or_(ApiToken.expires_at.is_(None), ApiToken.expires_at > bindparam("now")),
    )
)


def token_sha256(token: str) -> str:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def create_token(
    session: Session,
    user: User,
    *,
    name: str,
    now: datetime,
    expires_at: datetime | None = None,
    scope: str = "all",
) -> tuple[ApiToken, str]:
    """Add a token for the user; the text is returned this once and cannot be read again.

    Those of the user's tokens that have expired are forgotten. `scope` is one of `SCOPES`.
    """
    session.execute(delete(ApiToken).where(ApiToken.user_id == user.id, ApiToken.expires_at <= now))
    text = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken(
        user_id=user.id, name=name, token_sha256=token_sha256(text), created_at=now, expires_at=expires_at, scope=scope
    )
    session.add(row)
    session.flush()
    return row, text


def find_token(session: Session, text: str, now: datetime) -> ApiToken | None:
    """Return the valid token with this text, or null: unknown, revoked, expired, or of a user who is not active."""
    return session.scalar(_VALID, {"sha256": token_sha256(text), "now": now})


def require_writing_token(token: ApiToken, action: str) -> None:
    """Refuse a writing action to a token that is for reading only.

    Raises:
        NotAuthorized: it is.
    """
    if token.scope != "all":
        raise NotAuthorized(f"Action {action} requires a token that may write; this one of {token.user.name} may read")


def was_not_noted_lately(token: ApiToken, now: datetime) -> bool:
    """Tell whether the token's last use should be written down again."""
    return token.last_access is None or now - token.last_access > LAST_ACCESS_STEP


def note_access(session: Session, token_id: str, now: datetime) -> None:
    """Write down that the token and its user were active now."""
    session.execute(update(ApiToken).where(ApiToken.id == token_id).values(last_access=now))
    owner = select(ApiToken.user_id).where(ApiToken.id == token_id).scalar_subquery()
    session.execute(update(User).where(User.id == owner).values(last_active=now))
