"""Fast languages: for each kind of field the texts that are proven clean by looking at columns of bytes.

A language says which texts it contains; each of them Frictionless reads without a note. Of all others it claims nothing. A
language is chosen from Frictionless' own field, so that what it does not understand in a schema leaves the field without one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.validation.files.moments import date_language, datetime_language, time_language
from publisher.validation.files.shapes import Shape, shape_of
from publisher.validation.files.texts import (
    Texts,
    bools_of,
    indices_of,
    letters_of,
    null_where,
    numbers_of,
    offsets_of,
    rows_of_width,
)
from publisher.validation.layouts import Mask
from publisher.validation.patterns import re2_pattern

Language = Callable[["Texts"], Mask]

BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_COMPARE = {
    "minimum": np.greater_equal,
    "maximum": np.less_equal,
    "exclusiveMinimum": np.greater,
    "exclusiveMaximum": np.less,
}
_EXACT_DIGITS = 15
_LONGEST_INTEGER = 18
_NUMBER_LETTERS = np.zeros(256, np.bool_)
_NUMBER_LETTERS[list(b"0123456789.-")] = True


def language_of(field: Any, value_reader: Callable[[Any], Any]) -> Language | None:
    """Return the language of a Frictionless field, null when every distinct value has to be judged.

    Args:
        field: as the header expects it.
        value_reader: the field's own, to read its bounds.
    """
    if field.constraints.get("enum") is not None:
        return None
    bounds = {}
    for name in BOUNDS:
        if name in field.supported_constraints and field.constraints.get(name) is not None:
            bounds[name] = value_reader(field.constraints[name])
    if any(bound is None for bound in bounds.values()):
        return None
    makers: dict[str, Callable[[], Language | None]] = {
        "string": lambda: _string(field),
        "any": lambda: _everything,
        "integer": lambda: _integer(bounds),
        "number": lambda: _number(field, bounds),
        "date": lambda: date_language(field.format, bounds),
        "datetime": lambda: datetime_language(field.format, bounds),
        "time": lambda: time_language(field.format, bounds),
        "year": lambda: _year(bounds),
    }
    maker = makers.get(field.type)
    return maker() if maker else None


def _everything(texts: Texts) -> Mask:
    return np.ones(len(texts.lengths), np.bool_)


def _string(field: Any) -> Language | None:
    if field.format != "default":
        return None
    shortest, longest = field.constraints.get("minLength"), field.constraints.get("maxLength")
    pattern = field.constraints.get("pattern")
    matches = None if pattern is None else _pattern(str(pattern))
    if pattern is not None and matches is None:
        return None

    def contains(texts: Texts) -> Mask:
        proven = _everything(texts)
        if shortest is not None or longest is not None:
            proven = _within_length(texts, shortest, longest)
        return proven if matches is None else proven & matches(texts)

    return contains


def _within_length(texts: Texts, shortest: int | None, longest: int | None) -> Mask:
    """Compare the lengths in letters; bytes tell enough as long as they are few."""
    proven = _everything(texts)
    if longest is not None:
        proven &= texts.lengths <= longest
    if shortest is not None:
        proven &= texts.lengths >= 4 * shortest
    unsure = np.flatnonzero(~proven)
    if len(unsure):
        letters = numbers_of(pc.utf8_length(texts.array.take(indices_of(unsure))), np.int32)
        proven[unsure] = (letters >= (shortest or 0)) & (letters <= (2**31 if longest is None else longest))
    return proven


def _pattern(pattern: str) -> Language | None:
    shape = shape_of(pattern)
    if shape is not None:
        return lambda texts: _of_shape(texts, shape)
    safe = re2_pattern(pattern)
    if safe is None:
        return None
    try:
        re.compile(f"^{pattern}$")
        pc.match_substring_regex(pa.scalar(""), safe)
    except (re.error, pa.ArrowInvalid):
        return None
    return lambda texts: bools_of(pc.match_substring_regex(texts.array, safe))


def _of_shape(texts: Texts, shape: Shape) -> Mask:
    matrix, fitting = rows_of_width(texts.array, texts.offsets, texts.lengths, shape.width)
    good = shape.contains(matrix)
    if fitting is None:
        return good
    proven = np.zeros(len(texts.lengths), np.bool_)
    proven[fitting] = good
    return proven


def _integer(bounds: dict[str, Any]) -> Language:
    def contains(texts: Texts) -> Mask:
        proven = (texts.lengths > 0) & (texts.lengths <= _LONGEST_INTEGER)
        proven &= bools_of(pc.ascii_is_decimal(texts.array))
        unsure = ~proven if texts.missing is None else ~(proven | texts.missing)
        if unsure.any():
            signed = bools_of(pc.match_substring_regex(texts.array, r"\A-[0-9]{1,17}\z"))
            proven = proven | signed
        plain = texts.array if proven.all() else null_where(texts.array, ~proven)
        numbers = np.where(proven, numbers_of(pc.cast(plain, pa.int64()), np.int64), 0)
        texts.integers = numbers
        for name, bound in bounds.items():
            proven = proven & _COMPARE[name](numbers, bound)
        return proven

    return contains


def _year(bounds: dict[str, Any]) -> Language:
    shape = shape_of(r"\d{4}")
    assert shape is not None  # noqa: S101  a constant
    within = _integer(bounds)

    def contains(texts: Texts) -> Mask:
        return _of_shape(texts, shape) & within(texts)

    return contains


def _number(field: Any, bounds: dict[str, Any]) -> Language | None:
    limits = {name: float(bound) for name, bound in bounds.items()}
    if not all(np.isfinite(limit) for limit in limits.values()) or not field.decimal_char:
        return None
    exact = {name: len(Decimal(bound).normalize().as_tuple().digits) <= _EXACT_DIGITS for name, bound in bounds.items()}
    is_processed = bool({"group_char", "decimal_char", "bare_number"} & set(field.list_defined()))

    def contains(texts: Texts) -> Mask:
        possible = texts.lengths > 0 if texts.missing is None else (texts.lengths > 0) & ~texts.missing
        array = texts.array
        if is_processed:
            array, possible = _processed(field, array, possible)
        proven, numbers = _floats(array, possible)
        for name, limit in limits.items():
            inside = numbers > limit if name in {"minimum", "exclusiveMinimum"} else numbers < limit
            if name in {"minimum", "maximum"} and exact[name] and not inside.all():
                inside |= (numbers == limit) & (texts.lengths <= _EXACT_DIGITS)
            proven = proven & inside
        return proven

    return contains


def _processed(field: Any, array: pa.Array, possible: Mask) -> tuple[pa.Array, Mask]:
    """Return the texts as Frictionless' number field rewrites them, and which of them it certainly rewrites so."""
    if not field.bare_number:
        bare = pc.match_substring_regex(array, r"\A[-0-9](?s:.*[0-9])?\z")
        possible = possible & bools_of(bare)
    if field.group_char:
        array = pc.replace_substring(array, field.group_char, "")
    if field.decimal_char != ".":
        possible = possible & ~bools_of(pc.match_substring(array, "."))
        array = pc.replace_substring(array, field.decimal_char, ".")
    return array, possible


def _floats(array: pa.Array, possible: Mask) -> tuple[Mask, npt.NDArray[np.float64]]:
    """Return which texts are plain decimal numbers, and their values."""
    offsets = offsets_of(array)
    known = _NUMBER_LETTERS[letters_of(array, offsets)]
    if not known.all():
        strange = np.flatnonzero(~known) + int(offsets[0])
        possible = possible.copy()
        possible[np.searchsorted(offsets, strange, side="right") - 1] = False
    try:
        numbers = _cast_floats(array, possible)
    except pa.ArrowInvalid:
        plain = bools_of(pc.match_substring_regex(array, r"\A-?[0-9]+(?:\.[0-9]+)?\z"))
        possible = possible & plain
        numbers = _cast_floats(array, possible)
    return possible & np.isfinite(numbers), numbers


def _cast_floats(array: pa.Array, possible: Mask) -> npt.NDArray[np.float64]:
    if possible.all():
        numbers: npt.NDArray[np.float64] = numbers_of(pc.cast(array, pa.float64()), np.float64)
        return numbers
    filled: npt.NDArray[np.float64] = np.where(
        possible, numbers_of(pc.cast(null_where(array, ~possible), pa.float64()), np.float64), 0.0
    )
    return filled
