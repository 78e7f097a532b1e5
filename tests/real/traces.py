"""Searches everything that left for values that must not leave."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
from real.released import Released

SHORTEST = 6
"""Letters of the shortest value that is searched for; shorter ones stand in many texts by chance."""


def values_of(source: str, expressions: Iterable[str]) -> set[str]:
    """Return the distinct texts of SQL expressions over a source such as `read_csv(…)`, white space at the ends removed."""
    found: set[str] = set()
    with closing(duckdb.connect()) as engine:
        engine.execute(f"CREATE TABLE delivered AS FROM {source}")
        for expression in expressions:
            query = f"SELECT DISTINCT trim({expression}) FROM delivered WHERE {expression} IS NOT NULL"
            found |= {str(row[0]) for row in engine.execute(query).fetchall()}
    return found


def outputs(released: Released) -> Iterator[tuple[str, bytes]]:
    """Yield every byte that the public can get of a release: files as they are and unpacked, catalogue, page."""
    for path in sorted(released.folder.iterdir()):
        yield path.name, gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if path.suffix == ".parquet":
            yield f"{path.name} unpacked", _texts_of_parquet(path)
    yield "dataset page", released.portal.get(f"/dataset/{released.name}").content
    yield "package_show", released.portal.get(f"/api/3/action/package_show?id={released.name}").content


def _texts_of_parquet(path: Path) -> bytes:
    with closing(duckdb.connect()) as engine:
        names = [row[0] for row in engine.execute(f"DESCRIBE FROM read_parquet('{path}')").fetchall()]
        texts: list[str] = []
        for name in names:
            query = f'SELECT DISTINCT "{name}"::VARCHAR FROM read_parquet(\'{path}\') WHERE "{name}" IS NOT NULL'
            texts += [row[0] for row in engine.execute(query).fetchall()]
    return "\n".join(texts).encode()


def traces(values: Iterable[str], released: Released, *, public: Iterable[str]) -> list[str]:
    """Return where how many of the values stand, and nothing of the values, so that a failing test shows none.

    Values that stand in a text of `public` (what the columns hold that may leave, as the agency delivered them), in the
    definition or in a hierarchy may be anywhere and are not searched for.
    """
    folder = released.definition.folder
    lists = [path.read_text(encoding="utf-8") for path in folder.glob("*.csv")]
    open_to_all = "\n".join([*public, *lists, released.definition.model_dump_json()])
    secret = [value.encode() for value in values if len(value) >= SHORTEST and value not in open_to_all]
    assert secret, "there is nothing to search for"
    needles = Needles(secret)
    found = {place: needles.count_in(content) for place, content in outputs(released)}
    return [f"{place}: {number} of {len(secret)}" for place, number in found.items() if number]


class Needles:
    """Many values that are searched for in long texts."""

    def __init__(self, values: list[bytes]) -> None:
        self._values = values
        self._parts = [self._runs_at(share) for share in (0.0, 0.5, 1.0)]

    def count_in(self, content: bytes) -> int:
        """Return how many values stand in the text; those whose beginning, middle or end is nowhere in it are out at once."""
        if len(content) < SHORTEST:
            return 0
        runs = np.unique(_runs(np.frombuffer(content, np.uint8)[None, :])[0])
        likely = np.logical_and.reduce([np.isin(part, runs) for part in self._parts])
        return sum(self._values[place] in content for place in np.flatnonzero(likely))

    def _runs_at(self, share: float) -> npt.NDArray[np.uint64]:
        starts = [int(share * (len(value) - SHORTEST)) for value in self._values]
        parts = [value[start : start + SHORTEST] for value, start in zip(self._values, starts, strict=True)]
        return _runs(np.frombuffer(b"".join(parts), np.uint8).reshape(-1, SHORTEST))[:, 0]


def _runs(letters: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Return every run of six bytes of each row as one number."""
    count = letters.shape[1] - SHORTEST + 1
    numbers = np.zeros((len(letters), count), np.uint64)
    for place in range(SHORTEST):
        numbers <<= np.uint64(8)
        numbers |= letters[:, place : place + count]
    return numbers
