"""The tables of an old release, as today's policy sees them: its own columns, today's rules.

What a release published is told by its `privacy.json` and `datapackage.json`. Where a column, a guarantee or a threshold still stands in
the definition, the definition's word counts; what the definition no longer knows is judged by the policy that it was released under.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import ValidationError

from publisher.definition import DatasetDefinition, TableDefinition
from publisher.formats.geo import GEOPARQUET_ENDING
from publisher.policy import AggregateTable, Drop, Privacy
from publisher.policy.strict import TO_JUDGE
from publisher.published import PublishedField, PublishedTable, published_tables
from publisher.table_schema import FieldDefinition, TableSchema


@dataclass(frozen=True)
class AsReleased:
    """The tables that lie in a release folder, and what today's policy would not have let out, as sentences without values.

    `is_of_today`: all tables have the very columns that are published today, so that they can be compared with other releases.
    """

    tables: tuple[PublishedTable, ...]
    faults: tuple[str, ...]
    is_of_today: bool = False


def tables_as_released(definition: DatasetDefinition, folder: Path) -> AsReleased:
    """Return the tables of a fetched release folder under today's policy.

    Raises:
        KeyError, ValueError, OSError: the release does not tell what it published.
    """
    policies = json.loads((folder / "privacy.json").read_bytes())["policy"]
    described = json.loads((folder / "datapackage.json").read_bytes())["resources"]
    types = {
        str(resource["name"]): {str(one["name"]): str(one["type"]) for one in resource["schema"]["fields"]}
        for resource in described
        if "schema" in resource
    }
    today = {table.name: table for table in definition.resources}
    tables, faults = [], []
    for name, dump in policies.items():
        old = _policy(dump)
        merged = _merged(name, old, today.get(name), types)
        if old is not None and old.publishes_rows and not merged.privacy.publishes_rows:
            faults.append(f"the rows of {name} no longer leave by the policy")
            continue
        for table in published_tables(merged):
            path = folder / f"{table.name}.parquet"
            if path.is_file():
                narrowed, more = _narrowed(table, path, types.get(table.name, {}))
                tables.append(narrowed)
                faults.extend(more)
    known = {table.name for table in tables}
    stray = [path.stem for path in sorted(folder.glob("*.parquet")) if "." not in path.stem and path.stem not in known]
    faults += [f"the policy knows nothing of the table {name}" for name in stray]
    today_columns = {one.name: _columns(one) for table in definition.resources for one in published_tables(table)}
    is_of_today = {table.name: _columns(table) for table in tables} == today_columns
    return AsReleased(tuple(tables), tuple(dict.fromkeys(faults)), is_of_today)


def _columns(table: PublishedTable) -> list[str]:
    return [field.name for field in table.fields]


def _policy(dump: Mapping[str, Any]) -> Privacy | None:
    """Return the policy that a release was made under, null when it was written in words of another time."""
    try:
        return Privacy.model_validate(dump, context=TO_JUDGE)
    except ValidationError:
        return None


def _merged(
    name: str, old: Privacy | None, today: TableDefinition | None, types: Mapping[str, Mapping[str, str]]
) -> TableDefinition:
    """Return today's definition of a table, widened by what only the old release knew."""
    if old is None:
        if today is not None:
            return today.model_copy(update={"partition_by": None})
        raise ValueError(f"nothing tells under which policy {name} was released")
    known = {field.name for field in today.schema_.fields} if today else set()
    more = [_field(field, kind) for field, kind in _named_types(name, old, types).items() if field not in known]
    if today is None:
        return _bare(name, old, more)
    schema = today.schema_.model_copy(update={"fields": [*today.schema_.fields, *more]})
    actions = {**old.fields, **{field: today.privacy.fields.get(field) or Drop() for field in known}}
    publishes_rows = today.privacy.publishes_rows
    privacy = today.privacy.model_copy(
        update={
            "fields": actions,
            "microdata": today.privacy.microdata if publishes_rows else None,
            "tables": [_stricter(one, today.privacy.tables) for one in old.tables],
            "dp": old.dp,
        }
    )
    return today.model_copy(update={"privacy": privacy, "schema_": schema, "partition_by": None})


def _named_types(name: str, old: Privacy, types: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the fields that an old release published of a table, or that its aggregates name, with their types as far as told."""
    told = {field: kind for columns in types.values() for field, kind in columns.items()}
    grouped = {field for table in old.tables for field in table.group_by}
    measured = {measure.field for table in old.tables for measure in table.measures if measure.field}
    return {field: told.get(field, "string") for field in sorted({*types.get(name, ()), *grouped, *measured})}


def _field(name: str, kind: str) -> FieldDefinition:
    return FieldDefinition.model_validate({"name": name, "type": kind, "title": name})


def _bare(name: str, policy: Privacy, fields: list[FieldDefinition]) -> TableDefinition:
    """Return a table that no definition knows any more: its fields and its policy are all that the checks read."""
    known: dict[str, Any] = {
        "name": name,
        "title": name,
        "title_translated": {},
        "row": "",
        "row_translated": {},
        "schema_": TableSchema(fields=fields),
        "privacy": policy,
        "geometry": None,
        "sort_by": [],
        "partition_by": None,
        "checks": [],
    }
    return TableDefinition.model_construct(**known)


def _stricter(old: AggregateTable, today: list[AggregateTable]) -> AggregateTable:
    """Return an aggregate as it was released, with today's demands where it is still defined."""
    same = next((one for one in today if one.id == old.id), None)
    if same is None:
        return old
    return old.model_copy(update={"small_cell": same.small_cell, "secondary": same.secondary})


def _narrowed(table: PublishedTable, path: Path, types: Mapping[str, str]) -> tuple[PublishedTable, list[str]]:
    """Return a table with the columns that its file has, and the columns that today's policy does not let out."""
    allowed = {field.name: field for field in table.fields}
    names = pq.read_schema(path).names
    faults = [
        f"the column {name} of {table.name} does not leave by the policy" for name in names if name not in allowed
    ]
    fields = tuple(
        replace(allowed.get(name) or PublishedField(name, "string", name), type=types.get(name, "string"))
        for name in names
    )
    has_map = path.with_name(f"{path.stem}{GEOPARQUET_ENDING}").is_file()
    source = table.source if has_map else table.source.model_copy(update={"geometry": None})
    sort_by = tuple(name for name in table.sort_by if name in names)
    return replace(table, fields=fields, source=source, sort_by=sort_by), faults
