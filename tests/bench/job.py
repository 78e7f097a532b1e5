"""CPU and memory of a whole release from PostgreSQL, against the same job written by hand and as it is done with pandas today.

`python tests/bench/job.py --reference FOLDER [--rows 1000000] [--repeat 3] [--peer-python PYTHON]`; FOLDER (or `PHUSA_BENCH_REFERENCE`)
holds the generator of the rows and the two reference scripts. Every run is a fresh process, ours and the peers' in turn; CPU is user and
system time of the whole process without the PostgreSQL server. `--peer-python` has pandas, frictionless and sqlite-utils; without it
that peer is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import runpy
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

DATASET = "requests"
HOURS = {"action": "generalise_date", "levels": ["hour"]}
SENSITIVE = {"action": "keep", "role": "sensitive"}
QUASI = {"action": "keep", "role": "quasi"}
IMPORTS = (
    "import adbc_driver_postgresql.dbapi, adbc_driver_sqlite.dbapi, duckdb, frictionless.resources, publisher.runs"
)
"""Compiled before anything is measured, as in an installation."""

RENAMED = {"name": "birth_decade", "source_name": "birth_date"}
PRIVACY: dict[str, Any] = {
    "subject": "person",
    "fields": {
        "receipt_no": SENSITIVE,
        "created_at": {**HOURS, "role": "sensitive"},
        "closed_at": {**HOURS, "role": "sensitive"},
        "category": QUASI,
        "district": QUASI,
        "ward_code": SENSITIVE,
        "channel": QUASI,
        "status": QUASI,
        "duration_hours": SENSITIVE,
        "satisfaction": SENSITIVE,
        "lat": {"action": "round", "base": 0.01, "role": "sensitive"},
        "lon": {"action": "round", "base": 0.01, "role": "sensitive"},
        "description": SENSITIVE,
        "birth_decade": {"action": "generalise_date", "levels": ["10y"], "role": "quasi"},
    },
    "microdata": {"k": 5, "suppression_limit": 0.5, "shuffle_rows": False},
}


def main() -> int:
    """Load the rows, run ours and the peers in turn, print every run and the medians."""
    options = _options()
    if options.reference is None:
        print("left out: --reference (or PHUSA_BENCH_REFERENCE) names the folder of the reference scripts")
        return 0
    from servers.postgres import running_postgres

    with tempfile.TemporaryDirectory(prefix="phusa-job-", dir=options.folder) as name, running_postgres() as server:
        folder = Path(name)
        environment = {**os.environ, "PG_URL": server.url(), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        subprocess.run([sys.executable, "-c", IMPORTS], check=True, env=environment, cwd=ROOT)
        _load(options, folder, environment)
        _write_definition(options.reference, folder, quasi=options.quasi)
        runs: dict[str, list[dict[str, Any]]] = {}
        for _ in range(options.repeat):
            for kind, command in _commands(options, folder).items():
                figures = _measured(command, {**environment, "OUT": str(folder / f"out_{kind}")})
                print(kind, json.dumps(figures), flush=True)
                runs.setdefault(kind, []).append(figures)
    _print_medians(runs)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    reference = os.environ.get("PHUSA_BENCH_REFERENCE")
    parser.add_argument("--reference", type=Path, default=Path(reference) if reference else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer-python", help="a Python with pandas, SQLAlchemy, psycopg, frictionless, sqlite-utils")
    parser.add_argument("--folder", help="where working files go; the system's temporary folder without it")
    parser.add_argument("--quasi", nargs="+", help="fewer quasi-identifiers, for few rows; the peers keep theirs")
    parser.add_argument("--no-limit", action="store_true", help="leave out the job written by hand")
    return parser.parse_args()


def _load(options: argparse.Namespace, folder: Path, environment: dict[str, str]) -> None:
    rows = str(folder / "rows")
    generate = [sys.executable, str(options.reference / "generate_requests.py"), str(options.rows), rows]
    subprocess.run(generate, check=True, env=environment, stdout=subprocess.DEVNULL)
    load = [sys.executable, str(options.reference / "load_postgres.py"), f"{rows}.typed.parquet", DATASET]
    subprocess.run(load, check=True, env=environment, stdout=subprocess.DEVNULL)
    for path in folder.glob("rows.*"):
        path.unlink()


def _write_definition(reference: Path, folder: Path, *, quasi: list[str] | None = None) -> None:
    """Write the dataset whose schema is the reference's own; with `quasi`, the other quasi-identifiers are none."""
    import yaml

    fewer = {
        name: action | {"role": "sensitive"} if quasi and name not in quasi else action
        for name, action in PRIVACY["fields"].items()
    }

    schema = runpy.run_path(str(reference / "schema.py"))["S"]
    fields = [{"title": field["name"], **field} for field in schema["fields"]]
    # A column that is called a date of birth is refused, whatever it holds.
    fields = [field | RENAMED if field["name"] == RENAMED["source_name"] else field for field in fields]
    table = {
        "name": DATASET,
        "title": "Requests",
        "row": "One request.",
        "schema": {**schema, "fields": fields},
        "source": {
            "kind": "sql",
            "url": "env:PG_URL",
            "query": f"SELECT * FROM {DATASET}",
            "statement_timeout_seconds": 3600,
        },
        "privacy": {**PRIVACY, "fields": fewer},
    }
    home = folder / "definitions" / "bench" / DATASET
    home.mkdir(parents=True)
    (home.parent / "organization.yaml").write_text("name: bench\ntitle: Bench\n")
    descriptor = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": DATASET,
        "title": "Requests",
        "description": "Requests of citizens.",
        "licenses": [{"name": "CC0-1.0", "path": "https://creativecommons.org/publicdomain/zero/1.0/", "title": "CC0"}],
        "contact": {"name": "Office"},
        "resources": [table],
        "release": {"cadence": "daily", "formats": ["parquet", "csv", "sqlite"]},
    }
    (home / "dataset.yaml").write_text(yaml.safe_dump(descriptor, allow_unicode=True))


