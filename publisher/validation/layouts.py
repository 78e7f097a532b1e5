"""Dates and times of fixed width, read column-wise: the bytes at each place, no parser per cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
DAY = 86_400_000_000
"""Microseconds of a day."""

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
_RANGES = {"Y": (1, 9999), "m": (1, 12), "d": (1, 31), "H": (0, 23), "M": (0, 59), "S": (0, 59), "f": (0, 999_999)}
_MICROSECONDS = {"H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000, "f": 1}
_MISSING = {"Y": 1900, "m": 1, "d": 1}  # what strptime assumes


@dataclass(frozen=True)
class Layout:
    """A strptime format whose texts all have one width; `offset_minutes` is null for naive wall time."""

    width: int
    numbers: tuple[tuple[str, int], ...]
    literals: tuple[tuple[int, int], ...]
    offset_minutes: int | None = None

    def read(self, values: pa.Array) -> tuple[Mask, Integers]:
        """Return which values are proven, and their wall time in microseconds since 1970 (0 elsewhere).

        Args:
            values: Arrow string; null is never proven.
        """
        proven = pc.fill_null(pc.equal(pc.binary_length(values), self.width), False).to_numpy(zero_copy_only=False)
        proven = proven.copy()
        micros = np.zeros(len(values), np.int64)
        if proven.any():
            fitting = values if proven.all() else values.filter(pa.array(proven))
            good, moments = self._read_bytes(_byte_columns(fitting, self.width))
            micros[proven] = np.where(good, moments, 0)
            proven[proven] = good
        return proven, micros

    def _read_bytes(self, columns: npt.NDArray[np.uint8]) -> tuple[Mask, Integers]:
        good = np.ones(columns.shape[1], np.bool_)
        for place, byte in self.literals:
            good &= columns[place] == byte
        parts: dict[str, Integers] = {}
        for directive, place in self.numbers:
            digits = columns[place : place + _WIDTHS[directive]] - np.uint8(48)
            good &= (digits <= 9).all(axis=0)
            number = np.zeros(columns.shape[1], np.int64)
            for digit in digits:
                number = number * 10 + digit
            low, high = _RANGES[directive]
            good &= (number >= low) & (number <= high)
            parts[directive] = number
        days, exists = _days(parts, len(good))
        time = sum((parts[d] * unit for d, unit in _MICROSECONDS.items() if d in parts), np.zeros(len(good), np.int64))
        return good & exists, days * DAY + time


def fixed_layout(pattern: str, *, offset_minutes: int | None = None) -> Layout | None:
    """Return the layout of a strptime format, null when its texts vary in width or it says more than numbers."""
    numbers: list[tuple[str, int]] = []
    literals: list[tuple[int, int]] = []
    place = 0
    letters = iter(pattern)
    for letter in letters:
        directive = next(letters, "") if letter == "%" else ""
        if directive in _WIDTHS and directive not in dict(numbers):
            numbers.append((directive, place))
            place += _WIDTHS[directive]
        elif letter != "%" and letter.isascii():
            literals.append((place, ord(letter)))
            place += 1
        else:
            return None
    return Layout(place, tuple(numbers), tuple(literals), offset_minutes) if numbers else None


def _days(parts: dict[str, Integers], rows: int) -> tuple[Integers, Mask]:
    year, month, day = (parts.get(name, np.full(rows, value, np.int64)) for name, value in _MISSING.items())
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1).astype("timedelta64[D]")
    return days.astype(np.int64), days.astype("datetime64[M]") == months


def _byte_columns(values: pa.Array, width: int) -> npt.NDArray[np.uint8]:
    _, offsets, data = values.buffers()
    first = int(np.frombuffer(offsets, np.int32)[values.offset])
    cells = np.frombuffer(data, np.uint8)[first : first + len(values) * width]
    return np.ascontiguousarray(cells.reshape(len(values), width).T)
