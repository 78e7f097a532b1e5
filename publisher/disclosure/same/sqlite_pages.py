"""The rows of an SQLite table, read from the pages of its file, many cells at a time.

Written from SQLite's description of its file format (sqlite.org/fileformat2.html), versions 1 of reading and writing: tables are trees of pages, a leaf holds
records, a record is a header of serial types and then the cells, one after the other. A driver makes an object of every cell, which takes four fifths
of a whole check; here a column of some thousand rows is one array. What lies outside of the plain case (cells that spill into overflow
pages, another text encoding, a write-ahead log) is left to the driver: `UnplainFileError` tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_MAGIC = b"SQLite format 3\x00"
_FILE_HEADER = 100
_INTERIOR, _LEAF = 5, 13
_BLOCK_BYTES = 1 << 21
_PADDING = 16
_NULL, _FLOAT, _ZERO, _ONE, _FIRST_TEXT = 0, 7, 8, 9, 13
_WIDTHS = np.array([0, 1, 2, 3, 4, 6, 8, 8, 0, 0], np.int64)
"""Bytes of a cell for the serial types below 10; from 12 on a type tells its own length."""
_INTEGERS = (1, 2, 3, 4, 5, 6, _ZERO, _ONE)
_MOST_VARINT = 5


class UnplainFileError(Exception):
    """The file is no plain one; the driver has to read it."""


class DamagedTableError(Exception):
    """The table is not what its writer leaves behind; the message says what is wrong and holds no value."""


@dataclass(frozen=True)
class _Records:
    """The records of some leaves.

    Attributes:
        raw: the leaves' bytes, one after the other, and some zeros.
        types: for each column the serial types of its cells.
        starts: for each record the place in `raw` of every cell, and behind the last one its end.
    """

    raw: Bytes
    types: list[Places]
    starts: Places


def table_batches(path: Path, root: int, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the table whose tree begins at page `root`, in the order of their rowids, in the schema's types.

    Booleans are stored as 0 and 1, times as text (so the schema must say string for them), numbers as SQLite likes: whole ones as integers.

    Raises:
        UnplainFileError: a record spills into overflow pages, or the file is of a kind that this module does not read.
        DamagedTableError: the tree is damaged, a leaf has free space between its records (where deleted rows would still lie), rows are
            not numbered from 1 on, or a cell has another type than the schema's.
    """
    pages = _pages(path)
    seen = 0
    for leaves in _leaves(pages, root):
        numbers, records = _records(pages[leaves - 1], len(schema))
        if not np.array_equal(numbers, np.arange(seen + 1, seen + len(numbers) + 1)):
            raise DamagedTableError("the rows are not numbered from 1 without a gap")
        seen += len(numbers)
        if len(numbers):
            yield _to_batch(records, schema)


def _pages(path: Path) -> npt.NDArray[np.uint8]:
    """Return the file's pages, one a row."""
    with path.open("rb") as file:
        head = file.read(_FILE_HEADER)
    size = int.from_bytes(head[16:18], "big")
    size = 65_536 if size == 1 else size
    is_plain = head[:16] == _MAGIC and head[18:20] == b"\x01\x01" and head[20] == 0 and head[56:60] == b"\0\0\0\1"
    if not is_plain or size < 512 or path.stat().st_size % size:
        raise UnplainFileError
    return np.memmap(path, np.uint8, mode="r").reshape(-1, size)


