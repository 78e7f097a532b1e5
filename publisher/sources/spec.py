"""The section `source` of a table: where its rows come from. Secrets are named, never written."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from publisher.policy import Strict

Secret = Annotated[
    str, Field(pattern=r"^(env|file):.+", description="Where the secret lies: `env:NAME` or `file:PATH`.")
]


class SqlSource(Strict):
    """Rows of one query, read in one read-only transaction and streamed."""

    kind: Literal["sql"]
    url: Secret = Field(description="SQLAlchemy address of the database; PostgreSQL is read through ADBC.")
    query: str = Field(description="One SELECT without parameters; its columns are the source names of the fields.")
    count_query: str | None = Field(None, description="One SELECT that returns the number of rows the query must give.")
    batch_rows: int = Field(20_000, ge=100, le=1_000_000)
    statement_timeout_seconds: int = Field(600, ge=1)


class PagePaging(Strict):
    """`?page=1&size=500`, until a page is short or empty."""

    style: Literal["page"]
    page_parameter: str = "page"
    size_parameter: str = "size"
    size: int = Field(500, ge=1)
    first_page: int = 1


class OffsetPaging(Strict):
    """`?offset=0&limit=500`, until a page is short or empty."""

    style: Literal["offset"]
    offset_parameter: str = "offset"
    limit_parameter: str = "limit"
    size: int = Field(500, ge=1)


class CursorPaging(Strict):
    """The answer names the next cursor; the last page has none."""

    style: Literal["cursor"]
    cursor_path: str = Field(description="Dotted path to the next cursor in the answer.")
    cursor_parameter: str = "cursor"


class LinkPaging(Strict):
    """The `Link` header names the next page (RFC 8288, rel=next)."""

    style: Literal["link"]


class NoPaging(Strict):
    """One answer holds all rows."""

    style: Literal["none"] = "none"


Paging = Annotated[PagePaging | OffsetPaging | CursorPaging | LinkPaging | NoPaging, Field(discriminator="style")]


class BearerAuth(Strict):
    """`Authorization: Bearer <token>`."""

    kind: Literal["bearer"]
    token: Secret


class ApiKeyAuth(Strict):
    """A key in a header of the service's own."""

    kind: Literal["api_key"]
    header: str
    key: Secret


class BasicAuth(Strict):
    """HTTP Basic."""

    kind: Literal["basic"]
    user: str
    password: Secret


Auth = Annotated[BearerAuth | ApiKeyAuth | BasicAuth, Field(discriminator="kind")]


class RestSource(Strict):
    """Rows of a JSON service."""

    kind: Literal["rest"]
    url: Secret = Field(description="Address of the endpoint.")
    parameters: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    paging: Paging = NoPaging()
    rows: str = Field("", description="Dotted path to the list of rows in the answer; empty: the answer is the list.")
    total: str | None = Field(None, description="Dotted path to the number of rows the service says it holds.")
    requests_per_second: float = Field(10, gt=0)
    timeout_seconds: float = Field(30, gt=0)
    retries: int = Field(5, ge=0, le=20)
    max_bytes: int = Field(2_000_000_000, ge=1, description="All answers together; more is an error.")


class CsvFormat(Strict):
    """A delimited text; what the definition states is confirmed against the bytes."""

    kind: Literal["csv"]
    encoding: Literal["utf-8", "windows-1258", "windows-1252", "latin-1", "utf-16"] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    header: bool = Field(True, description="False: the file has no header row, fields come in the definition's order.")
    skip_initial_space: bool = False
    decimal: Literal[".", ","] = "."


class ExcelFormat(Strict):
    """One sheet of a workbook (.xls, .xlsx, .ods)."""

    kind: Literal["excel"]
    sheet: str | int = Field(0, description="Name or position of the sheet.")
    header_rows: list[int] = Field(
        default_factory=lambda: [1],
        description="1-based rows that form the header; several are joined by a space, merged cells filled.",
    )
    stop_at_blank: bool = Field(True, description="Rows from the first wholly blank row on are footers, not data.")


FileFormat = Annotated[CsvFormat | ExcelFormat, Field(discriminator="kind")]


class FileSource(Strict):
    """Files in a folder, on S3 or behind SFTP; the rows of all matching files, in name order."""

    kind: Literal["file"]
    location: str = Field(
        description="`env:NAME` or `file:PATH` of an address, or a folder relative to the definition. Addresses: a folder, s3://bucket/prefix, sftp://user@host:port/folder."
    )
    pattern: str = Field("*", description="Glob over file names; gzip (.gz) is undone.")
    take: Literal["all", "newest"] = Field("newest", description="`newest`: the last in name order.")
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


SourceSpec = Annotated[SqlSource | RestSource | FileSource, Field(discriminator="kind")]
