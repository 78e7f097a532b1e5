"""The privacy policy of one table: who the rows are about, what happens to each field, what every published table must guarantee.

The section `privacy` of a table in a dataset definition. Read by the anonymiser and, independently, by the checker.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from publisher.hierarchies import BUILT_IN
from publisher.policy.actions import Action, Drop, GeneraliseHierarchy, HierarchyFile, InlineHierarchy
from publisher.policy.microdata import Microdata
from publisher.policy.releases import Releases
from publisher.policy.spellings import DATE_HIERARCHIES, NUMBER_HIERARCHIES, declared_hierarchy, with_hierarchies
from publisher.policy.strict import FieldAction, Strict
from publisher.policy.tables import AggregateTable, DifferentialPrivacy
from publisher.rulebook import rulebook_in_force, with_defaults


class Legal(Strict):
    """On what grounds the table is public; shown in the privacy report and on pages."""

    basis: str = Field("", description="The law, decree or decision, with its article.")
    procedure: str = Field("", description="The written procedure that was followed, with its version.")
    approved_by: str = Field("", description="The office, or the person in it, that answers for the policy.")
    approved_on: date | None = Field(None, description="The day on which the policy was approved.")
    next_audit: date | None = Field(
        None, description="The day by which people look at it again; absent: as often as the rulebook asks."
    )


class Privacy(Strict):
    """The policy of one table."""

    subject: Literal["person", "household", "business", "none"]
    unit_key: list[str] = Field(
        default_factory=list, description="What one unit is; a unit with many rows counts once."
    )
    domain: str | None = Field(
        None, description="Domain of the rulebook, such as `health`: decides thresholds that the policy does not name."
    )
    legal: Legal = Field(Legal(), description="On what grounds the table is public.")
    default: Literal["drop"] = "drop"
    hierarchies: dict[str, Annotated[HierarchyFile | InlineHierarchy, BeforeValidator(declared_hierarchy)]] = Field(
        default_factory=dict, description="Hierarchies by name, which fields name as their `hierarchy`."
    )
    fields: dict[str, Action]
    microdata: Microdata | None = None
    tables: list[AggregateTable] = Field(default_factory=list)
    dp: DifferentialPrivacy | None = Field(
        None, description="Noise of differential privacy in the tables, instead of hiding small cells."
    )
    releases: Releases = Releases()

    @model_validator(mode="before")
    @classmethod
    def _take_defaults(cls, policy: Any) -> Any:
        if isinstance(policy, dict) and isinstance(policy.get("unit_key"), str):
            policy = {**policy, "unit_key": [policy["unit_key"]]}
        return with_defaults(with_hierarchies(policy)) if isinstance(policy, dict) else policy

    @field_validator("fields", mode="after")
    @classmethod
    def _hierarchies_are_known(cls, fields: dict[str, Action], info: ValidationInfo) -> dict[str, Action]:
        known = [*info.data.get("hierarchies", ()), *sorted({*BUILT_IN, *DATE_HIERARCHIES, *NUMBER_HIERARCHIES})]
        for name, action in fields.items():
            asked = action.hierarchy if isinstance(action, GeneraliseHierarchy) and not action.file else None
            if isinstance(asked, str) and asked.removeprefix("builtin:") not in BUILT_IN:
                raise ValueError(
                    f"`{name}` names a hierarchy `{asked}` that does not exist; there are "
                    f"{', '.join(known)}, and CSV files by their names, such as `wards.csv`"
                )
        return fields

    @model_validator(mode="after")
    def _domain_is_known(self) -> Privacy:
        known = rulebook_in_force().domains
        if self.domain is not None and self.domain not in known:
            raise ValueError(f"`domain` is none of the rulebook's: {', '.join(known)}")
        return self

    @model_validator(mode="after")
    def _persons_need_a_guarantee(self) -> Privacy:
        if self.subject in {"person", "household"} and self.microdata is None and not self.tables:
            raise ValueError("rows about persons need `microdata` (k) or `tables` (aggregates)")
        return self

    @model_validator(mode="after")
    def _noise_goes_into_counts(self) -> Privacy:
        if self.dp is None:
            return self
        if not self.tables:
            raise ValueError("`dp` puts noise into `tables`, and there are none")
        if any(measure.kind != "count" for table in self.tables for measure in table.measures):
            raise ValueError("with `dp` tables publish counts alone; a sum or a mean would need bounds of its own")
        return self

    @property
    def publishes_rows(self) -> bool:
        """Rows leave when microdata is declared, or when no aggregate stands in for them."""
        return self.microdata is not None or not self.tables

    def action_of(self, field: str) -> FieldAction:
        """Return the action for a field; a field not named here is dropped."""
        return self.fields.get(field) or Drop()
