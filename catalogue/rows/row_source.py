"""From a resource id or alias to the rows its caller may see: rows that the organization pushed, else released ones."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.actions.authorize import MATRIX, is_public, may_read, require_read, role_towards
from catalogue.actions.context import Context
from catalogue.errors import NotFound
from catalogue.model import Package, PushedTable, Resource
from catalogue.rows.pushed_rows import pushed_table
from catalogue.rows.released_rows import released_table
from catalogue.rows.row_table import RowTable

TABLE_LIST = "_table_metadata"


def find_table(context: Context, name: str, *, missing: str) -> RowTable:
    """Return the table of a resource, by its id or an alias.

    Args:
        context: of the call.
        name: what the caller named.
        missing: the message when there is none.

    Raises:
        NotFound: there is no such resource, or it has no rows that the caller may see.
        NotAuthorized: the dataset is not the caller's to read.
        FilesUnavailable: the storage does not answer.
    """
    found = _find(context, name)
    if found is None or found[0].state != "active":
        raise NotFound(missing)
    resource, pushed = found
    package = resource.package
    require_read(context, package)
    if pushed is not None and sees_pushed_rows(context, package):
        return pushed_table(context, pushed)
    table = released_table(context, resource, package)
    if table is None:
        raise NotFound(missing)
    return table


def sees_pushed_rows(context: Context, package: Package) -> bool:
    """Tell whether the caller may see rows that the organization pushed and nobody has released."""
    if context.settings.direct_writes:
        return may_read(context, package)
    return role_towards(context, package) >= MATRIX["read_hidden_dataset"][0]


def pushed_by_name(session: Session, name: str) -> PushedTable | None:
    """Return the table of pushed rows of a resource, by the resource's id or an alias; null when there is none."""
    found = session.get(PushedTable, name)
    if found is not None:
        return found
    rows = session.execute(select(PushedTable.resource_id, PushedTable.aliases))
    resource_id = next((resource_id for resource_id, aliases in rows if name in aliases), None)
    return session.get(PushedTable, resource_id) if resource_id else None


def _find(context: Context, name: str) -> tuple[Resource, PushedTable | None] | None:
    statement = select(Resource, PushedTable).outerjoin(PushedTable, PushedTable.resource_id == Resource.id)
    row = context.session.execute(statement.where(Resource.id == name)).first()
    if row is not None:
        return row[0], row[1]
    pushed = pushed_by_name(context.session, name)
    return (context.session.get_one(Resource, pushed.resource_id), pushed) if pushed else None


def listed_tables(context: Context) -> list[tuple[str, int, str | None]]:
    """Return what `_table_metadata` shows: name, number and, for an alias, the name it stands for."""
    statement = (
        select(Resource.id, Resource.datastore_active, PushedTable, Package)
        .join(Package, Package.id == Resource.package_id)
        .outerjoin(PushedTable, PushedTable.resource_id == Resource.id)
        .where(Resource.state == "active", (Resource.datastore_active) | (PushedTable.resource_id.is_not(None)))
        .order_by(Resource.id)
    )
    rows: list[tuple[str, int, str | None]] = []
    for resource_id, is_active, pushed, package in context.session.execute(statement):
        sees = pushed is not None and sees_pushed_rows(context, package)
        if not (sees or (is_active and is_public(package))):
            continue
        rows.append((resource_id, len(rows) + 1, None))
        for alias in pushed.aliases if sees else []:
            rows.append((alias, len(rows) + 1, resource_id))
    return rows
