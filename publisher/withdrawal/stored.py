"""A stored release brought back onto this machine, byte for byte, to be looked at again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.errors import StorageError
from publisher.facilities import Facilities
from publisher.manifest import MANIFEST, SIGNATURE, sha256_of
from publisher.retention.tombstone import DELETED, REDACTED, WITHDRAWN

KEPT = frozenset(
    {MANIFEST, SIGNATURE, *(f"{s[:-5]}{e}" for s in (DELETED, WITHDRAWN, REDACTED) for e in (".json", ".sig"))}
)
"""What stays of a release that was withdrawn: the manifest and the statements, each with its signature."""


@contextmanager
def release_folder(facilities: Facilities, dataset: str, release: str) -> Iterator[Path]:
    """Give a folder with the files of a release as they lie in storage now; it is removed at the end."""
    with TemporaryDirectory(dir=facilities.settings.home, prefix="looked-at-") as name:
        folder = Path(name)
        prefix = f"releases/{dataset}/{release}/"
        for info in facilities.storage.list(prefix):
            path = folder / info.key.removeprefix(prefix)
            with facilities.storage.open(info.key) as stored, path.open("wb") as file:
                while block := stored.read(1 << 20):
                    file.write(block)
        yield folder


def refuse_other_bytes(folder: Path, dataset: str, manifest_sha256: str) -> None:
    """See that a fetched release is the one that was published; files that a statement lists as gone may be absent.

    Raises:
        StorageError: names the files that are missing or other than the manifest says, or the manifest itself.
    """
    path = folder / MANIFEST
    wrong = [MANIFEST]
    if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == manifest_sha256:
        gone = {file["path"] for name in (DELETED, REDACTED) for file in _stated(folder / name)}
        entries = json.loads(path.read_bytes())["files"]
        wrong = [entry["path"] for entry in entries if entry["path"] not in gone and not _is_as_stated(folder, entry)]
    if wrong:
        raise StorageError(
            f"The storage does not hold these files as they were published: {', '.join(wrong)}.",
            dataset=dataset,
            step="audit",
            cure="see who else writes to the storage; restore the release from the backup, or withdraw it",
        )


def _is_as_stated(folder: Path, entry: dict[str, str]) -> bool:
    path = folder / entry["path"]
    return path.is_file() and sha256_of(path) == entry["sha256"]


def _stated(path: Path) -> list[dict[str, str]]:
    return list(json.loads(path.read_bytes())["files"]) if path.is_file() else []
