"""The catalogue behind HTTP, started as an operator starts it, under load: CPU per call, beside what a CKAN 2.12 took.

Usage: catalogue_http.py [--large 10000] [--seconds 4]
First 200 datasets are created through the API, then a server with `--large` synthetic ones is measured. Needs Linux and,
for the load, `wrk` (a Debian package); without it only `package_create` is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from catalogue_data import fill

from catalogue.register.shown_packages import put_all_back
from catalogue.services import open_services
from catalogue.settings import CatalogueSettings
from catalogue.store import open_store

PHUSA = Path(sys.executable).with_name("phusa")
TICKS = os.sysconf("SC_CLK_TCK")
WORDS = ["giao thông", "bus", "trường học", "nước", "giá đất", "common", "dân số", "quy hoạch", "y tế", "ngân sách"]
# What a CKAN 2.12.0 took on the same class of machine (2 cores, gunicorn with 2 workers, PostgreSQL): CPU ms, requests/s.
CKAN = {
    "package_create": (59.0, 16.1),
    "package_show": (14.4, 125.0),
    "package_list": (5.0, 374.0),
    "organization_list": (6.0, 317.0),
    "package_search, 10 results": (30.0, 43.0),
}


@dataclass(frozen=True)
class Server:
    """A running portal."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self) -> float:
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def get(self, path: str, **params: Any) -> Any:
        return requests.get(f"{self.url}/api/3/action/{path}", params, timeout=600).json()["result"]


