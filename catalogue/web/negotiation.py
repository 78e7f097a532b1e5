"""Which form of a page a client asks for with its header `Accept`: the page itself, or RDF."""

from __future__ import annotations

import re
from dataclasses import dataclass

from werkzeug.datastructures import MIMEAccept

RDF_TYPES = {
    "text/turtle": "ttl",
    "application/ld+json": "jsonld",
    "application/rdf+xml": "rdf",
    "text/n3": "n3",
}
"""Media types of RDF and the extensions of our addresses; what a page offers besides itself."""

_PAGES = ("text/html", "application/xhtml+xml")
_NEGOTIABLE = re.compile(r"(?:/en)?(?:/(?:catalog|dataset(?:_series)?/(?P<id>[^/]+))?)?/?")


@dataclass(frozen=True)
class Negotiable:
    """A page that has other forms; `dataset` is the name or id of its dataset, empty for the whole catalogue."""

    dataset: str = ""


def negotiable(path: str) -> Negotiable | None:
    """Return what a path stands for when it has other forms, else null."""
    found = _NEGOTIABLE.fullmatch(path)
    return Negotiable(found["id"] or "") if found else None


def rdf_extension(accept: MIMEAccept) -> str | None:
    """Return the extension of the form of RDF that the client likes best; null when it likes a page at least as well."""
    best = accept.best_match((*_PAGES, *RDF_TYPES))
    return RDF_TYPES.get(best or "")
