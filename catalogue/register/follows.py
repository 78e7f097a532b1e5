"""Who wants to hear of what: followers of datasets, organizations and groups."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from catalogue.model import Follow, User
from catalogue.times import show_time

Kind = Literal["dataset", "group"]


def follower_count(session: Session, object_id: str) -> int:
    """Return how many people follow the object."""
    return session.scalar(select(func.count()).where(Follow.object_id == object_id)) or 0


def followers_of(session: Session, object_id: str) -> list[User]:
    """Return the people who follow the object, by name."""
    statement = select(User).join(Follow, Follow.follower_id == User.id).where(Follow.object_id == object_id)
    return list(session.scalars(statement.order_by(User.name)))


def forget_followers(session: Session, object_id: str) -> None:
    """End all following of something that is purged."""
    session.execute(delete(Follow).where(Follow.object_id == object_id))


def follow_to_dict(follow: Follow) -> dict[str, Any]:
    """Return the following as CKAN shows it."""
    return {
        "follower_id": follow.follower_id,
        "object_id": follow.object_id,
        "datetime": show_time(follow.at),
    }
