"""How datasets relate to each other: the types with their reverses, as dicts and as rows.

Only the first type of each pair is stored; `A dependency_of B` is stored as `B depends_on A`.
"""

from __future__ import annotations

from typing import Any

from catalogue.model import Package, PackageRelationship

REVERSES = {
    "depends_on": "dependency_of",
    "derives_from": "has_derivation",
    "links_to": "linked_from",
    "child_of": "parent_of",
}
STORED_AS = {reverse: stored for stored, reverse in REVERSES.items()}
TYPES = (*REVERSES, *STORED_AS)


def relationships_to_dict(package: Package) -> dict[str, list[dict[str, Any]]]:
    """Return the relationships as a dataset dict shows them: those to datasets that everybody may read."""
    shown: dict[str, list[dict[str, Any]]] = {"relationships_as_subject": [], "relationships_as_object": []}
    for row in sorted(package.relationships, key=lambda row: (row.type, row.id)):
        is_subject = row.subject_id == package.id
        other = row.object if is_subject else row.subject
        if other.state == "active" and not other.private:
            side = "relationships_as_subject" if is_subject else "relationships_as_object"
            shown[side].append(_row_to_dict(row))
    return shown


def without_relationships(shown: dict[str, Any]) -> dict[str, Any]:
    """Return a dataset dict as history keeps it: the dataset at the other end may be hidden by the time it is read."""
    return {**shown, "relationships_as_subject": [], "relationships_as_object": []}


def _row_to_dict(row: PackageRelationship) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "comment": row.comment,
        "__extras": {"subject_package_id": row.subject_id, "object_package_id": row.object_id},
    }
