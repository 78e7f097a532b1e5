"""Names of datasets and groups: unique, and never recycled after a rename."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from catalogue.model import Group, NameRedirect, Package

Kind = Literal["package", "group"]

_FORMER = select(NameRedirect.target_id).where(
    NameRedirect.kind == bindparam("kind"), NameRedirect.name == bindparam("name")
)
_OWNERS = {
    "package": select(Package.id).where(Package.name == bindparam("name")).union_all(_FORMER),
    "group": select(Group.id).where(Group.name == bindparam("name")).union_all(_FORMER),
}
TAKEN = {"package": "That URL is already in use.", "group": "Group name already exists in database"}


def is_taken(session: Session, kind: Kind, name: str, *, by_other_than: str | None) -> bool:
    """Tell whether the name belongs, or once belonged, to another dataset or group than the given one."""
    owners = session.scalars(_OWNERS[kind], {"kind": kind, "name": name})
    return any(owner != by_other_than for owner in owners)


def redirect_old_name(session: Session, kind: Kind, *, old: str, new: str, target_id: str, now: datetime) -> None:
    """Keep the old name leading to its owner; the owner may take back a former name of its own."""
    session.execute(delete(NameRedirect).where(NameRedirect.kind == kind, NameRedirect.name == new))
    session.merge(NameRedirect(kind=kind, name=old, target_id=target_id, at=now))


def forget_names(session: Session, kind: Kind, target_id: str) -> None:
    """Free the former names of something that is purged."""
    session.execute(delete(NameRedirect).where(NameRedirect.kind == kind, NameRedirect.target_id == target_id))
