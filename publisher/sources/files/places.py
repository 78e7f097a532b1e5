"""Places where files are dropped: a folder, a bucket, an SFTP server. Each lists its files and fetches one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.files.spec import FileSource

UNFINISHED = (".part", ".partial", ".tmp", ".crdownload", ".filepart", ".upload")


@dataclass(frozen=True)
class Listed:
    """A file as its place lists it: size in bytes and moment of its last change, in seconds of the place's own clock."""

    name: str
    size: int
    modified: float


class Location(Protocol):
    """A place with files."""

    arrives_whole: bool
    """Whether a file is only ever listed once all of it is there."""

    def files(self) -> list[Listed]:
        """Return all files but hidden, locked and half-uploaded ones, in no order."""

    def fetch(self, name: str, scratch: Path) -> Path:
        """Return a local path with the file's bytes; remote ones are copied into the scratch folder."""


def open_location(spec: FileSource, *, secrets: Secrets, folder: Path) -> AbstractContextManager[Location]:
    """Open the place a file source names.

    Raises:
        DescriptorError: a reference names nothing, or an SFTP server has no pinned host key.
        SourceError: the place cannot be reached.
    """
    address = spec.location
    if address.startswith(("env:", "file:")):
        address = secrets.resolve(address)
    if address.startswith("s3://"):
        from publisher.sources.files.s3 import open_bucket

        return open_bucket(address, secrets)
    if address.startswith("sftp://"):
        from publisher.sources.files.sftp import open_sftp  # an optional extra

        return open_sftp(address, spec, secrets)
    return _open_folder(folder / address, spec)


def is_meant(name: str) -> bool:
    """Return whether a file is meant to be read: no hidden one, no lock of an office program, none half uploaded."""
    return not name.startswith((".", "~$", "~lock")) and not name.lower().endswith(UNFINISHED)


@contextmanager
def _open_folder(folder: Path, spec: FileSource) -> Iterator[Location]:
    if not folder.is_dir():
        raise SourceError(
            f"The folder that {spec.location} names is not there.", cure="mount it, or correct `location`"
        )
    yield _Folder(folder)


class _Folder:
    arrives_whole = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def files(self) -> list[Listed]:
        found = []
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.is_file() and is_meant(entry.name):
                    facts = entry.stat()
                    found.append(Listed(entry.name, facts.st_size, facts.st_mtime))
        return found

    def fetch(self, name: str, scratch: Path) -> Path:  # noqa: ARG002  already local
        return self._folder / name
