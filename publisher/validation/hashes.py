"""64-bit hashes of keys, row by row, and which of them come more than once; equal hashes are suspects, not yet repeats."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]

MAX_HELD = 1 << 24
"""Hashes held in memory (8 bytes each); beyond them sorted runs go to files."""

_ODD = np.uint64(0x9E3779B97F4A7C15)
_HALF = np.uint64(32)
_NULL = np.uint64(0x632BE59BD9B4E019)


def hash_rows(columns: Sequence[pa.Array]) -> Hashes:
    """Return one hash for each row of the columns together; equal rows have equal hashes, null equals null.

    Args:
        columns: string, boolean, integer, float without NaN and -0.0, date or timestamp.
    """
    hashes = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        hashes = _mix(hashes ^ _hash_column(column))
    return hashes


class RepeatedHashes:
    """Finds the hashes that come more than once, with no more than `max_held` of them in memory at a time.

    Memory grows further only with the repeats themselves, 8 bytes for each different one.
    """

    def __init__(self, folder: Path, *, max_held: int = MAX_HELD) -> None:
        self._folder = folder
        self._max_held = max_held
        self._waiting: list[Hashes] = []
        self._held = 0
        self._runs: list[Path] = []
        self._repeated: list[Hashes] = []

    def add(self, hashes: Hashes) -> None:
        """Take the hashes of some more rows."""
        self._waiting.append(hashes)
        self._held += len(hashes)
        if self._held >= self._max_held:
            self._write_run()

    def found(self) -> Hashes:
        """Return the repeated hashes, each once and ascending."""
        if self._runs:
            self._write_run()
            runs = [np.memmap(path, np.uint64, mode="r") for path in self._runs]
            parts = 1 << max(0, sum(map(len, runs)) // self._max_held).bit_length()
            for part in range(parts):
                self._repeated.append(_repeated(_part_of(runs, part, parts)))
        else:
            self._repeated.append(_repeated(self._take_waiting()))
        return _once(np.sort(np.concatenate(self._repeated)))

    def _write_run(self) -> None:
        """Sort what is held and write it once for each different hash; what repeats among it is known already."""
        if not self._held:
            return
        hashes = self._take_waiting()
        self._repeated.append(_repeated(hashes))
        path = self._folder / f"{len(self._runs)}.hashes"
        _once(hashes).tofile(path)
        self._runs.append(path)

    def _take_waiting(self) -> Hashes:
        hashes = np.concatenate([np.zeros(0, np.uint64), *self._waiting])
        self._waiting, self._held = [], 0
        hashes.sort()
        return hashes


def _repeated(ascending: Hashes) -> Hashes:
    return _once(ascending[1:][ascending[1:] == ascending[:-1]])


def _once(ascending: Hashes) -> Hashes:
    """Return each hash once; several times as fast as looking at them in any order."""
    first = np.ones(len(ascending), np.bool_)
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return ascending[first]


def _part_of(runs: Sequence[Hashes], part: int, parts: int) -> Hashes:
    """Return the hashes of all runs that fall into one of equal parts of their range, ascending."""
    low, high = ((1 << 64) * place // parts for place in (part, part + 1))
    found = []
    for run in runs:
        start = np.searchsorted(run, np.uint64(low))
        stop = len(run) if part + 1 == parts else np.searchsorted(run, np.uint64(high))
        found.append(run[start:stop])
    hashes = np.concatenate(found)
    hashes.sort()
    return hashes


def _mix(hashes: Hashes) -> Hashes:
    hashes = hashes * _ODD
    hashes ^= hashes >> _HALF
    return hashes


def _hash_column(column: pa.Array) -> Hashes:
    if pa.types.is_string(column.type):
        hashes = _hash_texts(column if not column.null_count else pc.fill_null(column, ""))
    else:
        hashes = _mix(_as_words(column))
    if column.null_count:
        hashes[column.is_null().to_numpy(zero_copy_only=False)] = _NULL
    return hashes


def _as_words(column: pa.Array) -> Hashes:
    if pa.types.is_date(column.type):
        column = pc.cast(column, pa.date32()).cast(pa.int32())
    elif pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.int64())
    if not pa.types.is_floating(column.type):
        column = pc.cast(column, pa.int64())
    zero = pa.scalar(0).cast(column.type)
    numbers = (column if not column.null_count else pc.fill_null(column, zero)).to_numpy()
    return np.ascontiguousarray(numbers).view(np.uint64)


def _hash_texts(column: pa.Array) -> Hashes:
    """Hash eight bytes of every text at a time; texts that have ended keep the hash they have."""
    _, offsets, data = column.buffers()
    places = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    lengths = np.diff(places).astype(np.uint64)
    hashes = _mix(lengths + _ODD)
    if data is None or not len(column):
        return hashes
    first, last = int(places[0]), int(places[-1])
    padded = np.concatenate([np.frombuffer(data, np.uint8)[first:last], np.zeros(8, np.uint8)])
    words = np.ndarray((last - first + 1,), "<u8", padded, strides=(1,))  # the eight bytes from every place on
    starts = (places[:-1] - first).astype(np.int64)
    longest = int(lengths.max(initial=0))
    rows: npt.NDArray[np.int64] | slice = slice(None)
    for done in range(0, longest, 8):
        if int(lengths[rows].min(initial=longest)) <= done:
            rows = np.flatnonzero(lengths > done)
        left = np.minimum(lengths[rows] - np.uint64(done), np.uint64(8))
        beyond = (np.uint64(8) - left) * np.uint64(8)
        word = (words[starts[rows] + done] << beyond) >> beyond
        hashes[rows] = _mix(hashes[rows] ^ word)
    return hashes
