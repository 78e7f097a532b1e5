"""CPU of hiding cells with their companions, and of the audit that checks it.

`python tests/bench/tables.py [--rows 100000] [--sizes 200 20] [--peer]` draws rows of skewed groups, counts them with all margins, hides small
cells and companions as a release would, writes the table and audits it. CPU is user and system time, imports apart. The peer asks for the
least and the most of every hidden cell with a program of its own, all cells of the table in it; it answers for small tables only.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from attacks.reconstruction import Table, hidden_intervals  # noqa: E402  after the path

from publisher.anonymise.staging import open_table  # noqa: E402
from publisher.anonymise.tables.cells import Cells, count_cells  # noqa: E402
from publisher.anonymise.tables.protect import hide_companions, hide_small_cells, together_in  # noqa: E402
from publisher.definition import TableDefinition  # noqa: E402
from publisher.disclosure.cells import subtractions  # noqa: E402
from publisher.published import published_tables  # noqa: E402

Result = TypeVar("Result")
SKEW = 0.3


def define(fields: list[str]) -> TableDefinition:
    """Return a table about businesses, of which no group has to be hidden for being all alike."""
    described = [{"name": name, "type": "string", "title": name} for name in fields]
    policy = {
        "subject": "business",
        "fields": {name: {"action": "keep"} for name in fields},
        "tables": [{"id": "cells", "group_by": fields, "margins": "all"}],
    }
    content = {"name": "rows", "title": "x", "row": "x", "schema": {"fields": described}, "privacy": policy}
    return TableDefinition.model_validate({**content, "source": {"kind": "sql", "url": "env:DB", "query": "SELECT 1"}})


def draw(rows: int, sizes: list[int]) -> pa.Table:
    """Return rows whose groups are the rarer, the later they come."""
    random = np.random.default_rng(1)
    columns = {}
    for place, size in enumerate(sizes):
        weights = np.arange(1, size + 1) ** -SKEW
        columns[f"f{place}"] = pa.array(random.choice(size, rows, p=weights / weights.sum()).astype(str))
    return pa.table(columns)


def measure(name: str, done: Callable[[], Result], said: dict[str, Any]) -> Result:
    """Do something and note its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = done()
    after = resource.getrusage(resource.RUSAGE_SELF)
    said[name] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2)
    return result


def protect(counted: list[Cells], together: Any) -> int:
    """Hide what has to be hidden; return how many cells are hidden for their own sake."""
    hide_small_cells(counted)
    small = int(counted[0].hidden.sum())
    hide_companions(counted, together)
    return small


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 20])
    parser.add_argument("--peer", action="store_true")
    asked = parser.parse_args()
    fields = [f"f{place}" for place in range(len(asked.sizes))]
    [published] = published_tables(define(fields))
    said: dict[str, Any] = {"rows": asked.rows, "sizes": asked.sizes}
    with tempfile.TemporaryDirectory() as folder:
        staged, output = Path(folder) / "staged.parquet", Path(folder) / "cells.parquet"
        pq.write_table(draw(asked.rows, asked.sizes), staged)
        with open_table(staged) as connection:
            counted = [measure("count_s", lambda: count_cells(connection, published), said)]
            together = together_in(connection, counted)
        said["small"] = measure("protect_s", lambda: protect(counted, together), said)
        pq.write_table(counted[0].table(), output)
        said |= {"cells": len(counted[0].rows), "hidden": int(counted[0].hidden.sum())}
        said["faults"] = measure("audit_s", lambda: subtractions([(published, output)]), said)
        if asked.peer:
            table = Table(tuple(fields), "so_luong", pq.read_table(output).to_pylist())
            found = measure("peer_s", lambda: hidden_intervals([table], least_hidden=1), said)
            said["narrowest"] = min((one.width for one in found or []), default=None)
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
