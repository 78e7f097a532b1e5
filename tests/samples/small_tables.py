"""Tables of a few columns, made without a definition file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from publisher.definition import TableDefinition
from publisher.published import PublishedTable, published_tables

SOURCE = {"kind": "sql", "url": "env:DB", "query": "SELECT * FROM ho_so"}


def define(fields: Mapping[str, str], privacy: Mapping[str, Any], **more: Any) -> TableDefinition:
    """Return a table definition with titles like its names; `fields` are names and Table Schema types."""
    described = [{"name": name, "type": kind, "title": name} for name, kind in fields.items()]
    content = {"name": "ho_so", "title": "x", "row": "x", "schema": {"fields": described}, "source": SOURCE}
    return TableDefinition.model_validate({**content, "privacy": dict(privacy), **more})


def published_with_waiver(field: str, *, until: date) -> PublishedTable:
    """Return a table of one column that is waived as a name."""
    waiver = {"kind": "full_name", "reason": "Tên cơ quan, không phải người.", "by": "so-thu", "until": until}
    action: dict[str, Any] = {"action": "keep", "waive": waiver}
    definition = TableDefinition.model_validate(
        {
            "name": "thu",
            "title": "Thử",
            "row": "Mỗi dòng là một cơ quan.",
            "schema": {"fields": [{"name": field, "type": "string", "title": "Tên"}]},
            "source": {"kind": "file", "location": "env:X", "format": {"kind": "csv"}},
            "privacy": {"subject": "none", "fields": {field: action}},
        }
    )
    [table] = published_tables(definition)
    return table
