"""Actions on how datasets relate to each other. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, or_, select

from catalogue.actions.authorize import may_read, require_on, require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Package, PackageRelationship, new_id
from catalogue.register.package_changes import save_package
from catalogue.register.packages import get_package, package_to_dict
from catalogue.register.relationships import REVERSES, STORED_AS, TYPES


def package_relationships_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return how the dataset `id` relates to others, seen from its side; `id2` and `rel` narrow the list down.

    Each item has `subject`, `type`, `object` and `comment`; datasets that the caller may not read are left out.
    """
    package = get_package(context.session, required_text(params, "id"))
    require_read(context, package)
    other_id = None
    if written := optional_text(params, "id2"):
        other = get_package(context.session, written)
        require_read(context, other)
        other_id = other.id
    wanted = optional_text(params, "rel")
    if wanted and wanted not in TYPES:
        raise ValidationError({"rel": [_unknown_type()]})
    found = [
        _seen_from(package, row)
        for row in sorted(package.relationships, key=lambda row: (row.type, row.id))
        if other_id in {None, row.subject_id, row.object_id} and _both_readable(context, row)
    ]
    return [item for item in found if not wanted or item["type"] == wanted]


def package_relationship_create(context: Context, params: Params) -> dict[str, Any]:
    """Say that the dataset `subject` stands in the relation `type` to the dataset `object`, with a `comment`.

    Types are depends_on, dependency_of, derives_from, has_derivation, links_to, linked_from, child_of and parent_of. A
    relation that exists already gets the comment.
    """
    return _write(context, params, must_exist=False)


def package_relationship_update(context: Context, params: Params) -> dict[str, Any]:
    """Change the `comment` of the relation `type` between the datasets `subject` and `object`."""
    return _write(context, params, must_exist=True)


def package_relationship_delete(context: Context, params: Params) -> None:
    """Take away the relation `type` between the datasets `subject` and `object`."""
    subject, other, kind = _read_pair(context, params)
    row = _stored(context, subject, other, kind)
    if row is None:
        raise NotFound("Relationship was not found.")
    before = _shown(subject, other)
    context.session.delete(row)
    _save(context, before)


def _write(context: Context, params: Params, *, must_exist: bool) -> dict[str, Any]:
    subject, other, kind = _read_pair(context, params)
    row = _stored(context, subject, other, kind)
    if row is None and must_exist:
        raise NotFound("Relationship was not found.")
    before = _shown(subject, other)
    if row is None:
        row = PackageRelationship(id=new_id(), type=STORED_AS.get(kind, kind), comment="")
        row.subject, row.object = (other, subject) if kind in STORED_AS else (subject, other)
        context.session.add(row)
    row.comment = optional_text(params, "comment") or ("" if not must_exist else row.comment)
    _save(context, before)
    return _seen_from(subject, row)


def _read_pair(context: Context, params: Params) -> tuple[Package, Package, str]:
    """Return subject, object and type, both datasets locked, always in the same order.

    Raises:
        ValidationError: a parameter is missing, the type is unknown, or both datasets are one.
        NotFound, NotAuthorized: a dataset does not exist, or the caller may not change it.
    """
    written = [required_text(params, name) for name in ("subject", "object")]
    kind = required_text(params, "type")
    if kind not in TYPES:
        raise ValidationError({"type": [_unknown_type()]})
    ids = [get_package(context.session, name).id for name in written]
    locked = {package_id: get_package(context.session, package_id, lock=True) for package_id in sorted(ids)}
    for package in locked.values():
        require_on(context, "package_update", package)
    if len(locked) == 1:
        raise ValidationError({"object": ["Must be another dataset than `subject`"]})
    return locked[ids[0]], locked[ids[1]], kind


def _stored(context: Context, subject: Package, other: Package, kind: str) -> PackageRelationship | None:
    """Return the row of the relation, or null."""
    first, second = (other, subject) if kind in STORED_AS else (subject, other)
    statement = select(PackageRelationship).where(
        and_(PackageRelationship.subject_id == first.id, PackageRelationship.object_id == second.id),
        or_(PackageRelationship.type == kind, PackageRelationship.type == STORED_AS.get(kind)),
    )
    return context.session.scalars(statement).first()


def _shown(*packages: Package) -> list[tuple[Package, dict[str, Any]]]:
    return [(package, package_to_dict(package)) for package in packages]


def _save(context: Context, before: list[tuple[Package, dict[str, Any]]]) -> None:
    context.session.flush()
    for package, shown in before:
        context.session.expire(package, ["relationships"])
        save_package(context, package, before=shown)


def _seen_from(package: Package, row: PackageRelationship) -> dict[str, Any]:
    if row.subject_id == package.id:
        return _dict(row.subject, row.type, row.object, row.comment)
    return _dict(row.object, REVERSES[row.type], row.subject, row.comment)


def _dict(subject: Package, kind: str, other: Package, comment: str) -> dict[str, Any]:
    return {"subject": subject.name, "type": kind, "object": other.name, "comment": comment}


def _both_readable(context: Context, row: PackageRelationship) -> bool:
    return may_read(context, row.subject) and may_read(context, row.object)


def _unknown_type() -> str:
    return f"Must be one of {', '.join(TYPES)}"
