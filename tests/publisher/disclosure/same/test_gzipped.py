"""A gzip file of a release holds one text and nothing beside it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from isal import isal_zlib

from publisher.disclosure.same.gzipped import gunzipped, has_gzip_names

TEXT = b"a,b\n1,2\n" * 50_000


def test_the_text_is_what_gzip_reads(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(TEXT, mtime=0))
    assert not has_gzip_names(path)
    with gunzipped(path) as text:
        assert text.read() == TEXT


@pytest.mark.parametrize(
    "spoil",
    [
        lambda packed: packed + b"MARKER",
        lambda packed: packed + gzip.compress(b""),
        lambda packed: packed + bytes(8),
        lambda packed: packed[:-9],
        lambda packed: packed[:-8] + bytes(4) + packed[-4:],
    ],
)
def test_whatever_lies_behind_the_text_is_refused_and_so_is_a_damaged_one(
    tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x.gz"
    path.write_bytes(spoil(gzip.compress(TEXT, mtime=0)))
    with gunzipped(path) as text, pytest.raises((ValueError, isal_zlib.error)):
        text.read()


def test_a_name_in_the_header_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.gz"
    with path.open("wb") as raw, gzip.GzipFile(filename="MARKER.csv", mode="wb", fileobj=raw) as file:
        file.write(TEXT)
    assert has_gzip_names(path)
