"""What happens to one field: pure functions from an Arrow array to an Arrow array, one for each level of generality.

Every treatment has `levels`, fine to coarse; treatments that cannot climb have one. Null stays null, except where a level hides all values.
A treatment sees its field in `leaves`: the values as far as its finest level tells them apart, taken row by row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.hierarchy import HIDDEN, Hierarchy
from publisher.anonymise.fields.pseudonyms import pseudonym
from publisher.errors import ReleaseRefused

_LARGEST = np.uint64(np.iinfo(np.int64).max)
_EXACT_UP_TO = 2.0**53
"""Whole numbers up to here are what they are as floating-point numbers too."""


class Treatment(Protocol):
    """One field's way out."""

    @property
    def levels(self) -> tuple[str, ...]:
        """Names of the levels, fine to coarse."""
        ...

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        """Return the published values of that level, in the published Arrow type."""
        ...


def leaves_of(treatment: Treatment, values: pa.Array) -> pa.Array:
    """Return the values without what no level ever shows: a datetime's time of day, or the minutes of its hour."""
    return treatment.leaves(values) if isinstance(treatment, DatePeriods) else values


def apply_by_value(treatment: Treatment, values: pa.Array, level: int) -> pa.Array:
    """Apply a treatment once to each distinct value, unless row by row is faster; the way to treat batches, where values repeat."""
    if isinstance(treatment, NUMBERS_STAY):
        return treatment.apply(values, level)
    leaves = leaves_of(treatment, values)
    if isinstance(treatment, DatePeriods) and treatment.levels in {("day",), ("hour",)}:
        return leaves
    encoded = leaves.dictionary_encode(null_encoding="encode")
    return treatment.apply(encoded.dictionary, level).take(encoded.indices)


@dataclass(frozen=True)
class AsItIs:
    """Action `keep`."""

    levels: tuple[str, ...] = ("kept",)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        return values


@dataclass(frozen=True)
class DatePeriods:
    """Action `generalise_date` for date, datetime, year (integer) and yearmonth (`2026-11`) values."""

    levels: tuple[str, ...]

    def leaves(self, values: pa.Array) -> pa.Array:
        """Return a datetime's hour where the finest level is the hour, else its day; other values as they are."""
        if not pa.types.is_timestamp(values.type):
            return values
        return pc.floor_temporal(values, unit="hour") if self.levels[0] == "hour" else _as_days(values)

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        name = self.levels[level]
        if name == HIDDEN:
            return _all_hidden(len(values))
        typed = len(self.levels) == 1
        if name == "hour":
            hours = self.leaves(values)
            return hours if typed else pc.strftime(hours, format="%Y-%m-%dT%H")
        days = _as_days(values)
        if name == "day":
            return days if typed else pc.cast(days, pa.string())
        if name == "year" and typed:
            return pc.year(days)
        return _period_labels(days, name)


@dataclass(frozen=True)
class NumberBands:
    """Action `generalise_number`: `20-29` for whole numbers, `2.5-<5` for others, `90+` from the top on, `*` for all."""

    widths: tuple[float | Literal["*"], ...]
    top: float | None
    whole: bool

    @property
    def levels(self) -> tuple[str, ...]:
        return tuple(HIDDEN if width == HIDDEN else _plain(width) for width in self.widths)

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        width = self.widths[level]
        if width == HIDDEN:
            return _all_hidden(len(values))
        numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        labels = [None if math.isnan(number) else self._band(number, width) for number in numbers]
        return pa.array(labels, pa.string())

    def _band(self, number: float, width: float) -> str:
        if self.top is not None and number >= self.top:
            return f"{_plain(self.top)}+"
        if abs(number) / min(width, 1) > _EXACT_UP_TO:
            raise ReleaseRefused(
                "A number is too large for its bands.", step="anonymise", cure="mend it, or drop the field"
            )
        low = _exact(math.floor(round(number / width, 9)) * width)
        high = _exact(low + width if self.top is None else min(low + width, self.top))
        if not self.whole:
            return f"{_plain(low)}-<{_plain(high)}"
        return _plain(low) if high - low <= 1 else f"{_plain(low)}-{_plain(high - 1)}"


@dataclass(frozen=True)
class CodeClimb:
    """Action `generalise`: a code climbs a hierarchy that must know every code."""

    field: str
    hierarchy: Hierarchy

    @property
    def levels(self) -> tuple[str, ...]:
        return self.hierarchy.levels

    def positions(self, values: pa.Array) -> pa.Array:
        """Return each value's position among the leaves; null for null.

        Raises:
            ReleaseRefused: codes that the hierarchy does not know; their number, not the codes.
        """
        positions = pc.index_in(pc.cast(values, pa.string()), value_set=pa.array(self.hierarchy.leaves, pa.string()))
        unseen = pc.sum(pc.and_(pc.is_null(positions), pc.is_valid(values))).as_py()
        if unseen:
            raise ReleaseRefused(
                f"The hierarchy of the field `{self.field}` does not know {unseen} of its codes.",
                cure="add the codes to the hierarchy, each with its parents",
            )
        return positions

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        positions = self.positions(values)
        labels = self.hierarchy.labels[level]
        if set(labels) == {HIDDEN}:  # whatever the level is called
            return _all_hidden(len(values))
        return pa.array(labels, pa.string()).take(positions)


