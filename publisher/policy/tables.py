"""What aggregated tables publish and guarantee: groups, measures, small cells, secondary suppression, rounding, noise."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from publisher.policy.actions import KEY_PLACE
from publisher.policy.base import Strict


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


class Dominance(Strict):
    """A sum is hidden when the second largest contributor could estimate the largest within `p_percent` per cent."""

    p_percent: float = Field(gt=0, le=100)


class SmallCell(Strict):
    """Cells that stand for fewer than `min` units are hidden (null), with all their measures."""

    min: int = Field(5, ge=2)
    zero: Literal["keep", "hide"] = Field("keep", description="Whether cells that stand for nobody may be shown.")
    dominance: Dominance | None = None


class Secondary(Strict):
    """Further cells are hidden until nobody can narrow a hidden one down, solved over all linked tables as linear programs."""

    method: Literal["lp"] = "lp"
    protect_width: int = Field(
        10, ge=1, description="The interval in which a hidden count may lie is at least this wide."
    )


class CellRounding(Strict):
    """Every count is moved to a multiple of the base by a keyed hash of its cell: repeatable, and nothing is hidden."""

    base: int = Field(ge=2)
    method: Literal["cell_key"] = "cell_key"
    key: str = Field(pattern=KEY_PLACE, description="Where the key lies: `env:NAME` or `file:PATH`; never the key.")


class AggregateTable(Strict):
    """A published table of counts and measures; rows that hide cells stay, with nulls in their measures."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    title_translated: dict[str, str] = Field(default_factory=dict)
    row: str = Field(description="What one row is, in one sentence.")
    row_translated: dict[str, str] = Field(default_factory=dict)
    group_by: list[str] = Field(min_length=1, description="Fields as they are after their actions.")
    measures: list[Measure] = Field(min_length=1)
    margins: Literal["none", "all"] | list[list[str]] = Field(
        "none",
        description="Totals published beside the cells, with `*` for what is summed over: all of them, or by these groups.",
    )
    small_cell: SmallCell = SmallCell()
    secondary: Secondary = Secondary()
    or_round: CellRounding | None = Field(None, description="Rounding instead of hiding.")


class EpsilonLedger(Strict):
    """The budget that all noisy tables of one name share in each period; entries are only ever added."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    period: Literal["year", "quarter", "month", "ever"] = "year"
    epsilon_cap: float = Field(gt=0)


class DifferentialPrivacy(Strict):
    """Counts get noise of a discrete Laplace distribution; the budget of each release is kept in a ledger."""

    unit: Literal["person", "household", "business"] = "person"
    max_rows_per_unit: int = Field(ge=1, description="Rows of one unit beyond so many are left out before counting.")
    mechanism: Literal["discrete_laplace"] = "discrete_laplace"
    epsilon: float = Field(gt=0, description="Budget of one release, for all its tables together.")
    ledger: EpsilonLedger
