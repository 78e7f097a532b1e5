"""The query language of `package_search`: text in, a tree of clauses out.

Two languages share one parameter. Text without a colon is a plain search: words, `"phrases"`, `+must`, `-not`.
Text with a colon is Lucene's classic syntax with AND as the default operator. Its flat precedence is kept, because
scripts depend on it: a clause is required unless OR stands on either side of it, and AND makes its neighbours required.
What cannot be read is searched for as plain words instead of being refused.

This module knows nothing about fields or indexes; `catalogue/search/package_search.py` compiles the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum


class Occur(Enum):
    """How a clause takes part in its group."""

    MUST = "+"
    SHOULD = ""
    MUST_NOT = "-"


class Wild(Enum):
    """A live wildcard inside a pattern."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True)
class MatchAll:
    """Everything: `*:*`."""


@dataclass(frozen=True)
class Term:
    """One bare word; `field` is null for the default field, `edits` is how many letters may differ."""

    field: str | None
    text: str
    edits: int = 0


@dataclass(frozen=True)
class Phrase:
    """Words in this order, at most `slop` places apart."""

    field: str | None
    text: str
    slop: int = 0


@dataclass(frozen=True)
class Pattern:
    """A word with wildcards, cut into literal pieces and wildcards; `field:*` is the single piece `Wild.ANY`."""

    field: str | None
    pieces: tuple[str | Wild, ...]


@dataclass(frozen=True)
class Range:
    """Values between two ends; a null end is open."""

    field: str | None
    low: str | None
    high: str | None
    include_low: bool
    include_high: bool


@dataclass(frozen=True)
class Choice:
    """What was asked for first, then what may stand for it, each with what a hit there is worth."""

    options: tuple[tuple[Node, float], ...]


@dataclass(frozen=True)
class Group:
    """Clauses side by side. With `lenient`, a few optional clauses may fail (the plain language on long questions)."""

    clauses: tuple[tuple[Occur, Node], ...]
    lenient: bool = False


Node = MatchAll | Term | Phrase | Pattern | Range | Choice | Group


class QuerySyntaxError(ValueError):
    """The text is not in the query language."""


_EVERYTHING = {"", "*", "*:*", '""', "''"}
_MOST_SLOP = 1000
_LOCAL_PARAMETERS = re.compile(r"\{!|_query_\s*:|_val_\s*:")
_PLAIN = re.compile(r'([+-]?)(?:"([^"]*)"|(\S+))')


def has_local_parameters(text: str) -> bool:
    """Tell whether text asks for another parser (`{!...}`, `_query_:`), which is refused."""
    return _LOCAL_PARAMETERS.search(text) is not None


def parse_search(text: str) -> Node:
    """Return the tree of a `q` parameter: plain words without a colon, the full language with one; never raises."""
    stripped = text.strip()
    if stripped in _EVERYTHING:
        return MatchAll()
    if ":" not in stripped:
        return parse_plain(stripped)
    return parse_filter(stripped)


def parse_filter(text: str) -> Node:
    """Return the tree of an `fq` parameter, read with the full language; unreadable text becomes plain words."""
    stripped = text.strip()
    if stripped in _EVERYTHING:
        return MatchAll()
    try:
        return parse_lucene(stripped)
    except (QuerySyntaxError, RecursionError):
        return parse_plain(re.sub(r"[^\w\s]+", " ", stripped))


def parse_plain(text: str) -> Node:
    """Return the tree of a plain search: every word wanted, `+` required, `-` excluded; AND, OR and NOT are words."""
    clauses: list[tuple[Occur, Node]] = []
    for sign, quoted, word in _PLAIN.findall(text):
        content = (quoted or word.replace('"', " ")).strip()
        if not content:
            continue
        node: Node = Phrase(None, content) if quoted else Term(None, content)
        occur = {"+": Occur.MUST, "-": Occur.MUST_NOT}.get(sign, Occur.SHOULD)
        clauses.append((occur, node))
    if not clauses:
        return MatchAll()
    if all(occur is Occur.MUST_NOT for occur, _ in clauses):
        clauses.insert(0, (Occur.MUST, MatchAll()))
    return Group(tuple(clauses), lenient=True)


def parse_lucene(text: str) -> Node:
    """Return the tree of Lucene's classic syntax with default operator AND.

    Raises:
        QuerySyntaxError: Brackets or quotes do not close, or a field or operator stands alone.
    """
    parser = _Parser(_tokens(text))
    group = parser.group(None)
    if parser.peek() is not None:
        raise QuerySyntaxError("a bracket closes that was never opened")
    if all(occur is Occur.MUST_NOT for occur, _ in group.clauses):
        return Group(((Occur.MUST, MatchAll()), *group.clauses))
    return _unwrapped(group)


