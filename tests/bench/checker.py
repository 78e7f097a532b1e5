"""CPU of the independent checker: a release of many rows, read again from its bytes.

`python tests/bench/checker.py [--rows 1000000] [--formats parquet csv sqlite]` makes service requests, anonymises and writes them as a release
would, then checks the written files in a fresh process. CPU is user and system time of all threads, imports apart. The peer is
one plain reading of the same bytes: every column of Parquet, of the unpacked CSV and of SQLite, compared with nothing.
"""

from __future__ import annotations

import argparse
import gzip
import json
import multiprocessing
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

DATASET = "requests"
FIELDS = {
    "receipt": "string", "opened": "date", "seen": "datetime", "category": "string", "channel": "string", "ward": "string",
    "age": "integer", "gender": "string", "status": "string", "hours": "number", "stars": "integer", "paid": "boolean",
    "answer": "string",
}  # fmt: skip
QUASI = {"role": "quasi"}
PRIVACY: dict[str, Any] = {
    "subject": "person",
    "unit_key": ["receipt"],
    "fields": {
        "opened": {"action": "generalise_date", "levels": ["month", "quarter", "year", "*"], **QUASI},
        "seen": {"action": "generalise_date", "levels": ["hour"], "role": "sensitive"},
        "category": {"action": "keep", "role": "sensitive"},
        "channel": {"action": "keep", **QUASI},
        "ward": {"action": "generalise", "hierarchy": "wards.csv", "levels": ["ward", "area"], **QUASI},
        "age": {"action": "generalise_number", "widths": [5, 10, 20], "top": 90, **QUASI},
        "gender": {"action": "keep", **QUASI},
        "status": {"action": "keep"},
        "hours": {"action": "round", "base": 0.5},
        "stars": {"action": "keep"},
        "paid": {"action": "keep"},
        "answer": {"action": "keep", "role": "sensitive"},
    },
    "microdata": {"k": 5, "suppression_limit": 0.1, "l_diversity": {"field": "category", "l": 2}},
}
ALL = ["parquet", "csv", "sqlite", "excel_csv", "xlsx", "ndjson"]


Timed = dict[str, float]


