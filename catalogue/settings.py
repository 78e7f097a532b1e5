"""Settings of the outside; composed by the site's command line from `phusa.toml` and `PHUSA_*`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

# What a stock CKAN allows by itself and we do not; `profile = "ckan"` takes these for what is not set.
CKAN_DEFAULTS: dict[str, Any] = {
    "create_dataset_if_not_in_organization": True,
    "user_create_groups": True,
    "user_create_organizations": True,
    "public_user_details": True,
    "default_fts_lang": "english",
}


class StorageSettings(BaseModel):
    """Where released files lie; secrets are resolved before they come here."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field("", description="`file:PATH` or `s3://bucket/prefix`; empty: the folder `storage` in the home.")
    endpoint_url: str | None = Field(None, description="Address of an S3 service that is not Amazon's.")
    region: str = "us-east-1"
    access_key: SecretStr = SecretStr("")
    secret_key: SecretStr = SecretStr("")


class MailSection(BaseModel):
    """The mail server that carries the portal's letters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smtp_url: str = Field(
        "",
        description="`smtps://USER@HOST:PORT`, `smtp+starttls://…` or, without encryption, `smtp://…`; empty: letters wait in the folder `outbox` of the home.",
    )
    password: str = Field("", description="Where the password of the mail server's user lies.")
    sender: str = Field("", description="Address that letters come from; empty: `catalogue.contact`.")

    @field_validator("smtp_url")
    @classmethod
    def _is_address_of_a_mail_server(cls, written: str) -> str:
        address = urlsplit(written)
        if written and (address.scheme not in {"smtp", "smtps", "smtp+starttls"} or not address.hostname):
            raise ValueError("write smtps://HOST, smtp+starttls://HOST or smtp://HOST")
        if address.password:
            raise ValueError("the password does not belong here, but where `password` says")
        if address.scheme == "smtp" and address.username and not is_loopback(address.hostname):
            raise ValueError("a password must not travel in the clear: use smtps or smtp+starttls")
        return written


class OidcSection(BaseModel):
    """The OpenID Connect provider that people may sign in with, such as the city's own Keycloak."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str = Field("", description="Address of the provider, as its tokens name it; empty: passwords only.")
    client_id: str = Field("", description="What the provider calls this portal.")
    client_secret: str = Field("", description="Where the client's secret lies; empty: a public client, PKCE alone.")
    label_vi: str = Field("Đăng nhập bằng tài khoản của thành phố", description="The button, in Vietnamese.")
    label_en: str = Field("Sign in with the city’s account", description="The button, in English.")
    email_domains: tuple[str, ...] = Field(
        (), description="Only people with a verified address in one of these domains may come in; empty: everybody."
    )
    create_accounts: bool = Field(True, description="Who comes for the first time gets an account, without any rights.")

    @model_validator(mode="after")
    def _is_whole(self) -> OidcSection:
        address = urlsplit(self.issuer)
        if (
            self.issuer
            and address.scheme != "https"
            and not (address.scheme == "http" and is_loopback(address.hostname))
        ):
            raise ValueError("issuer: only an https address can be trusted")
        if self.issuer and not self.client_id:
            raise ValueError("client_id: the provider needs it")
        return self


def is_loopback(host: str | None) -> bool:
    """Tell whether a host name means this very machine."""
    return host in {"localhost", "127.0.0.1", "::1"}


class CatalogueSection(BaseModel):
    """What an operator sets of the catalogue; the words are those of CKAN's own switches where it has the same one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: Literal["safe", "ckan"] = Field(
        "safe", description="Defaults of the switches below: `safe`, or CKAN's own with `ckan`."
    )
    database_url: str = Field("", description="SQLAlchemy address of the catalogue; empty: SQLite in the home.")
    title: str = Field("Phù Sa", description="Name of the portal, as the CKAN API tells it.")
    description: str = Field("", description="One sentence about the portal, as the CKAN API tells it.")
    about: str = Field(
        "", description="Who runs the portal and what for, as the CKAN API and the page about it tell it."
    )
    contact: str = Field("", description="E-mail address of the people who run the portal.")
    anon_create_dataset: bool = Field(
        False, description="Anonymous callers may create datasets without owner, where the two below are on."
    )
    create_unowned_dataset: bool = Field(False, description="Datasets may belong to no organization.")
    create_dataset_if_not_in_organization: bool = Field(
        False, description="People of no organization may create datasets, where datasets may be unowned."
    )
    user_create_groups: bool = Field(False, description="Everybody with an account may create groups.")
    user_create_organizations: bool = Field(False, description="Everybody with an account may create organizations.")
    create_user_via_api: bool = Field(False, description="Everybody may create an account through the API.")
    public_user_details: bool = Field(False, description="Anonymous callers may see accounts and members.")
    allow_dataset_collaborators: bool = Field(False, description="Single people may be let into single datasets.")
    allow_admin_collaborators: bool = Field(False, description="Collaborators may be admins of a dataset.")
    default_include_private: bool = Field(
        False, description="Searches of signed-in callers include private datasets they may see, without asking."
    )
    synonyms: Path | None = Field(
        None,
        description="CSV file `old,new[,kind]` of names that find each other in searches, beside the shipped ones.",
    )
    search_rows_max: int = Field(1000, ge=1, description="Most datasets in one answer of package_search.")
    group_and_organization_list_max: int = Field(1000, ge=1, description="Most names in one answer of a list.")
    group_and_organization_list_all_fields_max: int = Field(
        25, ge=1, description="Entries in one answer of a list with all fields, when no limit is asked for."
    )
    datastore_rows_max: int = Field(32000, ge=1, description="Most rows in one answer of datastore_search.")
    default_fts_lang: Literal["", "english"] = Field(
        "",
        description="Language of words asked of rows, where a caller names none: `english` leaves out its stop words, as CKAN does.",
    )
    sqlsearch_enabled: bool = Field(False, description="datastore_search_sql answers.")
    direct_writes: bool = Field(
        False, description="Rows that organizations push are public at once, as in CKAN; else they wait for a release."
    )
    max_resource_size_mb: int = Field(1024, ge=1, description="Largest file that may be uploaded, in MiB.")
    max_image_size_mb: int = Field(2, ge=1, description="Largest image that may be uploaded, in MiB.")

    @model_validator(mode="before")
    @classmethod
    def _take_defaults_of_profile(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("profile") == "ckan":
            return {**CKAN_DEFAULTS, **given}
        return given


class CatalogueSettings(CatalogueSection):
    """Everything that the catalogue is told: what the operator sets, and where and whose the portal is."""

    home: Path = Field(Path("var"), description="Folder of all embedded state.")
    site_url: str = Field(
        "http://127.0.0.1:8000", description="The portal's public address, without a slash at the end."
    )
    locale: str = Field("vi", description="Language of the portal where nobody chose another.")
    storage: StorageSettings = StorageSettings()
    mail: MailSection = MailSection()
    mail_password: SecretStr = SecretStr("")
    oidc: OidcSection = OidcSection()
    oidc_client_secret: SecretStr = SecretStr("")
    secret_key: SecretStr = Field(SecretStr(""), description="Signs the cookies of people who signed in.")

    @property
    def effective_database_url(self) -> str:
        """Return the database address, with the default filled in."""
        return self.database_url or f"sqlite:///{(self.home / 'catalogue.db').absolute()}"
