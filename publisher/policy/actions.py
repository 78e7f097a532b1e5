"""What may happen to one field: every action of the policy language, and the short ways of writing them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from publisher.policy.spellings import as_leaves, as_texts, as_widths, as_words, spelled_out
from publisher.policy.strict import FieldAction, Strict

DateLevel = Literal["hour", "day", "week", "month", "quarter", "year", "5y", "10y", "*"]
LEFT_OVER = "Khác"
"""What stands for the units of a hierarchy that are too small for any of its levels; `*` is for a level that hides all values."""

KEY_PLACE = r"^(env|file):.+"


class Drop(FieldAction):
    """The field does not leave."""

    action: Literal["drop"] = "drop"


class Keep(FieldAction):
    """The field leaves as it is; the detectors still look at it."""

    action: Literal["keep"]


class GeneraliseDate(FieldAction):
    """A date or datetime becomes the start of its period (`5y` and `10y`: the first year of the band)."""

    action: Literal["generalise_date"]
    levels: Annotated[list[DateLevel], BeforeValidator(as_texts)] = Field(
        min_length=1,
        description="From fine to coarse; the search may climb them, without a search the first one holds.",
    )


class GeneraliseNumber(FieldAction):
    """A number becomes a band such as `20-29`; bands start at multiples of the width."""

    action: Literal["generalise_number"]
    widths: Annotated[list[float | Literal["*"]], BeforeValidator(as_widths)] = Field(
        min_length=1, description="Band widths from fine to coarse, each a multiple of the one before; `*` hides all."
    )
    top: float | None = Field(None, description="Values from here on fall into one open band, such as `90+`.")


class HierarchyFile(Strict):
    """A hierarchy as a CSV file: one row a leaf, one column a level, the first column holding the leaves."""

    file: str = Field(description="Relative to the definition or policy.")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Absent: told by the first line.")
    header: bool | None = Field(
        None, description="Whether the first row names the levels; absent: told by the levels asked for."
    )


class InlineHierarchy(Strict):
    """A hierarchy written into the policy: each leaf with its values at the coarser levels, fine to coarse."""

    leaves: Annotated[dict[str, list[str]], BeforeValidator(as_leaves)] = Field(
        min_length=1, description="Each leaf with its values at the coarser levels; all leaves have as many."
    )
    names: Annotated[list[str] | None, BeforeValidator(as_texts)] = Field(
        None, description="Names of the levels from the leaf on; absent: 0, 1, 2 …"
    )


class GeneraliseHierarchy(FieldAction):
    """A code climbs a hierarchy: a built-in one by name, a CSV file, or one written here."""

    action: Literal["generalise"]
    hierarchy: str | HierarchyFile | InlineHierarchy = Field(
        description="A built-in hierarchy's name, a CSV file beside the definition, or the hierarchy itself."
    )
    levels: Annotated[list[str] | None, BeforeValidator(as_texts)] = Field(
        None,
        min_length=1,
        description="Levels from fine to coarse, by name; `*` hides the value. Absent: every level, the leaf first.",
    )
    min_population: int | None = Field(
        None, ge=1, description="Units of the hierarchy with fewer people climb until at least so many share the value."
    )

    @property
    def file(self) -> str | None:
        """Return the CSV file it is read from, relative to the definition; null when it is built in or written here."""
        if isinstance(self.hierarchy, HierarchyFile):
            return self.hierarchy.file
        return self.hierarchy if isinstance(self.hierarchy, str) and "." in self.hierarchy else None


class Round(FieldAction):
    """A number is rounded to the nearest multiple of the base (halves away from zero)."""

    action: Literal["round"]
    base: float = Field(gt=0)


class TopCode(FieldAction):
    """Values above a bound become the bound; values below `bottom` become `bottom`.

    The bound is `at`, or the quantile `p` of the values, lowered until at least `min_contributors` units share it.
    """

    action: Literal["top_code"]
    at: float | None = None
    p: float | None = Field(
        None, gt=0.5, lt=1, description="Quantile of the rows that leave: 0.995 caps the highest half per cent."
    )
    min_contributors: int = Field(10, ge=2, description="With `p`: the fewest units that share the highest value.")
    bottom: float | None = None

    @model_validator(mode="after")
    def _one_bound(self) -> TopCode:
        if (self.at is None) == (self.p is None):
            raise ValueError("top_code needs exactly one of `at` and `p`")
        return self


class Pseudonymise(FieldAction):
    """A keyed pseudonym (HMAC-SHA-256), new for each release; never what makes a table publishable."""

    action: Literal["pseudonymise"]
    key: str = Field(pattern=KEY_PLACE, description="Where the key lies: `env:NAME` or `file:PATH`; never the key.")
    rotate: Literal["each_release"] = Field("each_release", description="Nothing links one release to another.")
    length: int = Field(16, ge=16, le=64, description="Hexadecimal digits kept; 16 are 64 bits.")


class Grid(FieldAction):
    """A place becomes the centre of its square in a national grid; places are never jittered."""

    action: Literal["grid"]
    metres: int = Field(ge=10, description="Side of a square.")
    min_population: int | None = Field(
        None, ge=2, description="Squares with fewer units of the table join their larger square until so many share it."
    )


class ShiftGroup(FieldAction):
    """A date becomes the first day of its period and stays a date."""

    action: Literal["shift_group"]
    to: Literal["week", "month", "quarter", "year"] = Field(description="The period; weeks begin on Monday.")


class Perturb(FieldAction):
    """A count gets a small repeatable error from a keyed hash of its cell: equal cells always get equal errors."""

    action: Literal["perturb"]
    method: Literal["cell_key"] = Field("cell_key", description="The error follows from a keyed hash of the cell.")
    key: str = Field(pattern=KEY_PLACE, description="Where the key lies: `env:NAME` or `file:PATH`; never the key.")
    max: int = Field(ge=1, le=20, description="The largest error.")


class Recode(FieldAction):
    """A text becomes a word of a list; what the list does not name becomes `other`. The way out for free text."""

    action: Literal["recode"]
    values: Annotated[dict[str, str], BeforeValidator(as_words)] = Field(
        min_length=1, description="Text as it comes, and the word that leaves."
    )
    other: str = Field("*", description="What leaves for a text that the list does not name.")


class Steps(FieldAction):
    """Several actions on a number, one after the other; written `action: [top_code, round]`."""

    action: Literal["steps"]
    steps: list[Annotated[TopCode | Round | Perturb, Field(discriminator="action")]] = Field(
        min_length=2, description="The actions in their order, each with its settings."
    )


_IN_STEPS: dict[str, type[FieldAction]] = {"top_code": TopCode, "round": Round, "perturb": Perturb}
_OF_THE_WHOLE = set(FieldAction.model_fields) | {"action"}


def _spelled_out(value: Any) -> Any:
    settings = {name: set(model.model_fields) - _OF_THE_WHOLE for name, model in _IN_STEPS.items()}
    return spelled_out(value, settings)


_AnyAction = (
    Drop
    | Keep
    | GeneraliseDate
    | GeneraliseNumber
    | GeneraliseHierarchy
    | Round
    | TopCode
    | Pseudonymise
    | Grid
    | ShiftGroup
    | Perturb
    | Recode
    | Steps
)
Action = Annotated[Annotated[_AnyAction, Field(discriminator="action")], BeforeValidator(_spelled_out)]
ACTIONS = tuple(
    get_args(model.model_fields["action"].annotation)[0] for model in get_args(_AnyAction) if model is not Steps
)
"""What may stand as an `action`, alone."""
