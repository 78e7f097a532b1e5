"""k-anonymity for published rows: count combinations, search the levels, and say what to change when nothing is acceptable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.groups import Codes, Groups, classes_of, merge
from publisher.anonymise.lattice import Axis, Demand, LatticeSearch, Outcome, too_small
from publisher.anonymise.plan import Plan
from publisher.anonymise.staging import column, open_table
from publisher.anonymise.treatments import CodeClimb, DatePeriods, Treatment, apply_by_value
from publisher.errors import DisclosureRisk
from publisher.policy import Microdata


@dataclass(frozen=True)
class Choice:
    """The levels found, by field, and what they cost."""

    levels: dict[str, int]
    outcome: Outcome
    nodes_checked: int


def choose_levels(valid: Path, plan: Plan, microdata: Microdata) -> Choice:
    """Find the acceptable levels of least loss for the quasi-identifiers of a table; reads the whole table once for each field.

    Raises:
        DisclosureRisk: not even the coarsest levels are acceptable; names the field to coarsen or drop.
    """
    diversity = microdata.l_diversity
    demand = Demand(microdata.k, microdata.suppression_limit, diversity.l if diversity else 1)
    with open_table(valid) as connection:
        axes, groups = _count(connection, plan, diversity.field if diversity else None)
    search = LatticeSearch(axes, groups, demand)
    outcome = search.best()
    if outcome is None:
        raise _nothing_acceptable(search, axes, demand, plan)
    levels = dict(zip(plan.quasi, outcome.levels, strict=True))
    return Choice(levels, outcome, search.nodes_checked)


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


def _count(connection: duckdb.DuckDBPyConnection, plan: Plan, sensitive: str | None) -> tuple[tuple[Axis, ...], Groups]:
    leaves = {name: _leaf_expression(plan, name) for name in plan.quasi}
    units = ", ".join(f'"{name}"' for name in plan.table.privacy.unit_key)
    wanted = [f'{leaf} AS "{name}"' for name, leaf in leaves.items()]
    if sensitive:
        wanted.append(f'"{sensitive}" AS "__sensitive"')
    if units and not _each_row_is_a_unit(connection, units):
        wanted.append(f'dense_rank() OVER (ORDER BY {units}) - 1 AS "__unit"')
    inner = ", ".join([*wanted, "1 AS one"])
    query = f'SELECT * EXCLUDE (one), count(*) AS "__rows" FROM (SELECT {inner} FROM source) GROUP BY ALL'  # noqa: S608  own names
    counted = connection.sql(query).to_arrow_table().combine_chunks()
    axes, columns = [], []
    for name, leaf in leaves.items():
        values = column(connection, f"SELECT DISTINCT {leaf} AS v FROM source ORDER BY v")  # noqa: S608  own names
        axis, domain = build_axis(name, plan.treatments[name], values)
        place = pc.index_in(pc.cast(_one_array(counted, name), domain.type), value_set=domain)
        axes.append(axis)
        columns.append(axis.codes[0][place.to_numpy(zero_copy_only=False)])
    groups = Groups(tuple(columns), _numbers(counted, "__rows"))
    if "__unit" in counted.column_names:
        groups = replace(groups, units=_numbers(counted, "__unit"))
    if sensitive:
        published = apply_by_value(plan.treatments[sensitive], _one_array(counted, "__sensitive"), 0)
        groups = replace(groups, sensitive=_codes(published))
    return tuple(axes), merge(groups.columns, groups)


def _leaf_expression(plan: Plan, name: str) -> str:
    is_period = isinstance(plan.treatments[name], DatePeriods)
    is_datetime = plan.table.schema_.field(name).type == "datetime"
    return f'CAST("{name}" AS DATE)' if is_period and is_datetime else f'"{name}"'


def _each_row_is_a_unit(connection: duckdb.DuckDBPyConnection, units: str) -> bool:
    query = f"SELECT count(*) = count(DISTINCT row({units})) FROM source"  # noqa: S608  own names
    return bool(connection.execute(query).fetchall()[0][0])


def _one_array(table: pa.Table, name: str) -> pa.Array:
    chunks = table.column(name)
    return pa.concat_arrays(chunks.chunks) if chunks.num_chunks else pa.array([], chunks.type)


def _numbers(table: pa.Table, name: str) -> Codes:
    return np.asarray(_one_array(table, name).to_numpy(zero_copy_only=False), np.int64)


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
