"""Users of the catalogue: finding them, signing in, and how they are shown."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue.actions.authorize import roles_of
from catalogue.errors import NotFound
from catalogue.folding import folded
from catalogue.model import Group, Package, User
from catalogue.people.passwords import password_matches
from catalogue.register.validation import NAME_LENGTH, RESERVED_NAMES
from catalogue.store import Store
from catalogue.times import show_time

FAILURES_BEFORE_LOCK = 10
LOCKED_FOR = timedelta(minutes=15)


def find_user(session: Session, name_or_id: str) -> User | None:
    """Return the user with this name or id, deleted ones too."""
    found = session.scalars(select(User).where(or_(User.name == name_or_id, User.id == name_or_id)).limit(2)).all()
    return next((user for user in found if user.id == name_or_id), found[0] if found else None)


def get_user(session: Session, name_or_id: str, *, lock: bool = False) -> User:
    """Return the user with this name or id, deleted ones too; `lock` keeps others from changing them meanwhile.

    Raises:
        NotFound: there is none.
    """
    user = find_user(session, name_or_id)
    if user is None:
        raise NotFound("User not found")
    if lock:
        session.refresh(user, with_for_update=True)
    return user


def find_user_to_sign_in(session: Session, name_or_email: str) -> User | None:
    """Return the user with this name or e-mail address; the name wins."""
    by_email = func.lower(User.email) == name_or_email.strip().lower()
    statement = select(User).where(or_(User.name == name_or_email, by_email))
    return session.scalars(statement.order_by(User.name != name_or_email)).first()


def find_user_by_email(session: Session, email: str) -> User | None:
    """Return the user with this e-mail address, in whatever case it is written."""
    return session.scalars(select(User).where(func.lower(User.email) == email.strip().lower())).first()


def free_name(session: Session, wanted: str) -> str:
    """Return a user name that nobody has, as near to the wanted words, or e-mail address, as the rules of names allow."""
    letters = "".join(
        letter if letter.isascii() and letter.isalnum() else "-" for letter in folded(wanted.partition("@")[0])
    )
    stem = "-".join(part for part in letters.split("-") if part)[: NAME_LENGTH.stop - 10]
    if len(stem) < NAME_LENGTH.start or stem in RESERVED_NAMES:
        stem = f"user-{stem}".rstrip("-")
    name, number = stem, 1
    while find_user(session, name) is not None:
        number += 1
        name = f"{stem}-{number}"
    return name


def sign_in(store: Store, name: str, password: str, now: datetime) -> str | None:
    """Return the id of the user when the password is right, else null; ten failures lock the account for a quarter of an hour.

    The hash is computed between two transactions, for it takes longer than others should wait for a lock. Guesses made
    meanwhile are counted all the same, and none of them succeeds after the tenth failure.
    """
    with store.read() as session:
        user = find_user_to_sign_in(session, name)
        user_id, password_hash = (user.id, user.password_hash) if user else ("", None)
    right = password_matches(password_hash, password)
    with store.write() as session:
        user = session.get(User, user_id, with_for_update=True)
        if user is None or user.state != "active" or (user.locked_until and user.locked_until > now):
            return None
        if right and user.password_hash == password_hash:
            user.failed_sign_ins, user.locked_until, user.last_active = 0, None, now
            return user.id
        user.failed_sign_ins += 1
        if user.failed_sign_ins >= FAILURES_BEFORE_LOCK:
            user.failed_sign_ins, user.locked_until = 0, now + LOCKED_FOR
    return None


def organization_roles(session: Session, user: User) -> dict[str, str]:
    """Return the user's capacity (admin, editor, member) per name of an active organization, those below included."""
    roles = roles_of(session, user)
    statement = select(Group).where(Group.id.in_(roles), Group.is_organization, Group.state == "active")
    return {group.name: roles[group.id].name.lower() for group in session.scalars(statement)}


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
        "email_hash": hashlib.md5(
            (user.email or "" if private else "").strip().lower().encode(), usedforsecurity=False
        ).hexdigest(),
        "number_created_packages": packages,
    }
    if private:
        shown |= {"email": user.email, "apikey": None}
    return shown