def _unwrapped(group: Group) -> Node:
    if len(group.clauses) == 1 and group.clauses[0][0] is not Occur.MUST_NOT:
        return group.clauses[0][1]
    return group


# ---- the words of the language -------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""
      (?P<space>\s+)
    | (?P<and>(?:AND\b(?=[\s(+\-"]|$)|&&))
    | (?P<or>(?:OR\b(?=[\s(+\-"]|$)|\|\|))
    | (?P<not>(?:NOT\b(?=[\s(+"]|$)|!))
    | (?P<plus>\+)
    | (?P<minus>-)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<range>[\[{][^\[\]{}]*[\]}])
    | (?P<phrase>"(?:[^"\\]|\\.)*")
    | (?P<boost>\^\s*\d+(?:\.\d+)?)
    | (?P<fuzzy>~\d*(?:\.\d+)?)
    | (?P<field>(?:[^\s()\[\]{}"~^:\\+\-!&|]|\\.)(?:[^\s()\[\]{}"~^:\\]|\\.)*:(?!//))
    | (?P<word>(?:[^\s()\[\]{}"~^:\\]|\\.)+)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QuerySyntaxError("a character that has no meaning here")
        kind = str(match.lastgroup)
        if kind != "space":
            tokens.append(_Token(kind, match.group()))
        position = match.end()
    return tokens


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _pieces(text: str) -> tuple[str | Wild, ...]:
    """Cut a word into literals and live wildcards; escaped ones stay letters."""
    pieces: list[str | Wild] = []
    for part in re.findall(r"\\.|[*?]|[^\\*?]+", text):
        piece: str | Wild = Wild(part) if part in {"*", "?"} else _unescaped(part)
        if isinstance(piece, str) and pieces and isinstance(pieces[-1], str):
            piece = pieces.pop() + piece  # type: ignore[operator]  # the popped piece is a string, tested above
        pieces.append(piece)
    return tuple(pieces)


# ---- the grammar ---------------------------------------------------------------------------------------------------


class _Parser:
    """Reads tokens by recursive descent; one method a rule."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.position = 0

    def peek(self) -> str | None:
        """Return the kind of the next token, null at the end."""
        return self.tokens[self.position].kind if self.position < len(self.tokens) else None

    def take(self) -> _Token:
        """Return the next token and step over it."""
        if self.position >= len(self.tokens):
            raise QuerySyntaxError("the text ends too early")
        token = self.tokens[self.position]
        self.position += 1
        return token

    def group(self, field: str | None) -> Group:
        """Read clauses up to a closing bracket or the end."""
        clauses: list[tuple[Occur, Node]] = []
        while self.peek() not in {None, "close"}:
            conjunction = self.take().kind if self.peek() in {"and", "or"} else None
            if conjunction and not clauses:
                raise QuerySyntaxError("an operator stands before the first clause")
            modifier = self.take().kind if self.peek() in {"plus", "minus", "not"} else None
            node = self.clause(field)
            _join(clauses, conjunction)
            clauses.append((_occur(conjunction, modifier), node))
        if not clauses:
            raise QuerySyntaxError("nothing is asked for")
        return Group(tuple(clauses))

    def clause(self, field: str | None) -> Node:
        """Read one clause, its field and its boost or fuzziness."""
        if self.peek() == "field":
            field = _unescaped(self.take().text[:-1])
            if self.peek() == "field":
                raise QuerySyntaxError("two fields in a row")
        token = self.take()
        node = self.value(token, field)
        while self.peek() in {"boost", "fuzzy"}:
            suffix = self.take()
            if suffix.kind == "fuzzy":
                node = _loosened(node, suffix.text[1:])
        return node

    def value(self, token: _Token, field: str | None) -> Node:
        """Read what stands behind a field or alone."""
        readers: dict[str, Callable[[str, str | None], Node]] = {
            "range": _range,
            "phrase": lambda text, name: Phrase(name, _unescaped(text[1:-1])),
            "word": _word,
        }
        if token.kind == "open":
            group = self.group(field)
            if self.peek() != "close":
                raise QuerySyntaxError("a bracket is not closed")
            self.take()
            return _unwrapped(group)
        if token.kind not in readers:
            raise QuerySyntaxError("an operator or bracket stands where a value belongs")
        return readers[token.kind](token.text, field)


def _loosened(node: Node, amount: str) -> Node:
    """Return a phrase whose words may stand apart, or a word whose letters may differ; a share of letters is one."""
    if isinstance(node, Phrase):
        return Phrase(node.field, node.text, min(int(amount), _MOST_SLOP) if amount.isdigit() else 0)
    if isinstance(node, Term):
        return Term(node.field, node.text, min(int(amount), 2) if amount.isdigit() else 1 if amount else 2)
    return node


def _join(clauses: list[tuple[Occur, Node]], conjunction: str | None) -> None:
    """Let AND and OR reach back to the clause before them, as the classic parser does."""
    if conjunction is None or clauses[-1][0] is Occur.MUST_NOT:
        return
    clauses[-1] = (Occur.MUST if conjunction == "and" else Occur.SHOULD, clauses[-1][1])


def _occur(conjunction: str | None, modifier: str | None) -> Occur:
    if modifier in {"minus", "not"}:
        return Occur.MUST_NOT
    if conjunction == "or" and modifier != "plus":
        return Occur.SHOULD
    return Occur.MUST


def _word(text: str, field: str | None) -> Node:
    pieces = _pieces(text)
    if all(isinstance(piece, str) for piece in pieces):
        return Term(field, "".join(str(piece) for piece in pieces))
    if pieces == (Wild.ANY,) and field in {None, "*"}:
        return MatchAll()
    return Pattern(field, pieces)


_RANGE = re.compile(r'([\[{])\s*("[^"]*"|\S+)\s+TO\s+("[^"]*"|\S+?)\s*([\]}])')


def _range(text: str, field: str | None) -> Node:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise QuerySyntaxError("a range reads [low TO high]")
    opening, low, high, closing = match.groups()
    return Range(field, _end(low), _end(high), opening == "[", closing == "]")


def _end(text: str) -> str | None:
    return None if text == "*" else _unescaped(text.strip('"'))


# ---- instants and date math ----------------------------------------------------------------------------------------

_UNITS = {"MILLI": "MILLISECOND", "MILLIS": "MILLISECOND", "DATE": "DAY"}
_FIXED = {
    "MILLISECOND": timedelta(milliseconds=1),
    "SECOND": timedelta(seconds=1),
    "MINUTE": timedelta(minutes=1),
    "HOUR": timedelta(hours=1),
    "DAY": timedelta(days=1),
}
_INSTANT = re.compile(
    r"(NOW|\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?)?)?Z?)((?:[+-]\d+[A-Z]+|/[A-Z]+)*)"
)
_STEP = re.compile(r"([+-]\d+|/)([A-Z]+)")


def parse_instant(text: str, *, now: datetime) -> datetime:
    """Return the naive UTC instant of an ISO text or of date math such as `NOW/DAY-7DAYS`.

    Args:
        text: `NOW` or an ISO instant (a shorter one means its beginning), followed by steps.
        now: The naive UTC instant that `NOW` stands for.

    Raises:
        QuerySyntaxError: The text is no instant, or it leaves the calendar.
    """
    match = _INSTANT.fullmatch(text.strip().upper())
    if match is None:
        raise QuerySyntaxError("an instant reads 2026-11-22T00:00:00Z or NOW-7DAYS")
    try:
        instant = now if match.group(1) == "NOW" else _iso_instant(match.group(1).rstrip("Z"))
        for amount, name in _STEP.findall(match.group(2)):
            unit = _unit(name)
            instant = _rounded(instant, unit) if amount == "/" else _moved(instant, int(amount), unit)
    except (ValueError, OverflowError) as error:
        raise QuerySyntaxError("an instant outside the calendar") from error
    return instant


def _iso_instant(text: str) -> datetime:
    complete = text + {4: "-01-01", 7: "-01"}.get(len(text), "")
    return datetime.fromisoformat(complete).replace(tzinfo=UTC).replace(tzinfo=None)


def _unit(name: str) -> str:
    unit = _UNITS.get(name, name.removesuffix("S"))
    if unit not in _FIXED and unit not in {"MONTH", "YEAR"}:
        raise QuerySyntaxError("an unknown unit of time")
    return unit


def _moved(instant: datetime, amount: int, unit: str) -> datetime:
    if unit in _FIXED:
        return instant + amount * _FIXED[unit]
    months = instant.year * 12 + instant.month - 1 + amount * (12 if unit == "YEAR" else 1)
    year, month = divmod(months, 12)
    first = instant.replace(year=year, month=month + 1, day=1)
    following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return first.replace(day=min(instant.day, (following - timedelta(days=1)).day))


def _rounded(instant: datetime, unit: str) -> datetime:
    if unit == "MILLISECOND":
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    starts = {"YEAR": {"month": 1, "day": 1}, "MONTH": {"day": 1}}
    zeros = {"YEAR": 4, "MONTH": 4, "DAY": 4, "HOUR": 3, "MINUTE": 2, "SECOND": 1}[unit]
    clock = dict.fromkeys(("microsecond", "second", "minute", "hour")[:zeros], 0)
    return instant.replace(**(starts.get(unit, {}) | clock))  # type: ignore[arg-type]  # all values are integers
