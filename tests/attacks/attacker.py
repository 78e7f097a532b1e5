"""What an attacker does with released rows: count classes, look neighbours up, weigh what is left. Knows the hierarchies, as everybody may.

A register row is known by its finest values; `forms` says in which forms each of them may have left. Nothing here asks the product.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Class = tuple[Any, ...]
Codes = npt.NDArray[np.int64]
Forms = tuple[tuple[Any, ...], ...]
"""For each quasi-identifier the values that one person's true value may have become."""


@dataclass
class Released:
    """Released rows as the attacker sorts them: units and their sensitive values, by class of quasi-identifiers."""

    seen: tuple[set[Any], ...]
    units: dict[Class, set[Any]] = field(default_factory=lambda: defaultdict(set))
    sensitive: dict[Class, Counter[Any]] = field(default_factory=lambda: defaultdict(Counter))

    def classes_of(self, forms: Forms) -> Iterator[Class]:
        """Yield the classes that a person may stand in."""
        possible = [[form for form in some if form in seen] for some, seen in zip(forms, self.seen, strict=True)]
        return (key for key in product(*possible) if key in self.units)


def sort_rows(rows: pa.Table, quasi: Sequence[str], *, unit: str | None, sensitive: str | None = None) -> Released:
    """Sort released rows; without a unit every row is one of its own."""
    columns = [rows[name].to_pylist() for name in quasi]
    released = Released(tuple(set(column) for column in columns))
    units = rows[unit].to_pylist() if unit else list(range(rows.num_rows))
    told = rows[sensitive].to_pylist() if sensitive else [None] * rows.num_rows
    for key, one, value in set(zip(zip(*columns, strict=True), units, told, strict=True)):
        released.units[key].add(one)
        released.sensitive[key][value] += 1
    return released


def share_below(rows: pa.Table, quasi: Sequence[str], k: int, *, unit: str | None) -> dict[tuple[str, ...], float]:
    """Return, for every set of up to three quasi-identifiers and for all of them, the share of units that fewer than k share it with."""
    names = [*quasi, unit] if unit else quasi
    codes = {name: rows[name].combine_chunks().dictionary_encode("encode").indices.to_numpy() for name in names}
    codes[""] = codes[unit] if unit else np.arange(rows.num_rows)
    subsets = [some for size in (1, 2, 3) for some in combinations(quasi, size)]
    return {some: _share_below(codes, some, k) for some in dict.fromkeys([*subsets, tuple(quasi)])}


def _share_below(codes: dict[str, Codes], names: Sequence[str], k: int) -> float:
    classes = np.zeros(len(codes[""]), np.int64)
    for name in names:
        classes = np.unique(classes * (int(codes[name].max()) + 1) + codes[name], return_inverse=True)[1]
    units = codes[""].astype(np.int64)
    pairs = np.unique(classes * (int(units.max()) + 1) + units)
    owners, owned = np.divmod(pairs, int(units.max()) + 1)
    alone = owned[np.bincount(owners)[owners] < k]
    return len(np.unique(alone)) / len(np.unique(units))


@dataclass(frozen=True)
class Linked:
    """How well the attacker did with a list of named people.

    Attributes:
        confident: people in the data for whom one candidate was left, and it was they.
        precision: how often the best guess is right, over all people in the data for whom there was a candidate.
        auc: how well the number of candidates tells people in the data from others; 0.5 is a coin.
    """

    confident: int
    precision: float
    auc: float


def link(released: Released, inside: Iterable[tuple[Any, Forms]], outside: Iterable[Forms]) -> Linked:
    """Link named people to released units; where a person's true unit is null, every candidate is taken for the right one in turn."""
    confident, right, sizes = 0, [], []
    for unit, forms in inside:
        found = candidates(released, forms)
        sizes.append(len(found))
        confident += len(found) == 1 and unit in {None, *found}
        if found:
            right.append(1 / len(found) if unit in {None, *found} else 0.0)
    strangers = [len(candidates(released, forms)) for forms in outside]
    return Linked(confident, sum(right) / max(1, len(right)), _auc(sizes, strangers))


def candidates(released: Released, forms: Forms) -> set[Any]:
    """Return the units whose released values fit a person in every quasi-identifier."""
    return set().union(*(released.units[key] for key in released.classes_of(forms)))


def certain_secrets(released: Released, people: Iterable[Forms]) -> tuple[int, float]:
    """Return for how many people all candidates share one sensitive value, and the mean of the likeliest one's share."""
    certain, shares = 0, []
    for forms in people:
        told: Counter[Any] = Counter()
        for key in released.classes_of(forms):
            told += released.sensitive[key]
        if told:
            certain += len(told) == 1
            shares.append(max(told.values()) / told.total())
    return certain, sum(shares) / max(1, len(shares))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation."""
    return float(np.corrcoef(_ranks(np.asarray(first)), _ranks(np.asarray(second)))[0, 1])


def _auc(inside: Sequence[float], outside: Sequence[float]) -> float:
    """Return the chance that one inside scores higher than one outside, ties halved (the statistic of Mann and Whitney)."""
    ranks = _ranks(np.array([*inside, *outside], float))[: len(inside)]
    return float((ranks.mean() - (len(inside) + 1) / 2) / len(outside))


def _ranks(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return ranks from 1 on, the mean one where values are equal."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse], np.float64)
