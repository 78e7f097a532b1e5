"""G8 on real files: what links releases, or can be computed without the key, is found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples.small_tables import define

from publisher.disclosure.releases.pseudonyms import _numbers, weak_pseudonyms
from publisher.earlier import Earlier, EarlierRelease
from publisher.published import PublishedTable, published_tables

WARDS = [f"Phường {number}" for number in range(40)]


def table() -> PublishedTable:
    fields = {"ma": {"action": "pseudonymise", "key": "env:K"}, "phuong": {"action": "keep", "role": "quasi"}}
    privacy = {"subject": "person", "fields": fields, "microdata": {"k": 2}}
    return published_tables(define({"ma": "string", "phuong": "string"}, privacy))[0]


def write(path: Path, pseudonyms: list[str]) -> Path:
    columns = {"ma": pseudonyms, "phuong": WARDS[: len(pseudonyms)]}
    pq.write_table(pa.table(columns, schema=table().arrow_schema), path)
    return path


def keyed(release: str) -> list[str]:
    return [hashlib.sha256(f"secret {release} {ward}".encode()).hexdigest()[:16] for ward in WARDS]


@pytest.mark.slow
def test_keyed_and_rotated_pseudonyms_hold(tmp_path: Path) -> None:
    former = EarlierRelease("r1", date(2026, 1, 1), {"ho_so": write(tmp_path / "a.parquet", keyed("r1"))})
    now = write(tmp_path / "b.parquet", keyed("r2"))
    assert weak_pseudonyms(now, table(), Earlier(date(2026, 1, 2), (former,))) == []
    assert weak_pseudonyms(now, table(), None) == []


def test_pseudonyms_of_an_earlier_release_are_found(tmp_path: Path) -> None:
    former = EarlierRelease("r1", date(2026, 1, 1), {"ho_so": write(tmp_path / "a.parquet", keyed("r1"))})
    now = write(tmp_path / "b.parquet", [*keyed("r2")[:-3], *keyed("r1")[-3:]])
    faults = weak_pseudonyms(now, table(), Earlier(date(2026, 1, 2), (former,)))
    assert faults == ["3 pseudonyms in ma stand in an earlier release too"]


SLOW = (pytest.param(name, marks=pytest.mark.slow) for name in ("md5", "sha1", "sha512", "blake2b"))


@pytest.mark.parametrize("algorithm", ["sha256", *SLOW])
@pytest.mark.parametrize(
    ("source", "what"),
    [
        (lambda: WARDS, "a hash of the column phuong"),
        (lambda: [str(number) for number in range(40)], "a hash of the number of the row"),
        (lambda: [number for number, _ in zip(_numbers(), range(40), strict=False)], "numbers that can be counted"),
    ],
)
def test_unkeyed_hashes_are_found(tmp_path: Path, algorithm: str, source: Callable[[], list[str]], what: str) -> None:
    plain = [hashlib.new(algorithm, text.encode()).hexdigest()[:16] for text in source()]
    [fault] = weak_pseudonyms(write(tmp_path / "a.parquet", plain), table(), None)
    assert what in fault