def main() -> int:
    """Make a release, check it in a fresh process, read it in another, print the CPU seconds of both."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--formats", nargs="+", choices=ALL, default=["parquet", "csv", "sqlite"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", help="where working files go; the system's temporary folder without it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="phusa-checker-", dir=options.folder) as name:
        folder = Path(name)
        before = {DATASET: options.rows}
        _alone(_make, folder, options.rows, options.formats)
        for _ in range(options.repeat):
            print("check", json.dumps(_alone(_check, folder, before, options.formats)), flush=True)
            print("plain reading", json.dumps(_alone(_read, folder)), flush=True)
    return 0


def _alone(work: Callable[..., Any], *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _make(folder: Path, rows: int, formats: list[str]) -> None:
    from samples.working_tables import write_working

    from publisher.anonymise import anonymise_table
    from publisher.formats.release_files import write_release_files
    from publisher.secrets import Secrets

    wards = "".join(f"{number:05d},K{number % 12}\n" for number in range(168))
    (folder / "wards.csv").write_text("ward,area\n" + wards, encoding="utf-8")
    valid = write_working(_rows(rows), folder / "valid.arrow", rows_per_batch=65_536)
    (folder / "release").mkdir()
    anonymised = anonymise_table(
        valid, _table(), folder=folder, output=folder / "a", secrets=Secrets({}), release="2026-11-22.1", seed=7
    )
    write_release_files(anonymised.tables, folder / "release", dataset=DATASET, release="2026-11-22.1", formats=formats)
    print("rows", anonymised.report[DATASET]["published_rows"], "of", rows, flush=True)
    print("bytes", {one.name: one.stat().st_size for one in (folder / "release").iterdir()}, flush=True)


def _table() -> Any:
    from publisher.definition import TableDefinition

    described = [{"name": name, "type": kind, "title": name} for name, kind in FIELDS.items()]
    source = {"kind": "sql", "url": "env:DB", "query": "SELECT * FROM requests"}
    content = {"name": DATASET, "title": "x", "row": "x", "schema": {"fields": described}, "source": source}
    return TableDefinition.model_validate({**content, "privacy": PRIVACY})


def _rows(rows: int) -> pa.Table:
    from publisher.published import arrow_schema

    draw = np.random.default_rng(3)
    moments = np.datetime64("2021-01-01T00:00:00", "us") + draw.integers(0, 5 * 365 * 86_400, rows) * np.timedelta64(
        1, "s"
    )
    words = ["đèn đường", "ổ gà", "rác thải", "tiếng ồn", "cấp nước", "cây xanh", "vỉa hè", "ngập nước"]
    answers = np.array([f"Đã chuyển đơn vị phụ trách {a} và {b}" for a in words for b in words], object)
    columns = {
        "receipt": pa.array(np.arange(rows).astype(str)),
        "opened": pa.array(moments.astype("datetime64[D]")),
        "seen": pa.array(moments),
        "category": pa.array(np.array(words, object)[draw.integers(0, 8, rows)]),
        "channel": pa.array(np.array(["app", "web", "1022"], object)[draw.integers(0, 3, rows)]),
        "ward": pa.array(np.array([f"{n:05d}" for n in range(168)], object)[draw.integers(0, 168, rows)]),
        "age": pa.array(np.clip(draw.normal(42, 16, rows), 16, 99).astype(int), mask=draw.random(rows) < 0.01),
        "gender": pa.array(np.array(["nam", "nữ"], object)[draw.integers(0, 2, rows)]),
        "status": pa.array(np.array(["open", "closed"], object)[draw.integers(0, 2, rows)]),
        "hours": pa.array(np.round(draw.exponential(40, rows), 2), mask=draw.random(rows) < 0.1),
        "stars": pa.array(draw.integers(1, 6, rows), mask=draw.random(rows) < 0.5),
        "paid": pa.array(draw.random(rows) < 0.3),
        "answer": pa.array(answers[draw.integers(0, len(answers), rows)]),
    }
    schema = arrow_schema(_table().schema_.fields)
    return pa.table({name: column.cast(schema.field(name).type) for name, column in columns.items()}, schema=schema)


def _check(folder: Path, rows_before: dict[str, int], formats: list[str]) -> Timed:
    """Return the CPU seconds of every check and of all together."""
    from publisher.disclosure import guarantees
    from publisher.published import published_tables

    pa.array(np.arange(1))  # the first array of numpy makes Arrow import pandas
    spent: Timed = {}
    run = guarantees._run

    def timed(guarantee: str, table: str, what: str, check: Callable[[], list[str]]) -> guarantees.Check:
        start = time.process_time()
        done = run(guarantee, table, what, check)
        spent[f"{guarantee} {what}"] = round(time.process_time() - start, 2)
        return done

    guarantees._run = timed
    start = time.process_time()
    verdict = guarantees.check_release(
        folder / "release",
        published_tables(_table()),
        dataset=DATASET,
        today=date(2026, 11, 22),
        definitions=folder,
        rows_before=rows_before,
        formats=formats,
    )
    spent["all"] = round(time.process_time() - start, 2)
    if not verdict.passed:
        raise SystemExit(str(verdict.failures))
    return {**spent, "MB": _peak()}


def _read(folder: Path) -> Timed:
    """Return the CPU seconds of reading Parquet, CSV and SQLite once."""
    import pyarrow.csv as pa_csv
    import pyarrow.parquet as pq

    spent: Timed = {}
    parquet = folder / "release" / f"{DATASET}.parquet"
    start = time.process_time()
    names = pq.read_table(parquet).column_names
    spent["parquet"] = round(time.process_time() - start, 2)
    start = time.process_time()
    kinds = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    with gzip.open(parquet.with_suffix(".csv.gz")) as text:
        pa_csv.read_csv(pa.BufferReader(text.read()), convert_options=kinds)
    spent["csv"] = round(time.process_time() - start, 2)
    start = time.process_time()
    with closing(sqlite3.connect(folder / "release" / f"{DATASET}.sqlite")) as database:
        cursor = database.execute(f"SELECT * FROM {DATASET}")
        while cursor.fetchmany(65_536):
            pass
    spent["sqlite"] = round(time.process_time() - start, 2)
    spent["all"] = round(sum(spent.values()), 2)
    return {**spent, "MB": _peak()}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


if __name__ == "__main__":
    sys.exit(main())
