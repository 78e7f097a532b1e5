"""Releases one dataset in a process of its own and prints its state, its seconds and its peak memory as JSON.

Usage: koeln_release.py HOME DEFINITIONS CATALOGUE_URL DATASET; where the sources lie stands in the environment.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

from publisher.definition import dataset_paths, load_dataset
from publisher.facilities import open_facilities
from publisher.runs import run_dataset
from publisher.settings import PublisherSettings


def peak_megabytes() -> float:
    """Return the most memory that this program ever had in use.

    Linux lets a new program inherit the figure of getrusage from the process that started it; its own figure is then the
    smaller one, which /proc keeps.
    """
    peaks = [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]
    status = Path("/proc/self/status")
    if status.exists():
        peaks += [int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")]
    return min(peaks) * 1024 / 1_000_000


def main() -> None:
    """Run the dataset once."""
    home, definitions, url, name = sys.argv[1:]
    settings = PublisherSettings(home=Path(home), definitions=Path(definitions), catalogue_url=url, site_url=url)
    peaks: dict[str, float] = {}

    def listen(_dataset: str, step: str, state: str) -> None:
        if state != "running":
            peaks[step] = round(peak_megabytes(), 1)

    facilities = open_facilities(settings)
    definition = load_dataset(dataset_paths(settings.definitions)[name])
    started = time.perf_counter()
    run = run_dataset(definition, facilities, trigger="command", actor="somebody", listener=listen)
    seconds = round(time.perf_counter() - started, 1)
    said = {"state": run.state, "message": run.message, "seconds": seconds, "peak_mb": round(peak_megabytes(), 1)}
    print(json.dumps({**said, "peaks": peaks, "steps": {step.name: step.seconds for step in run.steps}}))


if __name__ == "__main__":
    main()
