"""What a dataset promises to its readers, derived from the definition alone: tables, columns, keys, grain and precision.

Two contracts are compared to find the next schema version. A contract is plain JSON values, kept with every release; texts for
people are in it as hashes only.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from publisher.definition import DatasetDefinition
from publisher.formats.datapackage import published_key
from publisher.hierarchies import BUILT_IN
from publisher.policy import FieldAction, GeneraliseHierarchy, InlineHierarchy
from publisher.published import PublishedField, PublishedTable, published_tables

Contract = dict[str, Any]

_MAX_LISTED_LINES = 5_000
"""Longer hierarchies are known by one hash; any change of them then counts as a change of codes."""
_BOUNDS = (
    *("required", "unique", "pattern", "minimum", "maximum"),
    *("exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength"),
)
_NOT_PRECISION = {"role", "waive", "key"}


def contract_of(definition: DatasetDefinition) -> Contract:
    """Return the contract of a dataset; reads the hierarchies that its policy names."""
    tables = [published for table in definition.resources for published in published_tables(table)]
    words = definition.model_dump(mode="json", include={"title", "title_translated", "description", "keywords"})
    about = [words, definition.description_translated, [licence.name for licence in definition.licenses]]
    return {
        "labels": _digest(about),
        "forms": sorted(definition.release.formats),
        "tables": {table.name: _table(table, definition.folder) for table in tables},
    }


def _table(table: PublishedTable, folder: Path) -> dict[str, Any]:
    privacy = table.source.privacy
    return {
        "labels": _digest([table.title, table.title_translated, table.row, table.row_translated]),
        "key": list(published_key(table)),
        "grain": list(table.aggregate.group_by) if table.aggregate else ["row", *privacy.unit_key],
        "suppression": _suppression(table),
        "order": list(table.sort_by),
        "fields": {field.name: _field(field, table, folder) for field in table.fields},
    }


def _suppression(table: PublishedTable) -> dict[str, float | list[str]]:
    """Return what makes rows or cells stay inside; more of any of them lets less out."""
    if table.aggregate is not None:
        return {"small_cell": table.aggregate.small_cell.min}
    microdata = table.source.privacy.microdata
    if microdata is None:
        return {}
    quasi = sorted(name for name, action in table.source.privacy.fields.items() if action.role == "quasi")
    diversity = microdata.l_diversity
    said: dict[str, float | list[str]] = {"k": microdata.k, "suppression_limit": microdata.suppression_limit}
    return said | {"quasi": quasi, "l": diversity.l if diversity else 0}


def _field(field: PublishedField, table: PublishedTable, folder: Path) -> dict[str, Any]:
    measures = {measure.name: measure for measure in table.aggregate.measures} if table.aggregate else {}
    labels = [field.title, field.title_translated, field.description, field.description_translated]
    known: dict[str, Any] = {"type": field.type, "unit": field.unit or "", "labels": _digest(labels)}
    if measure := measures.get(field.name):
        return known | {"precision": measure.model_dump(include={"kind", "field", "decimals"}), "codes": []}
    at_source = table.source.schema_.field(field.name)
    constraints, action = at_source.constraints, table.source.privacy.action_of(field.name)
    codes = [str(getattr(code, "value", code)) for code in constraints.enum or at_source.categories or []]
    bounds = {name: value for name in _BOUNDS if (value := getattr(constraints, name)) not in (None, False)}
    return known | {
        "precision": _precision(action),
        "codes": _hierarchy_lines(action, folder) or codes,
        "bounds": bounds if field.treatment == "keep" else {},
    }


def _precision(action: FieldAction) -> dict[str, Any]:
    """Return how the field leaves: the action and its settings, without what changes no value's precision."""
    return {
        name: value for name, value in action.model_dump(mode="json").items() if name not in _NOT_PRECISION and value
    }


def _hierarchy_lines(action: FieldAction, folder: Path) -> list[str]:
    """Return a hash for each line of the field's hierarchy: codes that were remapped or went away show as lines gone."""
    if not isinstance(action, GeneraliseHierarchy):
        return []
    try:
        lines = _lines_of(action, folder)
    except OSError:
        return []  # the anonymiser says what is wrong with it
    if len(lines) > _MAX_LISTED_LINES:
        return [hashlib.sha256(b"\n".join(lines)).hexdigest()[:16]]
    return sorted({hashlib.sha256(line).hexdigest()[:16] for line in lines if line.strip()})


def _lines_of(action: GeneraliseHierarchy, folder: Path) -> list[bytes]:
    if isinstance(action.hierarchy, InlineHierarchy):
        return [json.dumps(row, ensure_ascii=False).encode() for row in action.hierarchy.leaves.items()]
    if action.file is not None:
        return (folder / action.file).read_bytes().splitlines()
    built_in = BUILT_IN.get(str(action.hierarchy))
    return built_in.path.read_bytes().splitlines() if built_in and built_in.file else []


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
