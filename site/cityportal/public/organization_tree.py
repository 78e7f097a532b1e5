"""What stands around an organization: those above and below it, when it is valid, what was before and what came after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.model import Group, group_parents
from catalogue.register.hierarchy import all_below
from catalogue.register.public_counts import public_package_counts
from cityportal.public.dataset import Place, place_from_group


@dataclass(frozen=True)
class Turn:
    """An organization that became this one, or that this one became: `kind` is renamed, merged or split."""

    place: Place
    kind: str
    on: date | None


@dataclass(frozen=True)
class Surroundings:
    """Where an organization stands; children count the datasets of all below them, `below` names all of these."""

    parents: tuple[Place, ...] = ()
    children: tuple[Place, ...] = ()
    below: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None
    successors: tuple[Turn, ...] = ()
    predecessors: tuple[Turn, ...] = ()


def surroundings_of(session: Session, shown: Mapping[str, Any]) -> Surroundings:
    """Return what stands around the organization of this show dict; deleted organizations are not mentioned."""
    tree = all_below(session)
    related = [*shown["groups"], *shown["successors"], *shown["predecessors"]]
    wanted = {one["id"] for one in related} | tree.get(shown["id"], set())
    statement = select(Group).where(Group.id.in_(wanted), Group.state == "active")
    groups = {group.id: group for group in session.scalars(statement.order_by(Group.title, Group.name))}
    counts = public_package_counts(session, list(groups.values()))
    places = {
        group.id: replace(_place(group), datasets=counted_below(group.id, counts, tree)) for group in groups.values()
    }
    directly_below = select(group_parents.c.child_id).where(group_parents.c.parent_id == shown["id"])
    children = set(session.scalars(directly_below))
    below = tree.get(shown["id"], set())
    return Surroundings(
        parents=tuple(places[one["id"]] for one in shown["groups"] if one["id"] in places),
        children=tuple(places[one] for one in groups if one in children),
        below=tuple(sorted(group.name for group in groups.values() if group.id in below)),
        valid_from=_day(shown["valid_from"]),
        valid_to=_day(shown["valid_to"]),
        successors=_turns(shown["successors"], places),
        predecessors=_turns(shown["predecessors"], places),
    )


def counted_below(group_id: str, counts: Mapping[str, int], tree: Mapping[str, set[str]]) -> int:
    """Return how many datasets an organization has together with all below it; each is owned by one."""
    return sum(counts.get(one, 0) for one in {group_id, *tree.get(group_id, ())})


def _place(group: Group) -> Place:
    return place_from_group({"name": group.name, "title": group.title, "title_en": group.extras.get("title_en")})


def _turns(shown: list[Mapping[str, Any]], places: Mapping[str, Place]) -> tuple[Turn, ...]:
    return tuple(Turn(places[one["id"]], str(one["kind"]), _day(one["on"])) for one in shown if one["id"] in places)


def _day(written: str | None) -> date | None:
    return date.fromisoformat(written) if written else None
