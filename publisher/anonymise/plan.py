"""From policy to treatments: which fields leave, what happens to each, which are quasi-identifiers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from publisher.anonymise.fields.fitting import check_structure, treatment_of, wrong
from publisher.anonymise.fields.pseudonyms import separate_key
from publisher.anonymise.fields.treatments import KeyedPseudonym, Treatment
from publisher.anonymise.fields.whole_table import TableAction
from publisher.anonymise.tables.cell_key import cell_key_of
from publisher.anonymise.whole_table_plan import table_actions
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.policy import Drop, Pseudonymise
from publisher.secrets import Secrets


@dataclass(frozen=True)
class Plan:
    """The treatments of the fields that leave, by name and in the schema's order, and the quasi-identifiers among them.

    `actions` see the whole table and come first (`settling.py`); until then nothing of their fields leaves. `cell_key` rounds aggregates.
    """

    table: TableDefinition
    treatments: dict[str, Treatment]
    quasi: tuple[str, ...]
    actions: tuple[TableAction, ...] = ()
    cell_key: bytes = field(default=b"", repr=False)

    @property
    def dropped(self) -> list[str]:
        """Return the fields that do not leave."""
        return [field.name for field in self.table.schema_.fields if field.name not in self.treatments]


def plan_table(table: TableDefinition, *, folder: Path, secrets: Secrets, release: str) -> Plan:
    """Return the plan for a table; hierarchies lie in the definition's folder, whose name separates pseudonyms.

    Raises:
        DescriptorError: an action does not fit its field, a hierarchy or key is missing, no field leaves, or there are too many
            quasi-identifiers.
    """
    treatments: dict[str, Treatment] = {}
    for described in table.schema_.fields:
        name, action = described.name, table.privacy.action_of(described.name)
        if isinstance(action, Drop):
            continue
        check_structure(described, action)
        if isinstance(action, Pseudonymise):
            domain = (folder.resolve().name, table.name, name, release)
            treatments[name] = KeyedPseudonym(separate_key(secrets.resolve(action.key), *domain), action.length)
        else:
            treatments[name] = treatment_of(described, action, folder)
    if table.privacy.publishes_rows and not treatments:
        raise DescriptorError(
            f"The policy of `{table.name}` lets no field out.",
            step="anonymise",
            cure="name the fields that may leave, each with its action",
        )
    quasi = tuple(name for name in treatments if table.privacy.action_of(name).role == "quasi")
    actions = tuple(table_actions(table, folder=folder, secrets=secrets))
    plan = Plan(table, treatments, quasi, actions, cell_key_of(table.privacy, folder=folder, secrets=secrets))
    _check_microdata(plan)
    return plan


def _check_microdata(plan: Plan) -> None:
    microdata = plan.table.privacy.microdata
    if microdata is None:
        return
    if len(plan.quasi) > microdata.max_quasi:
        raise DescriptorError(
            f"The table `{plan.table.name}` has {len(plan.quasi)} quasi-identifiers, max_quasi is {microdata.max_quasi}.",
            cure="drop or merge quasi-identifiers, or raise max_quasi knowingly",
        )
    for name, demand in (("l-diversity", microdata.l_diversity), ("t-closeness", microdata.t_closeness)):
        if demand and (demand.field not in plan.treatments or demand.field in plan.quasi):
            raise wrong(demand.field, f"carries {name} but is dropped or a quasi-identifier", "publish it as sensitive")
