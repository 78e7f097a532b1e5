"""Settings of the inside; composed by the site's command line from `phusa.toml` and `PHUSA_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class StorageSettings(BaseModel):
    """Where released files lie."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field("", description="`file:PATH` or `s3://bucket/prefix`; empty: the folder `storage` in the home.")
    endpoint_url: str | None = Field(None, description="Address of an S3 service that is not Amazon's.")
    region: str = "us-east-1"
    access_key: str = Field(
        "env:PHUSA_S3_ACCESS_KEY", description="Reference to the access key: `env:NAME` or `file:PATH`."
    )
    secret_key: str = Field(
        "env:PHUSA_S3_SECRET_KEY", description="Reference to the secret key: `env:NAME` or `file:PATH`."
    )


class PublisherSection(BaseModel):
    """Settings of the inside alone, the section `publisher` of a portal's settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    definitions: Path = Field(Path("datasets"), description="Folder of the dataset definitions.")
    database_url: str = Field("", description="SQLAlchemy address of runs and schedules; empty: SQLite in the home.")
    catalogue_url: str = Field(
        "", description="The CKAN API that releases are registered with; empty: this portal's own."
    )
    catalogue_token: str = Field(
        "file:{home}/keys/publisher.token", description="Where the publisher's API token lies."
    )
    lease_seconds: int = Field(60, ge=5, description="A run without a heartbeat for this long is taken for dead.")
    allowed_hosts: list[str] = Field(
        default_factory=list,
        description="Host names, addresses and networks (CIDR) inside that web services written out in definitions may lie "
        "on. An address that `env:NAME` or `file:PATH` holds is the operator's own and needs no entry.",
    )
    rulebook: Path | None = Field(
        None,
        description="A rulebook of your own: kinds of personal data, thresholds, retention, with legal basis and dates; empty: the "
        "one that comes with the publisher.",
    )
    keep_work_days: int = Field(7, ge=1, description="Quarantine older than this is removed.")
    work: Path | None = Field(
        None,
        description="Folder of the files between the steps of a run; empty: `work` in the home. With `--engine spark` every "
        "executor must see it under this very path.",
    )


class PublisherSettings(PublisherSection):
    """Settings of the publisher."""

    home: Path = Field(Path("var"), description="Folder of all embedded state.")
    storage: StorageSettings = StorageSettings()
    catalogue_url: str = Field("http://127.0.0.1:8000", description="The CKAN API that releases are registered with.")
    site_url: str = Field(
        "http://127.0.0.1:8000", description="The public address that links to released files begin with."
    )
