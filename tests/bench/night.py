"""A night of many small datasets: CPU for each release and for a look of the scheduler, as their number grows.

`python tests/bench/night.py [--datasets 10 100 1000] [--rows 200]`. Every size is a fresh process with its own embedded catalogue on
a real HTTP server; CPU is user and system time of that process, the catalogue's share included. When nothing grows faster than
the number of datasets, the columns stay level; `last tenth` is the mean over the last datasets of the night.
"""

from __future__ import annotations

import argparse
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "site"), str(ROOT / "tests")]

DEFINITION = """\
$schema: https://datapackage.org/profiles/2.0/datapackage.json
name: {name}
title: Readings {number}
description: Readings of one place.
licenses: [{{name: CC0-1.0, path: "https://creativecommons.org/publicdomain/zero/1.0/", title: CC0}}]
contact: {{name: Office}}
release: {{cadence: daily, schedule: "0 2 * * *", approval: standing}}
resources:
  - name: readings
    title: Readings
    row: One reading.
    schema:
      primaryKey: [number]
      fields:
        - {{name: number, title: Number, type: integer}}
        - {{name: day, title: Day, type: date}}
        - {{name: level, title: Level, type: number, constraints: {{minimum: 0}}}}
        - {{name: remark, title: Remark}}
    source: {{kind: sql, url: "env:NIGHT_DB", query: "SELECT number, day, level + {number} AS level, remark FROM readings"}}
    privacy:
      subject: none
      fields: {{number: {{action: keep}}, day: {{action: keep}}, level: {{action: keep}}, remark: {{action: keep}}}}
"""


def main() -> None:
    """Measure each size in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--datasets", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--alone", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        _night(options.alone, options.rows)
        return
    print("datasets  CPU ms a release  last tenth  the same input again  first look  later looks", flush=True)
    for count in options.datasets:
        subprocess.run([sys.executable, __file__, "--rows", str(options.rows), "--alone", str(count)], check=True)


def _night(count: int, rows: int) -> None:
    from publisher.definition import dataset_paths, load_dataset
    from publisher.facilities import open_facilities
    from publisher.runs import run_dataset
    from publisher.settings import PublisherSettings

    with tempfile.TemporaryDirectory(prefix="phusa-night-") as name, _catalogue(Path(name)) as (url, token):
        folder = Path(name)
        (folder / "token").write_text(token)
        _write_definitions(folder / "definitions", count)
        _write_rows(folder / "readings.db", rows)
        os.environ["NIGHT_DB"] = f"sqlite:///{folder / 'readings.db'}"
        settings = PublisherSettings(
            home=folder / "inside",
            definitions=folder / "definitions",
            catalogue_url=url,
            catalogue_token=f"file:{folder}/token",
        )
        facilities = open_facilities(settings)
        paths = list(dataset_paths(settings.definitions).values())
        nights = []
        for state in ("published", "unchanged"):
            spent = [_cpu()]
            for path in paths:
                run = run_dataset(load_dataset(path), facilities, trigger="manual", actor="bench")
                assert run.state == state, (run.state, run.message)
                spent.append(_cpu())
            nights.append(spent)
        looks = _looks(facilities)
        tenth = max(1, count // 10)
        first, again = nights
        print(
            f"{count:8} {1000 * (first[-1] - first[0]) / count:17.0f} {1000 * (first[-1] - first[-1 - tenth]) / tenth:11.0f}"
            f" {1000 * (again[-1] - again[0]) / count:21.0f} {1000 * looks[0]:8.0f} ms {1000 * looks[1]:9.0f} ms",
            flush=True,
        )


def _looks(facilities: object) -> tuple[float, float]:
    """Return the CPU of the scheduler's first look at the definitions, and the mean of later ones when nothing changed."""
    from publisher.schedule import Scheduler

    scheduler = Scheduler(facilities)  # type: ignore[arg-type]  imported late
    started = _cpu()
    scheduler.follow_definitions()
    first = _cpu() - started
    for _ in range(3):
        scheduler.follow_definitions()
    return first, (_cpu() - started - first) / 3


@contextmanager
def _catalogue(home: Path) -> Iterator[tuple[str, str]]:
    from samples.served_catalogue import catalogue_on, served

    with catalogue_on(home / "outside") as portal, served(portal):
        yield portal.url, portal.add_user("publisher", sysadmin=True)


def _write_definitions(root: Path, count: int) -> None:
    for number in range(count):
        name = f"readings-{number:05}"
        organization = root / f"agency-{number % 20:02}"
        (organization / name).mkdir(parents=True)
        (organization / "organization.yaml").write_text(f"name: {organization.name}\ntitle: {organization.name}\n")
        (organization / name / "dataset.yaml").write_text(DEFINITION.format(name=name, number=number))


def _write_rows(path: Path, rows: int) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE readings (number INTEGER, day TEXT, level REAL, remark TEXT)")
        values = ((n, f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}", n / 7, f"remark {n % 9}") for n in range(rows))
        database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", values)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
