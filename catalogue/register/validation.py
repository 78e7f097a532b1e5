"""Fields of a given dict, read one by one; every fault is collected under its field, none stops the reading."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from catalogue.errors import MalformedInput, ValidationError
from catalogue.times import read_time

NAME_LENGTH = range(2, 101)
RESERVED_NAMES = {"new", "edit", "search"}
MAX_INTEGER = 2**63 - 1
MISSING = "Missing value"

_ID = re.compile(r"[A-Za-z0-9_-]{2,100}\Z")
_NAME = re.compile(r"[a-z0-9_\-]*\Z")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*\Z")
_TAG = re.compile(r"[\w \-.]*\Z")
_TRUE = {"true", "yes", "on", "t", "y", "1"}
_FALSE = {"false", "no", "off", "f", "n", "0"}


def as_text(value: object) -> str:
    """Return any JSON value as text; a text is itself."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, bool | int | float) else json.dumps(value, ensure_ascii=False)


def as_boolean(value: object) -> bool | None:
    """Return the boolean that a lenient reader sees in the value, or null."""
    word = as_text(value).strip().lower()
    if word in _TRUE:
        return True
    return False if word in _FALSE else None


def as_integer(value: object) -> int | None:
    """Return the integer that the value is or spells, within 64 bits, or null."""
    if isinstance(value, str) and len(value) < 30:
        value = int(value) if re.fullmatch(r"\s*[+-]?[0-9]+\s*", value) else None
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if abs(value) <= MAX_INTEGER else None


def name_faults(name: str) -> list[str]:
    """Return what is wrong with the name of a dataset, group or user."""
    faults = []
    if not _NAME.match(name):
        faults.append("Must be purely lowercase alphanumeric (ascii) characters and these symbols: -_")
    if len(name) < NAME_LENGTH.start:
        faults.append(f"Must be at least {NAME_LENGTH.start} characters long")
    if len(name) >= NAME_LENGTH.stop:
        faults.append(f"Name must be a maximum of {NAME_LENGTH.stop - 1} characters long")
    if name in RESERVED_NAMES:
        faults.append("That name cannot be used")
    return faults


def id_faults(written: str) -> list[str]:
    """Return what is wrong with an id that a sysadmin chose."""
    return [] if _ID.match(written) else ["Invalid id: letters, digits, dashes and underscores, at most 100"]


def length_faults(name: str) -> list[str]:
    """Return what is wrong with a name of which only the length counts, such as that of a vocabulary."""
    if len(name) < NAME_LENGTH.start:
        return [f"Must be at least {NAME_LENGTH.start} characters long"]
    return (
        [f"Name must be a maximum of {NAME_LENGTH.stop - 1} characters long"] if len(name) >= NAME_LENGTH.stop else []
    )


def tag_faults(name: str) -> list[str]:
    """Return what is wrong with a tag: letters of any script, digits, blanks, dots, dashes and underscores are fine."""
    faults = []
    if len(name) < NAME_LENGTH.start:
        faults.append(f'Tag "{name}" length is less than minimum {NAME_LENGTH.start}')
    if len(name) >= NAME_LENGTH.stop:
        faults.append(f'Tag "{name[:100]}" length is more than maximum {NAME_LENGTH.stop - 1}')
    if not _TAG.match(name):
        faults.append(
            f'Tag "{name[:100]}" can only contain alphanumeric characters, spaces (" "), hyphens ("-"), underscores ("_") or dots (".")'
        )
    return faults


def list_of_dicts(raw: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """Return the list of objects under the field; an absent or null one is empty.

    Raises:
        MalformedInput: the value is something else.
    """
    value = raw.get(field)
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedInput(field)
    return value


class FieldReader:
    """Reads a dict field by field; `errors` grows as CKAN's clients expect it. A null counts as not given."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.errors: dict[str, Any] = {}

    def fault(self, field: str, message: str) -> None:
        """Note a fault of the field."""
        self.errors.setdefault(field, []).append(message)

    def gives(self, field: str) -> bool:
        """Tell whether the field has a value."""
        return self.raw.get(field) is not None

    def text(self, field: str, *, required: bool = False, max_length: int | None = None) -> str | None:
        """Return the field as text, or null."""
        if not self.gives(field):
            if required:
                self.fault(field, MISSING)
            return None
        text = as_text(self.raw[field])
        if required and not text.strip():
            self.fault(field, MISSING)
        if max_length is not None and len(text) > max_length:
            self.fault(field, f"Length must be at most {max_length} characters")
        return text

    def name(self, field: str = "name") -> str | None:
        """Return the field as a name; it is required."""
        name = self.text(field, required=True)
        if name and name.strip():
            for fault in name_faults(name):
                self.fault(field, fault)
        return name

    def email(self, field: str) -> str | None:
        """Return the field as an e-mail address, or null; an empty text is left as it is."""
        text = self.text(field)
        if text and (len(text) > 254 or not _EMAIL.match(text)):
            self.fault(field, f"Email {text[:254]} is not a valid format")
        return text

    def web_address(self, field: str) -> str | None:
        """Return the field as an address of http or https, or null."""
        text = self.text(field)
        if text and not re.match(r"https?://[^\s/?#]+\S*\Z", text, re.IGNORECASE):
            self.fault(field, "Please provide a valid URL")
        return text

    def boolean(self, field: str) -> bool | None:
        """Return the field as a boolean, or null."""
        if not self.gives(field) or self.raw[field] == "":
            return None
        value = as_boolean(self.raw[field])
        if value is None:
            self.fault(field, "Parameter is not an bool")
        return value

    def integer(self, field: str) -> int | None:
        """Return the field as an integer, or null."""
        if not self.gives(field) or self.raw[field] == "":
            return None
        value = as_integer(self.raw[field])
        if value is None:
            self.fault(field, "Invalid integer")
        return value

    def time(self, field: str) -> datetime | None:
        """Return the field as a naive UTC time, or null."""
        if not self.gives(field) or self.raw[field] == "":
            return None
        try:
            return read_time(as_text(self.raw[field]))
        except (ValueError, OverflowError):
            self.fault(field, "Date format incorrect")
            return None

    def one_of(self, field: str, allowed: tuple[str, ...], *, message: str) -> str | None:
        """Return the field when it is one of the allowed words, or null."""
        text = self.text(field)
        if text is not None and text not in allowed:
            self.fault(field, message)
        return text

    def finish(self) -> None:
        """Refuse the whole dict when a fault was noted.

        Raises:
            ValidationError: with all faults.
        """
        if self.errors:
            raise ValidationError(self.errors)
