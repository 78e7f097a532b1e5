"""The section `source` of a table that a web service hands out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from publisher.policy import Strict
from publisher.sources.files.formats import CsvFormat
from publisher.sources.keys import WINDOW_MEANING, Secret, TimesOfDay

Address = Annotated[str, Field(pattern=r"^((env|file):|https?://).+")]


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
    """The `Link` header names the next page (RFC 8288, rel=next), or the answer itself does; always on the same host."""

    style: Literal["link"]
    next_path: str | None = Field(
        None, description="Dotted path to the next page's address in the answer, such as `links.next`."
    )


class NoPaging(Strict):
    """One answer holds all rows."""

    style: Literal["none"] = "none"


Paging = Annotated[PagePaging | OffsetPaging | CursorPaging | LinkPaging | NoPaging, Field(discriminator="style")]


class BearerAuth(Strict):
    """`Authorization: Bearer <token>`."""

    kind: Literal["bearer"]
    token: Secret


class ApiKeyAuth(Strict):
    """A key in a header or a query parameter of the service's own."""

    kind: Literal["api_key"]
    header: str | None = None
    parameter: str | None = Field(None, description="Instead of `header`: the query parameter that carries the key.")
    key: Secret

    @model_validator(mode="after")
    def _goes_one_way(self) -> ApiKeyAuth:
        if (self.header is None) == (self.parameter is None):
            raise ValueError("an API key needs either `header` or `parameter`")
        return self


class BasicAuth(Strict):
    """HTTP Basic."""

    kind: Literal["basic"]
    user: str
    password: Secret


class OAuth2Auth(Strict):
    """OAuth 2.0 client credentials (RFC 6749, 4.4); the token is renewed before it expires, and once when it is refused."""

    kind: Literal["oauth2"]
    token_url: Address = Field(description="Address of the token endpoint: `env:NAME`, `file:PATH` or `https://…`.")
    client_id: str
    client_secret: Secret
    scope: str | None = Field(None, description="Scopes asked for, separated by blanks.")
    client_authentication: Literal["basic", "body"] = Field(
        "basic", description="Where the client names itself: in the header, or among the form's fields."
    )


Auth = Annotated[BearerAuth | ApiKeyAuth | BasicAuth | OAuth2Auth, Field(discriminator="kind")]


class RestSource(Strict):
    """Rows of a web service.

    A source name with dots, such as `vi_tri.phuong`, takes a value out of a nested object; objects that no such name
    opens are kept as JSON text.
    """

    kind: Literal["rest"]
    url: Address = Field(
        description="Address of the endpoint: `env:NAME`, `file:PATH`, or `https://…` written out. A host written out may "
        "lie inside only when the setting `publisher.allowed_hosts` names it."
    )
    parameters: dict[str, str] = Field(default_factory=dict)
    auth: Auth | None = None
    paging: Paging = NoPaging()
    body: Literal["json", "ndjson", "geojson"] | CsvFormat = Field(
        "json",
        description="What the answers are: one JSON document, one JSON object a line, a GeoJSON FeatureCollection (columns "
        "`id`, `geometry` and `properties.NAME`), or delimited text.",
    )
    rows: str = Field(
        "",
        description="Dotted path to the list of rows in the answer, `0` for the first item of a list; empty: the answer is the list.",
    )
    total: str | None = Field(
        None,
        description="Dotted path to the number of rows the service says it holds. When it moves while pages are read, the "
        "walk begins anew, at most three times.",
    )
    unchanged: Literal["each_page", "first_page"] = Field(
        "each_page",
        description="What `ETag` and `Last-Modified` stand for: one page, so that every page is asked after, or the whole "
        "collection, so that one request tells that nothing changed.",
    )
    requests_per_second: float = Field(10, gt=0)
    timeout_seconds: float = Field(30, gt=0)
    retries: int = Field(5, ge=0, le=20)
    max_answer_bytes: int = Field(1_000_000_000, ge=1, description="One answer, unpacked; more is an error.")
    max_bytes: int = Field(2_000_000_000, ge=1, description="All answers together; more is an error.")
    load_window: list[TimesOfDay] = Field(default_factory=list, description=WINDOW_MEANING)
