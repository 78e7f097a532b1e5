"""What aggregated tables publish and guarantee: groups, measures, small cells, secondary suppression, rounding, noise."""

from __future__ import annotations

from itertools import combinations
from typing import Any, Literal

from pydantic import Field, model_validator

from publisher.policy.actions import KEY_PLACE
from publisher.policy.strict import Finite, Strict


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


COUNT = Measure(
    name="so_luong", kind="count", field=None, title="Số lượng", title_translated={"en": "Count"}, decimals=1
)


class Dominance(Finite):
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

    base: int = Field(ge=2, description="Published counts are multiples of it, none between 0 and the smallest cell.")
    method: Literal["cell_key"] = "cell_key"
    key: str | None = Field(
        None,
        pattern=KEY_PLACE,
        description="Where the key lies: `env:NAME` or `file:PATH`; never the key. Absent: the publisher's own secret.",
    )


class AggregateTable(Strict):
    """A published table of counts and measures; rows that hide cells stay, with nulls in their measures."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str = Field("", description="Absent: the id in words.")
    title_translated: dict[str, str] = Field(default_factory=dict)
    row: str = Field("", description="What one row is, in one sentence. Absent: one group, named by its fields.")
    row_translated: dict[str, str] = Field(default_factory=dict)
    group_by: list[str] = Field(min_length=1, description="Fields as they are after their actions.")
    measures: list[Measure] = Field(
        default_factory=lambda: [COUNT], min_length=1, description="Absent: the number of rows, as `so_luong`."
    )
    margins: Literal["none", "all"] | list[list[str]] = Field(
        "none",
        description="Totals published beside the cells, with `*` for what is summed over: all of them, or by these groups.",
    )
    small_cell: SmallCell = SmallCell()
    secondary: Secondary = Secondary()
    or_round: CellRounding | None = Field(None, description="Rounding instead of hiding.")

    @model_validator(mode="before")
    @classmethod
    def _says_what_it_is(cls, value: Any) -> Any:
        """Fill in the texts that the policy leaves out, from the id and the groups."""
        if not (isinstance(value, dict) and isinstance(value.get("id"), str)):
            return value
        words = value["id"].replace("_", " ").strip().capitalize()
        if isinstance(value.get("group_by"), str):
            value = {**value, "group_by": [value["group_by"]]}
        groups = ", ".join(map(str, value["group_by"])) if isinstance(value.get("group_by"), list) else ""
        filled = {"title": words, "title_translated": {"en": words}} if not value.get("title") else {}
        if not value.get("row"):
            filled |= {
                "row": f"Mỗi dòng là một nhóm theo {groups}.",
                "row_translated": {"en": f"One group by {groups}."},
            }
        return {**value, **{name: text for name, text in filled.items() if not value.get(name)}}

    @model_validator(mode="after")
    def _margins_sum_its_groups(self) -> AggregateTable:
        if len(set(self.group_by)) < len(self.group_by):
            raise ValueError("group_by names a field twice")
        wanted = self.margins if isinstance(self.margins, list) else []
        if unknown := {name for by in wanted for name in by} - set(self.group_by):
            raise ValueError(f"margins name fields that are not in group_by: {', '.join(sorted(unknown))}")
        if self.or_round and any(measure.kind != "count" for measure in self.measures):
            raise ValueError("or_round protects counts alone; publish other measures in a table that hides small cells")
        names = [*self.group_by, *(measure.name for measure in self.measures)]
        if len(set(names)) < len(names):
            raise ValueError("two columns of a table have one name; give each measure a name of its own")
        return self

    @property
    def groupings(self) -> list[tuple[str, ...]]:
        """Return what the table is grouped by: all its fields first, then its margins from fine to coarse."""
        whole = tuple(self.group_by)
        if self.margins == "all":
            sizes = range(len(whole) - 1, -1, -1)
            return [whole, *(by for size in sizes for by in combinations(whole, size))]
        if self.margins == "none":
            return [whole]
        wanted = {tuple(name for name in whole if name in by) for by in self.margins} - {whole}
        return [whole, *sorted(wanted, key=lambda by: (-len(by), [whole.index(name) for name in by]))]

    @property
    def has_margins(self) -> bool:
        """Tell whether totals stand beside the cells; group columns are then texts."""
        return self.margins == "all" or (
            self.margins != "none" and any(set(by) != set(self.group_by) for by in self.margins)
        )

    @property
    def least_rounded(self) -> int:
        """Return the smallest count above zero that rounding publishes: the first multiple that is no small cell."""
        base = self.or_round.base if self.or_round else 1
        return -(-self.small_cell.min // base) * base


class EpsilonLedger(Finite):
    """The budget that all noisy tables of one name share in each period; entries are only ever added."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    period: Literal["year", "quarter", "month", "ever"] = "year"
    epsilon_cap: float = Field(gt=0)


class DifferentialPrivacy(Finite):
    """Counts get noise of a discrete Laplace distribution; the budget of each release is kept in a ledger."""

    unit: Literal["person", "household", "business"] = "person"
    max_rows_per_unit: int = Field(ge=1, description="Rows of one unit beyond so many are left out before counting.")
    mechanism: Literal["discrete_laplace"] = "discrete_laplace"
    epsilon: float = Field(gt=0, description="Budget of one release, for all its tables together.")
    ledger: EpsilonLedger

    @model_validator(mode="after")
    def _one_release_fits_the_cap(self) -> DifferentialPrivacy:
        if self.epsilon > self.ledger.epsilon_cap:
            raise ValueError("`epsilon` of one release is more than `epsilon_cap` of a whole period")
        return self
