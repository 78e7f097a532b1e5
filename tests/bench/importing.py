"""How long `phusa import ckan` takes for a dump of datasets like those of `catalogue_http.py`, and what one costs."""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
import uuid
from pathlib import Path

from catalogue.importing.dumps import read_dump
from catalogue.importing.report import Report
from catalogue.importing.takeover import Takeover
from catalogue.model import User
from catalogue.services import open_services
from catalogue.settings import CatalogueSettings

CKAN_CPU_MS = 59  # package_create of CKAN 2.12, see docs/performance.md
WORDS = [
    "giao",
    "thông",
    "xe",
    "buýt",
    "trạm",
    "chợ",
    "trường",
    "học",
    "bệnh",
    "viện",
    "cây",
    "xanh",
    "nước",
    "không",
    "khí",
    "giá",
    "đất",
    "dân",
    "số",
    "du",
    "lịch",
]


def write_dump(path: Path, count: int) -> None:
    """Write datasets with two resources, two tags and one extra each, in twenty organizations."""
    pick = random.Random(20261122)
    places = [
        {"id": str(uuid.UUID(int=n + 1)), "name": f"co-quan-{n}", "title": f"Cơ quan {n}", "is_organization": True}
        for n in range(20)
    ]
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            place = places[number % len(places)]
            title = " ".join(pick.choices(WORDS, k=6))
            record = {
                "id": str(uuid.UUID(int=10_000_000 + number)),
                "name": f"bo-du-lieu-{number}",
                "title": f"{title} {number}",
                "notes": " ".join(pick.choices(WORDS, k=40)),
                "license_id": "cc-by",
                "owner_org": place["id"],
                "organization": place,
                "groups": [],
                "tags": [{"name": name} for name in set(pick.choices(WORDS, k=2)) if len(name) > 1],
                "extras": [{"key": "frequency", "value": "monthly"}],
                "resources": [
                    {
                        "id": str(uuid.UUID(int=20_000_000 + 2 * number + n)),
                        "name": f"Tệp {n}",
                        "url": f"https://files.example.vn/{number}/{n}.csv",
                        "format": "CSV",
                    }
                    for n in range(2)
                ],
                "metadata_created": "2020-01-01T00:00:00",
                "metadata_modified": "2024-01-01T00:00:00",
            }
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5_000)
    count = parser.parse_args().count
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_dump(home / "dump.jsonl", count)
        services = open_services(CatalogueSettings(home=home))
        with services.store.write() as session:
            user = User(name="boss", sysadmin=True, created=services.now())
            session.add(user)
            session.flush()
            user_id = user.id
        report = Report(home / "report.jsonl")
        wall, cpu = time.perf_counter(), time.process_time()
        Takeover(services, user_id, report).run(lambda: read_dump(home / "dump.jsonl"))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        assert report.counts["dataset created"] == count
        services.close()
    print(f"{count} datasets: {wall:.1f} s, {cpu:.1f} s of CPU")
    each = 1000 * cpu / count
    print(f"{each:.2f} ms of CPU each, {CKAN_CPU_MS / each:.1f} times less than CKAN's package_create")
    print(f"100,000 at this pace: {wall / count * 100_000 / 60:.1f} minutes")


if __name__ == "__main__":
    main()
