"""G9: noisy tables are paid for in an unbroken ledger, within the cap of each period, and are the very answers that were paid for."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.disclosure.cells.small import TOTAL, distinct, rows_by_grouping
from publisher.policy import DifferentialPrivacy
from publisher.published import PublishedTable

Entries = Mapping[str, Sequence[Mapping[str, Any]]]
"""The entries of each ledger, by its name, in their order."""

_NEARLY = Decimal("1e-9")
_CHAINED = ("ledger", "number", "day", "dataset", "release", "table", "epsilon", "cap", "answer", "previous")


def ledger_names(tables: Sequence[PublishedTable]) -> set[str]:
    """Return the ledgers that noisy tables are paid from."""
    return {table.source.privacy.dp.ledger.name for table in tables if is_noisy(table) and table.source.privacy.dp}


def is_noisy(table: PublishedTable) -> bool:
    """Tell whether the policy asks for noise in a table."""
    return table.aggregate is not None and table.source.privacy.dp is not None


def unpaid_noise(path: Path, table: PublishedTable, dataset: str, ledgers: Entries | None) -> list[str]:
    """Check a noisy table against its ledger: an entry for exactly these numbers at no more than the policy's price, and the chain and caps behind it."""
    dp = table.source.privacy.dp
    if dp is None or table.aggregate is None:
        return ["it has no policy of differential privacy"]
    if ledgers is None or dp.ledger.name not in ledgers:
        return [f"the ledger {dp.ledger.name} is not at hand"]
    entries = ledgers[dp.ledger.name]
    faults = broken_chain(entries) + overspent(entries, dp) + _wrong_cells(path, table)
    price = dp.epsilon / len(table.source.privacy.tables)
    digest = _digest(path)
    own = [one for one in entries if (one["dataset"], one["table"]) == (dataset, table.name)]
    if not any(one["answer"] == digest and one["epsilon"] <= price + 1e-9 for one in own):
        faults.append(
            f"no entry of the ledger {dp.ledger.name} paid for these numbers with no more than the policy's epsilon"
        )
    return faults


def broken_chain(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Replay a ledger: numbers without gaps, each entry with the digest of its content and of the entry before."""
    before = "0" * 64
    for place, entry in enumerate(entries, start=1):
        said = json.dumps({name: entry[name] for name in _CHAINED}, sort_keys=True, separators=(",", ":"))
        whole = entry["number"] == place and entry["previous"] == before
        if not whole or entry["digest"] != sha256(said.encode()).hexdigest():
            return [f"the ledger's chain breaks at entry {place}"]
        before = str(entry["digest"])
    return []


def overspent(entries: Sequence[Mapping[str, Any]], dp: DifferentialPrivacy) -> list[str]:
    """Return the periods in which more was spent than the cap that held at the time."""
    spent: dict[str, Decimal] = defaultdict(Decimal)
    faults = []
    for entry in entries:
        period = _period(str(entry["day"]), dp.ledger.period)
        price = Decimal(str(entry["epsilon"]))
        spent[period] += price
        if price <= 0 or spent[period] > Decimal(str(entry["cap"])) + _NEARLY:
            faults.append(f"more than the budget {dp.ledger.name} was spent in {period}")
    return sorted(set(faults))


def _period(day: str, kind: str) -> str:
    year, month, _ = day.split("-")
    if kind == "quarter":
        return f"{year} quarter {-(-int(month) // 3)}"
    return {"year": year, "month": f"{year}-{month}"}.get(kind, "all time")


def _wrong_cells(path: Path, table: PublishedTable) -> list[str]:
    """Check the form that noise has: every count there, whole and not below zero, every cell that the groups allow listed once."""
    assert table.aggregate is not None  # noqa: S101  the caller asks for aggregates
    cells, aggregate = pq.read_table(path), table.aggregate
    faults = []
    counts = [pc.cast(cells[measure.name], pa.int64()) for measure in aggregate.measures]
    if any(count.null_count or pc.any(pc.less(count, 0)).as_py() for count in counts):
        faults.append("a count is hidden or below zero")
    by_grouping = rows_by_grouping(cells, aggregate)
    allowed = {name: distinct(cells, [name]) for name in aggregate.group_by}
    if aggregate.has_margins:
        for name in aggregate.group_by:
            allowed[name] -= bool(pc.any(pc.equal(cells[name], TOTAL)).as_py())
    for grouping in aggregate.groupings:
        own = by_grouping.get(grouping, cells.slice(0, 0))
        if not own.num_rows == distinct(own, grouping) == math.prod(allowed[name] for name in grouping):
            faults.append("not every cell that the groups allow is listed once, so which are there tells of people")
            break
    return faults


def _digest(path: Path) -> str:
    """Return SHA-256 of the rows as JSON: an array of arrays, dates and times as texts, no spaces."""
    table = pq.read_table(path)
    hashed = sha256(b"[")
    for place in range(0, table.num_rows, 10_000):
        rows = [list(row.values()) for row in table.slice(place, 10_000).to_pylist()]
        said = json.dumps(rows, ensure_ascii=False, separators=(",", ":"), default=str)[1:-1]
        hashed.update((("," if place else "") + said).encode())
    hashed.update(b"]")
    return hashed.hexdigest()
