"""Widens a plain question: other names for what was asked, and what was meant by words that nothing has.

Other names come from the lexicon and count less than the words themselves. A word that is nowhere in the index is read as one
that was typed with the input method off, as several words without spaces between them, or as a slip of one letter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import tantivy

from catalogue.search.query import Choice, Group, Node, Occur, Phrase, Term
from catalogue.search.spelling import LONGEST_WORD, typed
from catalogue.search.synonyms import Lexicon

_WORTH_TYPED, _WORTH_SPLIT, _WORTH_SLIP = 0.9, 0.8, 0.4
_SHORTEST_SLIP = 5  # of a word that has other names
_LONGEST_JOINED = 30
_LONGEST_SYLLABLE = 7
_MOST_CLAUSES = 40  # longer questions are taken as they stand

Clause = tuple[Occur, Node]


class Widener:
    """Widens questions to one state of the index."""

    def __init__(
        self, lexicon: Lexicon, searcher: tantivy.Searcher, analyzers: dict[str, tantivy.TextAnalyzer]
    ) -> None:
        self._lexicon = lexicon
        self._searcher = searcher
        self._analyzers = analyzers

    def widened(self, node: Node) -> Node:
        """Return the plain question with its choices; a question in the full language is returned as it is."""
        if not isinstance(node, Group) or not node.lenient or len(node.clauses) > _MOST_CLAUSES:
            return node
        return Group(tuple(self._clauses(node.clauses)), lenient=True)

    def _clauses(self, clauses: Sequence[Clause]) -> Iterator[Clause]:
        place = 0
        while place < len(clauses):
            span = _words_from(clauses, place)
            length, names = self._lexicon.longest(span)
            if names:
                yield Occur.SHOULD, self._renamed(clauses[place : place + length], names)
                place += length
                continue
            occur, node = clauses[place]
            is_word = isinstance(node, Term) and node.field is None and occur is not Occur.MUST_NOT
            yield occur, self._meant(node, alone=len(clauses) == 1) if is_word and isinstance(node, Term) else node
            place += 1

    def _renamed(self, asked: Sequence[Clause], names: Sequence[tuple[str, float]]) -> Choice:
        words = [node for _, node in asked]
        itself = words[0] if len(words) == 1 else Group(tuple((Occur.MUST, word) for word in words))
        return Choice(((itself, 1.0), *((Phrase(None, name), worth) for name, worth in names)))

    def _meant(self, word: Term, *, alone: bool) -> Node:
        """Return the word, or what an unknown one may mean."""
        if len(word.text) > LONGEST_WORD or self._is_known(word.text) or not any(map(str.isalpha, word.text)):
            return word
        options: list[tuple[Node, float]] = [(word, 1.0)]
        converted = typed(word.text)
        if converted and self._is_known(converted):
            options.append((Term(None, converted), _WORTH_TYPED))
        if parts := self._split(word.text):
            options.append((Phrase(None, " ".join(parts)), _WORTH_SPLIT))
        if len(options) == 1 and word.text.isalpha() and len(word.text) >= (4 if alone else 3):
            options.append((Term(None, word.text, edits=1), _WORTH_SLIP))
            if len(word.text) >= _SHORTEST_SLIP:
                names = self._lexicon.near(word.text)
                options += [(Phrase(None, name), _WORTH_SLIP * worth) for name, worth in names]
        return Choice(tuple(options)) if len(options) > 1 else word

    def _is_known(self, text: str) -> bool:
        words = self._analyzers["folded"].analyze(text)
        return all(self._searcher.doc_freq("text", word) for word in words)

    def _split(self, word: str) -> list[str] | None:
        """Return the syllables of which a word is made, the fewest and first the longest, when all are known."""
        if not word.isalpha() or not 5 <= len(word) <= _LONGEST_JOINED:
            return None
        best: dict[int, list[str]] = {len(word): []}
        for start in range(len(word) - 2, -1, -1):
            for end in range(min(len(word), start + _LONGEST_SYLLABLE), start + 1, -1):
                rest = best.get(end)
                if rest is None or (start in best and len(best[start]) <= len(rest) + 1):
                    continue
                if self._is_in_titles(word[start:end]):
                    best[start] = [word[start:end], *rest]
        found = best.get(0)
        return found if found and len(found) > 1 else None

    def _is_in_titles(self, part: str) -> bool:
        words = self._analyzers["folded"].analyze(part)
        return len(words) == 1 and any(self._searcher.doc_freq(name, words[0]) for name in ("title", "names"))


def _words_from(clauses: Sequence[Clause], place: int) -> list[str]:
    """Return the run of bare words without a sign that begins here."""
    words = []
    for occur, node in clauses[place:]:
        if occur is not Occur.SHOULD or not isinstance(node, Term) or node.field is not None:
            break
        words.append(node.text)
    return words
