"""Texts of one width whose every byte lies in a range of its own: `SR[0-9]{10}`, `2026-11-22`. Checked as one matrix of bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from publisher.validation.files.texts import Bytes
from publisher.validation.layouts import Mask

_WIDEST = 64
_PIECE = re.compile(
    r"(?:(\\d)|\[(.)-(.)\]|\\([^A-Za-z0-9])|([^\\\[\](){}*+?.|^$]))(?:\{([0-9]{1,3})\})?(?![*+?{])", re.DOTALL
)


@dataclass(frozen=True)
class Shape:
    """For each place the lowest byte and how many lie above it."""

    lowest: Bytes
    spans: Bytes

    @property
    def width(self) -> int:
        return len(self.lowest)

    def contains(self, matrix: Bytes) -> Mask:
        """Return which rows of bytes have the shape."""
        inside = (matrix - self.lowest) <= self.spans
        if inside.all():
            return np.ones(len(matrix), np.bool_)
        good: Mask = np.logical_and.reduce(inside, axis=1)
        return good


def shape_of(pattern: str) -> Shape | None:
    """Return the shape whose texts all match `^pattern$`, null when the pattern says more or other things than one shape."""
    places: list[tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        piece = _PIECE.match(pattern, at)
        if piece is None:
            return None
        digit, low, high, escaped, letter, times = piece.groups()
        if digit:
            low, high = "0", "9"
        elif low is None:
            low = high = escaped or letter
        if not (low.isascii() and high.isascii()) or low > high:
            return None
        places += [(low, high)] * (1 if times is None else int(times))
        at = piece.end()
    if not 0 < len(places) <= _WIDEST:
        return None
    lowest = np.array([ord(low) for low, _ in places], np.uint8)
    return Shape(lowest, np.array([ord(high) for _, high in places], np.uint8) - lowest)
