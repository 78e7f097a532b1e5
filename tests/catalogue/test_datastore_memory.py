"""A dump of a million rows needs no more memory than one of a few."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PROGRAM = """
import json, re, sys
from pathlib import Path
from samples.served_catalogue import catalogue_on
from catalogue.actions.datastore import datastore_dump
from catalogue.model import PushedTable
from catalogue.rows.pushed_files import drop_words, pushed_path, writing

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

with catalogue_on(Path(sys.argv[1]), direct_writes=True) as portal:
    portal.add_user("boss", sysadmin=True)
    portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
    portal.call("package_create", {"name": "lon", "owner_org": "so-gtvt"}, user="boss")
    made = {"resource": {"package_id": "lon"}, "records": [{"n": 1, "name": "Bến Thành", "note": "x" * 40}]}
    rid = portal.call("datastore_create", made, user="boss")["resource_id"]
    with portal.store.read() as session:
        path = pushed_path(portal.settings, session.get(PushedTable, rid))
    with writing(path) as connection:
        drop_words(connection)
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
            " INSERT INTO rows (c0, c1, c2) SELECT i, 'Bến Thành ' || i, 'something to say about row ' || i FROM n"
        )
    found = {}
    for form, rows in (("csv", None), ("xml", 200_000)):
        with portal.store.read() as session:
            dump = datastore_dump(portal.services.context(session), {"resource_id": rid, "format": form, "limit": 10})
            assert sum(1 for _ in dump.chunks)
            before = peak()
            dump = datastore_dump(portal.services.context(session), {"resource_id": rid, "format": form, "limit": rows})
        lines = sum(chunk.count("\\n") for chunk in dump.chunks)
        found[form] = {"lines": lines, "grown_mb": peak() - before}
    print(json.dumps(found))
"""


@pytest.mark.slow
def test_a_dump_of_a_million_rows_is_streamed(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}:{TESTS.parent / 'site'}", "PATH": "/usr/bin:/bin"}
    answer = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, timeout=240, env=environment
    )
    assert answer.returncode == 0, answer.stderr
    found = json.loads(answer.stdout)
    assert found["csv"]["lines"] == 1_000_001
    assert found["xml"]["lines"] == 200_003
    assert found["csv"]["grown_mb"] < 40
    assert found["xml"]["grown_mb"] < 40
