"""One column as the detectors see it: its distinct texts, how often each stands, and what its name says."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.disclosure.personal.encodings import repair
from publisher.disclosure.personal.words import fold_all, header_says, plain_header

SAMPLE = 3_000
"""Distinct texts that shape evidence is taken from; whole columns are searched for ID numbers, e-mails and numbers inside texts."""

_LONG_COLUMN, _CELLS_SEEN, _NEARLY = 100_000, 20_000, 0.95
Mask = npt.NDArray[np.bool_]
_EDGES = " \t\r\n\u00a0\u200b\ufeff'`\""
_SCIENTIFIC = r"^\d(?:[.,]\d+)?[eE]\+?\d{1,2}$"
_SPACES = "[ \u00a0\u2009\u202f\t]"


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
        """Return the texts without spaces, a label in front, and what spreadsheets add to numbers: `.0`, powers of ten."""
        plain = pc.replace_substring_regex(self.texts, r"^[^\d:#\n]+[:#] *'?", "")
        plain = pc.replace_substring_regex(pc.replace_substring_regex(plain, _SPACES, ""), r"^(\d+)\.0+$", r"\1")
        powers = pc.match_substring_regex(plain, _SCIENTIFIC)
        if pc.any(powers).as_py():
            numbers = pa.array([_written_out(text) for text in plain.filter(powers).to_pylist()])
            plain = pc.replace_with_mask(plain, powers, numbers)
        return plain

    @cached_property
    def bare(self) -> pa.Array:
        """Return the texts without spaces, dots, dashes and brackets, in capitals."""
        return pc.utf8_upper(pc.replace_substring_regex(self.compact, r"[.\-()_]", ""))

    @cached_property
    def folded(self) -> pa.Array:
        return fold_all(self.texts)

    @property
    def distinctness(self) -> float:
        return self.distinct / self.cells

    @property
    def is_unnamed(self) -> bool:
        """Tell whether the column's name says nothing at all, like `F12`."""
        return not plain_header(self.name)

    def says(self, *kinds: str) -> bool:
        """Tell whether the column's name holds words of one of the kinds."""
        return any(header_says(self.name, kind) for kind in kinds)

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
        low, high = np.quantile(numbers, [0.05, 0.95])
        return bool(high - low < max(20 * len(numbers), 100_000))

    def parts(self) -> Column | None:
        """Return the column of what stands apart in its cells by `;`, `|` or a new line; null when few cells hold several."""
        several = self.matches(r"[;|\n]| / | [-–] \D|, ")
        if self.share(several) < 0.05:
            return None
        split = pc.split_pattern_regex(self.texts, r"\s*[;|\n]\s*| / | - |, ")
        parts = pc.utf8_trim(pc.list_flatten(split), _EDGES)
        counts = np.repeat(self.counts, pc.list_value_length(split).to_numpy(zero_copy_only=False))
        kept = pc.greater(pc.utf8_length(parts), 0)
        counts = counts[kept.to_numpy(zero_copy_only=False)]
        parts = parts.filter(kept)
        return replace(
            self, texts=parts, counts=counts, cells=int(counts.sum()), distinct=pc.count_distinct(parts).as_py()
        )


def digits_of(texts: pa.Array) -> npt.NDArray[np.int64]:
    """Return texts of up to 18 digits as numbers, other characters than digits left out."""
    plain = pc.utf8_slice_codeunits(pc.replace_substring_regex(texts, r"\D", ""), 0, 18)
    return np.asarray(pc.cast(plain, pa.int64()).to_numpy(zero_copy_only=False))


def slices(texts: pa.Array, start: int, stop: int) -> npt.NDArray[Any]:
    """Return the characters from start to stop of each text."""
    return np.asarray(pc.utf8_slice_codeunits(texts, start, stop).to_numpy(zero_copy_only=False))


def distinct_texts(values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, npt.NDArray[np.int64]] | None:
    """Return the distinct non-empty texts of a column and their counts; null when its type holds no texts, whole numbers or days.

    Times count as their day, written like `2026-11-23`. Of long columns in which nearly all cells differ the texts are the cells:
    to count them would cost more than all detectors.
    """
    has_words = pa.types.is_dictionary(values.type) and is_text(values.type.value_type)
    if pa.types.is_dictionary(values.type) and not has_words:
        values = pc.cast(values, values.type.value_type)
    if pa.types.is_floating(values.type):
        values = _whole(values)
    elif pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("s"), safe=False).cast(pa.date32(), safe=False)
    if values is None or not (
        pa.types.is_integer(values.type) or pa.types.is_date(values.type) or is_text(values.type) or has_words
    ):
        return None
    if not has_words and _is_nearly_unique(values):
        texts = pc.cast(values.drop_null(), pa.string())
        texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        counts = np.ones(len(texts), np.int64)
    else:
        found = pc.value_counts(values)
        texts = pc.cast(found.field("values"), pa.string())
        counts = found.field("counts").to_numpy(zero_copy_only=False)
    if is_text(values.type) or has_words:
        texts = pc.utf8_trim(texts, _EDGES)
    kept = pc.fill_null(pc.greater(pc.binary_length(texts), 0), fill_value=False)
    return texts.filter(kept), np.asarray(counts)[kept.to_numpy(zero_copy_only=False)].astype(np.int64)


def sample_column(name: str, texts: pa.Array, counts: npt.NDArray[np.int64], *, whole_numbers: bool) -> Column:
    """Return the column of distinct texts, thinned evenly to the sample size, in the encoding that it was meant in."""
    places = np.arange(0, len(texts), max(1, len(texts) // SAMPLE))
    kept = pc.replace_substring_regex(repair(texts.take(pa.array(places))), _SPACES + "+", " ")
    return Column(name, pc.utf8_trim(kept, _EDGES), counts[places], int(counts.sum()), len(texts), whole_numbers)


def is_text(kind: pa.DataType) -> bool:
    """Tell whether an Arrow type holds texts."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_nearly_unique(values: pa.Array | pa.ChunkedArray) -> bool:
    if len(values) < _LONG_COLUMN:
        return False
    seen = values.take(pa.array(np.arange(0, len(values), len(values) // _CELLS_SEEN))).drop_null()
    return bool(len(seen) > _CELLS_SEEN // 2 and pc.count_distinct(seen).as_py() >= _NEARLY * len(seen))


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray | None:
    """Return floats as integers when all are whole, as spreadsheets store identifiers; null when they are measurements."""
    usable = pc.fill_null(pc.and_(pc.is_finite(values), pc.less(pc.abs(values), 1e15)), fill_value=False)
    finite = values.filter(usable)
    if len(finite) == 0 or not pc.all(pc.equal(finite, pc.floor(finite))).as_py():
        return None
    return pc.cast(finite, pa.int64())


def _written_out(text: str) -> str:
    mantissa, power = re.split("[eE]", text.replace(",", ".").replace("+", ""))
    whole, _, decimals = mantissa.partition(".")
    return whole + decimals[: int(power)].ljust(int(power), "0")
