"""S3 as object store, through boto3; the only module that imports it, and only when S3 is used."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from publisher.errors import DescriptorError, StorageError
from publisher.manifest import sha256_of
from publisher.secrets import Secrets
from publisher.settings import StorageSettings
from publisher.storage import ObjectInfo, changed_file, checked_key, missing_object

MULTIPART_BYTES = 16 * 1024 * 1024
CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 6
ATTEMPTS = 3
"""A store that accepts connections and then says nothing is given up after 3 x 6 s and two short pauses."""

_SHA256 = "sha256"
_WRITER = "writer"
_MISSING = {"404", "NoSuchKey", "NotFound", "NoSuchBucket"}
_EXISTS = {"412", "PreconditionFailed", "409", "ConditionalRequestConflict"}
_DENIED = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
_FULL = {"QuotaExceeded", "InsufficientStorage", "507", "XMinioStorageFull"}
Answer = TypeVar("Answer")


def open_s3(settings: StorageSettings, secrets: Secrets) -> S3Storage:
    """Return the store at `s3://bucket/prefix`; nothing is sent yet.

    Raises:
        DescriptorError: the address names no bucket, or a secret is absent.
    """
    bucket, _, prefix = settings.url.removeprefix("s3://").partition("/")
    if len(bucket) < 3:
        raise DescriptorError(
            f"The storage address `{settings.url}` names no bucket.", cure="write `s3://bucket/prefix`"
        )
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=settings.endpoint_url,
        region_name=settings.region,
        aws_access_key_id=secrets.resolve(settings.access_key),
        aws_secret_access_key=secrets.resolve(settings.secret_key),
        config=_client_config(),
    )
    return S3Storage(client, bucket, prefix.strip("/"))


def _client_config() -> Config:
    # "when_required": other makes of S3 refuse the checksum trailers that boto3 would add to every request.
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
    )


class S3Storage:
    """A prefix of a bucket; the bucket is made when the first object finds none."""

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._transfer = TransferConfig(
            multipart_threshold=MULTIPART_BYTES, multipart_chunksize=MULTIPART_BYTES, max_concurrency=2
        )

    def put_file(self, key: str, path: Path, *, media_type: str, sha256: str) -> None:
        """Upload the file, above 16 MiB in parts, and see that the store holds as many bytes under that hash.

        Raises:
            StorageError: the file changed, or the store refused, vanished or is full.
        """
        if not path.is_file() or sha256_of(path) != sha256:
            raise changed_file(key)
        more = {"ContentType": media_type, "Metadata": {_SHA256: sha256}}
        with self._explained(key):
            self._with_bucket(
                lambda: self._client.upload_file(
                    str(path), self._bucket, self._full(key), ExtraArgs=more, Config=self._transfer
                )
            )
        stored = self.info(key)
        if stored is None or (stored.size, stored.sha256) != (path.stat().st_size, sha256):
            raise StorageError(
                f"The store does not hold {key} as it was sent.", step="stage", cure="run the release again"
            )

    def put_new(self, key: str, data: bytes, *, media_type: str) -> bool:
        """Put the bytes in one request with `If-None-Match: *`.

        When an answer is lost and boto3 asks again, our own first attempt stands in the way; the mark of the writer in
        the object's metadata tells it from another writer's object.
        """
        writer = uuid.uuid4().hex
        with self._explained(key):
            try:
                self._with_bucket(
                    lambda: self._client.put_object(
                        Bucket=self._bucket,
                        Key=self._full(key),
                        Body=data,
                        ContentType=media_type,
                        Metadata={_WRITER: writer},
                        IfNoneMatch="*",
                    )
                )
            except ClientError as error:
                if _code(error) not in _EXISTS:
                    raise
                return self._was_written_by(key, writer)
        return True

    def read(self, key: str) -> bytes:
        """Return the object's bytes."""
        with self.open(key) as stream:
            return stream.read()

    def open(self, key: str) -> BinaryIO:
        """Return the object's bytes as a stream whose reads raise StorageError too."""
        with self._explained(key):
            body = self._client.get_object(Bucket=self._bucket, Key=self._full(key))["Body"]
        return cast("BinaryIO", io.BufferedReader(_Body(body, lambda: self._explained(key)), 1 << 16))

    def info(self, key: str) -> ObjectInfo | None:
        """Return key, size and the hash that came with the upload."""
        with self._explained(key):
            head = self._head(key)
        if head is None:
            return None
        return ObjectInfo(key, int(head["ContentLength"]), head["Metadata"].get(_SHA256))

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield keys and sizes, page by page; hashes are not part of a listing."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        with self._explained(prefix):
            try:
                for page in pages:
                    for found in page.get("Contents", []):
                        yield ObjectInfo(found["Key"].removeprefix(self._prefix), int(found["Size"]))
            except ClientError as error:
                if _code(error) != "NoSuchBucket":
                    raise

    def delete(self, key: str) -> None:
        """Remove the object."""
        with self._explained(key):
            try:
                self._client.delete_object(Bucket=self._bucket, Key=self._full(key))
            except ClientError as error:
                if _code(error) not in _MISSING:
                    raise

    def erase(self, key: str) -> None:
        """Remove every version of the object and every mark of its deletion.

        In a bucket that keeps versions a plain deletion only hides the object, and whoever knows a version's id still gets it.

        Raises:
            StorageError: also when the store keeps a version against deletion (object lock).
        """
        full = self._full(key)
        with self._explained(key):
            for found in self._all_versions(full):
                if found["Key"] == full:
                    self._client.delete_object(Bucket=self._bucket, Key=full, VersionId=found["VersionId"])

    def versions(self, prefix: str) -> Iterator[str]:
        """Yield the keys of which any version is there; marks of deletion are no bytes."""
        with self._explained(prefix):
            keys = {found["Key"] for found in self._all_versions(self._prefix + prefix) if "Size" in found}
        yield from sorted(key.removeprefix(self._prefix) for key in keys)

    def sweep(self, before: datetime) -> int:
        """Abort uploads in parts that began before the moment; their parts cost space and no list shows them."""
        with self._explained("sweep"):
            try:
                pages = self._client.get_paginator("list_multipart_uploads").paginate(
                    Bucket=self._bucket, Prefix=self._prefix
                )
                left = [one for page in pages for one in page.get("Uploads", []) if one["Initiated"] < before]
            except ClientError as error:
                if _code(error) != "NoSuchBucket":
                    raise
                return 0
            for one in left:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=one["Key"], UploadId=one["UploadId"])
        return len(left)

    def _all_versions(self, prefix: str) -> Sequence[dict[str, Any]]:
        """Return all versions and marks of deletion below a prefix; in a bucket without versions the objects, as `null`."""
        try:
            pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=prefix)
            return [one for page in pages for kind in ("Versions", "DeleteMarkers") for one in page.get(kind, [])]
        except ClientError as error:
            if _code(error) != "NoSuchBucket":
                raise
            return []

    def _full(self, key: str) -> str:
        return self._prefix + checked_key(key)

    def _head(self, key: str) -> dict[str, Any] | None:
        try:
            return cast("dict[str, Any]", self._client.head_object(Bucket=self._bucket, Key=self._full(key)))
        except ClientError as error:
            if _code(error) in _MISSING:
                return None
            raise

    def _was_written_by(self, key: str, writer: str) -> bool:
        head = self._head(key)
        return head is not None and head["Metadata"].get(_WRITER) == writer

    def _with_bucket(self, put: Callable[[], Answer]) -> Answer:
        """Run a put; when there is no bucket, make it and run it once more."""
        try:
            return put()
        except (ClientError, Boto3Error) as error:
            if _code(error) != "NoSuchBucket":
                raise
        region = self._client.meta.region_name
        elsewhere = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        self._client.create_bucket(Bucket=self._bucket, **elsewhere)
        return put()

    @contextmanager
    def _explained(self, key: str) -> Iterator[None]:
        """Turn every error of boto3 into a StorageError with a cure."""
        try:
            yield
        except (ClientError, Boto3Error, BotoCoreError) as error:
            code = _code(error)
            if code in _MISSING:
                raise missing_object(key) from None
            raise StorageError(f"{_what(code)} at {key} ({code}).", step="stage", cure=_cure(code)) from None


class _Body(io.RawIOBase):
    """A body being downloaded; boto3 raises IncompleteReadError when the store hangs up before its end."""

    def __init__(self, body: Any, explained: Callable[[], Any]) -> None:
        super().__init__()
        self._body = body
        self._explained = explained

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._explained():
            data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


def _code(error: BaseException) -> str:
    """Return the store's error code, or the name of the exception where the store said nothing."""
    if isinstance(error, Boto3Error) and isinstance(error.__context__, ClientError):
        error = error.__context__  # S3UploadFailedError only wraps it
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code") or "unknown")
    return type(error).__name__


def _what(code: str) -> str:
    if code in _DENIED:
        return "The object storage refused our credentials"
    return "The object storage is full" if code in _FULL else "The object storage did not do as asked"


def _cure(code: str) -> str:
    if code in _DENIED:
        return (
            "check what `storage.access_key` and `storage.secret_key` name, and the rights of that user on the bucket"
        )
    if code in _FULL:
        return "free space in the store or raise its quota, then run the release again"
    if code == "RequestTimeTooSkewed":
        return "set this machine's clock"
    return "see that the store at `storage.endpoint_url` runs and can be reached, then run the release again"
