"""Vocabularies and tags: finding them and showing them."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from catalogue.errors import NotFound
from catalogue.model import Tag, Vocabulary, package_tags

TAG_NAMESPACE = uuid.UUID("9c6a3f0e-6a7e-5d0a-9d3c-2f6b8a1e4c70")


def tag_id(name: str, *, vocabulary_id: str | None = None) -> str:
    """Return the id of a tag; null: of a free one."""
    return str(uuid.uuid5(TAG_NAMESPACE, f"{vocabulary_id or ''}/{name}"))


def find_vocabulary(session: Session, name_or_id: str) -> Vocabulary | None:
    """Return the vocabulary with this id or name, or null."""
    statement = select(Vocabulary).where(or_(Vocabulary.id == name_or_id, Vocabulary.name == name_or_id))
    return session.scalars(statement.order_by(Vocabulary.id != name_or_id)).first()


def get_vocabulary(session: Session, name_or_id: str) -> Vocabulary:
    """Return the vocabulary with this id or name.

    Raises:
        NotFound: there is none.
    """
    vocabulary = find_vocabulary(session, name_or_id)
    if vocabulary is None:
        raise NotFound(f'Could not find vocabulary "{name_or_id[:100]}"')
    return vocabulary


def tags_of(session: Session, vocabulary_ids: list[str], *, lock: bool = False) -> dict[str, list[Tag]]:
    """Return the tags of each of the vocabularies, sorted by name; one query.

    With `lock` no dataset can take one of them until the transaction ends.
    """
    found: dict[str, list[Tag]] = {vocabulary_id: [] for vocabulary_id in vocabulary_ids}
    statement = select(Tag).where(Tag.vocabulary_id.in_(vocabulary_ids)).order_by(Tag.name)
    for tag in session.scalars(statement.with_for_update() if lock else statement):
        found[tag.vocabulary_id or ""].append(tag)
    return found


def new_tag(vocabulary: Vocabulary, name: str) -> Tag:
    """Return a tag of the vocabulary that is not stored yet; its id follows from both."""
    return Tag(id=tag_id(name, vocabulary_id=vocabulary.id), name=name, vocabulary_id=vocabulary.id)


def number_of_datasets(session: Session, tags: list[Tag]) -> int:
    """Return how many datasets, of any state, carry at least one of the tags."""
    carriers = select(func.count(func.distinct(package_tags.c.package_id)))
    return session.scalar(carriers.where(package_tags.c.tag_id.in_([tag.id for tag in tags]))) or 0


def tag_to_dict(tag: Tag) -> dict[str, Any]:
    """Return the tag as it stands by itself."""
    return {"id": tag.id, "name": tag.name, "vocabulary_id": tag.vocabulary_id, "display_name": tag.name}


def vocabulary_to_dict(vocabulary: Vocabulary, tags: list[Tag]) -> dict[str, Any]:
    """Return the vocabulary with its tags."""
    return {"id": vocabulary.id, "name": vocabulary.name, "tags": [tag_to_dict(tag) for tag in tags]}
