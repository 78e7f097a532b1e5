"""Fast languages of dates and times: ISO texts by their bytes, formats of fixed width by their layout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from typing import Any

import numpy as np

from publisher.validation.files.shapes import Shape, shape_of
from publisher.validation.files.texts import Bytes, Texts, rows_of_width
from publisher.validation.layouts import DAY, Layout, Mask, fixed_layout

Language = Callable[[Texts], Mask]

_DAYS = np.zeros(256, np.uint8)
_DAYS[1:13] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
_DATE = r"[1-9]\d{3}-[0-1]\d-[0-3]\d"
_TIME = r"[0-2]\d:[0-5]\d:[0-5]\d"
_FRACTIONS = ("", *(rf"\.\d{{{digits}}}" for digits in range(1, 7)))
_OFFSETS: tuple[tuple[str, int | None], ...] = (("Z", 0), (r"\+00:00", 0), (r"\+07:00", 420))
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  wall time
_STRICT = {"minimum": np.greater, "maximum": np.less, "exclusiveMinimum": np.greater, "exclusiveMaximum": np.less}
_INCLUSIVE = {"minimum": np.greater_equal, "maximum": np.less_equal}


@dataclass(frozen=True)
class _Form:
    """One way to write a moment; `offset` in minutes, null for wall time; bounds as text of the first bytes."""

    shape: Shape
    has_date: bool
    hour_at: int | None
    bounds: tuple[tuple[str, bytes], ...]
    inclusive: bool

    def contains(self, matrix: Bytes) -> Mask:
        good = self.shape.contains(matrix)
        if self.has_date:
            good &= _days_exist(matrix)
        if self.hour_at is not None:
            at = self.hour_at
            good &= (matrix[:, at] < ord("2")) | (matrix[:, at + 1] < ord("4"))
        for name, bound in self.bounds:
            heads = np.ascontiguousarray(matrix[:, : len(bound)]).view(f"S{len(bound)}")[:, 0]
            compare = _INCLUSIVE.get(name, _STRICT[name]) if self.inclusive else _STRICT[name]
            good &= compare(heads, bound)
        return good


def _days_exist(matrix: Bytes) -> Mask:
    """Return which texts that begin with the digits of `YYYY-MM-DD` name a day; 528 is ten times `0` and `0`, modulo 256 it is 16."""
    month = matrix[:, 5] * np.uint8(10) + matrix[:, 6] - np.uint8(16)
    day = matrix[:, 8] * np.uint8(10) + matrix[:, 9] - np.uint8(16)
    exist: Mask = (day - np.uint8(1)) < _DAYS[month]
    leap_days = np.flatnonzero((day == 29) & (month == 2))
    if len(leap_days):
        year = (matrix[leap_days, :4] - np.uint8(ord("0"))) @ np.array([1000, 100, 10, 1], np.int64)
        exist[leap_days] = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return exist


def date_language(pattern: str, bounds: dict[str, date]) -> Language | None:
    """Return the language of a date field with its format and bounds."""
    if pattern == "any":
        return None
    if pattern != "default":
        micros = {name: (bound.toordinal() - _EPOCH.toordinal()) * DAY for name, bound in bounds.items()}
        return _by_layout(fixed_layout(pattern), micros, whole_days=True)
    texts = tuple((name, bound.isoformat().encode()) for name, bound in bounds.items())
    return _by_forms([_Form(_shape(_DATE), True, None, texts, inclusive=True)])


def datetime_language(pattern: str, bounds: dict[str, datetime]) -> Language | None:
    """Return the language of a datetime field with its format and bounds; zones must agree with those of the bounds."""
    if pattern == "any":
        return None
    if pattern != "default":
        if any(bound.tzinfo for bound in bounds.values()):
            return None
        micros = {name: (bound - _EPOCH) // timedelta(microseconds=1) for name, bound in bounds.items()}
        return _by_layout(fixed_layout(pattern), micros)
    forms = []
    for zone, minutes in (("", None), *_OFFSETS):
        limits = _limits(bounds, minutes)
        if limits is None:
            continue
        for fraction in _FRACTIONS:
            for between in ("T",) if limits else ("T", " "):
                shape = _shape(f"{_DATE}{between}{_TIME}{fraction}{zone}")
                forms.append(_Form(shape, True, 11, limits, inclusive=not fraction and _whole_seconds(bounds)))
    return _by_forms(forms)


def time_language(pattern: str, bounds: dict[str, time]) -> Language | None:
    """Return the language of a time field in the default format; bounds must be without a zone."""
    if pattern != "default" or any(bound.tzinfo for bound in bounds.values()):
        return None
    limits = tuple((name, bound.isoformat()[:8].encode()) for name, bound in bounds.items())
    return _by_forms([_Form(_shape(_TIME), False, 0, limits, inclusive=_whole_seconds(bounds))])


def _whole_seconds(bounds: dict[str, Any]) -> bool:
    return not any(bound.microsecond for bound in bounds.values())


def _limits(bounds: dict[str, datetime], minutes: int | None) -> tuple[tuple[str, bytes], ...] | None:
    """Return the bounds as texts of that zone to the second, null when they cannot be compared."""
    limits = []
    for name, bound in bounds.items():
        if (bound.tzinfo is None) != (minutes is None):
            return None
        try:
            local = bound if minutes is None else bound.astimezone(timezone(timedelta(minutes=minutes)))
        except OverflowError:
            return None
        limits.append((name, local.replace(tzinfo=None, microsecond=0).isoformat().encode()))
    return tuple(limits)


def _shape(pattern: str) -> Shape:
    shape = shape_of(pattern)
    assert shape is not None  # noqa: S101  the patterns are constants of this module
    return shape


def _by_forms(forms: list[_Form]) -> Language:
    by_width: dict[int, list[_Form]] = {}
    for form in forms:
        by_width.setdefault(form.shape.width, []).append(form)

    def contains(texts: Texts) -> Mask:
        proven = np.zeros(len(texts.lengths), np.bool_)
        for width, candidates in by_width.items():
            if not (texts.lengths == width).any():
                continue
            matrix, fitting = rows_of_width(texts.array, texts.offsets, texts.lengths, width)
            good = candidates[0].contains(matrix)
            for form in candidates[1:]:
                if good.all():
                    break
                good |= form.contains(matrix)
            if fitting is None:
                return good
            proven[fitting] = good
        return proven

    return contains


def _by_layout(layout: Layout | None, bounds: dict[str, int], *, whole_days: bool = False) -> Language | None:
    if layout is None:
        return None

    def contains(texts: Texts) -> Mask:
        proven, micros = layout.read(texts.array)
        if whole_days:
            micros = micros // DAY * DAY
        for name, bound in bounds.items():
            proven = proven & _INCLUSIVE.get(name, _STRICT[name])(micros, bound)
        return proven

    return contains
