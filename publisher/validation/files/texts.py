"""Views on the buffers of Arrow string arrays, for checks that look at bytes instead of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.layouts import Mask

Bytes = npt.NDArray[np.uint8]
Lengths = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_SEED = np.uint64(1469598103934665603)


@dataclass
class Texts:
    """A column of texts without nulls, which of them mean nothing (null: none), and what checks share.

    `integers` is filled by the language of integers, for keys; 0 where the text is no plain integer.
    """

    array: pa.Array
    missing: Mask | None
    offsets: Lengths
    lengths: Lengths
    integers: Integers | None = None


def texts_of(array: pa.Array, missing_values: list[str]) -> Texts:
    """Return a column of texts with those marked that the schema calls missing."""
    offsets = offsets_of(array)
    lengths = np.diff(offsets)
    missing: Mask = np.zeros(len(array), np.bool_)
    for text in missing_values:
        missing |= lengths == 0 if not text else bools_of(pc.equal(array, text))
    return Texts(array, missing if missing.any() else None, offsets, lengths)


def bools_of(array: pa.Array) -> Mask:
    """Return a boolean array without nulls in numpy; `to_numpy` would import pandas where it is installed."""
    bits = np.frombuffer(array.buffers()[1], np.uint8) if len(array) else np.zeros(0, np.uint8)
    return np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :].view(np.bool_)


def numbers_of(array: pa.Array, kind: npt.DTypeLike) -> Any:
    """Return the numbers of an array; what stands at nulls means nothing."""
    return (
        np.frombuffer(array.buffers()[1], kind)[array.offset : array.offset + len(array)]
        if len(array)
        else np.zeros(0, kind)
    )


def array_of(texts: Sequence[str]) -> pa.Array:
    """Return texts as an array; `pa.array` would import pandas where it is installed.

    Raises:
        UnicodeEncodeError: a text holds half a surrogate pair.
    """
    joined = "".join(texts)
    letters = joined.encode()
    each = texts if len(letters) == len(joined) else [text.encode() for text in texts]
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, each), np.int32, len(texts)), out=offsets[1:])
    return pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(offsets), pa.py_buffer(letters)])


def no_texts() -> pa.Array:
    """Return an empty array of texts."""
    return pa.Array.from_buffers(pa.string(), 0, [None, pa.py_buffer(bytes(4)), pa.py_buffer(b"")])


def indices_of(rows: npt.NDArray[Any]) -> pa.Array:
    """Return row numbers for Arrow's `take`."""
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows, np.int64))])


def filter_of(mask: Mask) -> pa.Array:
    """Return a mask for Arrow's `filter`."""
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, pa.py_buffer(np.packbits(mask, bitorder="little"))])


def offsets_of(texts: pa.Array) -> Lengths:
    """Return where each text begins in `letters_of`, and the end of the last; texts have no nulls."""
    buffer = texts.buffers()[1]
    if buffer is None or not len(texts):
        return np.zeros(1, np.int32)
    return np.frombuffer(buffer, np.int32)[texts.offset : texts.offset + len(texts) + 1]


def letters_of(texts: pa.Array, offsets: Lengths) -> Bytes:
    """Return the bytes of all texts one after the other."""
    buffer = texts.buffers()[2]
    if buffer is None or not buffer.size:
        return np.zeros(0, np.uint8)
    return np.frombuffer(buffer, np.uint8)[offsets[0] : offsets[-1]]


def null_where(texts: pa.Array, absent: Mask) -> pa.Array:
    """Return texts without nulls with nulls where told; the bytes are shared."""
    if texts.offset:
        texts = pa.concat_arrays([texts])
    validity = pa.py_buffer(np.packbits(~absent, bitorder="little"))
    _, offsets, letters = texts.buffers()
    return pa.Array.from_buffers(texts.type, len(texts), [validity, offsets, letters])


def rows_of_width(texts: pa.Array, offsets: Lengths, lengths: Lengths, width: int) -> tuple[Bytes, Mask | None]:
    """Return the bytes of the texts of one width as a matrix, and which texts these are (null: all)."""
    fitting = lengths == width
    count = int(np.count_nonzero(fitting))
    if count == len(lengths):
        return letters_of(texts, offsets).reshape(count, width), None
    if count * width != int(offsets[-1] - offsets[0]):  # others than empty texts lie between them
        texts = texts.filter(filter_of(fitting))
        offsets = offsets_of(texts)
    return letters_of(texts, offsets).reshape(count, width), fitting


def text_hashes(texts: pa.Array) -> Integers:
    """Return a 64-bit key for each text; equal texts have equal keys in every array.

    The last eight bytes are added as a number to a hash of the length and of what stands before them, so that keys of numbered
    texts (`SR0000000001`, `SR0000000002`) rise with their texts.
    """
    offsets = offsets_of(texts)
    lengths = np.diff(offsets)
    if not len(lengths):
        return np.zeros(0, np.int64)
    words = _big_endian_words(letters_of(texts, offsets), offsets - offsets[0], lengths)
    keys = np.full(len(lengths), _SEED) ^ (lengths.astype(np.uint64) * _MULTIPLIER)
    for before in range(1, words.shape[1]):
        mixed = mix(keys, words[:, -1 - before].astype(np.uint64))
        keys = np.where(lengths > 8 * before, mixed, keys)
    added: Integers = (keys + words[:, -1].astype(np.uint64)).view(np.int64)
    return added


def _big_endian_words(letters: Bytes, offsets: Lengths, lengths: Lengths) -> Any:
    """Return the texts as rows of words of eight bytes, moved to the right and filled up with zeros on the left."""
    widest = max(int(lengths.max()), 1)
    width = (widest + 7) // 8 * 8
    padded = np.zeros((len(lengths), width), np.uint8)
    if (lengths == widest).all():
        padded[:, width - widest :] = letters.reshape(-1, widest)
    else:
        rows = np.repeat(np.arange(len(lengths)), lengths)
        padded[rows, np.arange(len(letters)) - np.repeat(offsets[1:], lengths) + width] = letters
    return padded.view(">u8")


def mix(keys: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """Return keys changed by values, so that pairs of different values rarely share one."""
    mixed = (keys ^ values) * _MULTIPLIER
    mixed ^= mixed >> _SHIFT
    return mixed