@dataclass(frozen=True)
class RoundTo:
    """Action `round`: nearest multiple of the base, halves away from zero; the type stays."""

    base: float

    @property
    def levels(self) -> tuple[str, ...]:
        return (_plain(self.base),)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        if pa.types.is_integer(values.type):
            base = np.uint64(min(self.base, 2.0**63))
            numbers = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
            size = np.abs(numbers).view(np.uint64)  # the smallest integer's too, which is no positive one
            rest = size % base
            rounded = size - rest + np.where(rest >= base - rest, base, np.uint64(0))
            if (rounded > _LARGEST).any():
                raise _too_large()
            rounded = np.sign(numbers) * rounded.astype(np.int64)
            return pa.array(rounded, pa.int64(), mask=pc.is_null(values).to_numpy(zero_copy_only=False))
        numbers = values.to_numpy(zero_copy_only=False)
        if (np.abs(numbers) / self.base > _EXACT_UP_TO).any():
            raise _too_large()
        steps = np.floor(np.round(np.abs(numbers) / self.base, 9) + 0.5)
        rounded = np.round(np.sign(numbers) * steps * self.base, 9) + 0.0  # + 0.0 turns -0.0 into 0.0
        return pa.array(rounded, pa.float64(), mask=pc.is_null(values).to_numpy(zero_copy_only=False))


@dataclass(frozen=True)
class CapAt:
    """Action `top_code`: values beyond the bounds become the bounds; the type stays."""

    at: float
    bottom: float | None

    @property
    def levels(self) -> tuple[str, ...]:
        return (_plain(self.at),)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        capped = pc.min_element_wise(values, pa.scalar(self.at, pa.float64()).cast(values.type), skip_nulls=False)
        if self.bottom is None:
            return capped
        return pc.max_element_wise(capped, pa.scalar(self.bottom, pa.float64()).cast(values.type), skip_nulls=False)


@dataclass(frozen=True)
class InTurn:
    """Action `steps`: several treatments of a number, one after the other; the type stays."""

    steps: tuple[RoundTo | CapAt, ...]

    @property
    def levels(self) -> tuple[str, ...]:
        return ("in turn",)

    def apply(self, values: pa.Array, level: int) -> pa.Array:
        for step in self.steps:
            values = step.apply(values, level)
        return values


@dataclass(frozen=True)
class PeriodStart:
    """Action `shift_group`: the first day of the week (Monday), month, quarter or year, as a date."""

    to: str

    @property
    def levels(self) -> tuple[str, ...]:
        return (self.to,)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        return pc.floor_temporal(_as_days(values), unit=self.to)


@dataclass(frozen=True)
class WordList:
    """Action `recode`: texts that the list names become its words, all others become one word; null stays null."""

    words: tuple[tuple[str, str], ...]
    other: str
    levels: tuple[str, ...] = ("recoded",)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        texts = pc.cast(values, pa.string())
        places = pc.index_in(texts, value_set=pa.array([text for text, _ in self.words], pa.string()))
        found = pa.array([word for _, word in self.words], pa.string()).take(places)
        return pc.if_else(pc.is_null(texts), texts, pc.fill_null(found, self.other))


@dataclass(frozen=True, repr=False)
class KeyedPseudonym:
    """Action `pseudonymise`; the key is already separated for dataset, table, field and release, and never printed."""

    key: bytes
    length: int
    levels: tuple[str, ...] = ("pseudonym",)

    def apply(self, values: pa.Array, level: int) -> pa.Array:  # noqa: ARG002  it has one level
        texts = pc.cast(values, pa.string()).to_pylist()
        names = [None if text is None else pseudonym(self.key, text, self.length) for text in texts]
        return pa.array(names, pa.string())


NUMBERS_STAY = (AsItIs, RoundTo, CapAt, InTurn)
"""Treatments after which a number is still one; row by row they cost less than finding the distinct values."""


def _all_hidden(length: int) -> pa.Array:
    return pa.repeat(pa.scalar(HIDDEN, pa.string()), length)


def _as_days(values: pa.Array) -> pa.Array:
    if pa.types.is_integer(values.type):
        values = pc.cast(values, pa.string())
        return pc.cast(pc.binary_join_element_wise(pc.utf8_lpad(values, 4, "0"), "01", "01", "-"), pa.date32())
    if pa.types.is_string(values.type):
        return pc.cast(pc.binary_join_element_wise(values, "01", "-"), pa.date32())
    return pc.cast(values, pa.date32(), safe=False)  # a datetime loses its time of day on purpose


def _period_labels(days: pa.Array, name: str) -> pa.Array:
    if name == "week":
        calendar = pc.iso_calendar(days)
        year, week = (_digits(pc.struct_field(calendar, name), to) for name, to in (("iso_year", 4), ("iso_week", 2)))
        return pc.binary_join_element_wise(year, week, "-W")
    year = pc.year(days)
    if name in {"5y", "10y"}:
        width = int(name[:-1])
        low = pc.multiply(pc.divide(year, width), width)
        return pc.binary_join_element_wise(_digits(low, 4), _digits(pc.add(low, width - 1), 4), "-")
    text = _digits(year, 4)
    if name == "month":
        return pc.binary_join_element_wise(text, _digits(pc.month(days), 2), "-")
    if name == "quarter":
        return pc.binary_join_element_wise(text, _digits(pc.quarter(days), 1), "-Q")
    return text


def _digits(numbers: pa.Array, width: int) -> pa.Array:
    """Return numbers with leading zeros: systems write the year 1 for a day that they do not know."""
    return pc.utf8_lpad(pc.cast(numbers, pa.string()), width, "0")


def _too_large() -> ReleaseRefused:
    return ReleaseRefused("A number is too large to be rounded.", step="anonymise", cure="mend it, or cap it first")


def _exact(number: float) -> float:
    return round(number, 9)


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
