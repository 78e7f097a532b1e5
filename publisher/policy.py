"""The privacy policy language: what happens to each field and what every table must guarantee.

The section `privacy` of a table in a dataset definition. Read by the anonymiser and, independently, by the checker.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["quasi", "sensitive"]
DateLevel = Literal["hour", "day", "week", "month", "quarter", "year", "5y", "10y", "*"]


class Strict(BaseModel):
    """Unknown keys are errors, defaults are checked too, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class Waiver(Strict):
    """A named person's statement that a flagged column may leave, for one kind of finding and until a day."""

    kind: str = Field(description="Kind of personal data that the detector reports, such as `full_name`.")
    reason: str = Field(
        min_length=10, description="Why these values are not personal here; shown in the privacy report."
    )
    by: str = Field(min_length=3, description="Who answers for it.")
    until: date = Field(description="The last day on which the waiver holds.")


class FieldAction(Strict):
    """What every action may say besides its own settings."""

    role: Role | None = Field(
        None, description="`quasi`: helps to single a person out; `sensitive`: must not be inferred."
    )
    waive: Waiver | None = None


class Drop(FieldAction):
    """The field does not leave."""

    action: Literal["drop"] = "drop"


class Keep(FieldAction):
    """The field leaves as it is; the detectors still look at it."""

    action: Literal["keep"]


class GeneraliseDate(FieldAction):
    """A date or datetime becomes the start of its period (`5y` and `10y`: the first year of the band)."""

    action: Literal["generalise_date"]
    levels: list[DateLevel] = Field(
        min_length=1,
        description="From fine to coarse; the search may climb them, without a search the first one holds.",
    )


class GeneraliseNumber(FieldAction):
    """A number becomes a band such as `20-29`; bands start at multiples of the width."""

    action: Literal["generalise_number"]
    widths: list[float] = Field(
        min_length=1, description="Band widths from fine to coarse, each a multiple of the one before."
    )
    top: float | None = Field(None, description="Values from here on fall into one open band, such as `90+`.")


class GeneraliseHierarchy(FieldAction):
    """A code climbs a hierarchy given as a CSV file beside the definition: one row a leaf, one column a level."""

    action: Literal["generalise"]
    hierarchy: str = Field(description="CSV file, relative to the definition.")
    levels: list[str] = Field(
        min_length=1, description="Column names of the hierarchy from fine to coarse; `*` hides the value."
    )


class Round(FieldAction):
    """A number is rounded to the nearest multiple of the base (halves away from zero)."""

    action: Literal["round"]
    base: float = Field(gt=0)


class TopCode(FieldAction):
    """Values above `at` become `at`; values below `bottom` become `bottom`."""

    action: Literal["top_code"]
    at: float
    bottom: float | None = None


class Pseudonymise(FieldAction):
    """A keyed pseudonym (HMAC-SHA-256), new for each release; never what makes a table publishable."""

    action: Literal["pseudonymise"]
    key: str = Field(
        pattern=r"^(env|file):.+", description="Where the key lies: `env:NAME` or `file:PATH`; never the key itself."
    )
    length: int = Field(16, ge=16, le=64, description="Hexadecimal digits kept; 16 are 64 bits.")


Action = Annotated[
    Drop | Keep | GeneraliseDate | GeneraliseNumber | GeneraliseHierarchy | Round | TopCode | Pseudonymise,
    Field(discriminator="action"),
]


class Diversity(Strict):
    """Distinct l-diversity: every class holds at least `l` values of the field, null counted as one."""

    field: str
    l: int = Field(ge=2)  # noqa: E741  the field's standard name


class Microdata(Strict):
    """Record-level rows leave only when every class of quasi-identifiers has at least k units."""

    k: int = Field(5, ge=2)
    suppression_limit: float = Field(0.02, ge=0, le=0.5, description="Share of rows that may be left out.")
    l_diversity: Diversity | None = None
    shuffle_rows: bool = Field(True, description="Output order carries nothing of the source's order.")
    max_quasi: int = Field(8, ge=1)


class Measure(Strict):
    """One number for each cell of an aggregated table."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    kind: Literal["count", "sum", "mean", "median"]
    field: str | None = Field(None, description="The field it is taken of; none for `count`.")
    title: str
    title_translated: dict[str, str] = Field(default_factory=dict)
    decimals: int = Field(1, ge=0, le=6)

    @model_validator(mode="after")
    def _field_goes_with_kind(self) -> Measure:
        if (self.kind == "count") != (self.field is None):
            raise ValueError("`count` takes no field, every other kind needs one")
        return self


class SmallCell(Strict):
    """Cells that stand for fewer than `min` units are hidden (null), with all their measures."""

    min: int = Field(5, ge=2)


class AggregateTable(Strict):
    """A published table of counts and measures; rows that hide cells stay, with nulls in their measures."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    title_translated: dict[str, str] = Field(default_factory=dict)
    row: str = Field(description="What one row is, in one sentence.")
    row_translated: dict[str, str] = Field(default_factory=dict)
    group_by: list[str] = Field(min_length=1, description="Fields as they are after their actions.")
    measures: list[Measure] = Field(min_length=1)
    small_cell: SmallCell = SmallCell()


class Privacy(Strict):
    """The policy of one table."""

    subject: Literal["person", "household", "business", "none"]
    unit_key: list[str] = Field(
        default_factory=list, description="What one unit is; a unit with many rows counts once."
    )
    legal: dict[str, str] = Field(
        default_factory=dict, description="Basis, procedure and approver, shown in the privacy report."
    )
    default: Literal["drop"] = "drop"
    fields: dict[str, Action]
    microdata: Microdata | None = None
    tables: list[AggregateTable] = Field(default_factory=list)

    @model_validator(mode="after")
    def _persons_need_a_guarantee(self) -> Privacy:
        if self.subject in {"person", "household"} and self.microdata is None and not self.tables:
            raise ValueError("rows about persons need `microdata` (k) or `tables` (aggregates)")
        return self

    @property
    def publishes_rows(self) -> bool:
        """Rows leave when microdata is declared, or when no aggregate stands in for them."""
        return self.microdata is not None or not self.tables

    def action_of(self, field: str) -> FieldAction:
        """Return the action for a field; a field not named here is dropped."""
        return self.fields.get(field) or Drop()
