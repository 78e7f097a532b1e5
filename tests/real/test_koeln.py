"""Cologne's road load: three files, 2.85 million rows, in a process that never needs 600 MB."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from real.real_city import RealCity
from real.released import Released, assert_all_agree

pytestmark = pytest.mark.slow
ROWS = 2_853_127
MOST_MEGABYTES = 600
SCRIPT = Path(__file__).with_name("koeln_release.py")


@pytest.fixture(scope="module")
def load(city: RealCity, root: Path, record_testsuite_property: Callable[[str, object], None]) -> Released:
    settings = city.portal.facilities.settings
    arguments = [str(settings.home), str(settings.definitions), city.portal.url, "road-load"]
    run = subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        env={**os.environ, **city.environment, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    said = json.loads(run.stdout.splitlines()[-1])
    record_testsuite_property("koeln", said)
    assert said["state"] == "published", said["message"]
    assert said["peak_mb"] < MOST_MEGABYTES, said["peaks"]
    return city.fetch("road-load")


def test_every_row_of_the_three_files_left_within_the_memory(load: Released, city: RealCity) -> None:
    lines = 0
    for path in sorted((city.data / "transport").glob("koeln_traffic_load_*.csv.gz")):
        with gzip.open(path) as file:
            lines += sum(1 for _ in file) - 1
    assert lines == ROWS
    assert_all_agree(load, {"load": lines})


def test_cells_are_those_of_the_input_in_the_order_asked_for(load: Released, city: RealCity) -> None:
    delivered = f"read_csv('{city.data / 'transport' / 'koeln_traffic_load_*.csv.gz'}', all_varchar=true)"
    query = (
        "SELECT segment, strftime(measured_at, '%Y-%m-%d %H:%M:%S'), load::VARCHAR, CASE WHEN is_valid THEN '1' ELSE '0' END "
        "FROM released EXCEPT ALL SELECT identifier, datetime_utc, auslastung, valid FROM "
    )
    assert load.ask(f"SELECT count(*) FROM ({query}{delivered})", "load") == [(0,)]
    ordered = "lag((segment, measured_at)) OVER (ORDER BY file_row_number) <= (segment, measured_at)"
    rows = f"read_parquet('{load.parquet('load')}', file_row_number=true)"
    query = f"SELECT count(*) FROM (SELECT {ordered} AS rises FROM {rows}) WHERE NOT rises"
    assert load.ask(query, "load") == [(0,)]
