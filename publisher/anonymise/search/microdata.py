"""k-anonymity, l-diversity and t-closeness for published rows: count combinations, search the levels, tell which rows leave."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.treatments import CodeClimb, Treatment, leaves_of
from publisher.anonymise.plan import Plan
from publisher.anonymise.search.counting import CombinationCounter, Tally, empty_tally, sorted_values
from publisher.anonymise.search.demands import Demand, demand_of
from publisher.anonymise.search.groups import Groups, SmallGroups
from publisher.anonymise.search.lattice import Axis, LatticeSearch, Outcome
from publisher.anonymise.search.packing import Codes, Layout, combine, layout_for, run_starts
from publisher.engines.working_files import Table, read_batches
from publisher.policy import Microdata
from publisher.published import ARROW_TYPES

_NUMBER_AHEAD = re.compile(r"-?[0-9]+(\.[0-9]+)?")


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
    """The levels found, by field, what they cost, and which classes are left out at them."""

    levels: dict[str, int]
    outcome: Outcome
    nodes_checked: int
    leaves: tuple[Leaves, ...]
    small: SmallGroups

    def leaving(self, batch: pa.RecordBatch) -> npt.NDArray[np.bool_]:
        """Return which valid rows stand in classes that are large and varied enough."""
        codes = [leaves.codes_of(batch.column(leaves.name)) for leaves in self.leaves]
        return ~self.small.hold(codes, batch.num_rows)


@dataclass(frozen=True)
class Counted:
    """What the search starts from: an axis and a domain of leaves for each quasi-identifier, the groups, and the demand."""

    axes: tuple[Axis, ...]
    domains: tuple[pa.Array, ...]
    groups: Groups
    demand: Demand


def choose_levels(counter: CombinationCounter, plan: Plan, microdata: Microdata) -> Choice:
    """Find the acceptable levels of least loss for the quasi-identifiers of a table whose combinations are counted.

    Raises:
        DisclosureRisk: not even the coarsest levels are acceptable; names what to coarsen or drop, and what that would cost.
        DescriptorError: the levels make too many combinations to be searched.
    """
    counted = counted_groups(counter, plan, microdata)
    search = LatticeSearch(counted.axes, counted.groups, counted.demand)
    outcome = search.best()
    if outcome is None:
        from publisher.anonymise.search.cures import nothing_acceptable

        raise nothing_acceptable(plan.table.name, counted, search)
    return choice_at(outcome, search, counted, plan)


def choice_at(outcome: Outcome, search: LatticeSearch, counted: Counted, plan: Plan) -> Choice:
    """Return the choice of one node."""
    chosen = zip(plan.quasi, counted.axes, counted.domains, outcome.levels, strict=True)
    return Choice(
        levels=dict(zip(plan.quasi, outcome.levels, strict=True)),
        outcome=outcome,
        nodes_checked=search.nodes_checked,
        leaves=tuple(Leaves(name, plan.treatments[name], domain, axis.codes[n]) for name, axis, domain, n in chosen),
        small=SmallGroups(search.table(outcome.levels).classes, search.missed(outcome.levels).demand),
    )


def count_combinations(valid: Table, plan: Plan, microdata: Microdata) -> CombinationCounter:
    """Count the combinations of quasi-identifiers with themselves, with units and with sensitive values; reads their columns once.

    Quasi-identifiers count at their finest level; the leaves below it weigh in what a level loses, not in combinations.
    """
    quasi, units, sensitive = plan.quasi, plan.table.privacy.unit_key, _sensitive(microdata)
    turns = [partial(plan.treatments[name].apply, level=0) for name in quasi]
    published = [partial(plan.treatments[name].apply, level=0) for name in sensitive]
    places = range(len(quasi))
    after = len(quasi) + len(sensitive)
    facets = [
        [*places],
        *([*places, len(quasi) + number] for number in range(len(sensitive))),
        *([[*places, *range(after, after + len(units))]] if units else []),
    ]
    counter = CombinationCounter([*turns, *published, *(None for _ in units)], facets)
    names = [*quasi, *sensitive, *units]
    for batch in read_batches(valid, columns=list(dict.fromkeys(names)) or None):
        arrays = [
            leaves_of(plan.treatments[name], batch.column(name)) if name in plan.treatments else batch.column(name)
            for name in names[:after]
        ]
        counter.add([*arrays, *(batch.column(name) for name in units)], batch.num_rows)
    counter.settle()
    return counter


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


def counted_groups(counter: CombinationCounter, plan: Plan, microdata: Microdata) -> Counted:
    """Return what the search starts from, out of what was counted."""
    quasi, units, sensitive = plan.quasi, plan.table.privacy.unit_key, _sensitive(microdata)
    axes, domains, maps = [], [], []
    for name, numbers, leaves in zip(quasi, counter.numbers, counter.leaves, strict=False):
        treatment = plan.treatments[name]
        kind = leaves_of(treatment, pa.array([], ARROW_TYPES[plan.table.schema_.field(name).type])).type
        axis, domain = build_axis(name, treatment, sorted_values(leaves, kind))
        finest = treatment.apply(domain, 0).dictionary_encode(null_encoding="encode").dictionary
        axes.append(axis)
        domains.append(domain)
        maps.append(_places(numbers.values, finest))
    demand = demand_of(microdata)
    bits = layout_for([axis.sizes[0] for axis in axes]).bits
    classes, *more = counter.tallies
    varied = []
    for place, tally in enumerate(more[: len(sensitive)], start=len(quasi)):
        ranks = _ranks(counter.numbers[place].values)
        varied.append(tally.moved([*maps, ranks], Layout((*bits, *layout_for([len(ranks)]).bits))))
    groups = Groups(
        classes.moved(maps, Layout(bits)) if quasi else _one_class(counter),
        _pairs(more[-1], maps, bits, counter.total_rows) if units else None,
        tuple(varied),
    )
    return Counted(tuple(axes), tuple(domains), groups, demand)


def _sensitive(microdata: Microdata) -> list[str]:
    """Return the fields whose values must vary in each class: that of l-diversity first, that of t-closeness last."""
    demands = (microdata.l_diversity, microdata.t_closeness)
    return list(dict.fromkeys(demand.field for demand in demands if demand))


def _one_class(counter: CombinationCounter) -> Tally:
    """Return the tally of a table without quasi-identifiers, whose rows are one class."""
    empty = empty_tally(0)
    if not counter.total_rows:
        return empty
    return Tally(empty.layout, (np.zeros(1, np.int64),), np.array([counter.total_rows], np.int64))


def _pairs(tally: Tally, maps: Sequence[Codes], bits: tuple[int, ...], rows: int) -> Tally | None:
    """Return the combinations with one code for each unit, null when each row is a unit of its own."""
    layout, quasi = tally.layout, len(maps)
    columns = [layout.unpack(tally.words, field) for field in range(quasi, len(layout.bits))]
    if len(columns) == 1:
        members, units = columns[0], layout_for([int(columns[0].max(initial=0)) + 1])
        number = len(combine((members,), None)[1])
    else:
        own = Layout(layout.bits[quasi:])
        words = own.pack(columns, len(tally))
        order = np.lexsort(words[::-1])
        starts = run_starts(tuple(word[order] for word in words))
        members = np.empty(len(order), np.int64)
        members[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
        number, units = len(starts), layout_for([len(starts)])
    if number == rows:
        return None
    target = Layout((*bits, *units.bits))
    mapped = [codes[layout.unpack(tally.words, field)] for field, codes in enumerate(maps)]
    return Tally(target, *combine(target.pack([*mapped, members], len(tally)), tally.rows))


def _codes(values: pa.Array) -> Codes:
    indices = values.dictionary_encode(null_encoding="encode").indices
    return np.asarray(indices.to_numpy(zero_copy_only=False), np.int64)


def _ranks(values: pa.Array) -> Codes:
    """Return the place of each value in ascending order, null last.

    Texts that begin with a number, such as bands, come first in the order of these numbers, others after them by code points.
    """
    if pa.types.is_string(values.type):
        texts = values.to_pylist()
        ahead = [_NUMBER_AHEAD.match(text or "") for text in texts]
        keys = [
            (text is None, match is None, float(match[0]) if match else 0.0, (text or "").encode())
            for match, text in zip(ahead, texts, strict=True)
        ]
        order = np.array(sorted(range(len(texts)), key=keys.__getitem__), np.int64)
    elif pa.types.is_null(values.type) or pa.types.is_nested(values.type):
        return np.arange(len(values))
    else:
        order = pc.sort_indices(values).to_numpy().astype(np.int64)
    ranks = np.empty(len(values), np.int64)
    ranks[order] = np.arange(len(values))
    return ranks


def _places(values: pa.Array, domain: pa.Array) -> Codes:
    """Return where each value stands in a domain that holds them all, null like any other."""
    places = pc.index_in(pc.cast(values, domain.type), value_set=domain)
    return np.asarray(places.to_numpy(zero_copy_only=False), np.int64)
