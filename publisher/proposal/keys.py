"""Keys of a table: single fields whose values are all there and all different, else the smallest sets of two or three."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import duckdb

from publisher.proposal.facts import ColumnFacts
from publisher.proposal.names import words_of

_MOST_MEMBERS = 12
_MOST_TESTS = 60
_SAMPLE_ROWS = 20_000
_KEY_WORDS = (" id ", " ma ", " code ", " so ", " key ", " key ", " number ", " stt ", " no ")


def find_key(
    engine: duckdb.DuckDBPyConnection, facts: Sequence[ColumnFacts], types: Sequence[str], *, clean: Sequence[bool]
) -> list[int]:
    """Return the places of the fields that make the primary key, empty when no set of up to three does.

    Clean columns go before personal ones, names that speak of keys before others, short values before long ones.
    """
    order = sorted(range(len(facts)), key=lambda place: _rank(facts[place], types[place], place, clean=clean[place]))
    single = [place for place in order if facts[place].is_unique and _may_be_member(facts[place], types[place])]
    if single:
        return [single[0]]
    members = [
        place
        for place in order
        if facts[place].values == facts[place].rows
        and facts[place].distinct > 1
        and _may_be_member(facts[place], types[place])
    ][:_MOST_MEMBERS]
    tests = 0
    for size in (2, 3):
        for chosen in combinations(members, size):
            if not _could_be(facts, chosen) or not _is_unique(
                engine, chosen, "(SELECT * FROM rows LIMIT ?)", _SAMPLE_ROWS
            ):
                continue
            tests += 1
            if _is_unique(engine, chosen, "(SELECT * FROM rows LIMIT ?)", facts[0].rows):
                return sorted(chosen)
            if tests == _MOST_TESTS:
                return []
    return []


def _rank(facts: ColumnFacts, kind: str, place: int, *, clean: bool) -> tuple[bool, bool, bool, int]:
    speaks = any(word in words_of(facts.name) for word in _KEY_WORDS)
    return not clean, not speaks, kind in {"number", "boolean"}, place


def _may_be_member(facts: ColumnFacts, kind: str) -> bool:
    """Tell whether a column may be part of a key: no measurement and no prose."""
    return kind != "number" and facts.mean_length <= 60 and not facts.all_are("json")


def _could_be(facts: Sequence[ColumnFacts], chosen: Sequence[int]) -> bool:
    most = 1
    for place in chosen:
        most *= facts[place].distinct
    return most >= facts[0].rows


def _is_unique(engine: duckdb.DuckDBPyConnection, chosen: Sequence[int], rows: str, limit: int) -> bool:
    columns = ", ".join(f"c{place}" for place in chosen)
    query = f"SELECT count(*) = count(DISTINCT ({columns})) FROM {rows}"  # noqa: S608  our own names
    found = engine.execute(query, [limit]).fetchone()
    return bool(found and found[0])
