"""Files dropped into an S3 bucket. Address and keys come from `PHUSA_S3_*`, or else from boto3's own places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.files.places import Listed, Location, is_meant

SETTINGS = {
    "endpoint_url": "env:PHUSA_S3_ENDPOINT_URL",
    "region_name": "env:PHUSA_S3_REGION",
    "aws_access_key_id": "env:PHUSA_S3_ACCESS_KEY",
    "aws_secret_access_key": "env:PHUSA_S3_SECRET_KEY",
}
CURES = {
    "NoSuchBucket": "create the bucket, or correct `location`",
    "AccessDenied": "have the agency grant ListBucket and GetObject",
    "InvalidAccessKeyId": "renew PHUSA_S3_ACCESS_KEY and PHUSA_S3_SECRET_KEY",
    "SignatureDoesNotMatch": "renew PHUSA_S3_ACCESS_KEY and PHUSA_S3_SECRET_KEY",
}


@contextmanager
def open_bucket(address: str, secrets: Secrets) -> Iterator[Location]:
    """Open `s3://bucket/prefix`; the prefix is a folder.

    Raises:
        SourceError: the store cannot be reached, or refuses.
    """
    parts = urlsplit(address)
    prefix = parts.path.strip("/")
    given = {name: value for name, reference in SETTINGS.items() if (value := _given(reference, secrets))}
    config = Config(connect_timeout=10, read_timeout=60, retries={"max_attempts": 3, "mode": "standard"})
    with _translated(parts.netloc):
        client = boto3.client("s3", config=config, **given)
    try:
        yield _Bucket(client, parts.netloc, f"{prefix}/" if prefix else "")
    finally:
        client.close()


def _given(reference: str, secrets: Secrets) -> str | None:
    try:
        return secrets.resolve(reference)
    except DescriptorError:
        return None  # boto3 looks in its own places


class _Bucket:
    arrives_whole = True  # an object appears when its upload is complete

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def files(self) -> list[Listed]:
        with _translated(self._bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix, Delimiter="/"
            )
            entries = [entry for page in pages for entry in page.get("Contents", ())]
        listed = [
            Listed(entry["Key"].removeprefix(self._prefix), entry["Size"], entry["LastModified"].timestamp())
            for entry in entries
        ]
        return [file for file in listed if file.name and is_meant(file.name)]

    def fetch(self, name: str, scratch: Path) -> Path:
        path = scratch / name
        with _translated(self._bucket):
            self._client.download_file(self._bucket, self._prefix + name, str(path))
        return path


@contextmanager
def _translated(bucket: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        raise SourceError(
            f"The bucket {bucket} refused ({code}).", cure=CURES.get(code, "look the code up in the store's manual")
        ) from None
    except BotoCoreError as error:
        raise SourceError(
            f"The store of bucket {bucket} cannot be reached ({type(error).__name__}).",
            cure="see that it runs, and that PHUSA_S3_ENDPOINT_URL and the keys are set",
        ) from None
