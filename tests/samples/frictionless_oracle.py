"""What Frictionless itself says about rows: the reference that our validation is compared with."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

from frictionless import Checklist, Package, system

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
Faults = set[tuple[int, str | None, str]]
Table = tuple[dict[str, Any], list[list[str | None]]]


def frictionless_faults(
    schema: dict[str, Any], rows: list[list[str | None]], checks: list[dict[str, Any]] | None = None
) -> Faults:
    """Return row (0: the whole table), field and type of every error that Frictionless reports on the rows as a CSV file."""
    return dataset_faults({"readings": (schema, rows)}, checks={"readings": checks or []})["readings"]


def dataset_faults(
    tables: dict[str, Table], checks: dict[str, list[dict[str, Any]]] | None = None
) -> dict[str, Faults]:
    """Return the same for tables that may refer to each other."""
    with tempfile.TemporaryDirectory() as name, system.use_context(trusted=True):
        for table, (schema, rows) in tables.items():
            _write(Path(name) / f"{table}.csv", [field["name"] for field in schema["fields"]], rows)
        resources = [_resource(table, schema) for table, (schema, _) in tables.items()]
        package = Package.from_descriptor({"$schema": PROFILE, "resources": resources}, basepath=name)
        found = {}
        for table in tables:
            checklist = Checklist.from_descriptor({"checks": (checks or {}).get(table, [])})
            report = package.get_resource(table).validate(checklist, limit_errors=1_000_000)
            found[table] = {_place(error) for task in report.tasks for error in task.errors}
        return found


def _write(path: Path, names: list[str], rows: list[list[str | None]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(names)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])


def _resource(table: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": table,
        "type": "table",
        "path": f"{table}.csv",
        "encoding": "utf-8",
        "dialect": {"csv": {"delimiter": ",", "skipInitialSpace": False}},
        "schema": schema,
    }


def _place(error: Any) -> tuple[int, str | None, str]:
    names = getattr(error, "field_names", None)  # of a foreign key
    field = names[0] if names and len(names) == 1 else getattr(error, "field_name", None)
    return getattr(error, "row_number", 1) - 1, field, error.type