def _leaves(pages: npt.NDArray[np.uint8], root: int) -> Iterator[Places]:
    """Yield the numbers of the leaves below a page, in order, in blocks of some megabytes."""
    most = max(1, _BLOCK_BYTES // pages.shape[1])
    waiting = np.empty(0, np.int64)
    stack, visited = [np.array([root], np.int64)], 0
    while stack:
        numbers = stack.pop()
        if int(numbers.min()) <= 1 or int(numbers.max()) > len(pages) or visited > len(pages):
            raise DamagedTableError("the tree leads outside of the file, or in a circle")
        kinds = pages[numbers - 1, 0]
        if (kinds == _LEAF).all():
            waiting, visited = np.concatenate([waiting, numbers]), visited + len(numbers)
        elif kinds[0] != _INTERIOR:
            raise DamagedTableError("a page is no page of a table")
        else:
            visited += 1
            stack += [rest for rest in (numbers[1:], _children(pages[numbers[0] - 1])) if len(rest)]
        while len(waiting) >= most:
            yield waiting[:most]
            waiting = waiting[most:]
    if len(waiting):
        yield waiting


def _children(page: Bytes) -> Places:
    cells = int.from_bytes(page[3:5].tobytes(), "big")
    if 12 + 2 * cells > len(page):
        raise DamagedTableError("an inner page is damaged")
    pointers = page[12 : 12 + 2 * cells].view(">u2").astype(np.int64)
    if cells and pointers.max() + 4 > len(page):
        raise DamagedTableError("an inner page is damaged")
    below = page[pointers[:, None] + np.arange(4)].copy().view(">u4")[:, 0]
    return np.append(below, page[8:12].view(">u4")).astype(np.int64)


def _records(leaves: npt.NDArray[np.uint8], columns: int) -> tuple[Places, _Records]:
    """Return the row numbers of the leaves' records, and the records."""
    size = leaves.shape[1]
    raw = np.zeros(leaves.size + _PADDING, np.uint8)
    raw[: leaves.size] = leaves.reshape(-1)
    cells = _big_endian_pair(raw, np.arange(len(leaves)) * size + 3)
    if int(cells.max(initial=0)) * 2 + 8 > size:
        raise DamagedTableError("a leaf is damaged")
    if leaves[:, [1, 2, 7]].any():
        raise DamagedTableError("space between the rows that may hold deleted ones")
    base = np.repeat(np.arange(len(leaves)) * size, cells)
    within = np.arange(len(base)) - np.repeat(np.cumsum(cells) - cells, cells)
    place = base + _big_endian_pair(raw, base + 8 + 2 * within)
    length, place = _varint(raw, place)
    number, place = _varint(raw, place)
    if (length > size - 35).any():
        raise UnplainFileError
    end = place + length
    if (end > base + size).any():
        raise DamagedTableError("a record leads out of its page")
    return number, _read_headers(raw, place, end, columns)


def _read_headers(raw: Bytes, place: Places, end: Places, columns: int) -> _Records:
    """Return where the cells of records lie that begin and end at these places."""
    width, inside = _varint(raw, place)
    starts = np.empty((len(place), columns + 1), np.int64)
    starts[:, 0] = body = place + width
    types = []
    for column in range(columns):
        kind, inside = _varint(raw, inside)
        if ((kind == 10) | (kind == 11)).any() or (inside > body).any():
            raise DamagedTableError("a record has another number of cells than there are columns")
        types.append(kind)
        cell = np.where(kind < 10, _WIDTHS[np.minimum(kind, 9)], (kind - 12) >> 1)
        starts[:, column + 1] = starts[:, column] + cell
    if not (np.array_equal(inside, body) and np.array_equal(starts[:, -1], end)):
        raise DamagedTableError("a record has another number of cells than there are columns")
    return _Records(raw, types, starts)


def _big_endian_pair(raw: Bytes, place: Places) -> Places:
    return (raw[place].astype(np.int64) << 8) | raw[place + 1]


def _varint(raw: Bytes, place: Places) -> tuple[Places, Places]:
    """Return the numbers that begin at these places, and the places behind them."""
    byte = raw[place]
    if not (byte & 0x80).any():
        return byte.astype(np.int64), place + 1
    value, place, going = (byte & 0x7F).astype(np.int64), place + 1, byte >= 0x80
    for _ in range(_MOST_VARINT - 1):
        byte = raw[place]
        value = np.where(going, (value << 7) | (byte & 0x7F), value)
        place = place + going
        going = going & (byte >= 0x80)
        if not going.any():
            return value, place
    raise UnplainFileError


def _to_batch(records: _Records, schema: pa.Schema) -> pa.RecordBatch:
    texts = _Texts(records)
    columns = []
    for column, field in enumerate(schema):
        types = records.types[column]
        if pa.types.is_string(field.type):
            columns.append(texts.column(column))
        else:
            kinds = set(np.flatnonzero(np.bincount(np.minimum(types, 12), minlength=13)).tolist()) - {_NULL}
            columns.append(_numbers(records, column, kinds, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _numbers(records: _Records, column: int, kinds: set[int], wanted: pa.DataType) -> pa.Array:
    """Return a column of numbers; every cell is read in the width that its type says."""
    types, starts = records.types[column], records.starts
    allowed = {_ZERO, _ONE} if pa.types.is_boolean(wanted) else {*_INTEGERS}
    if kinds - allowed - ({_FLOAT} if pa.types.is_floating(wanted) else set()):
        raise DamagedTableError("a cell has another type than its column")
    words = np.ndarray((len(records.raw) - 7,), ">i8", buffer=records.raw.data, strides=(1,))
    values = np.zeros(len(types), np.float64 if pa.types.is_floating(wanted) else np.int64)
    for kind in kinds:
        where = slice(None) if len(kinds) == 1 and (types == kind).all() else np.flatnonzero(types == kind)
        if kind in {_ZERO, _ONE}:
            values[where] = kind - _ZERO
            continue
        found = words[starts[where, column]].astype(np.int64)
        if kind == _FLOAT:
            values[where] = found.view(np.float64)
        else:
            values[where] = found >> (64 - 8 * int(_WIDTHS[kind]))
    empty = types == _NULL
    numbers = pa.array(values, mask=empty if empty.any() else None)
    return pc.cast(numbers, wanted)


class _Texts:
    """The leaves' bytes as one long array of texts, cut at the beginning of every cell, from which columns are taken."""

    def __init__(self, records: _Records) -> None:
        self._types = records.types
        order = np.argsort(records.starts[:, 0], kind="stable")
        self._stride = records.starts.shape[1]
        bounds = records.starts[order].reshape(-1)
        if (np.diff(bounds) < 0).any():
            raise DamagedTableError("two records lie one over the other")
        self._row = np.empty(len(order), np.int64)
        self._row[order] = np.arange(len(order)) * self._stride
        offsets = pa.py_buffer(bounds.astype(np.int32))
        self._cells = pa.Array.from_buffers(pa.string(), len(bounds) - 1, [None, offsets, pa.py_buffer(records.raw)])

    def column(self, column: int) -> pa.Array:
        types = self._types[column]
        empty = types == _NULL
        if not (empty | ((types >= _FIRST_TEXT) & (types % 2 == 1))).all():
            raise DamagedTableError("a cell has another type than its column")
        places = pa.array(self._row + column, mask=empty if empty.any() else None)
        return self._cells.take(places)
