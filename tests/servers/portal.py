"""A whole portal in this process, on a free port of the loopback, with everything embedded."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from cityportal.first_people import welcome_publisher
from cityportal.server import Portal, serving
from cityportal.settings import read_settings
from publisher.definition import DatasetDefinition, dataset_paths, load_dataset
from publisher.facilities import Facilities
from publisher.runs import run_dataset
from publisher.store import Run


@dataclass
class RunningPortal:
    """A portal that answers at `url`."""

    url: str
    portal: Portal

    @property
    def facilities(self) -> Facilities:
        assert self.portal.facilities is not None
        return self.portal.facilities

    @property
    def home(self) -> Path:
        return self.portal.settings.home

    def definition(self, name: str) -> DatasetDefinition:
        return load_dataset(dataset_paths(self.facilities.settings.definitions)[name])

    def release(self, name: str, *, actor: str = "somebody", trigger: str = "manual") -> Run:
        """Run a dataset once, in this thread."""
        return run_dataset(self.definition(name), self.facilities, trigger=trigger, actor=actor)

    def action(self, name: str, **parameters: Any) -> Any:
        answer = requests.post(f"{self.url}/api/3/action/{name}", json=parameters, timeout=30).json()
        assert answer["success"], answer["error"]
        return answer["result"]

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(f"{self.url}{path}", timeout=30, **more)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_portal(
    home: Path, definitions: Path, *, environment: Mapping[str, str] | None = None, **settings: Any
) -> Iterator[RunningPortal]:
    """Start a portal with its publisher's account; stopped at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    publisher = {"definitions": definitions, "catalogue_url": url, "lease_seconds": 5, **settings.pop("publisher", {})}
    portal = Portal(
        read_settings(home=home, site_url=url, publisher=publisher, **settings), environment=environment or {}
    )
    welcome_publisher(portal.catalogue.store, home)
    with serving(portal, host="127.0.0.1", port=port):
        yield RunningPortal(url, portal)
