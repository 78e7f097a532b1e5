"""Measures package_search inside one process on synthetic catalogues: building, memory, questions with four facets, harvest.

Usage: search.py [COUNT ...] [--home FOLDER]      (default: 100000; a folder that is named keeps its catalogues)
Each figure is a median and a 99th percentile, of wall milliseconds and of CPU milliseconds. Questions are drawn
from the catalogue's own words, so that hardly one is asked twice; answers that are kept are measured apart.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench")]

from catalogue_data import QUALITIES, THINGS, fill, listed  # noqa: E402

from catalogue.actions.context import utc_now  # noqa: E402
from catalogue.folding import folded  # noqa: E402
from catalogue.model import ChangeLog, Package  # noqa: E402
from catalogue.search.index import SearchIndex  # noqa: E402
from catalogue.search.order import parse_sort  # noqa: E402
from catalogue.search.query import parse_filter, parse_search  # noqa: E402
from catalogue.search.request import SearchRequest  # noqa: E402
from catalogue.settings import CatalogueSettings  # noqa: E402
from catalogue.store import Store, open_store  # noqa: E402

FACETS = ("organization", "tags", "res_format", "license_id")
NEWEST_FIRST = "score desc, metadata_modified desc"


def questions(chance: random.Random) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return what is asked, by name; each call gives another question."""
    things, qualities = listed(THINGS), listed(QUALITIES)
    words = sorted({word for text in (*things, *qualities) for word in text.split()})
    fields = ["organization:so-*", "res_format:CSV", "license_id:cc-by", "res_format:(XLSX OR JSON)"]
    year = lambda: f"metadata_modified:[{chance.randint(2019, 2024)}-{chance.randint(1, 9):02}-01T00:00:00Z TO *]"  # noqa: E731
    return {
        "everything": lambda: {"fq": [f"-id:{chance.random()}"]},
        "one word": lambda: {"q": f"{chance.choice(words)} -{chance.randrange(10**9)}"},
        "two or three words": lambda: {"q": f"{chance.choice(things)} -{chance.randrange(10**9)}"},
        "without accents": lambda: {"q": f"{folded(chance.choice(things))} {folded(chance.choice(qualities))}"},
        "six words": lambda: {"q": f"{chance.choice(things)} {chance.choice(qualities)} {chance.choice(things)}"},
        "phrase": lambda: {"q": f'"{chance.choice(things)}" -{chance.randrange(10**9)}'},
        "one slip": lambda: {"q": f"{slip(chance, chance.choice(things))}"},
        "filters": lambda: {"q": chance.choice(words), "fq": [chance.choice(fields), year()]},
        "sorted by title": lambda: {
            "q": f"{chance.choice(words)} -{chance.randrange(10**9)}",
            "sort": "title_string asc",
        },
    }


def slip(chance: random.Random, text: str) -> str:
    place = chance.randrange(len(text))
    return text[:place] + chance.choice("qxzwj") + text[place + 1 :]


def request(*, q: str = "*:*", fq: list[str] | None = None, sort: str = NEWEST_FIRST, **more: Any) -> SearchRequest:
    filters = tuple(parse_filter(text) for text in fq or ())
    return SearchRequest(parse_search(q), filters, sort=parse_sort(sort), **{"facets": FACETS, **more})


def measured(act: Callable[[], Any], times: int) -> str:
    walls, cpus = [], []
    gc.collect()
    for _ in range(times):
        cpu, wall = time.process_time(), time.perf_counter()
        act()
        walls.append((time.perf_counter() - wall) * 1000)
        cpus.append((time.process_time() - cpu) * 1000)
    return f"{told(walls)}   CPU {told(cpus)}   n={times}"


def told(milliseconds: list[float]) -> str:
    ranked = sorted(milliseconds)
    return (
        f"median {statistics.median(ranked):8.2f} p99 {ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]:8.2f} ms"
    )


