"""Full-text queries: plain words or PostgreSQL's query language, compiled to one FTS5 expression.

`bus:* & !metro | (a & b)`, `a <-> b`, `'two words'`. FTS5 knows no query of negations alone, so that a compiled query may
be the opposite of its expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

from catalogue.errors import ValidationError
from catalogue.folding import folded

MAX_WORDS = 100
_MAX_DEPTH = 20

# Words that PostgreSQL's `english` dictionary drops, as far as they are short and common.
_STOP_WORDS_TEXT = """
a about above after again against all am an and any are as at be because been before being below between both but by
can did do does doing don down during each few for from further had has have having he her here hers herself him
himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only or
other our ours ourselves out over own s same she should so some such t than that the their theirs them themselves
then there these they this those through to too under until up very was we were what when where which while who whom
why will with you your yours yourself yourselves
"""
STOP_WORDS = frozenset(_STOP_WORDS_TEXT.split())


@dataclass(frozen=True)
class TextQuery:
    """What rows must contain: the FTS5 expression, or, when `is_negated`, rows outside of it.

    Attributes:
        expression: of FTS5; empty when no word is left, and then nothing is found.
        is_negated: rows that do not match are asked for.
        words: the folded words when all of them must be there and nothing else is asked; else empty.
        column: FTS5 name of the column in which the first of `words` is looked for; empty: all words in all columns.
    """

    expression: str
    is_negated: bool = False
    words: tuple[str, ...] = ()
    column: str = ""


def plain_query(text: str, *, language: str = "", column: str = "") -> TextQuery:
    """Return the query for all words of a text.

    Args:
        text: of a person.
        language: `english` drops that language's stop words.
        column: FTS5 name of the only column to look into; empty: all.
    """
    words = [word for word in _tokens(text) if not _is_stop_word(word, language)]
    _check_size(words)
    expression = " AND ".join(_quoted(word) for word in words)
    return TextQuery(_scoped(expression, column), words=tuple(map(_as_indexed, words)), column=column)


def structured_query(text: str, *, language: str = "", column: str = "") -> TextQuery:
    """Return the query for a text in PostgreSQL's query language.

    Raises:
        ValidationError: it cannot be read.
    """
    parsed = _Parser(_lexemes(text), language).parse()
    if parsed is None:
        return TextQuery("")
    return TextQuery(_scoped(parsed.expression, column), parsed.is_negated)


def joined_queries(queries: Sequence[TextQuery]) -> TextQuery:
    """Return the query that asks for all of the given ones."""
    if len(queries) == 1:
        return queries[0]
    if not all(query.expression for query in queries):
        return TextQuery("")
    joined = reduce(_both, queries)
    if not all(query.words for query in queries):
        return joined
    words = tuple(word for query in queries for word in query.words)
    return replace(joined, words=words, column=queries[0].column)


def _scoped(expression: str, column: str) -> str:
    return f"{{{column}}} : ({expression})" if column and expression else expression


# ---- words ---------------------------------------------------------------------------------------------------------


def _tokens(text: str) -> list[str]:
    """Return the parts between blanks that hold a letter or digit; FTS5 takes them apart as it did the rows."""
    return [part for part in text.split() if any(letter.isalnum() for letter in part)]


def _as_indexed(word: str) -> str:
    return folded(word) if word.isalnum() else ""


def _quoted(word: str) -> str:
    bare = word.replace("đ", "d").replace("Đ", "D").replace('"', " ")
    return f'"{bare}"'


def _is_stop_word(word: str, language: str) -> bool:
    return language.strip().lower() == "english" and word.strip(".,;:!?()\"'").lower() in STOP_WORDS


def _check_size(words: Sequence[object]) -> None:
    if len(words) > MAX_WORDS:
        raise ValidationError({"q": [f"Too many words: at most {MAX_WORDS}"]})


# ---- PostgreSQL's query language -----------------------------------------------------------------------------------

_LEXEME = re.compile(
    r"\s*(?:(?P<operator>[&|!()])|(?P<near><(?:-|\d{1,4})>)"
    r"|(?P<word>'(?:[^']|'')*'|[^\s&|!()<>:*']+)(?P<flags>:[*A-Da-d]+)?)"
)


@dataclass(frozen=True)
class _Lexeme:
    kind: str  # an operator, "near" or "word"
    text: str = ""
    is_prefix: bool = False


def _invalid() -> ValidationError:
    return ValidationError({"query": ["Invalid query"]})


def _lexemes(text: str) -> list[_Lexeme]:
    found, position = [], 0
    text = text.strip()
    while position < len(text):
        match = _LEXEME.match(text, position)
        if match is None:
            raise _invalid()
        position = match.end()
        if match["operator"]:
            found.append(_Lexeme(match["operator"]))
        elif match["near"]:
            found.append(_Lexeme("near", match["near"][1:-1]))
        else:
            word = match["word"]
            word = word[1:-1].replace("''", "'") if word.startswith("'") else word
            found.append(_Lexeme("word", word, is_prefix="*" in (match["flags"] or "")))
    _check_size(found)
    return found


class _Parser:
    """Or of ands of nots of words that follow each other; a null part had no word in it."""

    def __init__(self, lexemes: list[_Lexeme], language: str) -> None:
        self.rest = lexemes[::-1]
        self.language = language
        self.depth = 0

    def parse(self) -> TextQuery | None:
        parsed = self._or()
        if self.rest:
            raise _invalid()
        return parsed

    def _next_is(self, kind: str) -> bool:
        return bool(self.rest) and self.rest[-1].kind == kind

    def _or(self) -> TextQuery | None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _invalid()
        parts = [self._and()]
        while self._next_is("|"):
            self.rest.pop()
            parts.append(self._and())
        self.depth -= 1
        kept = [part for part in parts if part is not None]
        return reduce(_either, kept) if kept else None

    def _and(self) -> TextQuery | None:
        parts = [self._not()]
        while self._next_is("&"):
            self.rest.pop()
            parts.append(self._not())
        kept = [part for part in parts if part is not None]
        return reduce(_both, kept) if kept else None

    def _not(self) -> TextQuery | None:
        negations = 0
        while self._next_is("!"):
            self.rest.pop()
            negations += 1
        part = self._near()
        if part is None or negations % 2 == 0:
            return part
        return TextQuery(part.expression, is_negated=not part.is_negated)

    def _near(self) -> TextQuery | None:
        if self._next_is("("):
            self.rest.pop()
            inner = self._or()
            if not self._next_is(")"):
                raise _invalid()
            self.rest.pop()
            if self._next_is("near"):
                raise _invalid()  # FTS5 has no order of anything but words
            return inner
        words, gaps = [self._word()], []
        while self._next_is("near"):
            gaps.append(self.rest.pop().text)
            words.append(self._word())
        return self._sequence(words, gaps)

    def _word(self) -> _Lexeme:
        if not self._next_is("word"):
            raise _invalid()
        return self.rest.pop()

    def _sequence(self, words: list[_Lexeme], gaps: list[str]) -> TextQuery | None:
        if len(words) == 1:
            word = words[0]
            if not _tokens(word.text) or _is_stop_word(word.text, self.language):
                return None
            return TextQuery(_phrase(word))
        if any(not _tokens(word.text) for word in words):
            raise _invalid()
        if set(gaps) <= {"-", "1"}:
            return TextQuery(" + ".join(_phrase(word) for word in words))
        # FTS5 knows no exact distance: at most so many words may lie between them.
        distance = sum(0 if gap == "-" else max(0, int(gap) - 1) for gap in gaps)
        return TextQuery(f"NEAR({' '.join(_phrase(word) for word in words)}, {distance})")


def _phrase(word: _Lexeme) -> str:
    return _quoted(word.text) + ("*" if word.is_prefix else "")


def _both(one: TextQuery, other: TextQuery) -> TextQuery:
    if one.is_negated and other.is_negated:
        return TextQuery(f"({one.expression}) OR ({other.expression})", is_negated=True)
    if one.is_negated or other.is_negated:
        wanted, unwanted = (other, one) if one.is_negated else (one, other)
        return TextQuery(f"({wanted.expression}) NOT ({unwanted.expression})")
    return TextQuery(f"({one.expression}) AND ({other.expression})")


def _either(one: TextQuery, other: TextQuery) -> TextQuery:
    opposite = _both(
        TextQuery(one.expression, is_negated=not one.is_negated),
        TextQuery(other.expression, is_negated=not other.is_negated),
    )
    if not one.is_negated and not other.is_negated:
        return TextQuery(f"({one.expression}) OR ({other.expression})")
    return TextQuery(opposite.expression, is_negated=not opposite.is_negated)
