"""The portal that publishes the real files, and what it released so far."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from real.released import Released, download
from servers.portal import RunningPortal


@dataclass
class RealCity:
    """The portal, the folder that later files are dropped into, and what was released so far."""

    portal: RunningPortal
    data: Path
    environment: dict[str, str]
    folder: Path
    released: dict[str, Released] = field(default_factory=dict)

    def drop(self, source: str, name: str) -> None:
        """Let an agency deliver one of the real files; the folder is the one that the definition names."""
        folder = Path(self.environment[source])
        folder.mkdir(exist_ok=True)
        (folder / name).symlink_to(self.data / "requests311" / name)

    def publish(self, dataset: str) -> Released:
        """Release a dataset once for all tests and download what the public gets."""
        if dataset not in self.released:
            run = self.portal.release(dataset)
            assert run.state == "published", f"{run.reason_code}: {run.message}"
            self.released[dataset] = self.fetch(dataset)
        return self.released[dataset]

    def fetch(self, dataset: str) -> Released:
        """Download the current release of a dataset."""
        folder = self.folder / dataset
        shutil.rmtree(folder, ignore_errors=True)
        return download(self.portal, dataset, folder)
