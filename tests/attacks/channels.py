"""Everything that a release file says, unpacked: pages and footers of Parquet, members of archives, dictionaries; and values in every disguise."""

from __future__ import annotations

import base64
import gzip
import re
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
from real.traces import SHORTEST, Needles

_ZSTD = re.compile(rb"\x28\xb5\x2f\xfd")


def disguises(value: str) -> dict[str, bytes]:
    """Return a value as itself and in the disguises in which it might slip through; those too short to mean anything are left out."""
    plain = value.encode()
    forms = {
        "plain": plain,
        "decomposed": unicodedata.normalize("NFD", value).encode(),
        "reversed": value[::-1].encode(),
        "without zeros": value.lstrip("0").encode(),
        "hex": plain.hex().encode(),
        "HEX": plain.hex().upper().encode(),
        "UTF-16LE": value.encode("utf-16-le"),
        "UTF-16BE": value.encode("utf-16-be"),
        "base64": base64.b64encode(plain).rstrip(b"="),
        # Inside of a longer text the groups of three bytes may begin one or two bytes earlier.
        "base64, one on": base64.b64encode(b"x" + plain)[2:].rstrip(b"=")[:-1],
        "base64, two on": base64.b64encode(b"xx" + plain)[3:].rstrip(b"=")[:-1],
    }
    return {name: form for name, form in forms.items() if len(form) >= SHORTEST + 2}


def needles(values: Iterable[str]) -> Needles:
    """Return a search for values in every disguise."""
    return Needles(sorted({form for value in values for form in disguises(value).values()}))


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of a file as it is, and of everything packed inside of it."""
    raw = path.read_bytes()
    yield path.name, raw
    if path.suffix == ".gz":
        yield f"{path.name} unpacked", gzip.decompress(raw)
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            for one in archive.infolist():
                yield f"{path.name}, {one.filename}", archive.read(one) + one.comment + one.extra
    if path.suffix == ".parquet":
        yield f"{path.name}, its pages", b"\n".join(_pages(raw))


def found_in(folder: Path, search: Needles) -> dict[str, int]:
    """Return how many disguised values stand in which place of a folder's files."""
    places = {name: search.count_in(text) for path in sorted(folder.iterdir()) for name, text in contents(path)}
    return {name: number for name, number in places.items() if number}


def _pages(raw: bytes) -> Iterator[bytes]:
    """Yield every page of a Parquet file that is packed with zstd, dictionary pages among them, whether a column names it or not."""
    for match in _ZSTD.finditer(raw):
        end, size = _frame(raw, match.start())
        try:
            yield pa.Codec("zstd").decompress(raw[match.start() : end], size, asbytes=True)
        except OSError:  # four bytes that only look like the beginning of a frame
            continue


def _frame(raw: bytes, start: int) -> tuple[int, int]:
    """Return where a zstd frame ends and the size of its content (RFC 8878, sections 3.1.1.1 and 3.1.1.2)."""
    described = raw[start + 4]
    is_single, has_sum = described >> 5 & 1, described >> 2 & 1
    place = start + 5 + (not is_single) + (0, 1, 2, 4)[described & 3]
    width = (is_single, 2, 4, 8)[described >> 6]
    size = int.from_bytes(raw[place : place + width], "little") + (256 if width == 2 else 0)
    place += width
    is_last = False
    while not is_last and place < len(raw):
        block = int.from_bytes(raw[place : place + 3], "little")
        is_last = bool(block & 1)
        place += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
    return place + 4 * has_sum, size
