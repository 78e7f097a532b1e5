"""A dataset's definition: an ordinary Data Package (v2) descriptor with our sections `source`, `privacy` and `release`.

`datasets/<organization>/organization.yaml` describes the owner, `datasets/<organization>/<dataset>/dataset.yaml` the dataset.
Everything else is derived from them: checks, Arrow, Parquet, CSV and SQLite schemas, the data dictionary, the CKAN package.
Standard: https://datapackage.org/standard/data-package/ and https://datapackage.org/standard/table-schema/.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, Field, ValidationError, model_validator

from publisher.checks import Check, refuse_checks
from publisher.definition_rules import mistakes_between
from publisher.errors import DescriptorError
from publisher.geometry.spec import GeometrySpec, refuse_geometry
from publisher.policy import Privacy, Strict
from publisher.policy.strict import TO_JUDGE
from publisher.rulebook import rulebook_in_force
from publisher.sources.spec import SourceSpec
from publisher.table_schema import TableSchema, Translated
from publisher.yaml_lines import YamlDocument, read_yaml

SLUG = r"^[a-z0-9][a-z0-9_-]{1,98}[a-z0-9]$"
Model = TypeVar("Model", bound=Strict)

ID_NAMESPACE = uuid.UUID("6f3d2c8a-9c1b-5e0f-8a57-1d6f0b7c2e44")
"""Root of every dataset and resource id (uuid5); changing it would change every id that clients keep."""

FormatName = Literal["parquet", "csv", "sqlite", "xlsx", "excel_csv", "ndjson"]


class Thresholds(Strict):
    """How many rows may fail before the run is held; failing rows go to quarantine, never to the public."""

    max_invalid_share: float = Field(0.01, ge=0, le=1, description="Share of rows with any error.")
    rules: dict[str, float] = Field(
        default_factory=dict, description="Share per Frictionless error type, such as `unique-error`."
    )


class Partition(Strict):
    """Pieces of a long series: one Parquet file for each period, beside the file of the whole table."""

    field: str = Field(description="A date, datetime, year or month; the first of `sort_by`.")
    period: Literal["year", "month"] = Field("year", description="What one piece spans.")


class TableDefinition(Strict):
    """One table: what a row is, its schema, source, checks and privacy (a Data Resource with our sections)."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Table name in SQLite and file name of the released files."
    )
    title: str
    title_translated: Translated
    row: str = Field(description="What one row is, in one sentence.")
    row_translated: Translated
    schema_: TableSchema = Field(alias="schema")
    source: SourceSpec
    geometry: GeometrySpec | None = Field(None, description="Where a row lies; the release then also holds map forms.")
    thresholds: Thresholds = Thresholds()
    checks: list[Check] = Field(
        default_factory=list, description="Checks beyond the schema, by Frictionless' names and with its settings."
    )
    extended_checks: bool = Field(
        True,
        description="Whether `categories`, `uniqueKeys` and `jsonSchema` are checked too, which Frictionless only carries along.",
    )
    privacy: Privacy
    sort_by: list[str] = Field(
        default_factory=list, description="Order of published rows; also what range reads are fast for."
    )
    partition_by: Partition | None = Field(
        None, description="A piece of Parquet for each year or month, which stays the same while its rows do."
    )

    @model_validator(mode="after")
    def _policy_knows_its_fields(self) -> TableDefinition:
        names = {field.name for field in self.schema_.fields}
        sources = {measure.field for table in self.privacy.tables for measure in table.measures if measure.field}
        grouped = {name for table in self.privacy.tables for name in table.group_by}
        named = {*self.privacy.fields, *self.privacy.unit_key, *sources, *grouped}
        if unknown := named - names:
            raise ValueError(f"privacy names unknown fields: {', '.join(sorted(unknown))}")
        unpublished = {
            n for n in {*self.sort_by, *grouped} if self.privacy.action_of(n).model_dump().get("action") == "drop"
        }
        if unpublished:
            raise ValueError(f"sort_by or group_by names fields that are dropped: {', '.join(sorted(unpublished))}")
        return self

    @model_validator(mode="after")
    def _checks_know_their_fields(self) -> TableDefinition:
        refuse_checks(self.checks, self.schema_)
        return self

    @model_validator(mode="after")
    def _pieces_follow_the_order(self) -> TableDefinition:
        if self.partition_by is None:
            return self
        if self.sort_by[:1] != [self.partition_by.field]:
            raise ValueError("partition_by names a field that does not stand first in sort_by")
        allowed = {"date", "datetime", "yearmonth"} | ({"year"} if self.partition_by.period == "year" else set())
        if self.schema_.field(self.partition_by.field).type not in allowed:
            raise ValueError(f"partition_by needs a field of type {', '.join(sorted(allowed))}")
        return self

    @model_validator(mode="after")
    def _geometry_is_published(self) -> TableDefinition:
        if self.geometry is not None:
            refuse_geometry(self.geometry, self.schema_, self.privacy)
        return self


