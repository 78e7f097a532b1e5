"""The ways in which services hand out long answers, and when each of them is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from publisher.errors import SourceError
from publisher.sources.json_paths import at
from publisher.sources.rest.client import NoSuchPage
from publisher.sources.rest.spec import CursorPaging, LinkPaging, OffsetPaging, PagePaging, RestSource

MOST_EMPTY_PAGES = 100
"""In a row; beyond, a service that always names a next page will never stop."""


@dataclass(frozen=True)
class Page:
    """One answer: how many rows it had, a digest of them, the total it claims, and what stands around the rows.

    Attributes:
        link: the address of the next page as the service names it.
    """

    rows: int
    digest: bytes
    total: int | None
    document: Any
    link: str | None


Ask = Callable[[str, dict[str, str]], Page]
"""Asks for an address (empty: the source's own) with these parameters besides the source's."""


def pages(spec: RestSource, ask: Ask, *, label: str) -> Iterator[Page]:
    """Yield all pages in order.

    Raises:
        SourceError: the service would go on for ever: a page, a cursor or a link came twice, or only empty pages come.
    """
    seen: set[bytes] = set()
    empty = 0
    for page in _walk(spec, ask, label):
        if page.rows and page.digest in seen:
            raise _endless(label, "one page came twice")
        seen.add(page.digest)
        empty = 0 if page.rows else empty + 1
        if empty > MOST_EMPTY_PAGES:
            raise _endless(label, f"{empty} pages in a row are empty")
        yield page


def _walk(spec: RestSource, ask: Ask, label: str) -> Iterator[Page]:
    match spec.paging:
        case PagePaging() | OffsetPaging() as paging:
            return _numbered(paging, ask)
        case CursorPaging() as paging:
            return _by_cursor(paging, ask, label)
        case LinkPaging():
            return _by_link(ask, label)
        case _:
            return iter([ask("", {})])


def _numbered(paging: PagePaging | OffsetPaging, ask: Ask) -> Iterator[Page]:
    """Go on until a page is empty or shorter than the first one.

    The size asked for proves nothing: many services cap it silently, and would look finished after one page.
    """
    first = number = taken = before = 0
    total: int | None = None
    while True:
        try:
            page = ask("", _parameters(paging, number, taken))
        except NoSuchPage:
            if number and (taken == total or before < paging.size):
                return  # some services say 404 where others give an empty page
            raise
        yield page
        first = first or page.rows
        taken += page.rows
        number += 1
        if not page.rows or page.rows < first:
            return
        before, total = page.rows, page.total


def _parameters(paging: PagePaging | OffsetPaging, number: int, taken: int) -> dict[str, str]:
    if isinstance(paging, PagePaging):
        return {paging.page_parameter: str(paging.first_page + number), paging.size_parameter: str(paging.size)}
    return {paging.offset_parameter: str(taken), paging.limit_parameter: str(paging.size)}


def _by_cursor(paging: CursorPaging, ask: Ask, label: str) -> Iterator[Page]:
    seen: set[str] = set()
    parameters: dict[str, str] = {}
    while True:
        page = ask("", parameters)
        yield page
        cursor = _cursor(page.document, paging.cursor_path)
        if not cursor:
            return
        if cursor in seen:
            raise _endless(label, "one cursor came twice")
        seen.add(cursor)
        parameters = {paging.cursor_parameter: cursor}


def _cursor(document: Any, path: str) -> str:
    """Return the next cursor; a path that ends early or in null is how services say that this was the last page."""
    try:
        cursor = at(document, path)
    except KeyError:
        return ""
    return "" if cursor is None or cursor is False else str(cursor)


def _by_link(ask: Ask, label: str) -> Iterator[Page]:
    seen: set[str] = set()
    url: str | None = ""
    while url is not None:
        page = ask(url, {})
        yield page
        url = page.link
        if url in seen:
            raise _endless(label, "one link to the next page came twice")
        seen.add(url or "")


def _endless(label: str, sign: str) -> SourceError:
    return SourceError(
        f"{label} has no end: {sign}.",
        cure="compare `paging` in the source with the service's description",
    )
