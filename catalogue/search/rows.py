"""Reads from the database what the search index needs of datasets: plain rows in a few queries a batch, no mapped objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Integer, Row, literal_column, select
from sqlalchemy.orm import Session

from catalogue.model import Group, Package, Resource, Tag, Vocabulary, package_groups, package_tags

BATCH = 1000

_PACKAGE = select(*Package.__table__.columns)
_RESOURCE = select(
    *(Resource.package_id, Resource.name, Resource.description, Resource.url, Resource.format),
    *(Resource.resource_type, Resource.extras),
).order_by(Resource.package_id, Resource.position)


@dataclass(slots=True)
class DatasetRow:
    """One dataset as the index sees it.

    Attributes:
        package: Its columns.
        organization: Name and title of its owner; null without one.
        tags: Names and, for tags of a closed list, the name of their vocabulary.
        groups: Names and titles.
        resources: Columns `package_id`, `name`, `description`, `url`, `format`, `resource_type` and `extras`.
    """

    package: Any
    organization: tuple[str, str] | None
    tags: list[tuple[str, str | None]] = field(default_factory=list)
    groups: list[tuple[str, str]] = field(default_factory=list)
    resources: list[Any] = field(default_factory=list)


def rows_by_ids(session: Session, ids: Sequence[str]) -> list[DatasetRow]:
    """Return the datasets with these ids, in no order; absent ones are left out."""
    packages = session.execute(_PACKAGE.where(Package.id.in_(ids))).all() if ids else []
    return _with_parts(session, packages, _groups(session)) if packages else []


def all_rows(session: Session) -> Iterator[list[DatasetRow]]:
    """Yield all datasets, whatever their state, in batches of `BATCH`.

    On SQLite they come as they lie in the file: by id, each would be a jump to another page, and its resources as well.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    place: ColumnElement[Any] = literal_column("packages.rowid", Integer) if is_sqlite else Package.__table__.c.id
    statement = _PACKAGE.add_columns(place.label("place")).order_by(place).limit(BATCH)
    groups = _groups(session)
    packages = session.execute(statement).all()
    while packages:
        yield _with_parts(session, packages, groups)
        packages = session.execute(statement.where(place > packages[-1].place)).all()


def _groups(session: Session) -> dict[str, tuple[str, str]]:
    found = session.execute(select(Group.id, Group.name, Group.title)).all()
    return {id_: (name, title) for id_, name, title in found}


def _with_parts(session: Session, packages: Iterable[Row[Any]], groups: dict[str, tuple[str, str]]) -> list[DatasetRow]:
    rows = {row.id: DatasetRow(row, groups.get(row.owner_org or "")) for row in packages}
    for resource in session.execute(_RESOURCE.where(Resource.package_id.in_(rows))):
        if resource.package_id in rows:
            rows[resource.package_id].resources.append(resource)
    tagged = select(package_tags.c.package_id, Tag.name, Vocabulary.name).where(package_tags.c.package_id.in_(rows))
    tagged = tagged.join(Tag, Tag.id == package_tags.c.tag_id)
    tagged = tagged.outerjoin(Vocabulary, Vocabulary.id == Tag.vocabulary_id)
    for package_id, name, vocabulary in session.execute(tagged):
        if package_id in rows:
            rows[package_id].tags.append((name, vocabulary))
    members = select(package_groups.c.package_id, package_groups.c.group_id)
    for package_id, group_id in session.execute(members.where(package_groups.c.package_id.in_(rows))):
        if package_id in rows and group_id in groups:
            rows[package_id].groups.append(groups[group_id])
    for row in rows.values():
        row.tags.sort(key=lambda tag: tag[0])
        row.groups.sort()
    return list(rows.values())
