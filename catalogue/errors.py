"""What the catalogue answers when it cannot do what it was asked, in the shapes of the CKAN API.

::

    CatalogueError
    ├── NotFound            404  Not Found Error
    ├── NotAuthorized       403  Authorization Error
    ├── ValidationError     409  Validation Error     a message list per field
    ├── MalformedInput      400  Integrity Error      wrong nesting, such as a text where a list belongs
    ├── SearchQueryError    400  Search Query Error   wrong search parameters
    ├── SearchError         409  Search Error         a query that must be refused
    ├── SearchIndexError    500  Search Index Error
    └── BadRequest          400  a bare JSON text, no envelope
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class CatalogueError(Exception):
    """Base of all answers that are not a result."""

    status = 500
    kind = "Internal Server Error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part of the envelope."""
        return {"__type": self.kind, "message": self.message}


class NotFound(CatalogueError):  # noqa: N818  CKAN's word
    """There is no such thing."""

    status = 404
    kind = "Not Found Error"

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part; clients keep what follows the first colon."""
        return {"__type": self.kind, "message": f"Not found: {self.message}" if self.message else "Not found"}


class NotAuthorized(CatalogueError):  # noqa: N818  CKAN's word
    """The caller may not do this."""

    status = 403
    kind = "Authorization Error"

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part; clients keep what follows the first colon."""
        return {"__type": self.kind, "message": f"Access denied: {self.message}" if self.message else "Access denied"}


class ValidationError(CatalogueError):
    """The given values are not acceptable: a list of messages per field."""

    status = 409
    kind = "Validation Error"

    def __init__(self, error_dict: Mapping[str, Any] | str) -> None:
        self.error_dict: dict[str, Any] = {"message": error_dict} if isinstance(error_dict, str) else dict(error_dict)
        super().__init__(str(self.error_dict))

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part."""
        return {**self.error_dict, "__type": self.kind}


class MalformedInput(CatalogueError):  # noqa: N818  what it says
    """A value has the wrong nesting, such as a text where a list of objects belongs."""

    status = 400
    kind = "Integrity Error"

    def __init__(self, field: str) -> None:
        super().__init__(f"Only lists of dicts can be placed against subschema {field!r}")
        self.field = field

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part; the offending value is not repeated."""
        return {"__type": self.kind, "message": self.message, "data": {self.field: None}}


class SearchQueryError(CatalogueError):
    """The parameters of a search are wrong."""

    status = 400
    kind = "Search Query Error"

    def to_dict(self) -> dict[str, Any]:
        """Return the `error` part."""
        return {"__type": self.kind, "message": f"Search Query is invalid: {self.message}"}


class SearchError(CatalogueError):
    """The search engine refuses the query."""

    status = 409
    kind = "Search Error"


class SearchIndexError(CatalogueError):
    """The search index cannot answer."""

    kind = "Search Index Error"


class BadRequest(CatalogueError):  # noqa: N818  HTTP's word
    """The request cannot be read as a call of an action; answered with a bare text."""

    status = 400
    kind = "Bad Request"
