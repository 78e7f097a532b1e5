"""What may happen to one field: every action of the policy language, and the short ways of writing them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from publisher.policy.base import FieldAction, Strict

DateLevel = Literal["hour", "day", "week", "month", "quarter", "year", "5y", "10y", "*"]
DATE_HIERARCHIES = frozenset({"date", "birth_date"})
NUMBER_HIERARCHIES = frozenset({"number", "age"})
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
    levels: list[DateLevel] = Field(
        min_length=1,
        description="From fine to coarse; the search may climb them, without a search the first one holds.",
    )


class GeneraliseNumber(FieldAction):
    """A number becomes a band such as `20-29`; bands start at multiples of the width."""

    action: Literal["generalise_number"]
    widths: list[float | Literal["*"]] = Field(
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

    leaves: dict[str, list[str]] = Field(min_length=1)
    names: list[str] | None = Field(None, description="Names of the levels from the leaf on; absent: 0, 1, 2 …")


class GeneraliseHierarchy(FieldAction):
    """A code climbs a hierarchy: a built-in one by name, a CSV file, or one written here."""

    action: Literal["generalise"]
    hierarchy: str | HierarchyFile | InlineHierarchy = Field(
        description="A built-in hierarchy's name, a CSV file beside the definition, or the hierarchy itself."
    )
    levels: list[str] | None = Field(
        None,
        min_length=1,
        description="Levels from fine to coarse, by name; `*` hides the value. Absent: every level, the leaf first.",
    )
    min_population: int | None = Field(
        None, ge=1, description="Units of the hierarchy with fewer people climb until at least so many share the value."
    )

    @model_validator(mode="before")
    @classmethod
    def _levels_are_names(cls, value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get("levels"), list):
            return {**value, "levels": [str(level) for level in value["levels"]]}
        return value


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
    p: float | None = Field(None, gt=0.5, lt=1)
    min_contributors: int = Field(10, ge=2)
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
    to: Literal["week", "month", "quarter", "year"]


class Perturb(FieldAction):
    """A count gets a small repeatable error from a keyed hash of its cell: equal cells always get equal errors."""

    action: Literal["perturb"]
    method: Literal["cell_key"] = "cell_key"
    key: str = Field(pattern=KEY_PLACE, description="Where the key lies: `env:NAME` or `file:PATH`; never the key.")
    max: int = Field(ge=1, le=20, description="The largest error.")


class Recode(FieldAction):
    """A text becomes a word of a list; what the list does not name becomes `other`. The way out for free text."""

    action: Literal["recode"]
    values: dict[str, str] = Field(min_length=1, description="Text as it comes, and the word that leaves.")
    other: str = "*"


class Steps(FieldAction):
    """Several actions on a number, one after the other; written `action: [top_code, round]`."""

    action: Literal["steps"]
    steps: list[Annotated[TopCode | Round | Perturb, Field(discriminator="action")]] = Field(min_length=2)


_SHARED = {"role", "class", "waive"}
_STEPS: dict[str, type[FieldAction]] = {"top_code": TopCode, "round": Round, "perturb": Perturb}


def _spelled_out(value: Any) -> Any:
    """Return an action with its short forms written out: a list of actions, hierarchies of dates and numbers, inline leaves."""
    if isinstance(value, dict) and isinstance(value.get("action"), list):
        return _steps(value)
    if isinstance(value, dict) and value.get("action") == "generalise":
        return _generalise(value, value.get("hierarchy"))
    return value


def _generalise(value: dict[str, Any], hierarchy: Any) -> dict[str, Any]:
    rest = {key: setting for key, setting in value.items() if key != "hierarchy"}
    if isinstance(hierarchy, dict):
        return {**rest, "hierarchy": hierarchy if {"file", "leaves"} & hierarchy.keys() else {"leaves": hierarchy}}
    if hierarchy in DATE_HIERARCHIES:
        return {**rest, "action": "generalise_date"}
    if hierarchy in NUMBER_HIERARCHIES:
        widths = rest.pop("levels", rest.get("widths"))
        return {**rest, "action": "generalise_number", "widths": widths}
    return value


def _steps(value: dict[str, Any]) -> dict[str, Any]:
    """Return a list of actions as steps; each takes the settings it knows, all others are errors of the whole."""
    names = value["action"]
    if not all(name in _STEPS for name in names):
        return {**value, "action": "steps", "steps": [{"action": name} for name in names]}
    known = {name: set(_STEPS[name].model_fields) - {"action", "role", "class_", "waive"} for name in names}
    steps = [{"action": name, **{k: value[k] for k in known[name] if k in value}} for name in names]
    used = set().union(*known.values())
    rest = {k: v for k, v in value.items() if k not in used | {"action"}}
    return {**rest, "action": "steps", "steps": steps}


Action = Annotated[
    Annotated[
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
        | Steps,
        Field(discriminator="action"),
    ],
    BeforeValidator(_spelled_out),
]
