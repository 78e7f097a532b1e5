"""The first accounts of a portal: the publisher's own, and for the demo a steward and an approver."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.actions.context import utc_now
from catalogue.model import Group, Member, User
from catalogue.people.passwords import hash_password
from catalogue.people.tokens import create_token
from catalogue.store import Store

PUBLISHER = "publisher"


@dataclass(frozen=True)
class DemoPeople:
    """Who may sign in to the demo; the passwords are made up once and kept in the demo's home."""

    steward: str
    steward_password: str
    approver: str
    approver_password: str

    def join_agencies(self, store: Store, organizations: Iterable[str]) -> None:
        """Make the steward an editor and the approver an admin of every organization."""
        with store.write() as session:
            for name, capacity in ((self.steward, "editor"), (self.approver, "admin")):
                user = session.scalars(select(User).where(User.name == name)).one()
                for group in session.scalars(select(Group).where(Group.name.in_(set(organizations)))):
                    if session.get(Member, (group.id, user.id)) is None:
                        session.add(Member(group_id=group.id, user_id=user.id, capacity=capacity))


def welcome_people(store: Store, home: Path) -> DemoPeople:
    """Create the accounts of the demo, or find them again in a home that was used before."""
    welcome_publisher(store, home)
    remembered = home / "keys" / "demo.json"
    if remembered.exists():
        return DemoPeople(**json.loads(remembered.read_bytes()))
    people = DemoPeople("steward", secrets.token_urlsafe(9), "approver", secrets.token_urlsafe(9))
    with store.write() as session:
        _add(session, people.steward, "Data steward", people.steward_password)
        _add(session, people.approver, "Approver", people.approver_password)
    write_secret(remembered, json.dumps(asdict(people)))
    return people


def welcome_publisher(store: Store, home: Path) -> None:
    """Give the publisher its account and its token; a token file that is there already is left alone."""
    path = home / "keys" / "publisher.token"
    if path.exists():
        return
    with store.write() as session:
        user = session.scalars(select(User).where(User.name == PUBLISHER)).one_or_none()
        user = user or _add(session, PUBLISHER, "Publisher", None, sysadmin=True)
        _, token = create_token(session, user, name="publisher", now=utc_now())
    write_secret(path, token)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only this user can read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _add(session: Session, name: str, fullname: str, password: str | None, *, sysadmin: bool = False) -> User:
    user = User(
        name=name,
        fullname=fullname,
        password_hash=hash_password(password) if password else None,
        sysadmin=sysadmin,
        created=utc_now(),
    )
    session.add(user)
    session.flush()
    return user
