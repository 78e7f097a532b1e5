"""Answers one question on one state of the index: how many, which ones in which order, and how many of each value.

What was answered is kept until the index changes, because most questions to a catalogue are asked again and again: the first
page, its facets, the next page of a harvester.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import tantivy

from catalogue.search.compile import Compiler, is_scored
from catalogue.search.fields import EXACT_FIELDS, PUBLIC, id_order, json_key
from catalogue.search.order import SCORE, OrderedSearch, SortKey
from catalogue.search.plain import Widener
from catalogue.search.request import SearchPage, SearchRequest, Visibility
from catalogue.search.spelling import composed
from catalogue.search.synonyms import Lexicon

MOST_FACET_VALUES = 65_000
_SPARE = 100  # values fetched beyond the limit, so that equal counts can be put in order
MOST_KEPT = 100_000  # values and ids in all kept answers together


class AnswerCache:
    """Answers of one state of the index, the least used ones forgotten first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._weight = 0

    def get(self, key: Hashable) -> Any:
        """Return what was kept, else null."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key][0]

    def keep(self, key: Hashable, answer: Any, weight: int) -> None:
        """Keep an answer; the weight is how many values it holds."""
        with self._lock:
            self._weight += weight + 10 - self._kept.pop(key, (None, 0))[1]
            self._kept[key] = (answer, weight + 10)
            while self._weight > MOST_KEPT:
                self._weight -= self._kept.popitem(last=False)[1][1]


class Answerer:
    """One state of the index, ready to be asked."""

    def __init__(
        self,
        schema: tantivy.Schema,
        analyzers: dict[str, tantivy.TextAnalyzer],
        searcher: tantivy.Searcher,
        lexicon: Lexicon,
        cache: AnswerCache,
    ) -> None:
        self._schema = schema
        self._analyzers = analyzers
        self._searcher = searcher
        self._lexicon = lexicon
        self._cache = cache

    def answer(self, request: SearchRequest, now: Callable[[], datetime]) -> SearchPage:
        """Return one page of matches.

        Raises:
            SearchError: The query cannot be answered as it stands.
        """
        all_of_it = replace(request, sort=(), start=0, rows=0)
        tally: tuple[int, dict[str, dict[str, int]]] | None = self._cache.get(all_of_it)
        ids: list[str] | None = self._cache.get(request) if request.rows else []
        if tally is None or ids is None:
            compiler = Compiler(self._schema, self._analyzers, self._searcher, now, renamed=self._lexicon.renamed)
            query = Widener(self._lexicon, self._searcher, self._analyzers).widened(request.query)
            limits = [*map(compiler.match, request.filters), self._visible(request.visibility)]
            if tally is None:
                tally = self._tally(_with_limits(compiler.match(query), limits), request)
            if ids is None:
                keys = tuple(key for key in request.sort if key.field != SCORE or is_scored(query))
                is_ranked = any(key.field == SCORE for key in keys[:1])
                found = compiler.rank(query) if is_ranked else compiler.match(query)
                ids = self._page(_with_limits(found, limits), keys, request, tally[0])
            if not compiler.used_now:
                self._cache.keep(all_of_it, tally, sum(map(len, tally[1].values())))
                self._cache.keep(request, ids, len(ids))
        return SearchPage(count=tally[0], ids=list(ids), facets={name: dict(tally[1][name]) for name in tally[1]})

    def _page(self, query: tantivy.Query, keys: tuple[SortKey, ...], request: SearchRequest, count: int) -> list[str]:
        """Return the ids of a page; one that follows another by id begins where that one ended, however deep it lies."""
        rows = min(request.rows, count - request.start)
        if rows <= 0:
            return []
        is_by_id = keys[:1] == (SortKey("id", descending=False),)
        last = self._cache.get(_place(request, request.start)) if is_by_id else None
        if last is None:
            ids = OrderedSearch(self._searcher, query, keys).page(request.start, rows)
        else:
            following = _every([query, self._after(last)])
            ids = OrderedSearch(self._searcher, following, keys).page(0, rows)
        if is_by_id and ids and self._is_alone(id_order(ids[-1])):
            self._cache.keep(_place(request, request.start + rows), id_order(ids[-1]), 1)
        return ids

    def _after(self, last: int) -> tantivy.Query:
        kind = tantivy.FieldType.Integer
        beyond = tantivy.Query.range_query(self._schema, "id_order", kind, last, None, include_lower=False)
        return tantivy.Query.const_score_query(beyond, 0.0)

    def _is_alone(self, number: int) -> bool:
        """Tell whether one dataset only has this number; others may be hidden from the caller."""
        return bool(self._searcher.doc_freq("id_order", number) == 1)

    def _tally(self, query: tantivy.Query, request: SearchRequest) -> tuple[int, dict[str, dict[str, int]]]:
        """Return the number of matches and the facets, all in one pass; a custom key is a field like any other."""
        limit = request.facet_limit
        size = min(limit + _SPARE, MOST_FACET_VALUES) if limit >= 0 else MOST_FACET_VALUES
        asked: dict[str, Any] = {"count": {"value_count": {"field": "id_order"}}}
        for number, name in enumerate(request.facets):
            asked[str(number)] = _values_of(name, size)
        told = self._searcher.aggregate(query, asked)
        facets = {}
        for number, name in enumerate(request.facets):
            buckets = told[str(number)]["buckets"]
            if (
                0 < limit < len(buckets) == size < MOST_FACET_VALUES
                and buckets[-1]["doc_count"] == buckets[limit - 1]["doc_count"]
            ):
                again = {"all": _values_of(name, MOST_FACET_VALUES)}  # more equals than were fetched: see them all
                buckets = self._searcher.aggregate(query, again)["all"]["buckets"]
            facets[name] = _counts(buckets, request)
        return int(told["count"]["value"]), facets

    def _visible(self, who: Visibility) -> tantivy.Query:
        """Return the query of all datasets that the caller may find."""
        ways = [self._with_access(PUBLIC)]
        if who.include_private and who.is_unlimited:
            ways.append(self._with_access("active:private"))
        elif who.include_private:
            for field, ids in (("owner_org", who.organizations), ("id", who.packages)):
                if ids:
                    own = tantivy.Query.term_set_query(self._schema, field, list(ids))
                    ways.append(_every([self._with_access("active:private"), own]))
        for state, is_wanted in (("draft", who.include_drafts), ("deleted", who.include_deleted)):
            hidden = _some([self._with_access(f"{state}:{capacity}") for capacity in ("public", "private")])
            if is_wanted and who.is_unlimited:
                ways.append(hidden)
            elif is_wanted and who.user_id:
                made = tantivy.Query.term_query(self._schema, "creator_user_id", who.user_id, "basic")
                ways.append(_every([hidden, made, self._still_theirs(who)]))
        return _some(ways)

    def _still_theirs(self, who: Visibility) -> tantivy.Query:
        """Return the query of datasets without organization or of the caller's own: who left one reads nothing hidden."""
        owned = tantivy.Query.term_query(self._schema, "filled", "owner_org", "basic")
        unowned = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.all_query()), (tantivy.Occur.MustNot, owned)]
        )
        if not who.organizations:
            return unowned
        return _some([unowned, tantivy.Query.term_set_query(self._schema, "owner_org", list(who.organizations))])

    def _with_access(self, value: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, "access", value, "basic")


