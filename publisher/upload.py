"""One file of a release on its way to the object storage, and back to see that it arrived."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from publisher.errors import StorageError
from publisher.storage import Storage


@dataclass(frozen=True)
class Upload:
    """A file with its key, and what its manifest says of it."""

    path: Path
    key: str
    media_type: str
    sha256: str


def upload_file(storage: Storage, file: Upload) -> None:
    """Store a file and read it back.

    Raises:
        StorageError: the storage failed, or gave back other bytes than it was given.
    """
    storage.put_file(file.key, file.path, media_type=file.media_type, sha256=file.sha256)
    with storage.open(file.key) as stored:
        if _sha256(stored) != file.sha256:
            cure = "look at the storage's health, then run again"
            raise StorageError(f"{file.path.name} came back with other bytes.", step="stage", cure=cure)


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
