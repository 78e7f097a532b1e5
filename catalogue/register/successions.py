"""What became of organizations: renamed, merged or split into others on a day, as dicts and as rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from catalogue.actions.authorize import require
from catalogue.actions.context import Context
from catalogue.model import Group, GroupSuccession
from catalogue.register.change_log import log_change_of_group
from catalogue.register.groups import find_group
from catalogue.register.validation import FieldReader, as_text, list_of_dicts

Side = Literal["successors", "predecessors"]

SIDES: tuple[Side, ...] = ("successors", "predecessors")
KINDS = ("renamed", "merged", "split")


@dataclass(frozen=True)
class Succession:
    """The other organization of one succession, how it came about, and on which day (null: unknown)."""

    other: Group
    kind: str
    on: date | None


def successions_of(session: Session, group: Group, side: Side) -> list[Succession]:
    """Return the active organizations before or after this one, in the order of the days."""
    own, others = _columns(side)
    statement = select(Group, GroupSuccession).join(GroupSuccession, Group.id == others)
    rows = session.execute(statement.where(own == group.id, Group.state == "active").order_by(Group.name)).all()
    found = [Succession(other, row.kind, row.on) for other, row in rows]
    return sorted(found, key=lambda one: one.on or date.min)


def validity_to_dict(session: Session, group: Group) -> dict[str, Any]:
    """Return from when to when the organization is valid, and what was before and what came after it."""
    shown: dict[str, Any] = {"valid_from": _day(group.valid_from), "valid_to": _day(group.valid_to)}
    for side in SIDES:
        shown[side] = [
            {
                "id": one.other.id,
                "name": one.other.name,
                "title": one.other.title,
                "kind": one.kind,
                "on": _day(one.on),
            }
            for one in successions_of(session, group, side)
        ]
    return shown


def read_validity(reader: FieldReader, group: Group | None) -> dict[str, date | None]:
    """Read `valid_from` and `valid_to`; what is left out stays, null or an empty text opens that end."""
    days = {
        name: _read_day(reader, name, reader.raw[name]) for name in ("valid_from", "valid_to") if name in reader.raw
    }
    start = days.get("valid_from", group.valid_from if group else None)
    end = days.get("valid_to", group.valid_to if group else None)
    if start and end and end < start:
        reader.fault("valid_to", "Must not lie before `valid_from`")
    return days


def read_successions(context: Context, reader: FieldReader, group: Group | None, side: Side) -> list[Succession] | None:
    """Read one side as a list of `{name or id, kind, on}`; null when it is left out, and then it stays as it is.

    Raises:
        NotAuthorized: a new entry names an organization of which the caller is no admin.
        MalformedInput: it is no list of objects.
    """
    if reader.raw.get(side) is None:
        return None
    known = {one.other.id for one in successions_of(context.session, group, side)} if group else set()
    found: dict[str, Succession] = {}
    for item in list_of_dicts(reader.raw, side):
        written = item.get("id") or item.get("name")
        other = find_group(context.session, as_text(written), is_organization=True) if written else None
        kind = as_text(item.get("kind") or "")
        if other is None:
            reader.fault(side, "Organization was not found.")
        elif other is group:
            reader.fault(side, "An organization cannot succeed itself")
        elif kind not in KINDS:
            reader.fault(side, f"`kind` must be one of {', '.join(KINDS)}")
        else:
            if other.id not in known:
                require(context, "group_relatives", other.id, subject=other.name)
            found[other.id] = Succession(other, kind, _read_day(reader, side, item.get("on")))
    return list(found.values())


def write_successions(context: Context, group: Group, side: Side, wanted: list[Succession]) -> None:
    """Replace one side by the wanted entries; those with deleted organizations, which nobody sees, stay."""
    session = context.session
    session.flush()
    own, others = _columns(side)
    shown = select(Group.id).where(Group.state == "active")
    session.execute(delete(GroupSuccession).where(own == group.id, others.in_(shown)))
    for one in wanted:
        ids = {own.key: group.id, others.key: one.other.id}
        session.merge(GroupSuccession(**ids, kind=one.kind, on=one.on))
        # Searches for the old name find the datasets of the new one from now on.
        log_change_of_group(session, one.other, context.now())


def _columns(side: Side) -> tuple[Any, Any]:
    """Return the column of the organization itself and the one of the others."""
    if side == "successors":
        return GroupSuccession.predecessor_id, GroupSuccession.successor_id
    return GroupSuccession.successor_id, GroupSuccession.predecessor_id


def _read_day(reader: FieldReader, field: str, written: Any) -> date | None:
    if written in (None, ""):
        return None
    try:
        return date.fromisoformat(as_text(written))
    except ValueError:
        reader.fault(field, "Date format incorrect: a day is written as 2025-07-01")
        return None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