class Retention(Strict):
    """How long the data files of older releases are kept; manifests, differences and hashes are kept for ever."""

    all_days: int = Field(
        default_factory=lambda: rulebook_in_force().retention.all_days,
        ge=30,
        description="Every release is kept this long; absent: as the rulebook says.",
    )
    month_end_days: int = Field(
        default_factory=lambda: rulebook_in_force().retention.month_end_days,
        ge=30,
        description="Then the last release of each month is kept this long, and of each year for ever; absent: as the rulebook says.",
    )

    @model_validator(mode="after")
    def _months_follow(self) -> Retention:
        if self.month_end_days < self.all_days:
            raise ValueError("month_end_days is shorter than all_days; both count from the day of the release")
        return self


class Release(Strict):
    """How and when releases of the dataset are made."""

    cadence: Literal["hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "static"]
    schedule: str | None = Field(
        None, description="Standard cron (minute hour day month weekday, 0 and 7 are Sunday), in `time_zone`."
    )
    time_zone: str = "Asia/Ho_Chi_Minh"
    approval: Literal["standing", "four_eyes"] = Field(
        "four_eyes",
        description="`standing`: approved ahead, within `max_row_change`; `four_eyes`: an approver looks at every release.",
    )
    max_row_change: float = Field(
        0.5, gt=0, description="Share by which the row count may move against the last release before the run is held."
    )
    embargo_until: str | None = Field(
        None,
        pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?([+-]\d{2}:\d{2}|Z)$",
        description="Nothing is visible before this time.",
    )
    retention: Retention = Field(default_factory=Retention)
    sunset_days: int = Field(
        180, ge=180, description="How long the last release of an older major version stays under its own address."
    )
    formats: list[FormatName] = Field(["parquet", "csv", "sqlite", "xlsx"], min_length=1)


class License(Strict):
    """Data Package licence."""

    name: str = Field(description="Open Definition or SPDX id, such as `CC-BY-4.0`.")
    path: str
    title: str


class Contact(Strict):
    """An office, never a person."""

    name: str
    email: str | None = None


class OrganizationDefinition(Strict):
    """The owner of datasets."""

    name: str = Field(pattern=SLUG)
    title: str
    title_translated: Translated
    description: str = ""
    description_translated: Translated


def _not_reserved(name: str) -> str:
    if name in {"new", "edit", "search"}:
        raise ValueError("the catalogue keeps this name for itself")
    return name


class DatasetDefinition(Strict):
    """One dataset, as read from `dataset.yaml`."""

    schema_url: str = Field("https://datapackage.org/profiles/2.0/datapackage.json", alias="$schema")
    name: Annotated[str, Field(pattern=SLUG), AfterValidator(_not_reserved)]
    title: str
    title_translated: Translated
    description: str
    description_translated: Translated
    version: str = Field("1.0.0", pattern=r"^\d+\.\d+\.\d+$", description="Version of the schema (SemVer).")
    keywords: list[str] = Field(default_factory=list)
    theme: str | None = Field(None, pattern=SLUG, description="Name of the group (theme) in the catalogue.")
    licenses: list[License] = Field(min_length=1, max_length=1)
    contact: Contact
    spatial: str | None = None
    legal_basis: str | None = None
    resources: list[TableDefinition] = Field(min_length=1)
    release: Release

    # Set by the loader; neither comes from the file itself.
    organization: OrganizationDefinition = Field(exclude=True)
    folder: Path = Field(exclude=True)

    @model_validator(mode="after")
    def _tables_differ(self) -> DatasetDefinition:
        names = [table.name for table in self.resources] + [t.id for r in self.resources for t in r.privacy.tables]
        doubles = {name for name in names if names.count(name) > 1}
        if doubles:
            raise ValueError(f"table names stand twice: {', '.join(sorted(doubles))}")
        return self

    @property
    def id(self) -> str:
        """The dataset's id for ever: uuid5 of organization and name."""
        return str(uuid.uuid5(ID_NAMESPACE, f"{self.organization.name}/{self.name}"))

    def resource_id(self, slot: str) -> str:
        """Return the id of a downloadable form for ever; the slot is a file name such as `phan_anh.csv.gz`."""
        return str(uuid.uuid5(ID_NAMESPACE, f"{self.organization.name}/{self.name}/{slot}"))

    @property
    def digest(self) -> str:
        """SHA-256 of the definition's content; comments and key order do not count."""
        return hashlib.sha256(
            json.dumps(self.model_dump(mode="json", by_alias=True), sort_keys=True).encode()
        ).hexdigest()


def load_dataset(path: Path, *, to_judge: bool = False) -> DatasetDefinition:
    """Read `dataset.yaml` and the `organization.yaml` one folder up.

    Args:
        path: of `dataset.yaml`.
        to_judge: nothing is released by it, what is public is only looked at: waivers that the rulebook no longer allows can be read, for
            what left under them must be found and hidden.

    Raises:
        DescriptorError: with every mistake, one a line: file, line, what is wrong, cure.
    """
    organization = _read_model(OrganizationDefinition, read_yaml(path.parent.parent / "organization.yaml"))
    document = read_yaml(path)
    context = TO_JUDGE if to_judge else None
    definition = _read_model(DatasetDefinition, document, context, organization=organization, folder=path.parent)
    if definition.name != path.parent.name:
        raise DescriptorError(
            f"{path}:{document.line_of(['name'])}: the name `{definition.name}` differs from its folder `{path.parent.name}`.",
            cure="give both the same name",
        )
    if mistakes := [f"{path}:{document.line_of(place)}: {what}" for place, what in mistakes_between(definition)]:
        raise DescriptorError("\n".join(mistakes), cure="mend each line; docs/definitions.md explains every key")
    return definition


def dataset_paths(root: Path) -> dict[str, Path]:
    """Return the `dataset.yaml` of every dataset below the root by name, sorted.

    Raises:
        DescriptorError: two datasets have one name.
    """
    found: dict[str, Path] = {}
    for path in sorted(root.glob("*/*/dataset.yaml")):
        name = path.parent.name
        if name in found:
            raise DescriptorError(
                f"{path}: the name `{name}` is taken by {found[name]}.", cure="rename one of the folders"
            )
        found[name] = path
    return dict(sorted(found.items()))


def dataset_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of `dataset.yaml`."""
    schema = DatasetDefinition.model_json_schema(by_alias=True)
    for name in ("organization", "folder"):
        schema["properties"].pop(name)
        schema["required"].remove(name)
    return schema


def _read_model(
    model: type[Model], document: YamlDocument, context: dict[str, bool] | None = None, **given: object
) -> Model:
    if not isinstance(document.value, dict):
        raise DescriptorError(f"{document.path}:1: the file must hold keys and values.", cure="see docs/definitions.md")
    forbidden = [key for key in given if key in document.value]
    if forbidden:
        where = f"{document.path}:{document.line_of(forbidden[:1])}"
        raise DescriptorError(f"{where}: the key `{forbidden[0]}` comes from the folder.", cure="remove it")
    try:
        return model.model_validate({**document.value, **given}, context=context)
    except ValidationError as error:
        raise DescriptorError(
            "\n".join(_mistakes(document, error)), cure="mend each line; docs/definitions.md explains every key"
        ) from None


def _mistakes(document: YamlDocument, error: ValidationError) -> list[str]:
    lines = []
    for fault in error.errors(include_url=False, include_input=False):
        path = ".".join(str(step) for step in fault["loc"])
        what = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"].removeprefix("Value error, ")
        lines.append(f"{document.path}:{document.line_of(fault['loc'])}: {path or 'definition'}: {what}")
    return sorted(lines, key=lambda line: int(line.split(":")[1]) if line.split(":")[1].isdigit() else 0)
