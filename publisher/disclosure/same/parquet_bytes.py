"""G1 for the bytes of a Parquet file: each belongs to a page, an index, a filter or the footer, and none tells a value that no cell has.

A reader shows cells. It does not show values in a dictionary that no cell names, least and greatest values of rows that are gone, or
what lies between two columns. Written from the format's description (parquet.thrift in github.com/apache/parquet-format).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from publisher.disclosure.same.thrift import Struct, ThriftReader

_MAGIC = b"PAR1"
_TAIL = 8
_WRITER = re.compile(rb"parquet-cpp-arrow version \d+(?:\.\d+)*")
_MOST_HEADER = 1 << 16
_DICTIONARY_PAGE, _DATA_PAGES = 2, frozenset({0, 3})
_PLAIN = 0
_TEXT = 6
_FORMATS = {0: "<?", 1: "<i", 2: "<q", 4: "<f", 5: "<d"}
"""How `struct` reads a statistic, by physical type; of the others it is the text itself."""


@dataclass(frozen=True)
class _Chunk:
    """One column of one row group.

    Attributes:
        group: number of the row group.
        column: name, with those of the structures around it.
        kind: physical type.
        told: statistics as they stand in the file: least and greatest values of the chunk and of its pages.
        entries: values in its dictionary; null where it has none.
        leaves_dictionary: some of its pages hold values themselves, because the dictionary had grown too large.
    """

    group: int
    column: str
    kind: int
    told: tuple[bytes, ...]
    entries: int | None
    leaves_dictionary: bool


def wrong_bytes(path: Path) -> list[str]:
    """Return what a Parquet file holds besides its cells, in words and numbers."""
    footer, start = _footer(path)
    faults = []
    if not _WRITER.fullmatch(_bytes(footer.get(6))):
        faults.append("another writer than ours is named")
    known = (one for one in _ranges(footer) if one != (0, 0))
    ranges = sorted([(0, len(_MAGIC)), *known, (start, path.stat().st_size)])
    if any(end != begin for (_, end), (begin, _) in pairwise(ranges)):
        return [*faults, "bytes that belong to no column"]
    with path.open("rb") as file:
        raw = np.memmap(file, np.uint8, mode="r")
        chunks = list(_chunks(footer, raw))
    return faults + _untrue(path, chunks)


def _footer(path: Path) -> tuple[Struct, int]:
    """Return the file's metadata and where it begins."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(size - _TAIL)
        tail = file.read()
        length = int.from_bytes(tail[:4], "little")
        start = size - _TAIL - length
        if tail[4:] != _MAGIC or start < len(_MAGIC):
            raise ValueError("no Parquet file")
        file.seek(start)
        reader = ThriftReader(file.read(length))
    footer = reader.structure()
    if reader.place != length:
        raise ValueError("something stands behind the metadata")
    return footer, start


def _columns(footer: Struct) -> Iterator[tuple[int, Struct, Struct]]:
    """Yield for each column of each row group the group's number, the column and its metadata."""
    for number, group in enumerate(_list(footer.get(4))):
        for column in _list(group.get(1)):
            yield number, column, _structure(column.get(3))


def _ranges(footer: Struct) -> Iterator[tuple[int, int]]:
    """Yield from where to where the parts of the file reach that the footer knows: pages, indexes of pages, filters."""
    for _, column, about in _columns(footer):
        yield _pages_of(about)
        for fields, offset, length in ((column, 4, 5), (column, 6, 7), (about, 14, 15)):
            if offset in fields:
                yield _number(fields[offset]), _number(fields[offset]) + _number(fields[length])


def _pages_of(about: Struct) -> tuple[int, int]:
    """Return from where to where the pages of a column reach; without any page the place is 0."""
    start = min((_number(about[field]) for field in (9, 10, 11) if about.get(field)), default=0)
    return start, start + _number(about[7])


def _chunks(footer: Struct, raw: Any) -> Iterator[_Chunk]:
    """Yield what the file tells of each column of each row group, its pages walked from the first to the last.

    Raises:
        ValueError: pages do not fill their place, or a column has metadata of its own.
    """
    for group, column, about in _columns(footer):
        if 8 in about:
            raise ValueError("metadata on a column")
        told = _least_and_greatest(about.get(12))
        if 6 in column:
            start = _number(column[6])
            index = ThriftReader(raw[start : start + _number(column[7])].tobytes()).structure()
            empty = _list(index.get(1))
            told += [
                _bytes(one)
                for field in (2, 3)
                for one, is_empty in zip(_list(index.get(field)), empty, strict=True)
                if is_empty != 1
            ]
        entries, leaves, from_pages = _walk(raw, *_pages_of(about))
        name = b".".join(_bytes(step) for step in _list(about.get(3))).decode()
        yield _Chunk(group, name, _number(about.get(1, 0)), tuple(told + from_pages), entries, leaves)


