"""`categories` and `uniqueKeys` of Data Package v2, which Frictionless reads over: reported in its error forms. Imports frictionless."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frictionless import Check, errors


def categories_of(field: Any) -> list[object] | None:
    """Return the values that a field's `categories` allow, read as cells are; null when there are none."""
    entries = field.custom.get("categories")
    if not isinstance(entries, list) or not entries:
        return None
    read = field.create_value_reader()
    return [read(entry["value"] if isinstance(entry, dict) else entry) for entry in entries]


def unique_keys_of(schema: Any) -> list[tuple[str, ...]]:
    """Return the `uniqueKeys` of a schema whose fields all exist."""
    keys = schema.custom.get("uniqueKeys") or []
    names = set(schema.field_names)
    return [tuple(key) for key in keys if isinstance(key, list) and key and set(key) <= names]


class ExtendedCheck(Check):
    """A value outside its categories is a `constraint-error`; a repeated unique key is a `unique-error` at its first field.

    A key with a missing value is not compared, as in SQL.
    """

    type = "extended"
    Errors = [errors.ConstraintError, errors.UniqueError]  # noqa: RUF012  the form that frictionless asks for

    def connect(self, resource: Any) -> None:
        """Take the resource whose rows come."""
        super().connect(resource)
        self._categories: dict[str, list[object]] | None = None
        self._keys: list[tuple[str, ...]] = []
        self._seen: list[dict[tuple[object, ...], int]] = []

    def validate_row(self, row: Any) -> Iterator[Any]:
        """Yield the errors of a row."""
        if self._categories is None:
            self._learn(row)
        for name, allowed in (self._categories or {}).items():
            value = row[name]
            if value is not None and value not in allowed:
                note = f'constraint "categories" is "{allowed}"'
                yield errors.ConstraintError.from_row(row, note=note, field_name=name)
        for names, seen in zip(self._keys, self._seen, strict=True):
            values = tuple(row[name] for name in names)
            if None in values:
                continue
            before = seen.get(values)
            seen[values] = row.row_number
            if before:
                note = f'the same values of "{", ".join(names)}" as in the row at position {before}'
                yield errors.UniqueError.from_row(row, note=note, field_name=names[0])

    def _learn(self, row: Any) -> None:
        names = set(row.field_names)
        allowed = {field.name: categories_of(field) for field in self.resource.schema.fields if field.name in names}
        self._categories = {name: values for name, values in allowed.items() if values is not None}
        self._keys = [key for key in unique_keys_of(self.resource.schema) if set(key) <= names]
        self._seen = [{} for _ in self._keys]
