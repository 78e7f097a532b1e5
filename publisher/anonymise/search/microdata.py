"""k-anonymity for published rows: count combinations, search the levels, and say what to change when nothing is acceptable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.treatments import CodeClimb, Treatment, apply_by_value, leaves_of
from publisher.anonymise.plan import Plan
from publisher.anonymise.search.counting import CombinationCounter, DistinctValues
from publisher.anonymise.search.groups import Codes, Groups, SmallGroups, classes_of, distinct, merge
from publisher.anonymise.search.lattice import Axis, Demand, LatticeSearch, Outcome, too_small
from publisher.engines.working_files import Table, read_batches
from publisher.errors import DisclosureRisk
from publisher.policy import Microdata
from publisher.published import ARROW_TYPES


@dataclass(frozen=True)
class Leaves:
    """One quasi-identifier: its treatment, its domain of leaves, and the code of each at the level chosen."""

    name: str
    treatment: Treatment
    domain: pa.Array
    codes: Codes

    def codes_of(self, values: pa.Array) -> Codes:
        """Return the code of each value of the source; every value must be one that was counted."""
        encoded = leaves_of(self.treatment, values).dictionary_encode(null_encoding="encode")
        places = _places(encoded.dictionary, self.domain)[encoded.indices.to_numpy(zero_copy_only=False)]
        return np.asarray(self.codes[places], np.int64)


@dataclass(frozen=True)
class Choice:
    """The levels found, by field, what they cost, and which classes are too small at them."""

    levels: dict[str, int]
    outcome: Outcome
    nodes_checked: int
    leaves: tuple[Leaves, ...]
    small: SmallGroups

    def leaving(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Return which valid rows stand in classes that are large and varied enough."""
        codes = [leaves.codes_of(batch.column(leaves.name)) for leaves in self.leaves]
        return ~self.small.hold(codes, batch.num_rows)


def choose_levels(counter: CombinationCounter, plan: Plan, microdata: Microdata) -> Choice:
    """Find the acceptable levels of least loss for the quasi-identifiers of a table whose combinations are counted.

    Raises:
        DisclosureRisk: not even the coarsest levels are acceptable; names the field to coarsen or drop.
    """
    diversity = microdata.l_diversity
    demand = Demand(microdata.k, microdata.suppression_limit, diversity.l if diversity else 1)
    axes, domains, groups = _groups(counter, plan, has_sensitive=diversity is not None)
    search = LatticeSearch(axes, groups, demand)
    outcome = search.best()
    if outcome is None:
        raise _nothing_acceptable(search, axes, demand, plan)
    table = search.table(outcome.levels)
    classes = classes_of(table)
    chosen = zip(plan.quasi, axes, domains, outcome.levels, strict=True)
    return Choice(
        levels=dict(zip(plan.quasi, outcome.levels, strict=True)),
        outcome=outcome,
        nodes_checked=search.nodes_checked,
        leaves=tuple(Leaves(name, plan.treatments[name], domain, axis.codes[n]) for name, axis, domain, n in chosen),
        small=SmallGroups(_representatives(table, classes.representative), too_small(classes, demand)),
    )


def build_axis(name: str, treatment: Treatment, values: pa.Array) -> tuple[Axis, pa.Array]:
    """Return the axis of a field and its domain of leaves: the distinct values seen, or all leaves of its hierarchy.

    Null, when seen, is a leaf like any other.
    """
    domain = values
    if isinstance(treatment, CodeClimb):
        treatment.positions(values)
        leaves = list(treatment.hierarchy.leaves)
        domain = pa.array(leaves + [None] * bool(values.null_count), pa.string())
    levels = range(len(treatment.levels))
    return Axis(name, tuple(_codes(treatment.apply(domain, level)) for level in levels)), domain


def _codes(values: pa.Array) -> Codes:
    indices = values.dictionary_encode(null_encoding="encode").indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), np.int64)


