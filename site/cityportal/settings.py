"""All settings: `phusa.toml` (in the working folder, or named by PHUSA_CONFIG) and `PHUSA_*` environment variables.

The environment wins over the file. Secrets are never written here; settings say where they lie (`env:NAME`, `file:PATH`).
"""

from __future__ import annotations

import os
import secrets as random_source
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from catalogue import settings as outside
from publisher.errors import DescriptorError
from publisher.secrets import Secrets
from publisher.settings import PublisherSection, PublisherSettings, StorageSettings


class CitySection(BaseModel):
    """The city or province whose portal this is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vi: str = "Thành phố Hồ Chí Minh"
    en: str = "Ho Chi Minh City"


class PortalSettings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(env_prefix="PHUSA_", env_nested_delimiter="__", extra="forbid", frozen=True)

    home: Path = Field(Path("var"), description="Folder of all embedded state.")
    site_url: str = Field(
        "http://127.0.0.1:8000", description="The portal's public address, without a slash at the end."
    )
    city: CitySection = CitySection()
    storage: StorageSettings = StorageSettings()
    publisher: PublisherSection = PublisherSection()
    catalogue: outside.CatalogueSection = outside.CatalogueSection()
    mail: outside.MailSection = outside.MailSection()
    oidc: outside.OidcSection = outside.OidcSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what the caller gives, then the environment, then the file."""
        file = os.environ.get("PHUSA_CONFIG", "phusa.toml")
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))

    def for_publisher(self) -> PublisherSettings:
        """Return the settings that the inside takes."""
        own = {"home": self.home, "storage": self.storage, "site_url": self.site_url}
        section = self.publisher.model_dump()
        return PublisherSettings(**{**section, "catalogue_url": section["catalogue_url"] or self.site_url, **own})

    def for_catalogue(self, secrets: Secrets) -> outside.CatalogueSettings:
        """Return the settings that the outside takes, with the secrets it needs resolved."""
        return outside.CatalogueSettings(
            **self.catalogue.model_dump(exclude_unset=True),
            home=self.home,
            site_url=self.site_url,
            storage=_storage_of_catalogue(self.storage, secrets),
            mail=self.mail,
            mail_password=_secret(self.mail.password, secrets),
            oidc=self.oidc,
            oidc_client_secret=_secret(self.oidc.client_secret, secrets),
            secret_key=SecretStr(cookie_key(self.home)),
        )


def read_settings(**given: Any) -> PortalSettings:
    """Read the settings; what is given here wins over environment and file.

    Raises:
        DescriptorError: names each setting that is unknown or wrong.
    """
    try:
        return PortalSettings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = (f"{'.'.join(str(step) for step in fault['loc'])}: {fault['msg']}" for fault in error.errors())
        raise DescriptorError("; ".join(faults), cure="see docs/settings.md") from None
    except tomllib.TOMLDecodeError as error:
        raise DescriptorError(f"phusa.toml cannot be read: {error}.", cure="mend the TOML there") from None


def cookie_key(home: Path) -> str:
    """Return the key that signs session cookies, made at first use and readable by this user only."""
    path = home / "keys" / "cookies.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{path.name}.{os.getpid()}")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(random_source.token_urlsafe(48))
        with suppress(FileExistsError):  # of two processes that start at once, the first one's key is everybody's
            path.hardlink_to(part)
        part.unlink()
    return path.read_text(encoding="ascii").strip()


def _storage_of_catalogue(storage: StorageSettings, secrets: Secrets) -> outside.StorageSettings:
    plain = storage.model_dump(exclude={"access_key", "secret_key"})
    if not storage.url.startswith("s3:"):
        return outside.StorageSettings(**plain)
    return outside.StorageSettings(
        **plain,
        access_key=SecretStr(secrets.resolve(storage.access_key)),
        secret_key=SecretStr(secrets.resolve(storage.secret_key)),
    )


def _secret(reference: str, secrets: Secrets) -> SecretStr:
    return SecretStr(secrets.resolve(reference) if reference else "")
