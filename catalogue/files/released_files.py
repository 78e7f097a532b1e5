"""Reads the released files in object storage; never writes one.

Keys are `releases/<dataset>/<release>/<file>`. Files of a release never change, so what was read once may be kept.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, cast

from catalogue.errors import NotFound
from catalogue.settings import CatalogueSettings, StorageSettings

if TYPE_CHECKING:  # it reads through this module
    from catalogue.files.released_tables import ReleasedTables

CHUNK_BYTES = 256 * 1024
_KEPT_DOCUMENTS = 512
_LARGEST_DOCUMENT_BYTES = 16 * 1024 * 1024
_NAME = re.compile(r"[^\W_](?:[\w.\-]*[\w\-])?")
KEPT_OF_WITHDRAWN = frozenset(
    f"{name}.{ending}" for name in ("manifest", "deleted", "withdrawn", "redacted") for ending in ("json", "sig")
)
"""What stays of a release that was taken back: the manifest and the statements of what is gone, each with its signature."""
_LOST_CODES = {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}


class FilesUnavailable(Exception):  # noqa: N818  the files are unavailable, not the program wrong
    """The object storage does not answer, or what it holds is not what was released."""


@dataclass(frozen=True)
class ReleasedFile:
    """What is known of one file; `sha256` (hex) and `rows` come from the manifest and are null where it has none."""

    dataset: str
    release: str
    name: str
    size_bytes: int
    sha256: str | None
    media_type: str
    rows: int | None = None

    @property
    def etag(self) -> str:
        """Return the entity tag without quotes: the hash, or the place, which never holds other bytes."""
        return self.sha256 or f"{self.dataset}-{self.release}-{self.name}-{self.size_bytes}"


class _Shelf(Protocol):
    """Where the bytes lie; methods raise FileNotFoundError for an absent key."""

    def size(self, key: str) -> int: ...
    def read(self, key: str, start: int, length: int | None) -> Iterator[bytes]: ...
    def path(self, key: str) -> Path | None: ...
    def signed_url(self, key: str, *, seconds: int, file_name: str, media_type: str) -> str | None: ...


class ReleasedFiles:
    """The released files of every dataset, in a folder or on S3."""

    def __init__(self, settings: CatalogueSettings) -> None:
        self._shelf = _open_shelf(settings)
        self._folder = settings.home / "query"
        self._documents: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def tables(self) -> ReleasedTables:
        """Return the local copies of released SQLite files, shared by all readers in this process."""
        from catalogue.files.released_tables import ReleasedTables

        return ReleasedTables(self, self._folder)

    def info(self, dataset: str, release: str, name: str) -> ReleasedFile:
        """Return size, hash and media type of a file of the release.

        Raises:
            NotFound: The release has no such file.
            FilesUnavailable: The storage does not answer.
        """
        key = _key(dataset, release, name)
        stated = self._stated(dataset, release, name)
        size = stated.get("bytes")
        if size is None:
            size = self._guarded(self._shelf.size, key)
        return ReleasedFile(
            dataset=dataset,
            release=release,
            name=name,
            size_bytes=int(size),
            sha256=stated.get("sha256"),
            media_type=str(stated.get("media_type") or _media_type(name)),
            rows=stated.get("rows"),
        )

    def stream(
        self, dataset: str, release: str, name: str, *, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes from `start` on, `length` of them (null: to the end), in chunks of bounded size."""
        key = _key(dataset, release, name)
        self._guarded(self._shelf.size, key)
        return _translated(self._shelf.read(key, start, length))

    def read(self, dataset: str, release: str, name: str) -> bytes:
        """Return a small file whole."""
        return b"".join(self.stream(dataset, release, name))

    def read_json(self, dataset: str, release: str, name: str) -> Any:
        """Return a JSON document of the release; callers must not change it, it is kept for the next one."""
        key = _key(dataset, release, name)
        with self._lock:
            if key in self._documents:
                self._documents.move_to_end(key)
                return self._documents[key]
        data = self.read(dataset, release, name)
        try:
            document = json.loads(data)
        except ValueError as error:
            raise FilesUnavailable(f"{key} is not the JSON document that was released") from error
        if len(data) <= _LARGEST_DOCUMENT_BYTES:
            self._keep(key, document)
        return document

    def manifest(self, dataset: str, release: str) -> dict[str, Any]:
        """Return the manifest of the release."""
        return cast("dict[str, Any]", self.read_json(dataset, release, "manifest.json"))

    def manifest_sha256(self, dataset: str, release: str) -> str:
        """Return the hash of the manifest's bytes as they lie in storage."""
        return hashlib.sha256(self.read(dataset, release, "manifest.json")).hexdigest()

    def path(self, dataset: str, release: str, name: str) -> Path | None:
        """Return where the file lies on this machine, null when it is on S3."""
        return self._shelf.path(_key(dataset, release, name))

    def download_url(self, dataset: str, release: str, name: str, *, seconds: int = 3600) -> str | None:
        """Return an address that hands out the file for a while, null when only this process can read it."""
        file = self.info(dataset, release, name)
        key = _key(dataset, release, name)
        return self._shelf.signed_url(key, seconds=seconds, file_name=name, media_type=file.media_type)

    def _stated(self, dataset: str, release: str, name: str) -> dict[str, Any]:
        """Return what the manifest says of a file; itself, what was deleted since, and their signatures are not in it."""
        if name in KEPT_OF_WITHDRAWN:
            return {}
        files = self.manifest(dataset, release).get("files", [])
        found = next((file for file in files if file.get("path") == name), None)
        if found is None:
            raise NotFound(f"Release {release} of {dataset} has no file {name}")
        return cast("dict[str, Any]", found)

    def kept(self) -> set[tuple[str, str]]:
        """Return the datasets and releases of which a document is kept in memory."""
        with self._lock:
            places = [key.split("/") for key in self._documents]
        return {(dataset, release) for _, dataset, release, _ in places}

    def forget(self, dataset: str, release: str) -> None:
        """Let go of what was read of a release."""
        with self._lock:
            for key in [key for key in self._documents if key.startswith(f"releases/{dataset}/{release}/")]:
                del self._documents[key]

    def _keep(self, key: str, document: Any) -> None:
        with self._lock:
            self._documents[key] = document
            while len(self._documents) > _KEPT_DOCUMENTS:
                self._documents.popitem(last=False)

    @staticmethod
    def _guarded(read: Any, key: str) -> Any:
        try:
            return read(key)
        except FileNotFoundError as error:
            raise NotFound("The release has no such file") from error


