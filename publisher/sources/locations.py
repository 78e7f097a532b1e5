"""Places where files are dropped: a folder, a bucket, an SFTP server. Each lists names and fetches one file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Protocol

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.spec import FileSource

UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")


class Location(Protocol):
    """A place with files."""

    def names(self, pattern: str) -> list[str]:
        """Return the names of finished files that match, in no order."""

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
        from publisher.sources.s3 import open_bucket

        return open_bucket(address, secrets)
    if address.startswith("sftp://"):
        from publisher.sources.sftp import open_sftp  # an optional extra

        return open_sftp(address, spec, secrets)
    return _open_folder(folder / address, spec)


def matches(name: str, pattern: str) -> bool:
    """Return whether a file is meant: it fits the glob and is no hidden, locked or half-uploaded one."""
    hidden = name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED)
    return not hidden and fnmatchcase(name, pattern)


@contextmanager
def _open_folder(folder: Path, spec: FileSource) -> Iterator[Location]:
    if not folder.is_dir():
        raise SourceError(
            f"The folder that {spec.location} names is not there.", cure="mount it, or correct `location`"
        )
    yield _Folder(folder)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self, pattern: str) -> list[str]:
        with os.scandir(self._folder) as entries:
            return [entry.name for entry in entries if entry.is_file() and matches(entry.name, pattern)]

    def fetch(self, name: str, scratch: Path) -> Path:  # noqa: ARG002  already local
        return self._folder / name
