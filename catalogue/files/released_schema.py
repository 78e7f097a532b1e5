"""What the `datapackage.json` of a release says about its tables: fields, datastore types, titles, units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DATASTORE_TYPES = {
    "integer": "int",
    "year": "int",
    "number": "numeric",
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamp",
    "time": "time",
}


@dataclass(frozen=True)
class ReleasedField:
    """One column of a released table; `type` is the datastore's name, `unit` null where there is none."""

    name: str
    type: str
    title: str = ""
    description: str = ""
    unit: str | None = None


def table_descriptor(datapackage: Mapping[str, Any], table: str) -> dict[str, Any]:
    """Return the descriptor of the resource that describes a table; empty when the data package has none."""
    resources = [resource for resource in datapackage.get("resources", []) if isinstance(resource, dict)]
    exact = [resource for resource in resources if resource.get("name") == table and "schema" in resource]
    others = [resource for resource in resources if _belongs(resource, table)]
    return (exact + others or [{}])[0]


def _belongs(resource: Mapping[str, Any], table: str) -> bool:
    path = resource.get("path")
    first = path[0] if isinstance(path, list) and path else path
    return "schema" in resource and str(first or "").rpartition("/")[2].partition(".")[0] == table


def table_fields(datapackage: Mapping[str, Any], table: str) -> dict[str, ReleasedField]:
    """Return the described fields of a table by name."""
    schema = table_descriptor(datapackage, table).get("schema")
    fields = schema.get("fields", []) if isinstance(schema, dict) else []
    return {str(field["name"]): _field(field) for field in fields}


def _field(field: Mapping[str, Any]) -> ReleasedField:
    unit = field.get("unit")
    return ReleasedField(
        name=str(field["name"]),
        type=DATASTORE_TYPES.get(str(field.get("type")), "text"),
        title=str(field.get("title") or ""),
        description=str(field.get("description") or ""),
        unit=str(unit) if unit else None,
    )


def type_of_declaration(declared: str) -> str:
    """Return the datastore type for a column's declared SQLite type, for a column that nobody described."""
    name = declared.upper()
    if "INT" in name:
        return "int"
    return "numeric" if any(part in name for part in ("REAL", "FLOA", "DOUB", "NUM")) else "text"