def _key(dataset: str, release: str, name: str) -> str:
    """Return the storage key; names that could leave the release's folder are refused as absent."""
    if not all(_NAME.fullmatch(part) and ".." not in part for part in (dataset, release, name)):
        raise NotFound("The release has no such file")
    return f"releases/{dataset}/{release}/{name}"


def _translated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from chunks
    except FileNotFoundError as error:
        raise NotFound("The release has no such file") from error


_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".gz": "application/gzip",
    ".json": "application/json",
    ".pmtiles": "application/vnd.pmtiles",
    ".svg": "image/svg+xml",
    ".parquet": "application/vnd.apache.parquet",
    ".sqlite": "application/vnd.sqlite3",
    ".sig": "text/plain",
}


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.get(Path(name).suffix, "application/octet-stream")


def _open_shelf(settings: CatalogueSettings) -> _Shelf:
    url = settings.storage.url
    if url.startswith("s3://"):
        return _S3Shelf(settings)
    return _FolderShelf(Path(url.removeprefix("file:")) if url else settings.home / "storage")


class _FolderShelf:
    """Files under a folder of this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def path(self, key: str) -> Path:
        path = (self.folder / key).resolve()
        if not path.is_relative_to(self.folder / "releases") or not path.is_file():
            raise NotFound("The release has no such file")
        return path

    def size(self, key: str) -> int:
        return self.path(key).stat().st_size

    def read(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        with self.path(key).open("rb") as file:
            file.seek(start)
            yield from _chunks(file, length)

    def signed_url(self, key: str, *, seconds: int, file_name: str, media_type: str) -> None:  # noqa: ARG002
        return None


def _chunks(file: BinaryIO, length: int | None) -> Iterator[bytes]:
    left = length
    while left is None or left > 0:
        chunk = file.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left))
        if not chunk:
            return
        left = None if left is None else left - len(chunk)
        yield chunk


def s3_place(storage: StorageSettings) -> tuple[str, str]:
    """Return the bucket and what all keys in it begin with: empty, or with a slash at its end."""
    bucket, _, prefix = storage.url.removeprefix("s3://").partition("/")
    return bucket, f"{prefix.strip('/')}/" if prefix.strip("/") else ""


def s3_client(storage: StorageSettings) -> Any:
    """Return a client of the S3 service that the settings name."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=storage.endpoint_url,
        region_name=storage.region,
        aws_access_key_id=storage.access_key.get_secret_value(),
        aws_secret_access_key=storage.secret_key.get_secret_value(),
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=5,
            read_timeout=30,
            retries={"max_attempts": 3, "mode": "standard"},
            request_checksum_calculation="when_required",
        ),
    )


class _S3Shelf:
    """Objects of an S3 service."""

    def __init__(self, settings: CatalogueSettings) -> None:
        self.bucket, self.prefix = s3_place(settings.storage)
        self.client = s3_client(settings.storage)

    def path(self, key: str) -> None:  # noqa: ARG002  no object lies on this machine
        return None

    def size(self, key: str) -> int:
        return int(self._asked("head_object", key)["ContentLength"])

    def read(self, key: str, start: int, length: int | None) -> Iterator[bytes]:
        if length is not None and length <= 0:
            return
        last = "" if length is None else str(start + length - 1)
        ranged = {"Range": f"bytes={start}-{last}"} if start or length is not None else {}
        body = self._asked("get_object", key, **ranged)["Body"]
        try:
            yield from body.iter_chunks(CHUNK_BYTES)
        finally:
            body.close()

    def signed_url(self, key: str, *, seconds: int, file_name: str, media_type: str) -> str:
        parameters = {
            "Bucket": self.bucket,
            "Key": self.prefix + key,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
            "ResponseContentType": media_type,
        }
        return str(self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def _asked(self, operation: str, key: str, **more: str) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, operation)(Bucket=self.bucket, Key=self.prefix + key, **more)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in _LOST_CODES:
                raise FileNotFoundError(key) from error
            raise FilesUnavailable(f"the object storage refused {key} ({code})") from error
        except BotoCoreError as error:
            raise FilesUnavailable("the object storage does not answer") from error
