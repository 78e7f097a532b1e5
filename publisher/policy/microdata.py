"""What record-level rows must guarantee before they leave."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from publisher.policy.spellings import as_share
from publisher.policy.strict import Finite


class Diversity(Finite):
    """l-diversity: every class holds enough different values of the field, null counted as one.

    `distinct`: at least `l` values. `entropy`: the entropy of the class is at least log(l). `recursive`: the most frequent value
    stands less than `c` times as often as the l-th most frequent and all rarer ones together (Machanavajjhala et al. 2007).
    """

    field: str
    kind: Literal["distinct", "entropy", "recursive"] = "distinct"
    l: float = Field(gt=1)  # noqa: E741  the field's standard name
    c: float | None = Field(None, gt=0, description="For `recursive`.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Diversity:
        if (self.kind == "recursive") != (self.c is not None):
            raise ValueError("`recursive` needs `c`, the other kinds take none")
        if self.kind != "entropy" and not float(self.l).is_integer():
            raise ValueError("`l` is a whole number unless the kind is `entropy`")
        return self


class Closeness(Finite):
    """t-closeness: the field's distribution in every class lies within `t` of that of all rows that leave.

    Earth mover's distance (Li et al. 2007): `equal` takes all values as equally far apart, `ordered` takes their rank.
    Ranks: numbers and dates by value, texts that begin with a number (such as bands) by it, other texts after them, null last.
    """

    field: str
    t: float = Field(gt=0, lt=1)
    distance: Literal["equal", "ordered"] = "equal"


class Microdata(Finite):
    """Record-level rows leave only when every class of quasi-identifiers has at least k units."""

    k: int = Field(5, ge=2)
    suppression_limit: Annotated[float, BeforeValidator(as_share)] = Field(
        0.02, ge=0, le=1, description="Share of rows that may be left out."
    )
    l_diversity: Diversity | None = None
    t_closeness: Closeness | None = None
    shuffle_rows: bool = Field(True, description="Output order carries nothing of the source's order.")
    max_quasi: int = Field(10, ge=1)