def _commands(options: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    commands = {"ours": [sys.executable, __file__, "--one-release", str(folder)]}
    if not options.no_limit:
        commands["limit"] = [sys.executable, str(options.reference / "hand_written_limit.py"), DATASET]
    if options.peer_python:
        commands["naive"] = [options.peer_python, str(options.reference / "naive_peer.py"), DATASET]
    return commands


def _measured(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run a process to its end and return its CPU seconds and peak memory; ours tells more on its last line."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    if process.returncode:
        raise SystemExit(text)
    last = text.strip().splitlines()[-1]
    told = json.loads(last) if last.startswith("{") else {}
    return {"cpu": round(used.ru_utime + used.ru_stime, 2), "peak_mb": used.ru_maxrss // 1024, **told}


def _one_release(folder: Path) -> None:
    """Make one release that waits for approval; print CPU up to the written files, the same for each step, and peak memory."""
    from publisher.definition import load_dataset
    from publisher.facilities import open_facilities
    from publisher.runs import run_dataset
    from publisher.settings import PublisherSettings

    home = Path(tempfile.mkdtemp(prefix="home-", dir=folder))
    steps: dict[str, float] = {"start": 0.0}
    at_write: dict[str, Any] = {}
    last = [0.0]

    def listen(_dataset: str, step: str, state: str) -> None:
        spent = _cpu()
        name = "between" if state == "running" else step
        steps[name] = round(steps.get(name, 0.0) + spent - last[0], 2)
        last[0] = spent
        if step == "write" and state == "done":
            at_write.update(cpu_to_write=round(spent, 2), peak_mb_to_write=_peak_mb())

    settings = PublisherSettings(home=home, definitions=folder / "definitions")
    definition = load_dataset(folder / "definitions" / "bench" / DATASET / "dataset.yaml")
    facilities = open_facilities(settings)
    last[0] = steps["start"] = round(_cpu(), 2)
    run = run_dataset(definition, facilities, trigger="manual", actor="bench", listener=listen)
    if run.state != "awaiting_approval":
        print(steps, at_write, file=sys.stderr)
        raise SystemExit(f"{run.state}: {run.message}")
    released = home / "storage" / "releases" / DATASET / str(run.release)
    sizes = {path.name: round(path.stat().st_size / 1e6, 1) for path in released.iterdir() if path.stat().st_size > 1e5}
    print(json.dumps({**at_write, "steps": steps, "mb": sizes}))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _print_medians(runs: dict[str, list[dict[str, Any]]]) -> None:
    cpu = {kind: statistics.median(run.get("cpu_to_write", run["cpu"]) for run in done) for kind, done in runs.items()}
    for kind, done in runs.items():
        peak = statistics.median(run.get("peak_mb_to_write", run["peak_mb"]) for run in done)
        ratio = f"  ours is {cpu['ours'] / cpu[kind]:.2f} of it" if kind != "ours" else ""
        print(f"{kind:6} {cpu[kind]:8.2f} CPU s to the written files, peak {peak:.0f} MB{ratio}")
    whole = statistics.median(run["cpu"] for run in runs["ours"])
    print(f"ours with describing, checking and staging: {whole:.2f} CPU s")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one-release"]:
        _one_release(Path(sys.argv[2]))
    else:
        sys.exit(main())
