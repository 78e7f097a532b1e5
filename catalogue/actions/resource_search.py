"""Searching resources by their own fields. The docstring of the action is `help_show`'s text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ColumnElement, DateTime, Integer, func, select
from sqlalchemy.orm import InstrumentedAttribute

from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import contains, json_of, natural, optional_text, sought
from catalogue.errors import ValidationError
from catalogue.model import Package, Resource
from catalogue.register.packages import RESOURCE_COLUMNS, resource_to_dict
from catalogue.register.validation import MISSING, as_boolean, as_integer
from catalogue.times import read_time


def resource_search(context: Context, params: Params) -> dict[str, Any]:
    """Return how many resources of public datasets match `query`, and those resources.

    `query` is `field:term`, or a list of such texts that must all match. A term matches when the field contains it, in
    any case; of `hash` it must be the beginning; numbers, dates and flags must be equal. `order_by` names a field;
    `limit` (at most 1000 by default) and `offset` cut a page out, `count` is of all.
    """
    statement = (
        select(Resource)
        .join(Package, Package.id == Resource.package_id)
        .where(Package.state == "active", Package.private.is_(False), Resource.state == "active")
        .where(*(_condition(term) for term in _terms(params)))
    )
    count = context.session.scalar(select(func.count()).select_from(statement.subquery()))
    order_by = optional_text(params, "order_by")
    order = [getattr(Resource, order_by)] if order_by in RESOURCE_COLUMNS else []
    most = context.settings.search_rows_max
    limit = natural(params, "limit", default=most, maximum=most)
    page = statement.order_by(*order, Resource.id).limit(limit).offset(natural(params, "offset", default=0))
    return {"count": count, "results": [resource_to_dict(resource) for resource in context.session.scalars(page)]}


def _terms(params: Params) -> list[str]:
    given = params.get("query")
    if isinstance(given, str) and given.lstrip().startswith("["):
        given = json_of(given, "query")
    if given is None or given in ("", []):
        raise ValidationError({"query": MISSING})
    return sought(given, "query")


def _condition(written: str) -> ColumnElement[bool]:
    field, colon, term = written.partition(":")
    field = field.strip()
    if not colon:
        raise ValidationError({"query": ["Must be <field>:<value> pair(s)"]})
    if field not in RESOURCE_COLUMNS:
        raise ValidationError({"query": [f'Field "{field[:100]}" not recognised in resource_search.']})
    column: InstrumentedAttribute[Any] = getattr(Resource, field)
    if isinstance(column.type, Integer | Boolean | DateTime):
        return column == _value(column.type, term.strip())
    if field == "hash":
        return column.istartswith(term, autoescape=True)
    return contains(column, term)


def _value(kind: Any, term: str) -> bool | int | datetime:
    """Return the term as a value of the column's type.

    Raises:
        ValidationError: it is none.
    """
    if isinstance(kind, DateTime):
        try:
            return read_time(term)
        except (ValueError, OverflowError):
            raise ValidationError({"query": ["Date format incorrect"]}) from None
    value = as_boolean(term) if isinstance(kind, Boolean) else as_integer(term)
    if value is None:
        raise ValidationError(
            {"query": ["Parameter is not an bool" if isinstance(kind, Boolean) else "Invalid integer"]}
        )
    return value
