"""What a policy lets out: the published tables and fields, derived from a definition alone.

The writer, the describer, the register and the checker all start from here, so that none has to ask the anonymiser.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from publisher.definition import Partition, TableDefinition
from publisher.geometry.spec import GeometrySpec
from publisher.policy import AggregateTable, Drop, GeneraliseDate, Measure
from publisher.table_schema import FieldDefinition

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "time": pa.string(),
    "year": pa.int64(),
    "yearmonth": pa.string(),
    # text in canonical form, see publisher/validation/stored.py
    "duration": pa.string(),
    "object": pa.string(),
    "array": pa.string(),
    "list": pa.string(),
    "geopoint": pa.string(),
    "geojson": pa.string(),
    "any": pa.string(),
}
_SUMMED = {
    "vi": "Dấu * nghĩa là tất cả: dòng đó tính chung mọi giá trị của cột này, đừng cộng với các dòng khác.",
    "en": "* means all: such a row is taken over every value of this column, so do not add it to the other rows.",
}
_NOISY = {
    "vi": "Có cộng nhiễu ngẫu nhiên để bảo vệ con người; số âm được công bố là 0.",
    "en": "With random noise added to protect people; numbers below zero are published as 0.",
}
_TEXT_ACTIONS = {"pseudonymise", "generalise", "generalise_number", "recode"}
_DATE_LEVEL_TYPES = {"hour": "datetime", "day": "date", "month": "yearmonth", "year": "year"}


@dataclass(frozen=True)
class PublishedField:
    """One column as the public gets it."""

    name: str
    type: str
    title: str
    title_translated: dict[str, str] = field(default_factory=dict)
    description: str = ""
    description_translated: dict[str, str] = field(default_factory=dict)
    unit: str | None = None
    treatment: str = "keep"
    role: str | None = None
    type_options: dict[str, Any] = field(default_factory=dict)
    """Table Schema properties that say more about the type: `format`, `delimiter`, `itemType`, `categories`."""


@dataclass(frozen=True)
class PublishedTable:
    """One table as the public gets it; `aggregate` is null when its rows are the source's rows."""

    name: str
    title: str
    title_translated: dict[str, str]
    row: str
    row_translated: dict[str, str]
    fields: tuple[PublishedField, ...]
    sort_by: tuple[str, ...]
    source: TableDefinition
    aggregate: AggregateTable | None = None

    @property
    def partition(self) -> Partition | None:
        """The pieces that its rows are published in besides; null for aggregates and where the definition names none."""
        return self.source.partition_by if self.aggregate is None else None

    @property
    def geometry(self) -> GeometrySpec | None:
        """Where a row lies; null for tables without a geometry and for aggregates."""
        return self.source.geometry if self.aggregate is None else None

    @property
    def arrow_schema(self) -> pa.Schema:
        """Return the Arrow schema of the released files; every column may hold nulls."""
        return arrow_schema(self.fields)


@dataclass(frozen=True)
class ReleaseSummary:
    """What the catalogue is told about a release; times are UTC."""

    release: str
    as_of: date
    published_at: datetime
    checked_at: datetime
    parent: str | None
    rows: dict[str, int]
    columns: dict[str, int]
    files: list[dict[str, Any]]
    manifest_sha256: str
    definition_sha256: str
    changes: dict[str, Any] = field(default_factory=dict)
    privacy: dict[str, Any] = field(default_factory=dict)
    version: str = ""
    """Of the schema and policy, MAJOR.MINOR.PATCH; empty for releases made before versions were computed."""
    stated_version: str = ""
    contract: dict[str, Any] = field(default_factory=dict)
    majors: list[dict[str, Any]] = field(default_factory=list)
    """Older majors, newest first: `major`, `version`, its last `release`, `deprecated_at`, `sunset`."""
    score: dict[str, Any] = field(default_factory=dict)
    totals: dict[str, dict[str, float]] = field(default_factory=dict)
    corrects: dict[str, str] | None = None
    source_types: dict[str, dict[str, str]] = field(default_factory=dict)
    """The source's columns with their Arrow types; never sent to the catalogue."""


