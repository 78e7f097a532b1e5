"""The order of search results: several keys and a total order, so that deep paging neither skips nor repeats a dataset.

The index sorts by one field only. Where hits tie on the first key, the run of equals that the page touches is read and
sorted here by the other keys, the id last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import tantivy

from catalogue.errors import SearchQueryError
from catalogue.search_fields import DATE_FIELDS, SORTED_TEXTS

DEFAULT_SORT = "score desc, metadata_modified desc"
SCORE = "score"
_STORED_AS = {"title_string": "title_order", "title": "title_order"}


@dataclass(frozen=True)
class SortKey:
    """One field to sort by, under its name in the index."""

    field: str
    descending: bool


def parse_sort(text: str | None) -> tuple[SortKey, ...]:
    """Return the keys of a `sort` parameter; fields that cannot be sorted by have no effect.

    Raises:
        SearchQueryError: A clause has no direction.
    """
    wanted = (text or "").strip()
    keys = []
    for clause in (DEFAULT_SORT if wanted in {"", "rank"} else wanted).split(","):
        parts = clause.split()
        if len(parts) != 2 or parts[1].lower() not in {"asc", "desc"}:
            raise SearchQueryError("'Invalid \"sort\" parameter'")
        name = _STORED_AS.get(parts[0], parts[0])
        if name in {SCORE, "title_order", *SORTED_TEXTS, *DATE_FIELDS}:
            keys.append(SortKey(name, parts[1].lower() == "desc"))
    return tuple(keys)


def page_of_ids(
    searcher: tantivy.Searcher, query: tantivy.Query, keys: Sequence[SortKey], *, start: int, rows: int
) -> list[str]:
    """Return the ids of one page in the total order of the keys and the id."""
    first, *others = [*keys, SortKey("id", descending=False)]
    if first.field == "id":  # by number first: harvesters page by id to the end, and deep pages by text are slow
        first, others = SortKey("id_order", first.descending), [first, *others]
    if first.field == "name":
        order = tantivy.Order.Desc if first.descending else tantivy.Order.Asc
        found = searcher.search(query, limit=rows, count=False, order_by_field=first.field, offset=start, order=order)
        return [str(searcher.doc(place)["id"][0]) for _, place in found.hits]
    want = start + rows
    hits = _hits_to(searcher, query, first, want)
    page: list[str] = []
    position = 0
    for _, run in groupby(hits, key=lambda hit: hit[0]):
        places = [place for _, place in run]
        begin, position = position, position + len(places)
        if position <= start or begin >= want:
            continue
        ids = _sorted_ids(searcher, places, others)
        page += ids[max(0, start - begin) : want - begin]
    return page


def _hits_to(searcher: tantivy.Searcher, query: tantivy.Query, key: SortKey, want: int) -> list[tuple[Any, Any]]:
    """Return the hits up to `want`, and on to the end of the run of equals that the last of them is in."""
    limit = want + 1
    while True:
        hits: list[tuple[Any, Any]] = _search(searcher, query, key, limit)
        if len(hits) < limit or hits[-1][0] != hits[want - 1][0]:
            return hits
        limit = min(limit * 4, searcher.num_docs + 1)


def _search(searcher: tantivy.Searcher, query: tantivy.Query, key: SortKey, limit: int) -> list[tuple[Any, Any]]:
    if key.field == SCORE:
        hits = list(searcher.search(query, limit=limit, count=False).hits)
        return hits if key.descending else _worst_first(searcher, query, limit)
    order = tantivy.Order.Desc if key.descending else tantivy.Order.Asc
    return list(searcher.search(query, limit=limit, count=False, order_by_field=key.field, order=order).hits)


def _worst_first(searcher: tantivy.Searcher, query: tantivy.Query, limit: int) -> list[tuple[Any, Any]]:
    """Return hits by rising score, which the index cannot do; hardly anybody asks for it."""
    everything = searcher.search(query, limit=max(1, searcher.num_docs), count=False).hits
    return sorted(everything, key=lambda hit: float(hit[0]))[:limit]


def _sorted_ids(searcher: tantivy.Searcher, places: Sequence[Any], keys: Sequence[SortKey]) -> list[str]:
    documents = [searcher.doc(place) for place in places]
    for key in reversed(keys):
        if key.field != SCORE:  # equal by the first key; a later score would need its own search
            documents.sort(key=_stored(key.field), reverse=key.descending)
    return [str(document["id"][0]) for document in documents]


def _stored(name: str) -> Callable[[tantivy.Document], Any]:
    return lambda document: document[name][0]
