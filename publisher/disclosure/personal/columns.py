"""One column as the detectors see it: its distinct texts, how often each stands, and what its name says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.words import fold_all, header_says

SAMPLE = 10_000
"""Distinct texts that shape evidence is taken from; whole columns are searched for ID numbers, e-mails and numbers inside texts."""

Mask = npt.NDArray[np.bool_]
_EDGES = " \t\r\n\u00a0\ufeff'"


@dataclass(frozen=True)
class Column:
    """A sample of a column's distinct texts with their counts.

    `cells` counts non-empty cells and `distinct` distinct texts, both over the whole column; `whole_numbers` says that the column held
    integers, which have lost leading zeros.
    """

    name: str
    texts: pa.Array
    counts: npt.NDArray[np.int64]
    cells: int
    distinct: int
    whole_numbers: bool

    @cached_property
    def sampled_cells(self) -> int:
        return int(self.counts.sum())

    @cached_property
    def compact(self) -> pa.Array:
        """Return the texts without spaces and without the `.0` that spreadsheets add."""
        return pc.replace_substring_regex(
            pc.replace_substring_regex(self.texts, "[ \u00a0]", ""), r"^(\d+)\.0+$", r"\1"
        )

    @cached_property
    def folded(self) -> pa.Array:
        return fold_all(self.texts)

    @property
    def distinctness(self) -> float:
        return self.distinct / self.cells

    def says(self, kind: str) -> bool:
        """Tell whether the column's name holds words of a kind."""
        return header_says(self.name, kind)

    def matches(self, pattern: str, texts: pa.Array | None = None) -> Mask:
        """Return which texts match a regular expression (RE2)."""
        found = pc.match_substring_regex(self.texts if texts is None else texts, pattern)
        return np.asarray(found.to_numpy(zero_copy_only=False), bool)

    def share(self, mask: Mask) -> float:
        """Return the share of non-empty cells that the mask covers."""
        return float(self.counts[mask].sum() / self.sampled_cells)

    def runs_densely(self, mask: Mask) -> bool:
        """Tell whether the masked digit texts are a running number: many values in a narrow range."""
        if mask.sum() < 20:
            return False
        numbers = digits_of(self.compact.filter(pa.array(mask)))
        return int(numbers.max() - numbers.min()) < max(20 * len(numbers), 100_000)


def digits_of(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Return texts of up to 18 characters as numbers, other characters than digits left out."""
    plain = pc.replace_substring_regex(texts, r"\D", "")
    return np.asarray(pc.cast(plain, pa.int64()).to_numpy(zero_copy_only=False))


def slices(texts: pa.Array, start: int, stop: int) -> npt.NDArray[Any]:
    """Return the characters from start to stop of each text."""
    return np.asarray(pc.utf8_slice_codeunits(texts, start, stop).to_numpy(zero_copy_only=False))


def distinct_texts(values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]] | None:
    """Return the distinct non-empty texts of a column and their counts; null when its type holds no texts or whole numbers."""
    if pa.types.is_dictionary(values.type):
        values = pc.cast(values, values.type.value_type)
    if pa.types.is_floating(values.type):
        values = _whole(values)
    if values is None or not (pa.types.is_integer(values.type) or _is_text(values.type)):
        return None
    found = pc.value_counts(values)
    texts, counts = pc.cast(found.field("values"), pa.string()), found.field("counts").to_numpy(zero_copy_only=False)
    if _is_text(values.type):
        texts = pc.utf8_trim(texts, _EDGES)
    kept = pc.fill_null(pc.greater(pc.utf8_length(texts), 0), fill_value=False)
    return texts.filter(kept), np.asarray(counts)[kept.to_numpy(zero_copy_only=False)].astype(np.int64)


def sample_column(name: str, texts: pa.Array, counts: npt.NDArray[np.int64], *, whole_numbers: bool) -> Column:
    """Return the column of distinct texts, thinned evenly to the sample size and in Unicode's composed form."""
    places = np.arange(0, len(texts), max(1, len(texts) // SAMPLE))
    kept = pc.utf8_normalize(texts.take(pa.array(places)), form="NFC")
    return Column(name, kept, counts[places], int(counts.sum()), len(texts), whole_numbers)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray | None:
    """Return floats as integers when all are whole, as spreadsheets store identifiers; null when they are measurements."""
    usable = pc.fill_null(pc.and_(pc.is_finite(values), pc.less(pc.abs(values), 1e15)), fill_value=False)
    finite = values.filter(usable)
    if len(finite) == 0 or not pc.all(pc.equal(finite, pc.floor(finite))).as_py():
        return None
    return pc.cast(finite, pa.int64())
