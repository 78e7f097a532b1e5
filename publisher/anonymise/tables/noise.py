"""Aggregated tables with noise of differential privacy: counts of bounded contributions over all cells there can be, each with a draw.

Every cell that the groups' values allow is listed, also where nobody stands, for which cells are there would tell of people. Margins are
sums of noisy cells, so they cost nothing. Numbers below zero become zero at the very end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import prod
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.treatments import AsItIs, CodeClimb
from publisher.anonymise.plan import Plan
from publisher.anonymise.report import policy_report
from publisher.anonymise.staging import ORDER, unit_column
from publisher.anonymise.tables.cells import ALL, SUMMED
from publisher.errors import DescriptorError, EnvironmentFault
from publisher.formats.rows import column_to_text
from publisher.ledger import Answer, Budget, Paid, Question
from publisher.policy import AggregateTable, DifferentialPrivacy
from publisher.published import ARROW_TYPES, PublishedTable

_MOST_CELLS = 500_000
_RULE = {
    "vi": "Mỗi số đếm được cộng nhiễu ngẫu nhiên; tổng là tổng của các ô đã có nhiễu; số âm được công bố là 0.",
    "en": "Every count has random noise added; totals are sums of noisy cells; numbers below zero are published as 0.",
}

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Counted:
    """The exact counts of one table over all its cells, in the order of its groups' values; they never leave."""

    published: PublishedTable
    domains: list[pa.Array]
    declared: list[bool]
    counts: _Ints

    @property
    def aggregate(self) -> AggregateTable:
        assert self.published.aggregate is not None  # noqa: S101  aggregates only are counted
        return self.published.aggregate


def noisy_tables(
    connection: duckdb.DuckDBPyConnection, plan: Plan, tables: Sequence[PublishedTable], budget: Budget | None
) -> list[tuple[pa.Table, dict[str, Any]]]:
    """Return the publishable form of each aggregated table of the view `leaving`, and its report.

    Each table gets an equal share of the policy's epsilon. What was drawn once for the same counts is published again.

    Raises:
        DescriptorError: there is no ledger to pay from, or a table would have too many cells.
        DisclosureRisk: the budget does not suffice.
        EnvironmentFault: OpenDP is not installed.
    """
    dp = plan.table.privacy.dp
    if dp is None or budget is None:
        raise DescriptorError(
            f"The tables of `{plan.table.name}` need noise, and there is no ledger to pay for it from.",
            step="anonymise",
            cure="release the dataset with `phusa release`, which keeps the ledger",
        )
    share = dp.epsilon / len(tables)
    _bound(connection, plan, dp.max_rows_per_unit)
    counted = [_count(connection, plan, published) for published in tables]
    questions = [Question(one.published.name, share, _content(one, dp)) for one in counted]
    by_name = {one.published.name: one for one in counted}
    paid = budget.pay(dp.ledger, questions, lambda question: _drawn(by_name[question.table], dp, share))
    return [
        (_read(answer.content), _report(plan, one, dp, share, paid))
        for one, answer in zip(counted, paid.answers, strict=True)
    ]


def _bound(connection: duckdb.DuckDBPyConnection, plan: Plan, most: int) -> None:
    """Make the view `bounded` of `leaving`, with at most so many rows of each unit."""
    units = ", ".join(f'"{unit_column(name)}"' for name in plan.table.privacy.unit_key)
    kept = f' QUALIFY row_number() OVER (PARTITION BY {units} ORDER BY "{ORDER}") <= {most}' if units else ""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW bounded AS SELECT * FROM leaving{kept}")  # noqa: S608  names of the definition


def _count(connection: duckdb.DuckDBPyConnection, plan: Plan, published: PublishedTable) -> _Counted:
    aggregate = published.aggregate
    assert aggregate is not None  # noqa: S101  the caller passes aggregates
    found = [_domain(connection, plan, name, least=aggregate.small_cell.min) for name in aggregate.group_by]
    domains = [domain for domain, _ in found]
    sizes = [len(domain) for domain in domains]
    if prod(sizes) > _MOST_CELLS:
        raise DescriptorError(
            f"`{published.name}` would have {prod(sizes)} cells, for with noise every one there can be is listed.",
            step="anonymise",
            cure=f"group by coarser levels or fewer fields: at most {_MOST_CELLS} cells",
        )
    names = ", ".join(f'"{name}"' for name in aggregate.group_by)
    query = f'SELECT {names}, count(*) AS "__rows" FROM bounded GROUP BY {names}'  # noqa: S608  names of the definition
    cells = connection.sql(query).to_arrow_table()
    places = [
        pc.fill_null(pc.index_in(cells.column(name).combine_chunks(), value_set=domain), ALL).to_numpy()
        for name, domain in zip(aggregate.group_by, domains, strict=True)
    ]
    known = np.all([place >= 0 for place in places], axis=0)
    counts = np.zeros(sizes, np.int64)
    counts[tuple(place[known] for place in places)] = cells.column("__rows").to_numpy()[known]
    return _Counted(published, domains, [declared for _, declared in found], counts)


def _domain(connection: duckdb.DuckDBPyConnection, plan: Plan, name: str, *, least: int) -> tuple[pa.Array, bool]:
    """Return the values that a group may have, null last, and whether the definition declares them.

    Where it does not, they are those that enough units have for the smallest cell; the others' rows are not counted.
    """
    units = ", ".join(f'"{unit_column(unit)}"' for unit in plan.table.privacy.unit_key)
    number = f"count(DISTINCT row({units}))" if units else "count(*)"
    query = f'SELECT "{name}" AS v FROM bounded GROUP BY ALL HAVING {number} >= {least}'  # noqa: S608  names of the definition
    seen = connection.sql(query).to_arrow_table().column("v").combine_chunks()
    declared = _declared(plan, name)
    if declared is None:
        return seen.take(pc.array_sort_indices(seen)), False
    may_be_null = not plan.table.schema_.field(name).constraints.required
    values = declared.cast(seen.type).unique()
    return pa.concat_arrays([values.take(pc.array_sort_indices(values)), pa.nulls(int(may_be_null), seen.type)]), True


