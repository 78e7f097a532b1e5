"""The data dictionary of a release, read from its `datapackage.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityportal.languages import NO_TEXT, Text

NUMERIC_TYPES = {"integer", "number"}
TEMPORAL_TYPES = frozenset({"date", "datetime", "yearmonth", "year"})


@dataclass(frozen=True)
class Column:
    """One released column; `treatment` is what the privacy policy did to it."""

    name: str
    type: str
    title: Text = NO_TEXT
    description: Text = NO_TEXT
    unit: str = ""
    treatment: str = ""

    @property
    def is_temporal(self) -> bool:
        """Tell whether the values are days, months, years or moments."""
        return self.type in TEMPORAL_TYPES

    @property
    def is_numeric(self) -> bool:
        """Tell whether the values are amounts, which stand at the right and are grouped."""
        return self.type in NUMERIC_TYPES


@dataclass(frozen=True)
class Geometry:
    """Where the rows of a table lie: the columns that say so, and how their system became longitude and latitude.

    `operation` is empty when the columns hold longitude and latitude themselves; `accuracy_m` is null when nobody knows it.
    """

    columns: tuple[str, ...] = ()
    source: str = ""
    operation: str = ""
    accuracy_m: float | None = None


@dataclass(frozen=True)
class Table:
    """One released table."""

    name: str
    title: Text = NO_TEXT
    row: Text = NO_TEXT
    columns: tuple[Column, ...] = ()
    geometry: Geometry | None = None

    @property
    def is_series(self) -> bool:
        """Tell whether its rows run from old to new: it is sorted by a first column that tells time."""
        return bool(self.columns) and self.columns[0].is_temporal

    def column(self, name: str) -> Column:
        """Return a column by name; a column that the data package leaves out has only its name."""
        return next((column for column in self.columns if column.name == name), Column(name, ""))


def tables_from_datapackage(package: Mapping[str, Any] | None) -> list[Table]:
    """Read the tables of a data package: its resources with a schema; the description of one says what a row is."""
    tables: dict[str, Table] = {}
    for resource in (package or {}).get("resources") or []:
        fields = (resource.get("schema") or {}).get("fields") if isinstance(resource.get("schema"), Mapping) else None
        name = str(resource.get("name") or "")
        if fields and name and name not in tables:
            tables[name] = Table(
                name=name,
                title=_text(resource, "title"),
                row=_text(resource, "description"),
                columns=tuple(_column(field) for field in fields),
                geometry=_geometry(resource["schema"].get("geometry")),
            )
    return list(tables.values())


def _geometry(described: Any) -> Geometry | None:
    if not isinstance(described, Mapping):
        return None
    fields, conversion = described.get("fields"), described.get("conversion")
    conversion = conversion if isinstance(conversion, Mapping) else {}
    accuracy = conversion.get("accuracy_m")
    return Geometry(
        columns=tuple(str(name) for name in fields) if isinstance(fields, list) else (),
        source=" ".join(str(conversion[key]) for key in ("source_crs_name", "source_crs") if conversion.get(key)),
        operation=str(conversion.get("operation") or ""),
        accuracy_m=float(accuracy) if isinstance(accuracy, int | float) else None,
    )


def _column(field: Mapping[str, Any]) -> Column:
    return Column(
        name=str(field["name"]),
        type=str(field.get("type") or ""),
        title=_text(field, "title"),
        description=_text(field, "description"),
        unit=str(field.get("unit") or ""),
        treatment=str(field.get("treatment") or ""),
    )


def _text(descriptor: Mapping[str, Any], key: str) -> Text:
    translated = descriptor.get(f"{key}_translated") or {}
    return Text(str(translated.get("vi") or descriptor.get(key) or ""), str(translated.get("en") or ""))
