"""What every part of a policy shares: unknown keys are errors, and a waiver is named, dated and limited."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from publisher.policy.spellings import as_role
from publisher.rulebook import rulebook_in_force

Role = Literal["quasi", "sensitive"]

TO_JUDGE = {"reads_ended_waivers": True}
"""Validation context for a policy that only judges what is public: a waiver that the rulebook no longer allows can be read. It does not hold."""


class Strict(BaseModel):
    """Unknown keys are errors, defaults are checked too, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, populate_by_name=True)


class Finite(Strict):
    """All numbers are finite: no bound, width or budget is infinite or NaN, which would promise nothing."""

    model_config = ConfigDict(allow_inf_nan=False)


class Waiver(Strict):
    """A named person's statement that a flagged column may leave, for one kind of finding and until a day."""

    kind: str = Field(
        description="Kind of personal data that the detector reports, such as `full_name`; one that the rulebook lets be waived."
    )
    reason: str = Field(
        min_length=10, description="Why these values are not personal here; shown in the privacy report."
    )
    by: str = Field(min_length=3, description="Who answers for it.")
    until: date = Field(description="The last day on which the waiver holds.")

    @model_validator(mode="after")
    def _kind_can_be_waived(self, info: ValidationInfo) -> Waiver:
        if info.context == TO_JUDGE:
            return self
        known = {kind for kind, rule in rulebook_in_force().kinds.items() if rule.may_be_waived}
        if self.kind not in known:
            raise ValueError(f"`{self.kind}` cannot be waived; only {', '.join(sorted(known))}")
        return self


class FieldAction(Finite):
    """What every action may say besides its own settings."""

    role: Annotated[Role | None, BeforeValidator(as_role)] = Field(
        None, description="`quasi`: helps to single a person out; `sensitive`: must not be inferred."
    )
    class_: Literal["sensitive"] | None = Field(
        None,
        alias="class",
        description="`sensitive`: the law counts the field among sensitive data, whatever its role.",
    )
    waive: Waiver | None = None