@contextmanager
def serving(home: Path) -> Iterator[Server]:
    """Start the public part on a free port and wait until it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    began = time.monotonic()
    environment = {**os.environ, "PHUSA_HOME": str(home), "PHUSA_SITE_URL": url}
    with subprocess.Popen([PHUSA, "serve", "--only", "public", "--port", str(port)], env=environment) as process:
        try:
            while not answers(url):
                if process.poll() is not None or time.monotonic() - began > 60:
                    sys.exit("The server did not start.")
                time.sleep(0.05)
            print(f"   started in {time.monotonic() - began:.1f} s")
            yield Server(url, process.pid)
        finally:
            process.terminate()


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/api/3", timeout=5).ok
    except requests.ConnectionError:
        return False


def report(name: str, cpu_ms: float, per_second: float, words: str = "") -> None:
    peer = CKAN.get(name)
    ratio = f"CKAN {peer[0]:5.1f} ms, ratio {peer[0] / cpu_ms:5.1f}" if peer else ""
    print(f"   {name:44} {cpu_ms:7.2f} ms CPU  {per_second:8.1f}/s  {words:32} {ratio}", flush=True)


def create_datasets(server: Server, token: str, count: int) -> None:
    """Create datasets one after the other, as a script would; the same ones that CKAN was measured with."""
    session = requests.Session()
    session.headers["Authorization"] = token

    def call(action: str, **params: Any) -> None:
        session.post(f"{server.url}/api/3/action/{action}", json=params, timeout=60).raise_for_status()

    for number in range(20):
        call("organization_create", name=f"agency-{number}", title=f"Agency {number}")
    took = []
    cpu, began = server.cpu_seconds(), time.perf_counter()
    for number in range(count):
        name, start = f"bench-{number}", time.perf_counter()
        call(
            "package_create",
            name=name,
            title=f"Dataset number {number}",
            notes="Some notes " * 20,
            owner_org=f"agency-{number % 20}",
            license_id="cc-by",
            tags=[{"name": f"tag{number % 30}"}, {"name": "common"}],
            extras=[{"key": "frequency", "value": "weekly"}],
            resources=[
                {"url": f"http://files.example/{name}.{ending}", "format": ending.upper(), "name": ending}
                for ending in ("csv", "parquet")
            ],
        )
        took.append((time.perf_counter() - start) * 1000)
    seconds, used = time.perf_counter() - began, server.cpu_seconds() - cpu
    report("package_create", used / count * 1000, count / seconds, f"p50 {statistics.median(took):.1f} ms")


def load(server: Server, name: str, paths: list[str], seconds: int, *, tag: str = "", is_new: bool = False) -> None:
    """Ask for the paths in turn over two connections; with `is_new` no question is asked twice."""
    if shutil.which("wrk") is None:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(f"local paths = {{{','.join(json.dumps(path) for path in paths)}}}\nlocal i = 0\n")
        if tag:
            script.write(f"wrk.headers['If-None-Match'] = {json.dumps(tag)}\n")
        number = " .. '&ext_number=' .. i" if is_new else ""
        script.write("request = function()\n  i = i + 1\n")
        script.write(f"  return wrk.format('GET', paths[i % #paths + 1]{number})\nend\n")
        script.flush()
        command = ["wrk", "-t1", "-c2", f"-d{seconds}s", "--latency", "--timeout", "30s", "-s", script.name, server.url]
        requests.get(server.url + paths[0], timeout=600).raise_for_status()
        cpu = server.cpu_seconds()
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    count = int(found(r"(\d+) requests in", text))
    p50, p99 = (found(rf"(?m)^ +{percent}% +(\S+)", text) for percent in (50, 99))
    used = server.cpu_seconds() - cpu
    report(name, used / max(count, 1) * 1000, float(found(r"Requests/sec:\s+([\d.]+)", text)), f"p50 {p50}, p99 {p99}")
    if "Non-2xx" in text and not tag:
        sys.exit(f"{name}: {found(r'(Non-2xx.*)', text)}")


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    return match[1] if match else "0"


def measure_reads(server: Server, seconds: int) -> None:
    """Measure the reading calls that clients make most."""
    names = server.get("package_list", limit=500)
    root = "/api/3/action"
    show = [f"{root}/package_show?id={name}" for name in names]
    searches = [f"{root}/package_search?q={requests.utils.quote(word)}&rows=10" for word in WORDS]
    facets = "&facet.field=" + requests.utils.quote('["organization","groups","tags","res_format"]')
    load(server, "package_show", show, seconds)
    tag = requests.get(server.url + show[0], timeout=60).headers["ETag"]
    load(server, "package_show, answered 304", show[:1], seconds, tag=tag)
    load(server, "package_search, 10 results", searches, seconds)
    load(server, "package_search, never the same question", searches, seconds, is_new=True)
    load(server, "the same with 4 facets", [path + facets for path in searches], seconds, is_new=True)
    load(server, "package_list", [f"{root}/package_list"], seconds)
    load(server, "organization_list", [f"{root}/organization_list"], seconds)
    load(server, "organization_list, all_fields", [f"{root}/organization_list?all_fields=true"], seconds)
    print(f"   resident memory of the process: {server.memory_mb():.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=4)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        print("   wrk is not here (apt-get install wrk): reading calls are not measured")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "small"
        with serving(home) as server:
            command = [PHUSA, "token", "create", "bench", "--sysadmin"]
            environment = {**os.environ, "PHUSA_HOME": str(home)}
            token = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            create_datasets(server, token.split()[-1], 200)
            measure_reads(server, given.seconds)
        measure_large(Path(folder) / "large", given.large, given.seconds)


def measure_large(home: Path, count: int, seconds: int) -> None:
    """Measure a catalogue of synthetic datasets, which are written straight into the database."""
    print(f"   {count} datasets")
    settings = CatalogueSettings(home=home)
    store = open_store(settings)
    fill(store, count)
    store.close()
    with serving(home) as server:
        # The texts belong to one address, which is known only now.
        services = open_services(CatalogueSettings(home=home, site_url=server.url))
        began = time.perf_counter()
        made = put_all_back(services)
        services.close()
        print(f"   {made} texts stored in {time.perf_counter() - began:.1f} s")
        began = time.perf_counter()
        server.get("package_search")
        print(f"   index built and asked in {time.perf_counter() - began:.1f} s")
        measure_reads(server, seconds)


if __name__ == "__main__":
    main()
