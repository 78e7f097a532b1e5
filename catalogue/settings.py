"""Settings of the outside; composed by the site's command line from `phusa.toml` and `PHUSA_*`."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class StorageSettings(BaseModel):
    """Where released files lie; secrets are resolved before they come here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field("", description="`file:PATH` or `s3://bucket/prefix`; empty: the folder `storage` in the home.")
    endpoint_url: str | None = Field(None, description="Address of an S3 service that is not Amazon's.")
    region: str = "us-east-1"
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")


class CatalogueSettings(BaseModel):
    """Settings of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="Folder of all embedded state.")
    database_url: str = Field("", description="SQLAlchemy address of the catalogue; empty: SQLite in the home.")
    site_url: str = Field(
        "http://127.0.0.1:8000", description="The portal's public address, without a slash at the end."
    )
    site_title: str = Field("Phù Sa", description="Name of the portal.")
    site_description: str = Field("", description="One sentence about the portal.")
    site_contact: str = Field("", description="E-mail address of the people who run the portal.")
    locale: str = Field("vi", description="Language of the portal where nobody chose another.")
    storage: StorageSettings = StorageSettings()
    secret_key: SecretStr = Field(SecretStr(""), description="Signs the cookies of people who signed in.")

    @property
    def effective_database_url(self) -> str:
        """Return the database address, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.home / 'catalogue.db').absolute()}"
