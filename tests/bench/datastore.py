"""CPU of reading rows: released and pushed tables of 100,000 rows and 10 columns, in-process and over HTTP.

`python tests/bench/datastore.py [--rows 100000] [--calls 200]`. CKAN 2.12's figures were measured once on the same class of
machine with the same rows (PostgreSQL 15, gunicorn); they are printed as the peer. Questions differ from call to call, so that
a remembered answer helps only where it would help in life.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "site"), str(ROOT / "tests")]

import requests  # noqa: E402  after the paths
from flask import Flask  # noqa: E402  after the paths
from samples.portal_on_disk import SamplePortal, SampleTable, id_of, open_portal  # noqa: E402  after the paths
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402  after the paths

from catalogue.actions.registry import call_action, get_action  # noqa: E402  after the paths
from catalogue.model import User  # noqa: E402  after the paths
from catalogue.web.action_api import action_api_blueprint  # noqa: E402  after the paths
from catalogue.web.open_formats import open_formats_blueprint  # noqa: E402  after the paths

PEER_MS = {"limit=100": 13.3, "filter": 35.6, "filter, no total": 14.1, "q in every row": 173.0}
FIELDS = [
    ("id", "integer"), ("district", "string"), ("category", "string"), ("name", "string"), ("address", "string"),
    ("opened", "datetime"), ("amount", "number"), ("lat", "number"), ("lon", "number"), ("note", "string"),
]  # fmt: skip
RID = id_of("bench/businesses")
TICKS = os.sysconf("SC_CLK_TCK")


def row(n: int, dice: random.Random) -> list[Any]:
    """Return one row, as the load of the peer's measurement had it."""
    return [
        n,
        f"District {n % 24 + 1}",
        f"cat-{n % 50}",
        f"Business {n}",
        f"{n % 900} Le Loi Street, Ward {n % 17}",
        f"20{n % 25:02}-{n % 12 + 1:02}-{n % 28 + 1:02}T08:30:00",
        round(dice.random() * 1e6, 2),
        10.7 + dice.random() / 5,
        106.6 + dice.random() / 5,
        f"note number {n % 1000} about something",
    ]


def question(name: str, n: int) -> dict[str, str]:
    """Return the n-th call of a kind."""
    district = json.dumps({"district": f"District {n % 24 + 1}"})
    note = json.dumps({"note": f"note number {n % 1000} about something"})
    asked: dict[str, dict[str, str]] = {
        "limit=100": {"offset": str(n)},
        "filter": {"filters": district},
        "filter, no total": {"filters": district, "include_total": "false"},
        "filter without index": {"filters": note},
        "q in every row": {"q": "Ward", "offset": str(n)},
        "q of two words": {"q": f"Ward {n % 17}"},
        "q of one row": {"q": f"Business {n * 7}"},
        "q with a filter": {"q": "Ward", "filters": district},
    }
    return {"resource_id": RID, "limit": "100", **asked[name]}


KINDS = [*PEER_MS, "filter without index", "q of two words", "q of one row", "q with a filter"]