def measure(home: Path, count: int) -> None:
    settings = CatalogueSettings(home=home)
    store = open_store(settings)
    with store.read() as session:
        is_empty = session.query(Package.id).limit(1).first() is None
    if is_empty:
        began = time.perf_counter()
        fill(store, count)
        print(f"  database written                {time.perf_counter() - began:8.1f} s")
    print(f"  index built (another process)   {in_process('build', home)}", flush=True)
    print(f"  web process that asks           {in_process('ask', home)}", flush=True)
    search = SearchIndex(settings, store)
    ask(search, request())
    times = 300 if count <= 200_000 else 100
    for name, question in questions(random.Random(7)).items():
        print(
            f"  {name:<30}  {measured(lambda question=question: ask(search, request(**question())), times)}", flush=True
        )
    print(f"  {'the same again':<30}  {measured(lambda: ask(search, request()), 1000)}")
    print(f"  {'a write and the next search':<30}  {measured(lambda: write_and_ask(store, search), 30)}")
    print(f"  {'harvest, pages of 1000':<30}  {harvest(search, count, 1000)}")
    print(f"  {'harvest, pages of 100':<30}  {harvest(search, count, 100)}")
    search.close()
    store.close()


def ask(search: SearchIndex, asked: SearchRequest) -> Any:
    return search.search(asked, now=utc_now)


def write_and_ask(store: Store, search: SearchIndex) -> None:
    with store.write() as session:
        package_id = session.query(Package.id).limit(1).scalar()
        session.add(ChangeLog(package_id=package_id, at=utc_now()))
    ask(search, request(rows=10))


def harvest(search: SearchIndex, count: int, rows: int) -> str:
    walls, seen = [], 0
    for asked in pages(count, rows):
        began = time.perf_counter()
        seen += len(ask(search, asked).ids)
        walls.append((time.perf_counter() - began) * 1000)
    walls.sort()
    return (
        f"median {statistics.median(walls):8.2f} ms   p99 {walls[int(len(walls) * 0.99)]:8.2f} ms   "
        f"whole {sum(walls) / 1000:6.1f} s   {seen} datasets"
    )


def pages(count: int, rows: int) -> Iterator[SearchRequest]:
    for start in range(0, count, rows):
        yield request(sort="id asc", start=start, rows=rows, facets=())


def in_process(task: str, home: Path) -> str:
    answer = subprocess.run(
        [sys.executable, __file__, "--task", task, "--home", str(home)], capture_output=True, text=True, check=True
    )
    told = json.loads(answer.stdout)
    return f"{told['seconds']:8.1f} s   CPU {told['cpu']:6.1f} s   peak {told['peak_mb']:6.0f} MB   of these anonymous {told['anonymous_mb']:6.0f} MB"


def task(name: str, home: Path) -> None:
    """Build the index, or ask a few hundred questions, and print seconds and memory of this process as JSON."""
    settings = CatalogueSettings(home=home)
    store = open_store(settings)
    search = SearchIndex(settings, store)
    began = time.perf_counter()
    if name == "build":
        search.rebuild()
    else:
        for question in questions(random.Random(3)).values():
            for _ in range(20):
                ask(search, request(**question()))
    seconds = time.perf_counter() - began
    cpu = time.process_time()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = min(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, int(status["VmHWM"].split()[0]))
    anonymous = int(status["RssAnon"].split()[0])
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak_mb": peak / 1024, "anonymous_mb": anonymous / 1024}))
    search.close()
    store.close()


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("counts", nargs="*", type=int, default=[100_000])
    reader.add_argument("--home", type=Path)
    reader.add_argument("--task")
    given = reader.parse_args()
    if given.task:
        task(given.task, given.home)
        return
    with tempfile.TemporaryDirectory() as folder:
        for count in given.counts:
            print(f"{count} datasets", flush=True)
            measure((given.home or Path(folder)) / f"c{count}", count)


if __name__ == "__main__":
    main()
