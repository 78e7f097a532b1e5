"""From a plan to treatments that look at one value at a time: codes find their leaves, and whole-table actions rewrite their fields first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from publisher.anonymise.fields.built_in import BuiltInClimb
from publisher.anonymise.fields.treatments import AsItIs, CodeClimb, Treatment
from publisher.anonymise.fields.whole_table import TableAction
from publisher.anonymise.plan import Plan
from publisher.anonymise.search.microdata import Choice
from publisher.engines.working_files import Table, new_working_file, read_batches, schema_of
from publisher.errors import ReleaseRefused


def codes_of(valid: Table, plan: Plan) -> dict[str, list[pa.Array]]:
    """Return the different codes of each field that climbs a hierarchy; none of a table without batches."""
    seen: dict[str, list[pa.Array]] = {
        name: [] for name, treatment in plan.treatments.items() if isinstance(treatment, CodeClimb | BuiltInClimb)
    }
    for batch in read_batches(valid, columns=list(seen)) if seen else ():
        for name, values in seen.items():
            values[:] = [pa.concat_arrays([*values, batch.column(name).unique()]).unique()]
    return seen


def settle_table(valid: Path, plan: Plan) -> Plan:
    """Return the plan with the hierarchies that fit the codes of a whole table.

    Raises:
        ReleaseRefused: a hierarchy does not know them all; names the field, the number of codes and the row of the first one.
    """
    seen = codes_of(valid, plan)
    try:
        return settle_codes(plan, seen)
    except ReleaseRefused as error:
        name = next(name for name, values in seen.items() if not _knows(plan.treatments[name], values))
        row = _first_unknown(valid, name, plan.treatments[name])
        where = f" The first stands in row {row} of the valid rows." if row else ""
        raise ReleaseRefused(f"{error.message}{where}", step="anonymise", cure=error.cure) from None


def settle_codes(plan: Plan, seen: Mapping[str, Sequence[pa.Array]]) -> Plan:
    """Ask every hierarchy about every code of the table, and return the plan with the hierarchies that fit them.

    Raises:
        ReleaseRefused: a hierarchy does not know them all; names the field and the number of codes.
    """
    settled = {name: _settled(plan.treatments[name], values) for name, values in seen.items()}
    return replace(plan, treatments={**plan.treatments, **settled})


def _settled(treatment: Treatment, values: Sequence[pa.Array]) -> Treatment:
    codes = pa.concat_arrays(values).unique() if values else pa.nulls(0, pa.string())
    if isinstance(treatment, BuiltInClimb):
        return treatment.settle(codes)
    if isinstance(treatment, CodeClimb) and len(codes):
        treatment.positions(codes)
    return treatment


def _first_unknown(valid: Path, name: str, treatment: Treatment) -> int | None:
    """Return the number, from 1, of the first row whose code is not known; null when only all codes together are not."""
    before = 0
    for batch in read_batches(valid, columns=[name]):
        values = batch.column(name)
        known, unknown = 0, len(values) + 1  # lengths of the batch's beginning
        while unknown - known > 1:
            middle = (known + unknown) // 2
            known, unknown = (middle, unknown) if _knows(treatment, [values[:middle]]) else (known, middle)
        if unknown <= len(values):
            return before + unknown
        before += len(values)
    return None


def _knows(treatment: Treatment, values: Sequence[pa.Array]) -> bool:
    try:
        _settled(treatment, values)
    except ReleaseRefused:
        return False
    return True


def rewrite_searched(valid: Path, plan: Plan, *, output: Path) -> tuple[Path, Plan]:
    """Carry out the whole-table actions on fields that the search for levels counts: quasi-identifiers and sensitive fields of l and t.

    Returns the table to go on with, `output` where one had to be written, and the plan of what is left to do.
    """
    microdata = plan.table.privacy.microdata
    named = [one.field for one in (microdata.l_diversity, microdata.t_closeness) if one] if microdata else []
    return _rewrite(valid, plan, {*plan.quasi, *named}, None, output)


def rewrite_others(valid: Path, plan: Plan, choice: Choice | None, *, output: Path) -> tuple[Path, Plan]:
    """Carry out all other whole-table actions, looking only at the rows that leave."""
    return _rewrite(valid, plan, {name for action in plan.actions for name in action.fields}, choice, output)


def _rewrite(valid: Path, plan: Plan, names: Collection[str], choice: Choice | None, output: Path) -> tuple[Path, Plan]:
    actions = [action for action in plan.actions if set(action.fields) & set(names)]
    if not actions:
        return valid, plan
    for batch in read_batches(valid):
        leaving = batch if choice is None else batch.filter(pa.array(choice.leaving(batch)))
        for action in actions:
            action.look(leaving)
    for action in actions:
        action.decide()
    schema = schema_of(valid)
    with new_working_file(output, schema) as writer:
        for batch in read_batches(valid):
            writer.write_batch(_rewritten(batch, actions, schema))
    done = {name for action in actions for name in action.fields}
    left = tuple(action for action in plan.actions if action not in actions)
    treatments = {
        name: AsItIs((plan.treatments[name].levels[0],)) if name in done else treatment
        for name, treatment in plan.treatments.items()
    }
    return output, replace(plan, treatments=treatments, actions=left)


def _rewritten(batch: pa.RecordBatch, actions: Sequence[TableAction], schema: pa.Schema) -> pa.RecordBatch:
    columns = {name: batch.column(name) for name in schema.names}
    for action in actions:
        columns.update(action.rewrite(batch))
    return pa.RecordBatch.from_arrays(
        [columns[name].cast(schema.field(name).type) for name in schema.names], schema=schema
    )
