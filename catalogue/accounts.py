"""Users of the catalogue: finding them, signing in, and how they are shown."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue.model import Package, User
from catalogue.passwords import password_matches
from catalogue.times import show_time

FAILURES_BEFORE_LOCK = 10
LOCKED_FOR = timedelta(minutes=15)


def find_user(session: Session, name_or_id: str) -> User | None:
    """Return the user with this name or id, deleted ones too."""
    found = session.scalars(select(User).where(or_(User.name == name_or_id, User.id == name_or_id)).limit(2)).all()
    return next((user for user in found if user.id == name_or_id), found[0] if found else None)


def sign_in(session: Session, name: str, password: str, now: datetime) -> User | None:
    """Return the user when the password is right, else null; ten failures lock the account for a quarter of an hour.

    The session must be a writing one: failures are counted in it.
    """
    statement = select(User).where(or_(User.name == name, User.email == name)).with_for_update()
    user = session.scalars(statement.order_by(User.name != name)).first()
    right = password_matches(user.password_hash if user else None, password)
    if user is None or user.state != "active" or (user.locked_until and user.locked_until > now):
        return None
    if right:
        user.failed_sign_ins, user.locked_until, user.last_active = 0, None, now
        return user
    user.failed_sign_ins += 1
    if user.failed_sign_ins >= FAILURES_BEFORE_LOCK:
        user.failed_sign_ins, user.locked_until = 0, now + LOCKED_FOR
    return None


def package_counts(session: Session, user_ids: list[str]) -> dict[str, int]:
    """Return how many active public datasets each user created."""
    statement = select(Package.creator_user_id, func.count()).where(
        Package.creator_user_id.in_(user_ids), Package.state == "active", Package.private.is_(False)
    )
    rows = session.execute(statement.group_by(Package.creator_user_id))
    return {creator: count for creator, count in rows if creator is not None}


def user_to_dict(user: User, *, packages: int = 0, private: bool = False) -> dict[str, Any]:
    """Return the user as the API shows them; the e-mail address only when `private`, to the user and sysadmins."""
    shown: dict[str, Any] = {
        "id": user.id,
        "name": user.name,
        "fullname": user.fullname,
        "display_name": user.fullname or user.name,
        "created": show_time(user.created),
        "about": user.about,
        "last_active": show_time(user.last_active),
        "activity_streams_email_notifications": False,
        "sysadmin": user.sysadmin,
        "state": user.state,
        "image_url": user.image_url,
        "image_display_url": user.image_url,
        # A hash of an address can be reversed by guessing, so others get the hash of nothing.
        "email_hash": hashlib.md5((user.email or "" if private else "").encode(), usedforsecurity=False).hexdigest(),
        "number_created_packages": packages,
    }
    if private:
        shown |= {"email": user.email, "apikey": None}
    return shown
