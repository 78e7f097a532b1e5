"""The ways in which services hand out long answers, and when each of them is over."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from publisher.errors import SourceError
from publisher.sources.rest_client import NoSuchPage
from publisher.sources.spec import CursorPaging, LinkPaging, OffsetPaging, PagePaging, RestSource


@dataclass(frozen=True)
class Page:
    """One answer: its rows, the total it claims, the whole document, and the address of the next page by its header."""

    rows: list[dict[str, Any]]
    total: int | None
    document: Any
    next_url: str | None


Ask = Callable[[str, dict[str, str]], Page]
"""Asks for an address (empty: the source's own) with these parameters besides the source's."""


def pages(spec: RestSource, ask: Ask) -> Iterator[Page]:
    """Yield all pages in order.

    Raises:
        SourceError: the service would go on for ever.
    """
    match spec.paging:
        case PagePaging() | OffsetPaging() as paging:
            return _numbered(spec, paging, ask)
        case CursorPaging() as paging:
            return _by_cursor(spec, paging, ask)
        case LinkPaging():
            return _by_link(spec, ask)
        case _:
            return iter([ask("", {})])


def _numbered(spec: RestSource, paging: PagePaging | OffsetPaging, ask: Ask) -> Iterator[Page]:
    """Go on until a page is empty or shorter than the first one.

    The size asked for proves nothing: many services cap it silently, and would look finished after one page.
    """
    first = number = taken = 0
    before: list[dict[str, Any]] = []
    total: int | None = None
    while True:
        try:
            page = ask("", _parameters(paging, number, taken))
        except NoSuchPage:
            if number and (taken == total or len(before) < paging.size):
                return  # some services say 404 where others give an empty page
            raise
        if page.rows and page.rows == before:
            raise _endless(spec, "two pages in a row are the same")
        if page.rows or number == 0:
            yield page
        first = first or len(page.rows)
        taken += len(page.rows)
        number += 1
        if not page.rows or len(page.rows) < first:
            return
        before, total = page.rows, page.total


def _parameters(paging: PagePaging | OffsetPaging, number: int, taken: int) -> dict[str, str]:
    if isinstance(paging, PagePaging):
        return {paging.page_parameter: str(paging.first_page + number), paging.size_parameter: str(paging.size)}
    return {paging.offset_parameter: str(taken), paging.limit_parameter: str(paging.size)}


def _by_cursor(spec: RestSource, paging: CursorPaging, ask: Ask) -> Iterator[Page]:
    seen: set[str] = set()
    parameters: dict[str, str] = {}
    while True:
        page = ask("", parameters)
        yield page
        cursor = _cursor(page.document, paging.cursor_path)
        if not cursor:
            return
        if cursor in seen:
            raise _endless(spec, "one cursor came twice")
        seen.add(cursor)
        parameters = {paging.cursor_parameter: cursor}


def _cursor(document: Any, path: str) -> str:
    """Return the next cursor; a path that ends early or in null is how services say that this was the last page."""
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return "" if document is None or document is False else str(document)


def _by_link(spec: RestSource, ask: Ask) -> Iterator[Page]:
    seen: set[str] = set()
    url: str | None = ""
    while url is not None:
        page = ask(url, {})
        yield page
        url = page.next_url
        if url in seen:
            raise _endless(spec, "one link to the next page came twice")
        seen.add(url or "")


def _endless(spec: RestSource, sign: str) -> SourceError:
    return SourceError(
        f"The paging of {spec.url} has no end: {sign}.",
        cure="compare `paging` in the source with the service's description",
    )
