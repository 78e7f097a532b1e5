"""The order of search results: several keys and a total order, so that deep paging neither skips nor repeats a dataset.

The index sorts by one field only. Where hits tie on the first key, the run of equals that the page touches is read and
sorted here by the other keys, the id last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import tantivy

from catalogue.errors import SearchQueryError
from catalogue.search.fields import DATE_FIELDS, NEWEST, RECENCY, SORTED_TEXTS

DEFAULT_SORT = "score desc, metadata_modified desc"
SCORE = "score"
LONGEST_RUN = 20_000  # longer runs of equals keep the order of the index, which is stable until its next change
_STORED_AS = {"title_string": "title_order", "title": "title_order"}
_NUMBERS = {"id_order", *DATE_FIELDS}
_PLACE = Any  # where the index keeps a dataset


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
        if name in {SCORE, "id", "title_order", *SORTED_TEXTS, *DATE_FIELDS}:
            keys.append(SortKey(name, parts[1].lower() == "desc"))
    return tuple(keys)


@dataclass(frozen=True)
class OrderedSearch:
    """Hits of one query in the total order of the keys and the id."""

    searcher: tantivy.Searcher
    query: tantivy.Query
    keys: tuple[SortKey, ...]

    def page(self, start: int, rows: int) -> list[str]:
        """Return the ids of one page."""
        first, others = _split(self.keys)
        exact = self._untied(first, start, rows)
        return self._ids(exact) if exact is not None else self._with_runs(first, others, start, rows)

    def _untied(self, first: SortKey, start: int, rows: int) -> list[_PLACE] | None:
        """Return the hits of a page that no run of equals reaches over; null where there is one."""
        before = min(start, 1)
        hits = self._hits(first, limit=before + rows + 1, offset=start - before)
        values = [value for value, _ in hits]
        if len(set(values)) < len(values):
            return None
        return [place for _, place in hits[before : before + rows]]

    def _with_runs(self, first: SortKey, others: Sequence[SortKey], start: int, rows: int) -> list[str]:
        want = start + rows
        page: list[_PLACE] = []
        position = 0
        for _, run in groupby(self._hits_to(first, want), key=lambda hit: hit[0]):
            places = [place for _, place in run]
            begin, position = position, position + len(places)
            if position <= start or begin >= want:
                continue
            ordered = self._ordered(places, others) if 1 < len(places) <= LONGEST_RUN else places
            page += ordered[max(0, start - begin) : want - begin]
        return self._ids(page)

    def _hits_to(self, key: SortKey, want: int) -> list[tuple[Any, _PLACE]]:
        """Return the hits up to `want`, and on to the end of the run of equals that the last of them is in."""
        limit = want + 64
        while True:
            hits = self._hits(key, limit=limit)
            if len(hits) < limit or hits[-1][0] != hits[want - 1][0] or limit > want + LONGEST_RUN:
                return hits
            limit = min(limit * 4, want + LONGEST_RUN + 1)

    def _hits(self, key: SortKey, *, limit: int, offset: int = 0) -> list[tuple[Any, _PLACE]]:
        limit = max(1, min(limit, self.searcher.num_docs + 1 - offset))
        if key.field == SCORE and not key.descending:
            return self._worst_first()[offset : offset + limit]
        if key.field == SCORE:
            found = self.searcher.search(self.query, limit, False, None, offset, weight_by_field=RECENCY)
        else:
            order = tantivy.Order.Desc if key.descending else tantivy.Order.Asc
            found = self.searcher.search(self.query, limit, False, key.field, offset, order)
        return list(found.hits)

    def _worst_first(self) -> list[tuple[Any, _PLACE]]:
        """Return hits by rising score, which the index cannot do; hardly anybody asks for it."""
        everything = self.searcher.search(self.query, limit=max(1, self.searcher.num_docs), count=False).hits
        return sorted(everything, key=lambda hit: float(hit[0]))

    def _ordered(self, places: list[_PLACE], keys: Sequence[SortKey]) -> list[_PLACE]:
        """Return equals in the order of further keys; ids decide by their numbers, and by themselves where these tie."""
        order = list(range(len(places)))
        numbers = self.searcher.fast_field_values("id_order", places)
        is_unique = len(set(numbers)) == len(numbers)
        for key in reversed(keys):
            if key.field == SCORE:  # equal by the first key; a later score would need its own search
                continue
            name = "id_order" if key.field == "id" and is_unique else key.field
            order.sort(key=self._values(name, places).__getitem__, reverse=key.descending)
        return [places[index] for index in order]

    def _values(self, name: str, places: list[_PLACE]) -> list[Any]:
        if name in _NUMBERS:
            return list(self.searcher.fast_field_values(name, places))
        return [self.searcher.doc(place)[name][0] for place in places]

    def _ids(self, places: Sequence[_PLACE]) -> list[str]:
        return [str(self.searcher.doc(place)["id"][0]) for place in places]


def _split(keys: Sequence[SortKey]) -> tuple[SortKey, list[SortKey]]:
    """Return the key that the index sorts by, and those that decide between equals."""
    first, *others = [*keys, SortKey("id", descending=False)]
    if first.field == "id":  # by number: harvesters page by id to the end, and deep pages by text are slow
        return SortKey("id_order", first.descending), [first]
    if first.field in NEWEST and first.descending:
        return SortKey(NEWEST[first.field], descending=True), [first, *others]
    return first, others