def main() -> None:
    """Make the rows, ask, and print one line for each kind of call."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--calls", type=int, default=200)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        release(home, arguments.rows)
        measure("released", home, calls=arguments.calls, pushed=False)
        push(home, arguments.rows)
        measure("pushed", home, calls=arguments.calls, pushed=True)


def release(home: Path, rows: int) -> None:
    """Publish the rows, with the index that the publisher gives a column of few values."""
    dice = random.Random(1)
    table = [row(n, dice) for n in range(rows)]
    portal = open_portal(home)
    portal.add_dataset("bench")
    fields = [(name, kind, "", None) for name, kind in FIELDS]
    with indexed_by("district"):
        portal.publish("bench", "2026-11-22.1", [SampleTable("businesses", fields, table)])
    portal.store.close()


@contextmanager
def indexed_by(column: str) -> Iterator[None]:
    """Give the released file an index before its hash is taken."""
    import samples.portal_on_disk as sample

    entry = sample._entry

    def with_index(path: Path) -> dict[str, Any]:
        if path.suffix == ".sqlite":
            import sqlite3

            with sqlite3.connect(path) as database:
                database.execute(f'CREATE INDEX IF NOT EXISTS "by_{column}" ON businesses ({column})')
            database.close()
        return entry(path)

    sample._entry = with_index
    try:
        yield
    finally:
        sample._entry = entry


def push(home: Path, rows: int) -> None:
    """Push the same rows through the API in batches of 5,000 and print what it costs."""
    portal = open_portal(home, direct_writes=True)
    boss = portal.add_user("boss", sysadmin=True)
    dice = random.Random(1)
    kinds = {"integer": "int", "number": "float8", "datetime": "timestamp", "string": "text"}
    shape = {
        "fields": [{"id": name, "type": kinds[kind]} for name, kind in FIELDS],
        "primary_key": "id",
        "indexes": "district",
    }
    names = [name for name, _ in FIELDS]
    started, cpu = time.monotonic(), time.process_time()
    act(portal, boss, "datastore_create", {"resource_id": RID, "force": True, **shape})
    for first in range(0, rows, 5000):
        records = [dict(zip(names, row(n, dice), strict=True)) for n in range(first, min(rows, first + 5000))]
        act(
            portal,
            boss,
            "datastore_upsert",
            {"resource_id": RID, "force": True, "method": "insert", "records": records},
        )
    print(
        f"pushed {rows} rows: {time.monotonic() - started:.1f} s, CPU {time.process_time() - cpu:.1f} s (CKAN: 34-37 s)"
    )
    portal.store.close()


def act(portal: SamplePortal, user: User, name: str, params: dict[str, Any]) -> Any:
    """Call a writing action."""
    with portal.store.write() as session:
        return call_action(portal.context(session, session.get(User, user.id)), name, params)


def measure(title: str, home: Path, *, calls: int, pushed: bool) -> None:
    """Print CPU per call, median of five rounds, in this process and in a server's."""
    portal = open_portal(home, direct_writes=pushed)
    started = time.process_time()
    portal.call(get_action("datastore_search").function, **question("q in every row", 0))
    print(f"\n{title}: first words asked for: {(time.process_time() - started) * 1000:.0f} ms CPU of waiting thread")
    print(f"{'call':24}{'in-process ms':>15}{'HTTP ms':>10}{'req/s':>8}{'CKAN ms':>10}")
    with serving(home, pushed=pushed) as (url, pid), requests.Session() as session:
        for kind in KINDS:
            inside = rounds(lambda n, kind=kind: ask(portal, kind, n), calls, time.process_time)
            wall = time.monotonic()
            outside = rounds(lambda n, kind=kind: fetch(session, url, kind, n), calls, lambda: process_cpu(pid))
            rate = 5 * calls / (time.monotonic() - wall)
            print(
                f"{kind:24}{inside:15.2f}{outside:10.2f}{rate:8.0f}{PEER_MS.get(kind, float('nan')):10.1f}", flush=True
            )
    portal.store.close()


def ask(portal: SamplePortal, kind: str, n: int) -> None:
    """Answer a call without HTTP, as JSON text."""
    json.dumps(portal.call(get_action("datastore_search").function, **question(kind, n)), ensure_ascii=False)


def fetch(session: requests.Session, url: str, kind: str, n: int) -> None:
    """Ask over HTTP."""
    answer = session.get(f"{url}/api/3/action/datastore_search", params=question(kind, n), timeout=30)
    assert answer.status_code == 200, answer.text


def rounds(call: Callable[[int], None], calls: int, clock: Callable[[], float]) -> float:
    """Return milliseconds per call."""
    call(0)
    found = []
    for turn in range(5):
        start = clock()
        for n in range(calls):
            call(turn * calls + n)
        found.append((clock() - start) / calls * 1000)
    return statistics.median(found)


def process_cpu(pid: int) -> float:
    """Return the processor seconds of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(parts[11]) + int(parts[12])) / TICKS


@contextmanager
def serving(home: Path, *, pushed: bool) -> Iterator[tuple[str, int]]:
    """Serve the catalogue in a process of its own."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(home, pushed, theirs), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}", int(process.pid or 0)
    finally:
        process.terminate()
        process.join()


class Quiet(WSGIRequestHandler):
    """Keeps connections open and writes no log."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: Any) -> None:
        """Say nothing."""


def serve(home: Path, pushed: bool, pipe: Any) -> None:
    """Serve until the process is ended; what a request costs in the server itself is counted too."""
    portal = open_portal(home, direct_writes=pushed)
    app = Flask("bench")
    app.register_blueprint(action_api_blueprint(portal.services))
    app.register_blueprint(open_formats_blueprint(portal.services))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    pipe.send(server.server_port)
    server.serve_forever()


if __name__ == "__main__":
    main()