def arrow_schema(fields: Iterable[PublishedField | FieldDefinition]) -> pa.Schema:
    """Return the Arrow schema for fields with Table Schema types."""
    return pa.schema([pa.field(f.name, ARROW_TYPES[f.type]) for f in fields])


def published_tables(table: TableDefinition) -> list[PublishedTable]:
    """Return the tables that leave: the rows themselves where the policy lets them, then each aggregate."""
    tables = []
    if table.privacy.publishes_rows:
        fields = tuple(_published_field(table, f) for f in table.schema_.fields if not _is_dropped(table, f.name))
        tables.append(
            PublishedTable(
                name=table.name,
                title=table.title,
                title_translated=dict(table.title_translated),
                row=table.row,
                row_translated=dict(table.row_translated),
                fields=fields,
                sort_by=tuple(table.sort_by),
                source=table,
            )
        )
    return tables + [_aggregate(table, aggregate) for aggregate in table.privacy.tables]


def _is_dropped(table: TableDefinition, name: str) -> bool:
    return isinstance(table.privacy.action_of(name), Drop)


def _published_field(table: TableDefinition, definition: FieldDefinition) -> PublishedField:
    action = table.privacy.action_of(definition.name)
    treatment = str(getattr(action, "action", "drop"))
    published = PublishedField(
        name=definition.name,
        type=definition.type,
        title=definition.title,
        title_translated=dict(definition.title_translated),
        description=definition.description,
        description_translated=dict(definition.description_translated),
        unit=definition.unit,
        treatment=treatment,
        role=action.role,
        type_options=_type_options(definition) if treatment == "keep" else {},
    )
    if isinstance(action, GeneraliseDate):
        only = action.levels[0] if len(action.levels) == 1 else "*"
        return replace(published, type=_DATE_LEVEL_TYPES.get(only, "string"))
    if treatment == "shift_group":
        return replace(published, type="date")
    return replace(published, type="string") if treatment in _TEXT_ACTIONS else published


def _type_options(definition: FieldDefinition) -> dict[str, Any]:
    """Return what a reader has to know of the type; what the canonical form settled (dates, geopoints) is left out."""
    options = definition.model_dump(
        include={"delimiter", "itemType", "categories", "categoriesOrdered", "rdfType"}, exclude_none=True
    )
    told = definition.type in {"string", "geojson"} and definition.format not in {None, "default"}
    return {"format": definition.format, **options} if told else options


def _aggregate(table: TableDefinition, aggregate: AggregateTable) -> PublishedTable:
    groups = tuple(_published_field(table, table.schema_.field(name)) for name in aggregate.group_by)
    if aggregate.has_margins:  # `*` stands among the values
        groups = tuple(_with_totals(field, aggregate) for field in groups)
    return PublishedTable(
        name=aggregate.id,
        title=aggregate.title,
        title_translated=aggregate.title_translated,
        row=aggregate.row,
        row_translated=aggregate.row_translated,
        fields=groups + tuple(_measure_field(table, measure) for measure in aggregate.measures),
        sort_by=tuple(aggregate.group_by),
        source=table,
        aggregate=aggregate,
    )


def _with_totals(field: PublishedField, aggregate: AggregateTable) -> PublishedField:
    """Return a group column among whose values `*` stands for all of them."""
    field = replace(field, type="string", type_options={})
    if all(field.name in by for by in aggregate.groupings):
        return field
    english = field.description_translated.get("en", field.description)
    return replace(
        field,
        description=f"{field.description} {_SUMMED['vi']}".lstrip(),
        description_translated={**field.description_translated, "en": f"{english} {_SUMMED['en']}".lstrip()},
    )


def _measure_field(table: TableDefinition, measure: Measure) -> PublishedField:
    unit = table.schema_.field(measure.field).unit if measure.field else None
    return PublishedField(
        name=measure.name,
        type="integer" if measure.kind == "count" else "number",
        title=measure.title,
        title_translated=measure.title_translated,
        description=_NOISY["vi"] if table.privacy.dp else "",
        description_translated={"en": _NOISY["en"]} if table.privacy.dp else {},
        unit=unit,
        treatment=measure.kind,
    )
