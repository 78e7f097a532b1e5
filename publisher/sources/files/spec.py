"""A file source: where dropped files lie, which are taken, and how they are written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from publisher.policy import Strict
from publisher.sources.files.formats import FileFormat
from publisher.sources.keys import Secret


class FileSource(Strict):
    """Files in a folder, on S3 or behind SFTP; the rows of all files taken, one file after the other."""

    kind: Literal["file"]
    location: str = Field(
        description="`env:NAME` or `file:PATH` of an address, or a folder relative to the definition. Addresses: a folder, s3://bucket/prefix, sftp://user@host:port/folder."
    )
    pattern: str = Field("*", description="Glob over file names; gzip (.gz) and zip (.zip) are undone.")
    take: Literal["all", "newest"] = Field("newest", description="`newest`: the last in order.")
    order: Literal["name", "date"] = Field(
        "name", description="`name`: by name, numbers in it by size; `date`: by the day or month that the name holds."
    )
    member: str | None = Field(
        None, description="Glob over the names in a zip; all that match are read. When absent, the zip holds one file."
    )
    settle_seconds: float = Field(
        10,
        ge=0,
        le=3600,
        description="A file younger than this is watched so long, and left for the next run if it still grows.",
    )
    marker: str | None = Field(
        None,
        min_length=1,
        description="Ending of a second file, such as `.done`, that says a file is complete; without it, it is not taken.",
    )
    max_unpacked_bytes: int = Field(
        20_000_000_000, ge=1, description="All files of one run together, unpacked; more is an error."
    )
    format: FileFormat
    password: Secret | None = Field(None, description="For SFTP.")
    private_key: Secret | None = Field(None, description="For SFTP.")
    host_key: str | None = Field(
        None, description="For SFTP, required: the server's public key as `ssh-ed25519 AAAA…`."
    )

    @model_validator(mode="after")
    def _sftp_pins_its_host(self) -> FileSource:
        if self.location.startswith("sftp://") and self.host_key is None:
            raise ValueError("sftp needs `host_key`, so that nobody else can answer in the server's place")
        return self
