"""Compiles the tree of a query into a query of the index; knows how each field matches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import tantivy

from catalogue.errors import SearchError
from catalogue.query import (
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
from catalogue.search_fields import (
    ALIASES,
    DATE_FIELDS,
    EXACT_FIELDS,
    PAIR_SEPARATOR,
    PLAIN_WORD_FIELDS,
    WORD_FIELDS,
    composed,
    json_key,
    micros,
)

Query = tantivy.Query
_OCCURS = {
    Occur.MUST: tantivy.Occur.Must,
    Occur.SHOULD: tantivy.Occur.Should,
    Occur.MUST_NOT: tantivy.Occur.MustNot,
}
# Where a bare word looks, and what a hit there is worth.
_WEIGHTS = {"title_exact": 6.0, "title": 4.0, "names": 2.0, "text_exact": 1.5, "text": 1.0}
_META = re.compile(r"([\\.+*?()|\[\]{}^$])")
_MICROS_A_MILLI = 1000


class Compiler:
    """Compiles queries for one state of the index."""

    def __init__(
        self,
        schema: tantivy.Schema,
        analyzers: dict[str, tantivy.TextAnalyzer],
        searcher: tantivy.Searcher,
        now: Callable[[], datetime],
    ) -> None:
        self.schema = schema
        self.analyzers = analyzers
        self.searcher = searcher
        self.now = now

    def compile(self, node: Node) -> Query:
        """Return the query of a tree.

        Raises:
            SearchError: A date or a range cannot be read.
        """
        if isinstance(node, MatchAll):
            return Query.all_query()
        if isinstance(node, Group):
            return self._group(node)
        if node.field is None:
            return self._anywhere(node)
        field = ALIASES.get(node.field, node.field)
        if field in DATE_FIELDS:
            return self._date(field, node)
        if field in WORD_FIELDS + PLAIN_WORD_FIELDS:
            return self._words(field, node)
        return self._exact(field, "", node) if field in EXACT_FIELDS else self._custom(field, node)

    def _custom(self, field: str, node: Term | Phrase | Pattern | Range) -> Query:
        """Return the query of a key of `extras`: as words under its prefixed name, as a whole value under its own."""
        for prefix in ("res_extras", "extras"):
            if field.startswith(f"{prefix}_"):
                return self._custom_words(prefix, field.removeprefix(f"{prefix}_"), node)
        return self._exact("pairs", f"{field}{PAIR_SEPARATOR}", node)

    def _group(self, group: Group) -> Query:
        clauses = [(occur, self.compile(node)) for occur, node in group.clauses if self._says_something(node)]
        if not clauses:
            return Query.empty_query()
        pairs = [(_OCCURS[occur], query) for occur, query in clauses]
        wanted = sum(occur is Occur.SHOULD for occur, _ in clauses)
        if not (group.lenient and wanted):
            return Query.boolean_query(pairs)
        return Query.boolean_query(pairs, minimum_number_should_match=_needed(wanted))

    def _says_something(self, node: Node) -> bool:
        """Tell whether a node has a word in it; signs alone are left out of the question."""
        if isinstance(node, Term | Phrase) and node.field is None:
            return bool(self._analyzed("lowered", node.text))
        return True

    # ---- words

    def _anywhere(self, node: Term | Phrase | Pattern | Range) -> Query:
        if isinstance(node, Range):
            return self._words("text", node)
        found = [
            Query.boost_query(query, weight)
            for name, weight in _WEIGHTS.items()
            if (query := self._in_field(name, node)) is not None
        ]
        return Query.disjunction_max_query(found, tie_breaker=0.1) if found else Query.empty_query()

    def _words(self, field: str, node: Term | Phrase | Pattern | Range) -> Query:
        if _asks_presence(node):
            return self._filled(field)
        if isinstance(node, Range):
            raise SearchError(f"Ranges are not supported in field {field!r}")
        names = [field, f"{field}_exact"] if field in WORD_FIELDS else [field]
        queries = [query for name in names if (query := self._in_field(name, node)) is not None]
        return Query.disjunction_max_query(queries) if queries else Query.empty_query()

    def _in_field(self, name: str, node: Term | Phrase | Pattern) -> Query | None:
        """Return the query of one indexed field, null when nothing is left of the text."""
        analyzer = "lowered" if name.endswith("_exact") else "folded"
        if isinstance(node, Pattern):
            return self._regex(name, "", self._plain_pieces(analyzer, node.pieces))
        words = self._analyzed(analyzer, node.text)
        return self._sequence(name, words, node.slop if isinstance(node, Phrase) else 0)

    def _sequence(self, name: str, words: Sequence[str], slop: int) -> Query | None:
        if not words:
            return None
        if len(words) == 1:
            return Query.term_query(self.schema, name, words[0])
        return Query.phrase_query(self.schema, name, list(words), slop)

    def _analyzed(self, analyzer: str, text: str) -> list[str]:
        return list(self.analyzers[analyzer].analyze(composed(text)))

    def _plain_pieces(self, analyzer: str, pieces: Iterable[str | Wild]) -> list[str | Wild]:
        """Return a pattern as the analyzer would spell it, endings left alone: a wildcard follows a part of a word."""
        spelled: list[str | Wild] = []
        for piece in pieces:
            if isinstance(piece, Wild):
                spelled.append(piece)
            elif analyzer == "lowered":
                spelled.append(composed(piece).lower())
            else:
                spelled.append("".join(self._unstemmed(piece)))
        return spelled

    def _unstemmed(self, piece: str) -> list[str]:
        folding = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw()).filter(tantivy.Filter.lowercase())
        return list(folding.filter(tantivy.Filter.ascii_fold()).build().analyze(composed(piece)))

    def _custom_words(self, field: str, key: str, node: Term | Phrase | Pattern | Range) -> Query:
        if not isinstance(node, Term | Phrase):
            return self._exact("pairs", f"{key}{PAIR_SEPARATOR}", node)
        words = self._analyzed("folded", node.text)
        found = self._sequence(f"{field}.{json_key(key)}", words, node.slop if isinstance(node, Phrase) else 0)
        return found or Query.empty_query()

    # ---- whole values

    def _exact(self, field: str, prefix: str, node: Term | Phrase | Pattern | Range) -> Query:
        if _asks_presence(node):
            return self._filled(prefix.removesuffix(PAIR_SEPARATOR) or field)
        if isinstance(node, Range):
            return self._between(field, prefix, node)
        if isinstance(node, Pattern):
            return self._regex(field, prefix, node.pieces) or Query.empty_query()
        return _unscored(Query.term_query(self.schema, field, prefix + composed(node.text)))

    def _filled(self, field: str) -> Query:
        return _unscored(Query.term_query(self.schema, "filled", field))

    def _regex(self, field: str, prefix: str, pieces: Iterable[str | Wild]) -> Query | None:
        signs = {Wild.ANY: "(.|\n)*", Wild.ONE: "(.|\n)"}
        body = "".join(
            signs[piece] if isinstance(piece, Wild) else _META.sub(r"\\\1", composed(piece)) for piece in pieces
        )
        try:
            return _unscored(Query.regex_query(self.schema, field, _META.sub(r"\\\1", prefix) + body))
        except ValueError:
            return None

    def _between(self, field: str, prefix: str, node: Range) -> Query:
        """Return the query of a range of whole values: the terms of the index that lie between its ends."""
        if prefix.removesuffix(PAIR_SEPARATOR).endswith("_date"):
            node = self._iso_range(node)
        terms = [term for term, _ in self.searcher.terms_with_prefix(field, prefix)]
        inside = [term for term in terms if _is_between(term.removeprefix(prefix), node)]
        return _unscored(Query.term_set_query(self.schema, field, inside)) if inside else Query.empty_query()

    def _iso_range(self, node: Range) -> Range:
        ends = [None if end is None else self._instant(end).isoformat() for end in (node.low, node.high)]
        return Range(node.field, ends[0], ends[1], node.include_low, node.include_high)

    # ---- dates

    def _date(self, field: str, node: Term | Phrase | Pattern | Range) -> Query:
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


def _needed(wanted: int) -> int:
    """Return how many of the wanted words must be found: all of two, all but one of five, four in five of more."""
    if wanted <= 2:
        return wanted
    return wanted - 1 if wanted <= 5 else wanted * 4 // 5


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
    if isinstance(node, MatchAll | Range | Pattern):
        return False
    words = WORD_FIELDS + PLAIN_WORD_FIELDS
    return node.field is None or ALIASES.get(node.field, node.field) in words or "extras_" in node.field


def mentions_field(node: Node, field: str) -> bool:
    """Tell whether the caller's own text asks about a field."""
    if isinstance(node, Group):
        return any(mentions_field(child, field) for _, child in node.clauses)
    return not isinstance(node, MatchAll) and node.field == field