def _declared(plan: Plan, name: str) -> pa.Array | None:
    treatment, field = plan.treatments[name], plan.table.schema_.field(name)
    if isinstance(treatment, CodeClimb) and len(treatment.levels) == 1:
        return pa.array(sorted(set(treatment.hierarchy.labels[0])), pa.string())
    if not isinstance(treatment, AsItIs):
        return None
    if field.type == "boolean":
        return pa.array([False, True])
    values = field.constraints.enum or field.category_values
    return pa.array(values, ARROW_TYPES[field.type]) if values and field.type in {"string", "integer"} else None


def _content(counted: _Counted, dp: DifferentialPrivacy) -> bytes:
    """Return everything that decides an answer."""
    said = {
        "group_by": counted.aggregate.group_by,
        "groupings": counted.aggregate.groupings,
        "measures": [measure.name for measure in counted.aggregate.measures],
        "domains": [column_to_text(domain).to_pylist() for domain in counted.domains],
        "mechanism": dp.mechanism,
        "max_rows_per_unit": dp.max_rows_per_unit,
    }
    return json.dumps(said, sort_keys=True).encode() + counted.counts.tobytes()


def _drawn(counted: _Counted, dp: DifferentialPrivacy, epsilon: float) -> Answer:
    """Return a fresh noisy table; the noise comes from the operating system's source of randomness, through OpenDP."""
    noisy = _laplace(counted.counts, scale=dp.max_rows_per_unit / epsilon)
    codes, values = [], []
    for by in counted.aggregate.groupings:
        kept = [name in by for name in counted.aggregate.group_by]
        summed = noisy.sum(axis=tuple(place for place, keeps in enumerate(kept) if not keeps))
        own = np.full((summed.size, len(kept)), ALL, np.int64)
        own[:, kept] = np.indices(summed.shape).reshape(len(by), summed.size).T
        codes.append(own)
        values.append(np.maximum(summed.reshape(-1), 0))
    table = _table(counted, np.concatenate(codes), np.concatenate(values))
    return Answer(_written(table), digest_of(table))


def _laplace(counts: _Ints, *, scale: float) -> _Ints:
    try:
        import opendp.prelude as dp
    except ImportError:
        message = "Noise of differential privacy needs the package OpenDP, which is not installed."
        raise EnvironmentFault(message, step="anonymise", cure="pip install 'phusa[dp]'") from None
    dp.enable_features("contrib")
    add = dp.m.make_laplace(dp.vector_domain(dp.atom_domain(T="i64")), dp.l1_distance(T="i64"), scale=scale)
    return np.array(add(counts.reshape(-1).tolist()), np.int64).reshape(counts.shape)


def _table(counted: _Counted, codes: _Ints, values: _Ints) -> pa.Table:
    order = np.lexsort(codes.T[::-1])
    codes, values = codes[order], values[order]
    columns = {}
    for place, name in enumerate(counted.aggregate.group_by):
        domain, own = counted.domains[place], codes[:, place]
        if counted.aggregate.has_margins:
            domain = column_to_text(domain)
            if pc.any(pc.equal(domain, SUMMED)).as_py():
                raise DescriptorError(
                    f"The field `{name}` has the value `{SUMMED}`, which stands for totals in `{counted.published.name}`.",
                    step="anonymise",
                    cure="give what is left over another word, or leave the margins out",
                )
        taken = domain.take(pa.array(np.maximum(own, 0)))
        columns[name] = pc.if_else(pa.array(own == ALL), SUMMED, taken) if counted.aggregate.has_margins else taken
    for measure in counted.aggregate.measures:
        columns[measure.name] = pa.array(values)
    return pa.table(columns).cast(counted.published.arrow_schema)


def digest_of(table: pa.Table) -> str:
    """Return the digest of a table's values: SHA-256 of its rows as a JSON array of arrays, columns in their order."""
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    said = json.dumps([list(row) for row in rows], ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _written(table: pa.Table) -> bytes:
    sink = BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def _read(content: bytes) -> pa.Table:
    with pa.ipc.open_stream(content) as reader:
        return reader.read_all()


def _report(plan: Plan, counted: _Counted, dp: DifferentialPrivacy, share: float, paid: Paid) -> dict[str, Any]:
    declared = dict(zip(counted.aggregate.group_by, counted.declared, strict=True))
    return {
        "kind": "aggregate",
        **policy_report(plan, counted.aggregate.group_by),
        "cells": int(counted.counts.size),
        "counted_units": "unit_key" if plan.table.privacy.unit_key else "rows",
        "hidden_cells": 0,
        "dp": {
            "ledger": dp.ledger.name,
            "epsilon": share,
            "epsilon_of_release": dp.epsilon,
            "spent_now": paid.spent_now,
            "spent": paid.spent,
            "cap": paid.cap,
            "period": dp.ledger.period,
            "head": paid.head,
            "unit": dp.unit,
            "max_rows_per_unit": dp.max_rows_per_unit,
            "mechanism": dp.mechanism,
            "scale": dp.max_rows_per_unit / share,
            "values": {name: "declared" if told else "seen" for name, told in declared.items()},
            "rows_leave_too": plan.table.privacy.publishes_rows,
            "rule": _RULE,
        },
    }
