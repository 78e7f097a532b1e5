"""G8: pseudonyms link nothing to an earlier release, and nobody can compute them from what is public or can be guessed.

Without the key an attacker can only try: hashes of every column beside the pseudonym, and of numbers that identify people, of which a
sample is tried here. A sample finds an unkeyed hash in a large table; in a small one the columns beside it have to.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.disclosure.personal.words import words
from publisher.earlier import Earlier
from publisher.published import PublishedTable

_ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "blake2b")
_MOST_VALUES = 20_000
_TRIED_NUMBERS = 20_000


def weak_pseudonyms(path: Path, table: PublishedTable, earlier: Earlier | None) -> list[str]:
    """Try to link or to compute the pseudonyms of a table; faults name columns, never a value."""
    names = [field.name for field in table.fields if field.treatment == "pseudonymise"]
    if not names:
        return []
    faults = []
    data = pq.read_table(path)
    guessed = dict(_guesses(data, [name for name in data.column_names if name not in names]))
    for name in names:
        values = {text for text in pc.unique(data[name]).to_pylist() if text}
        if earlier is not None and (number := _seen_before(name, values, table, earlier)):
            faults.append(f"{number} pseudonyms in {name} stand in an earlier release too")
        lengths = {len(text) for text in values}
        for what, texts in guessed.items():
            if any(digest in values for digest in _digests(texts, lengths)):
                faults.append(f"pseudonyms in {name} are a hash of {what}")
        if any(digest in values for digest in _digests(_numbers(), lengths)):
            faults.append(f"pseudonyms in {name} are a hash of numbers that can be counted through")
    return faults


def _seen_before(name: str, values: set[str], table: PublishedTable, earlier: Earlier) -> int:
    former = earlier.of(table.name)
    if not former or name not in pq.read_schema(former[-1].path).names:
        return 0
    seen = pq.read_table(former[-1].path, columns=[name])[name]
    return sum(1 for text in pc.unique(seen).to_pylist() if text in values)


def _guesses(data: pa.Table, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        column = pc.unique(data[name])[:_MOST_VALUES]
        if not pa.types.is_nested(column.type):
            yield f"the column {name}", [text for text in pc.cast(column, pa.string()).to_pylist() if text is not None]
    yield "the number of the row", [str(number) for number in range(min(data.num_rows + 1, _MOST_VALUES))]


def _numbers() -> Iterator[str]:
    """Yield plausible personal ID numbers and telephone numbers, always the same ones."""
    drawn = random.Random(8)  # noqa: S311  a sample to try, nothing to keep secret
    provinces = sorted(words("id_provinces.txt"))
    for _ in range(_TRIED_NUMBERS):
        province, year = drawn.choice(provinces), drawn.randrange(100)
        yield f"{province}{drawn.randrange(4)}{year:02d}{drawn.randrange(1_000_000):06d}"
        yield f"0{drawn.choice('35789')}{drawn.randrange(100_000_000):08d}"


def _digests(texts: Iterable[str], lengths: set[int]) -> Iterator[str]:
    """Yield the beginnings of each text's hashes, as long as the pseudonyms are, in hexadecimal digits."""
    for text in texts:
        data = text.encode()
        for algorithm in _ALGORITHMS:
            digest = hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()
            for length in lengths:
                yield digest[:length]
