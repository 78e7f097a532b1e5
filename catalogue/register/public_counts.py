"""How many public datasets each organization owns and each group holds, and which formats their resources have."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from catalogue.model import Group, Package, Resource, package_groups
from catalogue.register.change_log import newest_change
from catalogue.store import REMEMBERED_COUNTS

FEW = 10  # so many are counted one by one; for more, all are counted and remembered
_PUBLIC = (Package.state == "active", Package.private.is_(False))
_OWNED = select(Package.owner_org, func.count()).where(*_PUBLIC).group_by(Package.owner_org)
_MEMBER_OF = package_groups.c.group_id
_HELD = select(_MEMBER_OF, func.count()).join(Package, Package.id == package_groups.c.package_id).where(*_PUBLIC)

_LOWERED = func.lower(Resource.format)
_FORMATS = (
    select(_LOWERED)
    .join(Package, Package.id == Resource.package_id)
    .where(*_PUBLIC, Resource.format != "")
    .group_by(_LOWERED)
    .order_by(func.count().desc(), _LOWERED)
)


def public_package_counts(session: Session, groups: Sequence[Group]) -> dict[str, int]:
    """Return how many active public datasets each organization owns and each group holds; those without any are left out.

    Counting all costs a walk over the datasets, so a process remembers the counts until a dataset changes.
    """
    remembered = session.info.get(REMEMBERED_COUNTS)
    if remembered is None:  # this session writes: what it sees may never be committed
        return _counts(session, groups)
    seq = newest_change(session)
    known_at, counts = remembered.get("counts", (None, {}))
    if known_at != seq:
        if len(groups) <= FEW:
            return _counts(session, groups)
        counts = _all_counts(session)
        remembered["counts"] = seq, counts
    return {group.id: counts[group.id] for group in groups if group.id in counts}


def public_formats(session: Session) -> Sequence[str]:
    """Return the formats of the resources of public datasets, in lower case, the most used first."""
    remembered = session.info.get(REMEMBERED_COUNTS, {})
    seq = newest_change(session)
    known_at, known = remembered.get("formats", (None, ()))
    formats: Sequence[str] = known if known_at == seq else session.scalars(_FORMATS).all()
    remembered["formats"] = seq, formats
    return formats


def _counts(session: Session, groups: Sequence[Group]) -> dict[str, int]:
    organizations = [group.id for group in groups if group.is_organization]
    themes = [group.id for group in groups if not group.is_organization]
    counts: dict[str, int] = {}
    if organizations:
        rows = session.execute(_OWNED.where(Package.owner_org.in_(organizations)))
        counts.update({owner: count for owner, count in rows if owner is not None})
    if themes:
        counts.update(session.execute(_HELD.where(_MEMBER_OF.in_(themes)).group_by(_MEMBER_OF)).all())
    return counts


def _all_counts(session: Session) -> dict[str, int]:
    owned = {owner: count for owner, count in session.execute(_OWNED) if owner is not None}
    return {**owned, **dict(session.execute(_HELD.group_by(_MEMBER_OF)).all())}