def _walk(raw: Any, start: int, end: int) -> tuple[int | None, bool, list[bytes]]:
    """Return how many values the dictionary has, whether a page does without it, and the statistics in the heads of pages."""
    entries, leaves, told = None, False, []
    while start < end:
        reader = ThriftReader(raw[start : min(start + _MOST_HEADER, end)].tobytes())
        head = reader.structure()
        if head.get(1) == _DICTIONARY_PAGE:
            entries = _number(_structure(head.get(7)).get(1, 0))
        elif head.get(1) in _DATA_PAGES:
            about = _structure(head.get(5, head.get(8)))
            leaves |= entries is not None and about.get(2 if 5 in head else 4) == _PLAIN
            told += _least_and_greatest(about.get(5 if 5 in head else 8))
        start += reader.place + _number(head.get(3, 0))
    if start != end:
        raise ValueError("pages do not fill their place")
    return entries, leaves, told


def _least_and_greatest(statistics: Any) -> list[bytes]:
    return [_bytes(value) for field, value in _structure(statistics).items() if field in {1, 2, 5, 6}]


def _untrue(path: Path, chunks: list[_Chunk]) -> list[str]:
    """Compare dictionaries and statistics with the cells."""
    hidden: dict[str, int] = {}
    untold: dict[str, None] = {}
    worded = sorted({chunk.column for chunk in chunks if chunk.kind == _TEXT and chunk.entries is not None})
    with pq.ParquetFile(path, read_dictionary=worded) as file:
        flat = {field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)}
        for group in range(file.metadata.num_row_groups):
            mine = [chunk for chunk in chunks if chunk.group == group and chunk.column in flat]
            rows = file.read_row_group(group, columns=[chunk.column for chunk in mine], use_threads=False)
            for chunk in mine:
                cells = _as_stored(rows[chunk.column])
                more = _unnamed_entries(chunk, cells)
                hidden |= {chunk.column: hidden.get(chunk.column, 0) + more} if more else {}
                if not _are_cells(chunk, cells):
                    untold[chunk.column] = None
    faults = [f"{number} values in the dictionary of {name} stand in no cell" for name, number in hidden.items()]
    return faults + [f"statistics of {name} tell a value that stands in no cell" for name in untold]


def _as_stored(cells: pa.ChunkedArray) -> pa.Array:
    """Return cells without nulls in the type that the file stores; of a column of words each word that a cell has, once."""
    if pa.types.is_dictionary(cells.type):
        words = [pc.unique(chunk.indices).drop_null() for chunk in cells.chunks]
        named = [chunk.dictionary.take(places) for chunk, places in zip(cells.chunks, words, strict=True)]
        return pc.unique(pa.chunked_array(named, cells.type.value_type))
    kept = cells.drop_null().combine_chunks()
    if pa.types.is_date(kept.type):
        return kept.view(pa.int32())
    return kept.view(pa.int64()) if pa.types.is_timestamp(kept.type) else kept


def _unnamed_entries(chunk: _Chunk, cells: pa.Array) -> int:
    """Return how many values of the dictionary no cell has; a dictionary that was given up holds some of the values only."""
    if chunk.entries is None:
        return 0
    # Plus and minus zero are two entries and one number, so that numbers with a point are counted by their bits.
    bits = cells.view(pa.int64()) if pa.types.is_float64(cells.type) else cells
    different = int(pc.count_distinct(bits).as_py())
    return max(chunk.entries - different, 0)


def _are_cells(chunk: _Chunk, cells: pa.Array) -> bool:
    """Tell whether every statistic is the value of a cell."""
    form = _FORMATS.get(chunk.kind)
    if not chunk.told:
        return True
    if form is None:
        wanted, found = pa.array(set(chunk.told), pa.binary()), pc.cast(cells, pa.binary())
    else:
        wanted, found = pa.array([struct.unpack(form, one)[0] for one in set(chunk.told)], cells.type), cells
    if pa.types.is_floating(found.type):  # the least zero is written with a minus
        wanted, found = pc.add(wanted, 0.0), pc.add(found, 0.0)
    return len(pc.unique(found.filter(pc.is_in(found, value_set=wanted)))) == len(pc.unique(wanted))


def _number(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError("a number is missing in the metadata")  # noqa: TRY004  the file is broken, not the caller
    return value


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _structure(value: Any) -> Struct:
    return value if isinstance(value, dict) else {}
