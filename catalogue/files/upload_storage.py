"""Where uploaded files lie: under `uploads/` beside the releases, in a folder of this machine or on S3.

An object is written once under a key of its own, is seen only when it is complete, and is never written again.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from catalogue.files.released_files import FilesUnavailable, s3_client, s3_place
from catalogue.settings import CatalogueSettings

PREFIX = "uploads/"
PART_BYTES = 8 * 2**20
_MOST_PARTS = 10_000  # of one object on S3
_INCOMING = ".incoming"


class Sink(Protocol):
    """An object in the making; after `finish` it exists whole, after `abort` nothing of it is left."""

    def write(self, chunk: bytes) -> None: ...
    def finish(self) -> None: ...
    def abort(self) -> None: ...


class UploadStorage(Protocol):
    """The uploaded objects; a storage that fails raises FilesUnavailable."""

    def begin(self, key: str, *, most_bytes: int) -> Sink:
        """Return where to write a new object of at most that many bytes."""

    def delete(self, key: str) -> None:
        """Remove an object; an absent one is fine."""

    def path(self, key: str) -> Path | None:
        """Return where the object lies on this machine, null when it is on S3 or absent."""

    def signed_url(self, key: str, *, seconds: int, disposition: str, media_type: str) -> str | None:
        """Return an address that hands out the object for a while, null when only this process can read it."""

    def keys_before(self, moment: datetime) -> Iterator[str]:
        """Yield the keys of objects that are older than a naive UTC time."""

    def abort_before(self, moment: datetime) -> None:
        """Remove what is left of uploads that began before that time and were never finished."""


def open_upload_storage(settings: CatalogueSettings) -> UploadStorage:
    """Return the storage that the settings name."""
    url = settings.storage.url
    if url.startswith("s3://"):
        return S3Uploads(settings)
    return FolderUploads(Path(url.removeprefix("file:")) if url else settings.home / "storage")


class FolderUploads:
    """Uploaded files under a folder; a file in the making lies in `uploads/.incoming`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.incoming = self.folder / PREFIX / _INCOMING

    def begin(self, key: str, *, most_bytes: int) -> Sink:  # noqa: ARG002  a file may grow as long as it likes
        self.incoming.mkdir(parents=True, exist_ok=True)
        return _FileSink(self.incoming / uuid.uuid4().hex, self._place(key))

    def delete(self, key: str) -> None:
        place = self._place(key)
        place.unlink(missing_ok=True)
        if place.parent.parent.name == "resource":  # each file of a resource has a folder of its own
            try:
                place.parent.rmdir()
            except OSError:
                return

    def path(self, key: str) -> Path | None:
        place = self._place(key)
        return place if place.is_file() else None

    def signed_url(self, key: str, *, seconds: int, disposition: str, media_type: str) -> None:  # noqa: ARG002
        return None

    def keys_before(self, moment: datetime) -> Iterator[str]:
        for path in _older_files(self.folder / PREFIX, moment):
            if self.incoming not in path.parents:
                yield path.relative_to(self.folder).as_posix()

    def abort_before(self, moment: datetime) -> None:
        for path in _older_files(self.incoming, moment):
            path.unlink(missing_ok=True)

    def _place(self, key: str) -> Path:
        place = (self.folder / key).resolve()
        if not place.is_relative_to(self.folder / PREFIX) or place.is_relative_to(self.incoming):
            raise FilesUnavailable("a key leaves the folder of uploads")
        return place


def _older_files(folder: Path, moment: datetime) -> list[Path]:
    limit = moment.replace(tzinfo=UTC).timestamp()
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and path.stat().st_mtime < limit:
                found.append(path)
        except FileNotFoundError:  # finished or removed by another process in between
            continue
    return found


class _FileSink:
    """A file that gets its name when it is whole."""

    def __init__(self, part: Path, place: Path) -> None:
        self.part, self.place = part, place
        self.file = part.open("xb")

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)

    def finish(self) -> None:
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.place.parent.mkdir(parents=True, exist_ok=True)
        self.part.replace(self.place)

    def abort(self) -> None:
        self.file.close()
        self.part.unlink(missing_ok=True)


class S3Uploads:
    """Uploaded objects of an S3 service."""

    def __init__(self, settings: CatalogueSettings) -> None:
        self.client = s3_client(settings.storage)
        self.bucket, self.prefix = s3_place(settings.storage)

    def begin(self, key: str, *, most_bytes: int) -> Sink:
        return _ObjectSink(self, self.prefix + key, part_bytes=max(PART_BYTES, -(-most_bytes // _MOST_PARTS)))

    def delete(self, key: str) -> None:
        self.asked("delete_object", Key=self.prefix + key)

    def path(self, key: str) -> None:  # noqa: ARG002  no object lies on this machine
        return None

    def signed_url(self, key: str, *, seconds: int, disposition: str, media_type: str) -> str:
        parameters = {
            "Bucket": self.bucket,
            "Key": self.prefix + key,
            "ResponseContentDisposition": disposition,
            "ResponseContentType": media_type,
        }
        return str(self.client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def keys_before(self, moment: datetime) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            page = self.asked("list_objects_v2", Prefix=self.prefix + PREFIX, **more)
            for item in page.get("Contents", []):
                if item["LastModified"] < moment.replace(tzinfo=UTC):
                    yield str(item["Key"]).removeprefix(self.prefix)
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def abort_before(self, moment: datetime) -> None:
        page = self.asked("list_multipart_uploads", Prefix=self.prefix + PREFIX)
        for item in page.get("Uploads", []):
            if item["Initiated"] < moment.replace(tzinfo=UTC):
                self.asked("abort_multipart_upload", Key=item["Key"], UploadId=item["UploadId"])

    def asked(self, operation: str, **parameters: Any) -> Any:
        """Ask the service and return its answer."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self.client, operation)(Bucket=self.bucket, **parameters)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            raise FilesUnavailable(f"the object storage refused {operation} ({code})") from error
        except BotoCoreError as error:
            raise FilesUnavailable("the object storage does not answer") from error


class _ObjectSink:
    """An object sent part by part; one that fits into a part is sent at once."""

    def __init__(self, storage: S3Uploads, key: str, *, part_bytes: int) -> None:
        self.storage, self.key, self.part_bytes = storage, key, part_bytes
        self.buffer = bytearray()
        self.upload_id: str | None = None
        self.parts: list[dict[str, Any]] = []

    def write(self, chunk: bytes) -> None:
        self.buffer += chunk
        if len(self.buffer) >= self.part_bytes:
            self._send_part()

    def finish(self) -> None:
        if self.upload_id is None:
            self.storage.asked("put_object", Key=self.key, Body=bytes(self.buffer))
            return
        if self.buffer:
            self._send_part()
        parts = {"Parts": self.parts}
        self.storage.asked("complete_multipart_upload", Key=self.key, UploadId=self.upload_id, MultipartUpload=parts)

    def abort(self) -> None:
        self.buffer.clear()
        if self.upload_id is not None:
            self.storage.asked("abort_multipart_upload", Key=self.key, UploadId=self.upload_id)

    def _send_part(self) -> None:
        if self.upload_id is None:
            self.upload_id = str(self.storage.asked("create_multipart_upload", Key=self.key)["UploadId"])
        number = len(self.parts) + 1
        sent = self.storage.asked(
            "upload_part", Key=self.key, UploadId=self.upload_id, PartNumber=number, Body=bytes(self.buffer)
        )
        self.parts.append({"ETag": sent["ETag"], "PartNumber": number})
        self.buffer.clear()
