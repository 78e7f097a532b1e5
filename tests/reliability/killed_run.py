"""Runs one release in a process of its own and kills it, as power loss would, at the place named on the command line.

Usage: killed_run.py HOME DEFINITIONS DROPS CATALOGUE_URL PLACE
PLACE is a step (killed as it begins), `uploading` (after the first file), `signed` (between signature and manifest),
`registered` (after the catalogue's answer) or `pointed` (after the publisher recorded it).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from publisher.definition import dataset_paths, load_dataset
from publisher.facilities import open_facilities
from publisher.register import Register
from publisher.runs import run_dataset
from publisher.settings import PublisherSettings
from publisher.storage import FolderStorage
from publisher.store import Store


def die() -> None:
    """End at once, without any clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_after(owner: type, name: str) -> None:
    """Let a method finish its work, then die before its caller hears of it."""
    method: Callable[..., Any] = getattr(owner, name)

    def last_act(*arguments: Any, **named: Any) -> None:
        method(*arguments, **named)
        die()

    setattr(owner, name, last_act)


def main() -> None:
    home, definitions, drops, url, place = sys.argv[1:]
    settings = PublisherSettings(
        home=Path(home), definitions=Path(definitions), catalogue_url=url, site_url=url, lease_seconds=5
    )
    facilities = open_facilities(settings, {"DROPS": drops})
    if place == "uploading":
        die_after(FolderStorage, "put_file")
    if place == "registered":
        die_after(Register, "publish")

    if place == "signed":
        die_after(FolderStorage, "put_new")
    if place == "pointed":
        die_after(Store, "point_at")

    def listen(_dataset: str, step: str, state: str) -> None:
        if step == place and state == "running":
            die()

    name, path = next(iter(dataset_paths(settings.definitions).items()))
    assert name
    run_dataset(load_dataset(path), facilities, trigger="command", actor="somebody", listener=listen)


if __name__ == "__main__":
    main()