def count_combinations(valid: Table, plan: Plan, microdata: Microdata) -> CombinationCounter:
    """Count the combinations of quasi-identifiers, unit key and sensitive field; reads their columns once.

    Quasi-identifiers count at their finest level; the leaves below it weigh in what a level loses, not in combinations.
    """
    quasi, units = plan.quasi, list(plan.table.privacy.unit_key)
    sensitive = microdata.l_diversity.field if microdata.l_diversity else None
    names = [*quasi, *units, *([sensitive] if sensitive else [])]
    counter = CombinationCounter(len(names), quasi)
    for batch in read_batches(valid, columns=list(dict.fromkeys(names))) if names else ():
        arrays = [_finest(plan.treatments[name], batch.column(name), counter.leaves[name]) for name in quasi]
        arrays += [batch.column(name) for name in units]
        if sensitive:
            arrays.append(apply_by_value(plan.treatments[sensitive], batch.column(sensitive), 0))
        counter.add(arrays)
    counter.settle()
    if not names:
        counter.rows = np.array([sum(batch.num_rows for batch in read_batches(valid))], np.int64)
    return counter


def _groups(
    counter: CombinationCounter, plan: Plan, *, has_sensitive: bool
) -> tuple[tuple[Axis, ...], list[pa.Array], Groups]:
    if not counter.columns:
        return (), [], Groups((), counter.rows)
    quasi, units = plan.quasi, plan.table.privacy.unit_key
    axes, domains, columns = [], [], []
    for name, numbers, codes in zip(quasi, counter.numbers, counter.columns, strict=False):
        treatment = plan.treatments[name]
        kind = leaves_of(treatment, pa.array([], ARROW_TYPES[plan.table.schema_.field(name).type])).type
        axis, domain = build_axis(name, treatment, counter.leaves[name].sorted(kind))
        finest = treatment.apply(domain, 0).dictionary_encode(null_encoding="encode").dictionary
        axes.append(axis)
        domains.append(domain)
        columns.append(_places(numbers.values, finest)[codes])
    rest = [codes.astype(np.int64) for codes in counter.columns[len(quasi) :]]
    groups = Groups(
        tuple(columns),
        counter.rows,
        units=_units(rest[: len(units)], counter.rows) if units else None,
        sensitive=rest[-1] if has_sensitive else None,
    )
    return tuple(axes), domains, merge(groups.columns, groups)


def _finest(treatment: Treatment, values: pa.Array, seen: DistinctValues) -> pa.DictionaryArray:
    """Return a column at its finest level, and note the leaves seen."""
    leaves = leaves_of(treatment, values).dictionary_encode(null_encoding="encode")
    seen.add(leaves.dictionary)
    finest = treatment.apply(leaves.dictionary, 0).dictionary_encode(null_encoding="encode")
    return pa.DictionaryArray.from_arrays(finest.indices.take(leaves.indices), finest.dictionary)


def _places(values: pa.Array, domain: pa.Array) -> Codes:
    """Return where each value stands in a domain that holds them all, null like any other."""
    places = pc.index_in(pc.cast(values, domain.type), value_set=domain)
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)


def _units(columns: Sequence[Codes], rows: Codes) -> Codes | None:
    """Return the number of each combination's unit, null when each row is a unit of its own."""
    members, first = distinct(columns, len(rows))
    return None if len(first) == rows.sum() else members


def _representatives(table: Groups, places: Codes) -> Groups:
    return replace(
        table,
        columns=tuple(codes[places] for codes in table.columns),
        rows=table.rows[places],
        units=None,
        sensitive=None,
    )


def _nothing_acceptable(search: LatticeSearch, axes: tuple[Axis, ...], demand: Demand, plan: Plan) -> DisclosureRisk:
    worst = search.judge(search.top)
    table = search.table(search.top)
    message = (
        f"The table `{plan.table.name}` has no acceptable levels: even at the coarsest {worst.suppressed_rows} of "
        f"{worst.rows} rows stand in groups below k={demand.k}"
        + (f" or with fewer than {demand.diversity} sensitive values" if demand.diversity > 1 else "")
        + f"; {demand.suppression_limit:.1%} may be left out."
    )
    left = {axis.name: _left_out_without(table, place, demand) for place, axis in enumerate(axes)}
    if not left:
        cure = "publish aggregates instead of rows, or lower k knowingly"
    else:
        field = min(left, key=lambda name: left[name])
        cure = (
            f"give `{field}` a coarser level (`*` hides it) or drop it: without it {left[field] / worst.rows:.1%} of the "
            "rows would be left out"
            + ("" if left[field] <= demand.suppression_limit * worst.rows else ", so another one too")
        )
    return DisclosureRisk(message, step="anonymise", cure=cure)


def _left_out_without(table: Groups, place: int, demand: Demand) -> int:
    columns = [codes * 0 if other == place else codes for other, codes in enumerate(table.columns)]
    classes = classes_of(merge(columns, table))
    return int(classes.rows[too_small(classes, demand)].sum())
