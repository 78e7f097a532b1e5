"""CPU and memory of counting combinations and of finding the best levels, against DuckDB's own grouping of the same rows.

`python tests/bench/anonymise.py [--rows 1000000] [--count-rows 10000000] [--repeat 3] [--folder FOLDER]`. Every figure is of a fresh
process, in turn. Counting alone is measured from Parquet against DuckDB, with imports and without; the search from the working file that
validation leaves, without imports: counting, and finding the levels under the demands of a policy.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench")]

from anonymise_data import BATCH_ROWS, FEW, MANY, table_definition, write_hierarchies, write_rows  # noqa: E402

LIMIT = {"k": 5, "suppression_limit": 0.02}
DEMANDS: dict[str, dict[str, Any]] = {
    "k=5, none left out": {"k": 5, "suppression_limit": 0},
    "k=5, 2 %": LIMIT,
    "k=10, 5 %": {"k": 10, "suppression_limit": 0.05},
    "k=5, any share": {"k": 5, "suppression_limit": 1},
    "k=5, 2 %, 3 distinct values": {**LIMIT, "l_diversity": {"field": "disease", "l": 3}},
    "k=5, 2 %, entropy l=3": {**LIMIT, "l_diversity": {"field": "disease", "kind": "entropy", "l": 3}},
    "k=5, 2 %, t=0.4": {**LIMIT, "t_closeness": {"field": "disease", "t": 0.4}},
}


def main() -> int:
    """Make the rows, run everything, print medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--count-rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", help="where working files go; the system's temporary folder without it")
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        {"rows": make_rows, "count": count_ours, "peer": count_duckdb, "search": search}[options.child[0]](
            *options.child[1:]
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="phusa-anonymise-", dir=options.folder) as name:
        folder = Path(name)
        write_hierarchies(folder)
        parquet = _measured(["rows", str(options.count_rows), name])["parquet"]
        for label, fields in (("few", FEW), ("many", MANY)):
            runs: dict[str, list[dict[str, Any]]] = {"count": [], "peer": []}
            for _ in range(options.repeat):
                for kind, done in runs.items():
                    done.append(_measured([kind, parquet, ",".join(fields)]))
            print(f"count {options.count_rows} rows x {len(fields)} fields, {label} combinations")
            for kind, done in runs.items():
                figures = {key: median(run[key] for run in done) for key in ("work", "cpu", "peak_mb")}
                print(f"  {kind}: {figures}, {done[0]['groups']} groups, {done[0]['small']} small", flush=True)
        working = _measured(["rows", str(options.rows), name])["working"]
        for label, demand in DEMANDS.items():
            told = [_measured(["search", working, json.dumps(demand)]) for _ in range(options.repeat)]
            cpu = {key: round(median(run[key] for run in told), 2) for key in ("counting", "searching")}
            print(f"{options.rows} rows, {label}: CPU s {cpu}, {told[0]}", flush=True)
    return 0


def make_rows(rows: str, folder: str) -> None:
    """Make rows in a process of their own, whose memory no other process begins with."""
    parquet, working = write_rows(int(rows), Path(folder))
    print(json.dumps({"parquet": str(parquet), "working": str(working)}))


def count_ours(parquet: str, fields: str) -> None:
    """Print the groups and the small groups as the publisher counts them."""
    import pyarrow.parquet as pq

    from publisher.anonymise.search.counting import CombinationCounter

    start, names = time.process_time(), fields.split(",")
    counter = CombinationCounter([None] * len(names), [range(len(names))])
    with pq.ParquetFile(parquet, read_dictionary=names) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=names, use_threads=False):
            counter.add([batch.column(name) for name in names], batch.num_rows)
    counter.settle()
    rows = counter.tallies[0].rows
    found = {"groups": len(rows), "small": int((rows < 5).sum())}
    print(json.dumps({**found, "work": round(time.process_time() - start, 2)}))


def count_duckdb(parquet: str, fields: str) -> None:
    """Print the same, counted by DuckDB."""
    import duckdb

    start = time.process_time()
    groups = f"SELECT count(*) AS n FROM read_parquet('{parquet}') GROUP BY {fields}"
    [(number, small)] = duckdb.sql(f"SELECT count(*), count(*) FILTER (n < 5) FROM ({groups})").fetchall()
    print(json.dumps({"groups": number, "small": small, "work": round(time.process_time() - start, 2)}))


def search(working: str, demand: str) -> None:
    """Print what counting and searching took and what was found."""
    from publisher.anonymise.plan import plan_table
    from publisher.anonymise.search.microdata import choose_levels, count_combinations
    from publisher.definition import TableDefinition
    from publisher.secrets import Secrets

    path = Path(working)
    table = TableDefinition.model_validate(table_definition(json.loads(demand)))
    microdata = table.privacy.microdata
    assert microdata is not None
    plan = plan_table(table, folder=path.parent, secrets=Secrets({}), release="bench")
    start = time.process_time()
    counter = count_combinations(path, plan, microdata)
    counted = time.process_time()
    choice = choose_levels(counter, plan, microdata)
    found = {
        "counting": round(counted - start, 2),
        "searching": round(time.process_time() - counted, 2),
        "combinations": len(counter.tallies[0]),
        "nodes": choice.nodes_checked,
        "loss": round(choice.outcome.loss, 4),
        "left_out": choice.outcome.suppressed_rows,
    }
    print(json.dumps(found))


def _measured(child: list[str]) -> dict[str, Any]:
    """Run one measurement in a process of its own; return what it printed with its CPU seconds and peak memory."""
    command = [sys.executable, __file__, "--child", *child]
    # Arrow's usual pool keeps what was read for later; the system's gives it back, so that the peak is the counter's.
    environment = {**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system"}
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, env=environment)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode()
    if process.returncode:
        raise SystemExit(process.returncode)
    return {**json.loads(text), "cpu": round(used.ru_utime + used.ru_stime, 2), "peak_mb": used.ru_maxrss // 1024}


if __name__ == "__main__":
    sys.exit(main())
