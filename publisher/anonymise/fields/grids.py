"""Action `grid`: a place becomes the centre of its square; squares of too few people join into larger ones.

Coordinates in metres (VN-2000, UTM) are cut at multiples of the side. Degrees are cut so that every square is at least as wide as high: the
step of longitudes is that of a reference latitude north of all of Viet Nam (24°; further multiples of 12° for places beyond), so the grid
is the same for every table of the country. The squares of the next size hold two by two of those before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.floors import climb_small
from publisher.anonymise.fields.whole_table import Flags, units_of
from publisher.errors import DisclosureRisk, ReleaseRefused

Numbers = npt.NDArray[np.float64]
Squares = npt.NDArray[np.complex128]
"""Squares by their number from south (real) and from west (imaginary); they sort by both."""

METRES_OF_A_DEGREE = 111_195.0
_COUNTRY_LATITUDE = 24
_FURTHER = 12
_LARGEST = 14
_TWO_NUMBERS = re.compile(r"[^\d+-]*([+-]?\d+(?:\.\d+)?)\s*[,; ]\s*([+-]?\d+(?:\.\d+)?)[^\d]*")
_NORTHERN = re.compile(r"lat|vi_?do|vĩ ?độ|north|bac|(^|_)y(_|$)", re.IGNORECASE)


@dataclass
class GridPlaces:
    """Places of one field (a text or geopoint of two numbers) or of two fields of numbers.

    Attributes:
        fields: the field, or the two.
        metres: side of a square.
        floor: units that must share a square; null for no floor.
        units: the fields that tell units apart; empty when each row is a unit.
    """

    fields: tuple[str, ...]
    metres: int
    floor: int | None
    units: tuple[str, ...]
    _is_geopoint: bool = False
    _seen: list[tuple[Numbers, Numbers, pa.Array]] = field(default_factory=list)
    _swapped: bool = False
    _steps: tuple[float, float] = (0.0, 0.0)
    _known: Squares = field(default_factory=lambda: np.zeros(0, np.complex128))
    _sizes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))

    def look(self, batch: pa.RecordBatch) -> None:
        first, second, known = self._numbers(batch)
        units = units_of(batch, self.units) if self.floor is not None else pa.nulls(batch.num_rows, pa.string())
        self._seen.append((first[known], second[known], units.filter(pa.array(known))))

    def decide(self) -> None:
        first = np.concatenate([np.zeros(0), *(one for one, _, _ in self._seen)])
        second = np.concatenate([np.zeros(0), *(two for _, two, _ in self._seen)])
        units = pa.concat_arrays([pa.nulls(0, pa.string()), *(which for _, _, which in self._seen)])
        self._seen = []
        self._orient(first, second)
        if self.floor is not None and len(first):
            self._merge_small(first, second, units, self.floor)

    def rewrite(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        first, second, known = self._numbers(batch)
        squares = self._squares(first, second)
        sizes = np.zeros(len(first), np.int64)
        if self.floor is not None and len(self._known):
            nearest = np.minimum(np.searchsorted(self._known, squares), len(self._known) - 1)
            sizes = np.where(self._known[nearest] == squares, self._sizes[nearest], _LARGEST)
        elif self.floor is not None:
            sizes[:] = _LARGEST
        shown = known & (sizes < _LARGEST)
        northing, easting = (
            (np.floor(at / 2.0**sizes) + 0.5) * step * 2.0**sizes
            for at, step in zip((squares.real, squares.imag), self._steps, strict=True)
        )
        places = (easting, northing) if self._swapped else (northing, easting)
        return self._written(places, shown, batch)

    def _written(self, places: tuple[Numbers, Numbers], shown: Flags, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        digits = 6 if self._steps[0] < 1 else 1
        rounded = [np.round(place, digits) for place in places]
        if len(self.fields) == 2:
            return {
                name: pa.array(place, pa.float64(), mask=~shown).cast(batch.column(name).type, safe=False)
                for name, place in zip(self.fields, rounded, strict=True)
            }
        texts = [
            f"{_plain(one)}, {_plain(two)}" if is_shown else None
            for one, two, is_shown in zip(*rounded, shown, strict=True)
        ]
        return {self.fields[0]: pa.array(texts, pa.string())}

    def _numbers(self, batch: pa.RecordBatch) -> tuple[Numbers, Numbers, Flags]:
        """Return both numbers of each row, and which rows have a place."""
        if len(self.fields) == 2:
            pair = [
                pc.cast(batch.column(name), pa.float64(), safe=False).to_numpy(zero_copy_only=False)
                for name in self.fields
            ]
        else:
            pair = self._numbers_of_texts(batch.column(self.fields[0]))
        known = np.isfinite(pair[0]) & np.isfinite(pair[1])
        return np.where(known, pair[0], 0.0), np.where(known, pair[1], 0.0), known

    def _numbers_of_texts(self, column: pa.Array) -> list[Numbers]:
        encoded = column.dictionary_encode(null_encoding="encode")
        found = [None if text is None else _TWO_NUMBERS.fullmatch(text) for text in encoded.dictionary.to_pylist()]
        wrong = sum(
            match is None and text is not None
            for match, text in zip(found, encoded.dictionary.to_pylist(), strict=True)
        )
        if wrong:
            raise ReleaseRefused(
                f"The field `{self.fields[0]}` has {wrong} values that are no two numbers.",
                step="anonymise",
                cure="write a place as `latitude, longitude`, or as two numbers of metres",
            )
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        return [
            np.array([np.nan if match is None else float(match.group(place)) for match in found], np.float64)[indices]
            for place in (1, 2)
        ]

    def _orient(self, first: Numbers, second: Numbers) -> None:
        """Find out which number is the latitude, and the steps of both."""
        largest = max(np.abs(first).max(initial=0), np.abs(second).max(initial=0))
        if largest > 180:
            self._steps = (float(self.metres), float(self.metres))
            return
        self._swapped = self._first_is_longitude(first, second)
        latitudes = second if self._swapped else first
        furthest = float(np.abs(latitudes).max(initial=0))
        if furthest > 84:
            raise ReleaseRefused(
                f"`{'`, `'.join(self.fields)}` has latitudes beyond 84 degrees.",
                step="anonymise",
                cure="mend the places",
            )
        reference = max(_COUNTRY_LATITUDE, _FURTHER * math.ceil(furthest / _FURTHER))
        step = self.metres / METRES_OF_A_DEGREE
        self._steps = (step, step / math.cos(math.radians(reference)))

    def _first_is_longitude(self, first: Numbers, second: Numbers) -> bool:
        beyond = [bool((np.abs(numbers) > 90).any()) for numbers in (first, second)]
        if beyond[0] != beyond[1]:
            return beyond[0]
        northern = [bool(_NORTHERN.search(name)) for name in self.fields]
        if not any(beyond) and len(northern) == 2 and northern[0] != northern[1]:
            return northern[1]
        if not any(beyond) and (self._is_geopoint or not len(first)):
            return True  # a geopoint has its longitude first
        raise ReleaseRefused(
            f"Nothing tells which part of `{'`, `'.join(self.fields)}` is the latitude.",
            step="anonymise",
            cure="keep the two numbers in fields named latitude and longitude",
        )

    def _squares(self, first: Numbers, second: Numbers) -> Squares:
        northing, easting = (second, first) if self._swapped else (first, second)
        squares = np.empty(len(first), np.complex128)
        squares.real, squares.imag = np.floor(northing / self._steps[0]), np.floor(easting / self._steps[1])
        return squares

    def _merge_small(self, first: Numbers, second: Numbers, units: pa.Array, floor: int) -> None:
        """Find the size of square that each place is shown in; the largest size shows nothing."""
        self._known, counted = np.unique(self._squares(first, second), return_inverse=True)
        if self.units:  # a unit counts once, in the first of its squares, so that no square counts anybody twice
            _, firsts = np.unique(units.dictionary_encode().indices.to_numpy(zero_copy_only=False), return_index=True)
            counted = counted[firsts]
        people = np.bincount(counted, minlength=len(self._known)).tolist()
        if len(counted) < floor:
            raise DisclosureRisk(
                f"`{'`, `'.join(self.fields)}` has places of {len(counted)} units, fewer than min_population.",
                step="anonymise",
                cure="drop the field, or lower `min_population` knowingly",
            )
        labels: list[list[Hashable]] = [
            list(zip(*(np.floor(at / 2**size).tolist() for at in (self._known.real, self._known.imag)), strict=True))
            for size in range(_LARGEST)
        ]
        self._sizes = np.array(climb_small([*labels, [None] * len(people)], people, floor), np.int64)


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))