def _place(request: SearchRequest, start: int) -> Hashable:
    """Return the key under which is kept what the page before `start` ended with."""
    return ("place", replace(request, start=start, rows=0, facets=()))


def _values_of(name: str, size: int) -> dict[str, Any]:
    """Return the question for the most frequent values of a field, exact although each segment counts for itself."""
    field = name if name in EXACT_FIELDS else f"facets.{json_key(composed(name))}"
    return {"terms": {"field": field, "size": max(1, size), "segment_size": MOST_FACET_VALUES}}


def _counts(buckets: Iterable[dict[str, Any]], request: SearchRequest) -> dict[str, int]:
    """Return counts per value, the most frequent first."""
    counted = [(str(b["key"]), int(b["doc_count"])) for b in buckets if b["key"] != ""]
    ranked = sorted(counted, key=lambda pair: (-pair[1], pair[0]))
    limit = len(ranked) if request.facet_limit < 0 else request.facet_limit
    return {value: count for value, count in ranked[:limit] if count >= request.facet_mincount}


def _every(queries: Iterable[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


def _some(queries: Sequence[tantivy.Query]) -> tantivy.Query:
    if len(queries) == 1:
        return queries[0]
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _with_limits(query: tantivy.Query, limits: Sequence[tantivy.Query]) -> tantivy.Query:
    """Return the query with filters that do not change the rank."""
    return _every([query, *(tantivy.Query.const_score_query(limit, 0.0) for limit in limits)])
