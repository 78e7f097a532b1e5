"""Compiles the tree of a query into queries of the index; knows how each field matches.

Each tree is compiled twice: `match` says which datasets are found and is cheap to count by; `rank` finds the same ones and
scores them, also by their exact spelling, their title and their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

import tantivy

from catalogue.errors import SearchError
from catalogue.search.fields import (
    ALIASES,
    DATE_FIELDS,
    EXACT_FIELDS,
    NGRAM_FIELDS,
    PAIR_SEPARATOR,
    RANKED_FIELDS,
    WORD_FIELDS,
    json_key,
)
from catalogue.search.instants import HIGHEST, LOWEST, micros, range_terms
from catalogue.search.query import (
    Choice,
    Group,
    MatchAll,
    Node,
    Occur,
    Pattern,
    Phrase,
    QuerySyntaxError,
    Range,
    Term,
    Wild,
    parse_instant,
)
from catalogue.search.spelling import LONGEST_WORD, composed, spelled, words_of

Query = tantivy.Query
Leaf = Term | Phrase | Pattern | Range
_OCCURS = {
    Occur.MUST: tantivy.Occur.Must,
    Occur.SHOULD: tantivy.Occur.Should,
    Occur.MUST_NOT: tantivy.Occur.MustNot,
}
# What a hit of a bare word is worth beside the hit in the folded text: in the title, in names, in the exact spelling.
_WEIGHTS = {"title_exact": 6.0, "title": 4.0, "names": 2.0, "text_exact": 1.5}
_NEIGHBOURS = 3.0  # two words of the question side by side in the title or in names
_WHOLE = 6.0  # the whole question as a phrase there
_MANY = 5  # longer questions are ranked by their titles alone, which costs less and tells as much
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
_MICROS_A_MILLI = 1000
_GROUP_FIELDS = {"organization", "groups"}


class Compiler:
    """Compiles queries for one state of the index.

    Attributes:
        used_now: Whether a query depended on the time, so that its answer may not be kept.
    """

    def __init__(
        self,
        schema: tantivy.Schema,
        analyzers: dict[str, tantivy.TextAnalyzer],
        searcher: tantivy.Searcher,
        now: Callable[[], datetime],
        *,
        renamed: Mapping[str, str] | None = None,
    ) -> None:
        self.schema = schema
        self.analyzers = analyzers
        self.searcher = searcher
        self.now = now
        self.renamed = renamed or {}
        self.used_now = False
        self._is_long = False

    def match(self, node: Node) -> Query:
        """Return the query that finds what a tree asks for; its scores mean nothing.

        Raises:
            SearchError: A date or a range cannot be read.
        """
        return self._compile(node, is_ranked=False)

    def rank(self, node: Node) -> Query:
        """Return the query that finds the same and scores it.

        Raises:
            SearchError: A date or a range cannot be read.
        """
        return self._compile(node, is_ranked=True)

    def _compile(self, node: Node, *, is_ranked: bool) -> Query:
        if isinstance(node, MatchAll):
            return Query.all_query()
        if isinstance(node, Group):
            return self._group(node, is_ranked=is_ranked)
        if isinstance(node, Choice):
            return self._choice(node, is_ranked=is_ranked)
        if node.field is None:
            return self._words("text", node, is_ranked=is_ranked)
        return self._fielded(ALIASES.get(node.field, node.field), node, is_ranked=is_ranked)

    def _fielded(self, field: str, node: Leaf, *, is_ranked: bool) -> Query:
        if field in DATE_FIELDS:
            return self._date(field, node)
        if field in NGRAM_FIELDS:
            return self._part(NGRAM_FIELDS[field], node)
        if field in WORD_FIELDS:
            return self._words(field, node, is_ranked=is_ranked)
        return self._exact(field, "", node) if field in EXACT_FIELDS else self._custom(field, node)

    def _custom(self, field: str, node: Leaf) -> Query:
        """Return the query of a key of `extras`: as words under its prefixed name, as a whole value under its own."""
        for prefix in ("res_extras", "extras"):
            if field.startswith(f"{prefix}_"):
                return self._custom_words(prefix, field.removeprefix(f"{prefix}_"), node)
        return self._exact("pairs", f"{composed(field)}{PAIR_SEPARATOR}", node)

    def _group(self, group: Group, *, is_ranked: bool) -> Query:
        told = [(occur, node) for occur, node in group.clauses if self._says_something(node)]
        if not told:
            return Query.empty_query()
        self._is_long = group.lenient and len(told) > _MANY
        pairs = [
            (_OCCURS[occur], self._compile(node, is_ranked=is_ranked and occur is not Occur.MUST_NOT))
            for occur, node in told
        ]
        wanted = sum(occur is Occur.SHOULD for occur, _ in told)
        if not (group.lenient and wanted):
            return Query.boolean_query(pairs)
        found = Query.boolean_query(pairs, minimum_number_should_match=_needed(wanted))
        nearby = self._neighbours(told) if is_ranked else []
        return Query.boolean_query([(tantivy.Occur.Must, found), *nearby]) if nearby else found

    def _says_something(self, node: Node) -> bool:
        """Tell whether a node has a word in it; signs alone are left out of the question."""
        if isinstance(node, Term | Phrase) and node.field is None:
            return bool(self._analyzed("lowered", node.text))
        return True

    def _neighbours(self, told: Sequence[tuple[Occur, Node]]) -> list[tuple[tantivy.Occur, Query]]:
        """Return what lifts titles and names in which the words of the question stand as they were asked."""
        asked = [
            node.options[0][0] if isinstance(node, Choice) else node for occur, node in told if occur is Occur.SHOULD
        ]
        text = " ".join(word for node in asked for word in _terms_of(node))
        words = self._analyzed("folded", text)
        if not 2 <= len(words) <= 12:
            return []
        exact = self._analyzed("lowered", spelled(text))
        lifts = []
        for name, listed in (("title", words), ("title_exact", exact), ("names", words))[: 1 if self._is_long else 3]:
            phrases = [(pair, _NEIGHBOURS) for pair in pairwise(listed)]
            whole = [(tuple(listed), _WHOLE)] if len(listed) > 2 else []
            for phrase, weight in (*phrases, *whole):
                lifts.append(Query.boost_query(self._phrase(name, phrase, 0), weight))
        return [(tantivy.Occur.Should, query) for query in lifts]

    def _choice(self, choice: Choice, *, is_ranked: bool) -> Query:
        if not is_ranked:
            return _any([self.match(node) for node, _ in choice.options])
        return Query.disjunction_max_query(
            [Query.boost_query(self.rank(node), weight) for node, weight in choice.options], tie_breaker=0.1
        )

    # ---- words

    def _words(self, field: str, node: Leaf, *, is_ranked: bool) -> Query:
        if _asks_presence(node):
            return self._filled(field)
        if isinstance(node, Range):
            raise SearchError(f"Ranges are not supported in field {field!r}")
        if isinstance(node, Pattern):
            return self._pattern(field, node)
        found = self._in_field(field, node)
        if found is None:
            return Query.empty_query()
        if not is_ranked or (isinstance(node, Term) and node.edits):
            return found
        return Query.boolean_query([(tantivy.Occur.Must, found), *self._lifts(field, node)])

    def _lifts(self, field: str, node: Term | Phrase) -> list[tuple[tantivy.Occur, Query]]:
        """Return what lifts a hit: the exact spelling, and for a bare word the title and the names."""
        names = _WEIGHTS if node.field is None else {f"{field}_exact": 1.5} if field in RANKED_FIELDS else {}
        lifts = []
        for name, weight in names.items():
            if self._is_long and not name.startswith("title"):
                continue
            if name == "text_exact" and len(words_of(node.text)) > 1:  # the index keeps no places there
                continue
            query = self._in_field(name, node)
            if query is not None:
                lifts.append((tantivy.Occur.Should, Query.boost_query(query, weight)))
        return lifts

    def _in_field(self, name: str, node: Term | Phrase) -> Query | None:
        """Return the query of one indexed field, null when nothing is left of the text."""
        is_exact = name.endswith("_exact")
        words = self._analyzed("lowered", spelled(node.text)) if is_exact else self._analyzed("folded", node.text)
        if isinstance(node, Term) and node.edits and len(words) == 1 and len(words[0]) <= LONGEST_WORD:
            word = self._analyzed("unstemmed", node.text)[0]
            return Query.fuzzy_term_query(self.schema, name, word, distance=node.edits)
        return self._sequence(name, words, node.slop if isinstance(node, Phrase) else 0)

    def _sequence(self, name: str, words: Sequence[str], slop: int) -> Query | None:
        if not words:
            return None
        if len(words) == 1:
            return Query.term_query(self.schema, name, words[0], "freq")
        return self._phrase(name, words, slop)

    def _phrase(self, name: str, words: Sequence[str], slop: int) -> Query:
        places: list[str | tuple[int, str]] = list(words)
        return Query.phrase_query(self.schema, name, places, slop)

    def _analyzed(self, analyzer: str, text: str) -> list[str]:
        return list(self.analyzers[analyzer].analyze(composed(text)))

    def _pattern(self, field: str, node: Pattern) -> Query:
        """Return words that fit a pattern, endings left alone: a wildcard follows a part of a word."""
        pieces: list[str | Wild] = [
            piece if isinstance(piece, Wild) else "".join(self._analyzed("unstemmed", piece)) for piece in node.pieces
        ]
        queries = [self._regex(field, "", pieces)]
        if field == "title":  # the exact form has its endings still
            lowered = [piece if isinstance(piece, Wild) else spelled(piece).lower() for piece in node.pieces]
            queries.append(self._regex("title_exact", "", lowered))
        return _any(queries)

    def _part(self, field: str, node: Leaf) -> Query:
        """Return titles or names with words that hold the asked ones as a part."""
        if not isinstance(node, Term | Phrase):
            return self._fielded(field, node, is_ranked=False)
        words = self._analyzed("unstemmed", node.text) if field == "title" else words_of(node.text.lower())
        holds = [self._pattern("title", pattern) if field == "title" else self._exact(field, "", pattern)
                 for pattern in (Pattern(field, (Wild.ANY, word, Wild.ANY)) for word in words)]  # fmt: skip
        return Query.boolean_query([(tantivy.Occur.Must, query) for query in holds]) if holds else Query.empty_query()

    def _custom_words(self, field: str, key: str, node: Leaf) -> Query:
        if not isinstance(node, Term | Phrase):
            return self._exact("pairs", f"{composed(key)}{PAIR_SEPARATOR}", node)
        words = self._analyzed("folded", node.text)
        path = f"{field}.{json_key(composed(key))}"
        return self._sequence(path, words, node.slop if isinstance(node, Phrase) else 0) or Query.empty_query()

    # ---- whole values

    def _exact(self, field: str, prefix: str, node: Leaf) -> Query:
        if _asks_presence(node):
            return self._filled(prefix.removesuffix(PAIR_SEPARATOR) or field)
        if isinstance(node, Range):
            return self._between(field, prefix, node)
        if isinstance(node, Pattern):
            return self._regex(field, prefix, node.pieces)
        value = composed(node.text)
        if field in _GROUP_FIELDS:
            value = self.renamed.get(value, value)
        return _unscored(Query.term_query(self.schema, field, prefix + value, "basic"))

    def _filled(self, field: str) -> Query:
        return _unscored(Query.term_query(self.schema, "filled", field, "basic"))

    def _regex(self, field: str, prefix: str, pieces: Iterable[str | Wild]) -> Query:
        signs = {Wild.ANY: "(.|\n)*", Wild.ONE: "(.|\n)"}
        body = "".join(
            signs[piece] if isinstance(piece, Wild) else _META.sub(r"\\\1", composed(piece)) for piece in pieces
        )
        try:
            return _unscored(Query.regex_query(self.schema, field, _META.sub(r"\\\1", prefix) + body))
        except ValueError:  # too large for an automaton
            return Query.empty_query()

    def _between(self, field: str, prefix: str, node: Range) -> Query:
        """Return the query of a range of whole values: the terms of the index that lie between its ends."""
        if prefix.removesuffix(PAIR_SEPARATOR).endswith("_date"):
            return self._between_dates(prefix, node)
        terms = [term for term, _ in self.searcher.terms_with_prefix(field, prefix)]
        inside = [term for term in terms if _is_between(term.removeprefix(prefix), node)]
        return _unscored(Query.term_set_query(self.schema, field, inside)) if inside else Query.empty_query()

    def _between_dates(self, prefix: str, node: Range) -> Query:
        low, high = (None if end is None else micros(self._instant(end)) for end in (node.low, node.high))
        first = LOWEST if low is None else low + (not node.include_low)
        last = HIGHEST if high is None else high - (not node.include_high)
        terms = [f"{prefix}{term}" for term in range_terms(first, last)]
        return _unscored(Query.term_set_query(self.schema, "instants", terms)) if terms else Query.empty_query()

    # ---- dates

    def _date(self, field: str, node: Leaf) -> Query:
        if _asks_presence(node):
            return Query.all_query()
        if isinstance(node, Pattern):
            raise SearchError(f"Invalid date in field {field!r}")
        if isinstance(node, Term | Phrase):
            start = micros(self._instant(node.text))
            width = 1 if re.search(r"\.\d{4,6}Z?$", node.text) else _MICROS_A_MILLI
            return self._micros(field, (start, start + width - 1), include=(True, True))
        low, high = (None if end is None else micros(self._instant(end)) for end in (node.low, node.high))
        return self._micros(field, (low, high), include=(node.include_low, node.include_high))

    def _instant(self, text: str) -> datetime:
        self.used_now |= "NOW" in text.upper()
        try:
            return parse_instant(text, now=self.now())
        except QuerySyntaxError as error:
            raise SearchError("Invalid date in the query") from error

    def _micros(self, field: str, ends: tuple[int | None, int | None], *, include: tuple[bool, bool]) -> Query:
        low, high = ends
        if low is not None and high is not None and low > high:
            return Query.empty_query()
        include = (include[0] or low is None, include[1] or high is None)
        kind = tantivy.FieldType.Integer
        return _unscored(Query.range_query(self.schema, field, kind, low, high, include[0], include[1]))


def _terms_of(node: Node) -> list[str]:
    """Return the bare words of what was asked for, in their order."""
    if isinstance(node, Group):
        return [word for _, child in node.clauses for word in _terms_of(child)]
    return [node.text] if isinstance(node, Term | Phrase) and node.field is None else []


def _needed(wanted: int) -> int:
    """Return how many of the wanted words must be found: all of two, all but one of five, four in five of more."""
    if wanted <= 2:
        return wanted
    return wanted - 1 if wanted <= 5 else wanted * 4 // 5


def _any(queries: Sequence[Query]) -> Query:
    return (
        queries[0] if len(queries) == 1 else Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])
    )


def _asks_presence(node: Node) -> bool:
    if isinstance(node, Pattern):
        return node.pieces == (Wild.ANY,)
    return isinstance(node, Range) and node.low is None and node.high is None


def _is_between(value: str, node: Range) -> bool:
    above = node.low is None or value > node.low or (node.include_low and value == node.low)
    below = node.high is None or value < node.high or (node.include_high and value == node.high)
    return above and below


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)


def is_scored(node: Node) -> bool:
    """Tell whether hits of the query can differ in rank; they cannot when only whole values are asked for."""
    if isinstance(node, Group):
        return any(is_scored(child) for occur, child in node.clauses if occur is not Occur.MUST_NOT)
    if isinstance(node, Choice):
        return True
    if isinstance(node, MatchAll | Range | Pattern):
        return False
    return node.field is None or ALIASES.get(node.field, node.field) in WORD_FIELDS or "extras_" in node.field


def mentions_field(node: Node, field: str) -> bool:
    """Tell whether the caller's own text asks about a field."""
    if isinstance(node, Group):
        return any(mentions_field(child, field) for _, child in node.clauses)
    return not isinstance(node, MatchAll | Choice) and node.field == field
