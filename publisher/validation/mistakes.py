"""What definitions and cells share: the one form of texts, and the error that names a field."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from publisher.errors import DescriptorError

_CELL_LISTS = {"missingValues", "trueValues", "falseValues", "enum", "categories"}


class FieldError(DescriptorError):
    """A mistake of one field; who knows the file can add the line."""

    field: str = ""
    where: tuple[str, ...] = ()
    """Keys within the field that lead to the cause, as far as they are known."""

    @classmethod
    def of(cls, table: str, field: str, what: str, *, cure: str, where: Sequence[str] = ()) -> FieldError:
        """Return the error that names table and field."""
        error = cls(f"table {table}, field {field}: {what}.", cure=cure)
        error.field, error.where = field, tuple(where)
        return error


def as_cleaned(value: Any, *, key: str = "") -> Any:
    """Return descriptor texts in the form that cells have after cleaning, so that both still meet."""
    if isinstance(value, str):
        text = unicodedata.normalize("NFC", value.replace("\u00a0", " "))
        return text.strip() if key in _CELL_LISTS else text
    if isinstance(value, list):
        return [as_cleaned(entry, key=key) for entry in value]
    if isinstance(value, dict):
        return {name: as_cleaned(entry, key=name) for name, entry in value.items()}
    return value
