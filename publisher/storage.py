"""Object storage: where released files lie. A folder here, S3 in `storage_s3.py`, chosen by the settings.

Keys look like paths: `releases/<dataset>/<release>/<file>`.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets as chance
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from publisher.errors import DescriptorError, StorageError
from publisher.secrets import Secrets
from publisher.settings import StorageSettings

_KEY_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_PART = ".part"
_CHUNK = 1 << 20
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object; `sha256` is null where the store does not tell it without reading the object."""

    key: str
    size: int
    sha256: str | None = None


class Storage(Protocol):
    """What the publisher asks of a store. Every method raises StorageError, with the cure, when the store cannot answer."""

    def put_file(self, key: str, path: Path, *, media_type: str, sha256: str) -> None:
        """Store a file whole or not at all, in the place of an object of that key; its bytes must have this SHA-256."""
        ...

    def put_new(self, key: str, data: bytes, *, media_type: str) -> bool:
        """Store bytes unless the key exists, and say whether they were stored; of two writers exactly one hears true."""
        ...

    def read(self, key: str) -> bytes:
        """Return an object's bytes; StorageError when there is none."""
        ...

    def open(self, key: str) -> BinaryIO:
        """Return an object's bytes as a stream that the caller closes; StorageError when there is none."""
        ...

    def info(self, key: str) -> ObjectInfo | None:
        """Return what is known of an object, null when there is none."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose key begins with the prefix, by key."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        ...

    def erase(self, key: str) -> None:
        """Remove an object with every earlier version that the store keeps of it; nothing happens when there is none."""
        ...

    def versions(self, prefix: str) -> Iterator[str]:
        """Yield the keys that begin with the prefix and of which the store holds any bytes, shown in lists or not."""
        ...

    def sweep(self, before: datetime) -> int:
        """Remove what writes that were interrupted before this (aware) moment left behind; return how many there were."""
        ...


def open_storage(settings: StorageSettings, secrets: Secrets, *, home: Path | None = None) -> Storage:
    """Return the store that the settings name; an empty address is the folder `storage` in the home.

    Raises:
        DescriptorError: the address has no known form, or a secret is absent.
    """
    if settings.url.startswith("s3://"):
        from publisher.storage_s3 import open_s3

        return open_s3(settings, secrets)
    if settings.url.startswith("file:"):
        return FolderStorage(Path(settings.url.removeprefix("file:")))
    if not settings.url and home is not None:
        return FolderStorage(home / "storage")
    raise DescriptorError(
        f"The storage address `{settings.url}` has no known form.", cure="write `file:PATH` or `s3://bucket/prefix`"
    )


def checked_key(key: str) -> str:
    """Return the key; keys that could leave the store's folder, or that stores read differently, raise StorageError."""
    if all(_KEY_PART.fullmatch(part) for part in key.split("/")) and len(key) <= 900:
        return key
    raise StorageError("A storage key holds characters that no key may hold.", cure="report this: keys are made by us")


class FolderStorage:
    """A folder as object store: the embedded twin of S3."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, key: str, path: Path, *, media_type: str, sha256: str) -> None:  # noqa: ARG002  a folder keeps no types
        """Copy the file to a temporary name, compare its hash, make it durable, then give it its name."""
        target = self._path(key)
        if not path.is_file():
            raise changed_file(key)
        with _explained(key), self._part_of(target) as part:
            _copy(path, part, key=key, sha256=sha256)
            part.replace(target)
            _make_durable(target.parent)

    def put_new(self, key: str, data: bytes, *, media_type: str) -> bool:  # noqa: ARG002  a folder keeps no types
        """Write to a temporary name and link it to its own, which fails when that name exists."""
        target = self._path(key)
        with _explained(key), self._part_of(target) as part:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            try:
                target.hardlink_to(part)
            except FileExistsError:
                return False
            _make_durable(target.parent)
            return True

    def read(self, key: str) -> bytes:
        """Return the file's bytes."""
        with _explained(key), self._path(key).open("rb") as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        """Return the file, open for reading."""
        with _explained(key):
            return self._path(key).open("rb")

    def info(self, key: str) -> ObjectInfo | None:
        """Return key and size; the hash is unknown without reading the file."""
        path = self._path(key)
        with _explained(key):
            return ObjectInfo(key, path.stat().st_size) if path.is_file() else None

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the files below the deepest folder that the prefix names, as far as they begin with it."""
        folder = prefix.rpartition("/")[0]
        start = self._path(folder) if folder else self._root
        with _explained(prefix):
            names = sorted(path.relative_to(self._root).as_posix() for path in start.rglob("*") if _is_object(path))
        for key in names:
            if key.startswith(prefix) and (info := self.info(key)):
                yield info

    def delete(self, key: str) -> None:
        """Remove the file, and its folders as far as they are empty now."""
        path = self._path(key)
        with _explained(key):
            path.unlink(missing_ok=True)
        for folder in path.relative_to(self._root).parents:
            with suppress(OSError):
                if folder != Path():
                    (self._root / folder).rmdir()

    def erase(self, key: str) -> None:
        """Remove the file; a folder keeps no earlier versions."""
        self.delete(key)

    def versions(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the files; a folder keeps no earlier versions."""
        return (info.key for info in self.list(prefix))

    def sweep(self, before: datetime) -> int:
        """Remove temporary files that were last written before the moment."""
        with _explained("sweep"):
            left = [path for path in self._root.rglob(f".*{_PART}") if path.stat().st_mtime < before.timestamp()]
            for path in left:
                path.unlink(missing_ok=True)
        return len(left)

    def _path(self, key: str) -> Path:
        path = self._root / checked_key(key)
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise StorageError("A link in the storage folder leads out of it.", cure=f"remove the link in {self._root}")
        return path

    @contextmanager
    def _part_of(self, target: Path) -> Iterator[Path]:
        """Give a temporary name beside the target that no list shows and no key can have."""
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{chance.token_hex(6)}{_PART}")
        try:
            yield part
        finally:
            part.unlink(missing_ok=True)


def _copy(source: Path, part: Path, *, key: str, sha256: str) -> None:
    digest = hashlib.sha256()
    with source.open("rb") as file, part.open("xb") as copy:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    if digest.hexdigest() != sha256:
        raise changed_file(key)


def changed_file(key: str) -> StorageError:
    """Return the error of a file whose bytes are no longer those that were written and checked."""
    return StorageError(
        f"The file for {key} changed after it was written.",
        step="stage",
        cure="see who else writes to the working folder, then run the release again",
    )


def _is_object(path: Path) -> bool:
    return path.is_file() and not (path.name.startswith(".") and path.name.endswith(_PART))


def _make_durable(folder: Path) -> None:
    """Write the folder's own entries to disk, so that the new name survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _explained(key: str) -> Iterator[None]:
    """Turn what the file system says into a StorageError with a cure."""
    try:
        yield
    except FileNotFoundError:
        raise missing_object(key) from None
    except OSError as error:
        full = error.errno in _FULL
        raise StorageError(
            f"The storage folder {'is full' if full else 'failed'} at {key}: {os.strerror(error.errno or 0)}.",
            step="stage",
            cure="free space or enlarge the disk, then run the release again"
            if full
            else "see that the storage folder is there and belongs to the user that the publisher runs as",
        ) from None


def missing_object(key: str) -> StorageError:
    """Return the error of reading what is not there."""
    return StorageError(f"The storage has no object {key}.", cure="stage the release again, or restore the storage")
