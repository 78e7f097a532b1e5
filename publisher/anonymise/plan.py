"""From policy to treatments: which fields leave, what happens to each, which are quasi-identifiers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from publisher.anonymise.fields.hierarchy import read_hierarchy
from publisher.anonymise.fields.pseudonyms import separate_key
from publisher.anonymise.fields.treatments import (
    AsItIs,
    CapAt,
    CodeClimb,
    DatePeriods,
    KeyedPseudonym,
    NumberBands,
    RoundTo,
    Treatment,
)
from publisher.definition import TableDefinition
from publisher.errors import DescriptorError
from publisher.policy import (
    Drop,
    FieldAction,
    GeneraliseDate,
    GeneraliseHierarchy,
    GeneraliseNumber,
    Keep,
    Pseudonymise,
    Round,
    TopCode,
)
from publisher.secrets import Secrets
from publisher.table_schema import STRUCTURED, FieldDefinition

_PERIODS = ("hour", "day", "month", "quarter", "year", "5y", "10y", "*")
_FINEST = {"date": "day", "datetime": "hour", "yearmonth": "month", "year": "year"}
_NUMBERS = {"integer", "number"}


@dataclass(frozen=True)
class Plan:
    """The treatments of the fields that leave, by name and in the schema's order, and the quasi-identifiers among them."""

    table: TableDefinition
    treatments: dict[str, Treatment]
    quasi: tuple[str, ...]

    @property
    def dropped(self) -> list[str]:
        """Return the fields that do not leave."""
        return [field.name for field in self.table.schema_.fields if field.name not in self.treatments]


def plan_table(table: TableDefinition, *, folder: Path, secrets: Secrets, release: str) -> Plan:
    """Return the plan for a table; hierarchies lie in the definition's folder, whose name separates pseudonyms.

    Raises:
        DescriptorError: an action does not fit its field, a hierarchy or key is missing, or there are too many quasi-identifiers.
    """
    treatments: dict[str, Treatment] = {}
    for field in table.schema_.fields:
        action = table.privacy.action_of(field.name)
        if isinstance(action, Drop):
            continue
        if field.type in STRUCTURED and not isinstance(action, Keep):
            raise _wrong(field.name, f"is {field.type}, which its action cannot treat", "keep it or drop it")
        if isinstance(action, Pseudonymise):
            domain = (folder.resolve().name, table.name, field.name, release)
            treatments[field.name] = KeyedPseudonym(separate_key(secrets.resolve(action.key), *domain), action.length)
        else:
            treatments[field.name] = _treatment(field, action, folder)
    quasi = tuple(name for name in treatments if table.privacy.action_of(name).role == "quasi")
    plan = Plan(table, treatments, quasi)
    _check_microdata(plan)
    return plan


def _treatment(field: FieldDefinition, action: FieldAction, folder: Path) -> Treatment:
    if isinstance(action, GeneraliseDate):
        _check_periods(field, action)
        return DatePeriods(tuple(action.levels))
    if isinstance(action, GeneraliseHierarchy):
        if action.hierarchy.startswith("builtin:"):
            raise _wrong(field.name, "names a built-in hierarchy that does not exist", "give a CSV file")
        return CodeClimb(field.name, read_hierarchy(folder / action.hierarchy, action.levels))
    if isinstance(action, (GeneraliseNumber, Round, TopCode)):
        return _number_treatment(field, action)
    return AsItIs()


def _number_treatment(field: FieldDefinition, action: GeneraliseNumber | Round | TopCode) -> Treatment:
    if field.type not in _NUMBERS:
        raise _wrong(field.name, f"is no number ({field.type})", "choose an action for its type")
    whole = field.type == "integer"
    if isinstance(action, GeneraliseNumber):
        if any(coarse % fine for fine, coarse in zip(action.widths, action.widths[1:], strict=False)):
            raise _wrong(field.name, "has widths that do not nest", "make each width a multiple of the one before")
        if min(action.widths) <= 0:
            raise _wrong(field.name, "has a width that is not above zero", "give positive widths")
        whole = whole and all(float(number).is_integer() for number in [*action.widths, action.top or 0])
        return NumberBands(tuple(action.widths), action.top, whole)
    bounds = [action.base] if isinstance(action, Round) else [action.at, action.bottom or 0]
    if whole and not all(float(number).is_integer() for number in bounds):
        raise _wrong(field.name, "holds whole numbers and its action does not", "use whole numbers in the action")
    return RoundTo(action.base) if isinstance(action, Round) else CapAt(action.at, action.bottom)


def _check_periods(field: FieldDefinition, action: GeneraliseDate) -> None:
    if field.type not in _FINEST:
        raise _wrong(field.name, f"is no date ({field.type})", "choose an action for its type")
    order = ["hour", "day", "week", "*"] if "week" in action.levels else list(_PERIODS)
    places = [order.index(level) if level in order else -1 for level in action.levels]
    if -1 in places or places != sorted(set(places)):
        cure = "order levels from fine to coarse; `week` nests in nothing but `*`"
        raise _wrong(field.name, "has levels that do not nest", cure)
    allowed = [*_PERIODS[_PERIODS.index(_FINEST[field.type]) :], *(["week"] if field.type.startswith("date") else [])]
    if action.levels[0] not in allowed:
        raise _wrong(field.name, "asks for a level finer than its values", f"begin at `{allowed[0]}`")


def _check_microdata(plan: Plan) -> None:
    microdata = plan.table.privacy.microdata
    if microdata is None:
        return
    if len(plan.quasi) > microdata.max_quasi:
        raise DescriptorError(
            f"The table `{plan.table.name}` has {len(plan.quasi)} quasi-identifiers, max_quasi is {microdata.max_quasi}.",
            cure="drop or merge quasi-identifiers, or raise max_quasi knowingly",
        )
    diversity = microdata.l_diversity
    if diversity and (diversity.field not in plan.treatments or diversity.field in plan.quasi):
        raise _wrong(
            diversity.field, "carries l-diversity but is dropped or a quasi-identifier", "publish it as sensitive"
        )


def _wrong(field: str, what: str, cure: str) -> DescriptorError:
    return DescriptorError(f"The field `{field}` {what}.", step="anonymise", cure=cure)
