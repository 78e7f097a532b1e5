"""How a release differs from the one before, read from its `changes.json`: rows, columns, and the contract with its version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cityportal.languages import has_message


@dataclass(frozen=True)
class TableChange:
    """The rows of one table that differ; `fields` are columns with the rows in which each differs, the most first.

    `file` lists the rows; where none does, `unlisted` says why.
    """

    table: str
    added: int
    removed: int
    changed: int
    fields: tuple[tuple[str, int], ...]
    file: str
    unlisted: str


@dataclass(frozen=True)
class ContractChange:
    """One difference of the contract; `before` and `after` are words of the definition."""

    kind: str
    level: str
    table: str
    field: str
    before: str
    after: str


@dataclass(frozen=True)
class ReleaseChanges:
    """All differences to the release before; `version_before` is empty for the first release."""

    version: str
    version_before: str
    level: str
    contract: tuple[ContractChange, ...]
    tables: tuple[TableChange, ...]


def changes_from_document(document: Mapping[str, Any] | None) -> ReleaseChanges | None:
    """Read the document; null where there is none, or one that tells no version."""
    version = (document or {}).get("version")
    if document is None or not isinstance(version, Mapping):
        return None
    return ReleaseChanges(
        version=str(version.get("to") or ""),
        version_before=str(version.get("from") or ""),
        level=str(version.get("level") or ""),
        contract=tuple(
            _contract_change(one)
            for one in version.get("differences") or ()
            if has_message(f"differences.{one['kind']}")
        ),
        tables=tuple(_table_change(one) for one in document.get("tables") or ()),
    )


def _contract_change(said: Mapping[str, str]) -> ContractChange:
    parts = (said.get(name, "") for name in ("kind", "level", "table", "field", "before", "after"))
    return ContractChange(*parts)


def _table_change(said: Mapping[str, Any]) -> TableChange:
    fields = sorted((said.get("fields") or {}).items(), key=lambda one: (-one[1], one[0]))
    return TableChange(
        table=str(said["table"]),
        added=int(said["added"]),
        removed=int(said["removed"]),
        changed=int(said["changed"]),
        fields=tuple((str(name), int(count)) for name, count in fields),
        file="" if said.get("unlisted") else f"{said['table']}.changes.parquet",
        unlisted=str(said.get("unlisted") or ""),
    )
