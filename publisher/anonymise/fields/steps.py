"""Numbers whose treatment needs the whole column or the rest of the row: a bound at a quantile, a repeatable error by cell key."""

from __future__ import annotations

import hmac
import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from publisher.anonymise.fields.treatments import CapAt, RoundTo
from publisher.anonymise.fields.whole_table import nulls_of, units_of
from publisher.errors import DisclosureRisk, ReleaseRefused
from publisher.policy import TopCode

_SEPARATOR = "\x1f"


@dataclass(frozen=True, repr=False)
class CellError:
    """Action `perturb`: an error of at most `most` from a keyed hash of the cell, which is the value with the texts beside it.

    The error is drawn evenly from as far down as up, and never further than the number itself: zero stays zero, nothing falls below it,
    and the errors' mean is zero.
    """

    key: bytes
    most: int

    def apply(self, values: pa.Array, beside: pa.Array) -> pa.Array:
        numbers = pc.cast(values, pa.int64()).to_pylist()
        moved = [
            None if number is None else number + self._error(number, text)
            for number, text in zip(numbers, beside.to_pylist(), strict=True)
        ]
        return pa.array(moved, pa.int64()).cast(values.type)

    def _error(self, number: int, beside: str) -> int:
        width = min(self.most, abs(number))
        digest = hmac.digest(self.key, f"{number}{_SEPARATOR}{beside}".encode(), "sha256")
        return int.from_bytes(digest[:8], "big") % (2 * width + 1) - width


@dataclass
class NumbersInTurn:
    """The steps of one number, one of which is a bound at a quantile or a perturbation.

    Attributes:
        name: the field.
        steps: in order; at most one bound at a quantile, which becomes a plain one when the column was looked at.
        units: the fields that tell units apart; empty when each row is a unit.
        cell: the fields that tell cells apart.
    """

    name: str
    steps: list[RoundTo | CapAt | TopCode | CellError]
    units: tuple[str, ...]
    cell: tuple[str, ...]
    _numbers: list[npt.NDArray[np.float64]] = field(default_factory=list)
    _units: list[pa.Array] = field(default_factory=list)

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.name,)

    def look(self, batch: pa.RecordBatch) -> None:
        place = self._open_place()
        if place is None:
            return
        values = self._through(batch, self.steps[:place])
        known = ~nulls_of(values)
        numbers = pc.cast(values, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        self._numbers.append(np.asarray(numbers[known], np.float64))
        self._units.append(units_of(batch, self.units).filter(pa.array(known)))

    def decide(self) -> None:
        place = self._open_place()
        if place is None:
            return
        action = self.steps[place]
        if isinstance(action, TopCode):
            numbers = np.concatenate([*self._numbers, np.zeros(0)])
            bound = self._bound(numbers, pa.concat_arrays([pa.nulls(0, pa.string()), *self._units]), action)
            self.steps[place] = CapAt(bound, action.bottom)
        self._numbers, self._units = [], []

    def rewrite(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        return {self.name: self._through(batch, self.steps)}

    def _through(self, batch: pa.RecordBatch, steps: list[RoundTo | CapAt | TopCode | CellError]) -> pa.Array:
        values = batch.column(self.name)
        for step in steps:
            if isinstance(step, CellError):
                values = step.apply(values, units_of(batch, self.cell).fill_null(""))
            elif not isinstance(step, TopCode):
                values = step.apply(values, 0)
        return values

    def _open_place(self) -> int | None:
        return next((place for place, step in enumerate(self.steps) if isinstance(step, TopCode)), None)

    def _bound(self, numbers: npt.NDArray[np.float64], units: pa.Array, action: TopCode) -> float:
        """Return the quantile, or the highest number that enough units reach when fewer reach the quantile."""
        reached = numbers if not self.units else _highest_of_each(numbers, units)
        if len(reached) < action.min_contributors:
            raise DisclosureRisk(
                f"The field `{self.name}` has values of {len(reached)} units, and {action.min_contributors} must share its top.",
                step="anonymise",
                cure="drop the field, or lower `min_contributors` knowingly",
            )
        rank = max(0, math.ceil((action.p or 1) * len(numbers)) - 1)
        quantile = float(np.partition(numbers, rank)[rank])
        shared = float(np.partition(reached, -action.min_contributors)[-action.min_contributors])
        if action.bottom is not None and min(quantile, shared) < action.bottom:
            raise ReleaseRefused(
                f"The field `{self.name}` has its top below its `bottom`.", step="anonymise", cure="lower `bottom`"
            )
        return min(quantile, shared)


def _highest_of_each(numbers: npt.NDArray[np.float64], units: pa.Array) -> npt.NDArray[np.float64]:
    """Return the highest number of each unit."""
    codes = units.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    highest = np.full(int(codes.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(highest, codes, numbers)
    return highest
