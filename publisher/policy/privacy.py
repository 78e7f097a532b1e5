"""The privacy policy of one table: who the rows are about, what happens to each field, what every published table must guarantee.

The section `privacy` of a table in a dataset definition. Read by the anonymiser and, independently, by the checker.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from publisher.policy.actions import Action, Drop
from publisher.policy.base import FieldAction, Strict
from publisher.policy.microdata import Microdata
from publisher.policy.releases import Releases
from publisher.policy.tables import AggregateTable, DifferentialPrivacy


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
    dp: DifferentialPrivacy | None = Field(
        None, description="Noise of differential privacy in the tables, instead of hiding small cells."
    )
    releases: Releases = Releases()

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
