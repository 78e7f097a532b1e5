"""What a class of rows must have: enough units, enough different sensitive values, a distribution close to that of the table.

Definitions: k-anonymity (Sweeney 2002); distinct, entropy and recursive (c, l)-diversity (Machanavajjhala et al. 2007); t-closeness by
the earth mover's distance with equal or ordered distance of values (Li et al. 2007). Null is a value. Classes that miss a demand
are left out; the distribution of the table is that of the rows that stay, so leaving out goes on until all that stay are close to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from publisher.anonymise.search.groups import Groups, Shares
from publisher.anonymise.search.packing import Codes
from publisher.policy.microdata import Closeness, Diversity, Microdata

Flags = npt.NDArray[np.bool_]

_NEAR = 1e-9
"""What floating-point sums may differ by."""


@dataclass(frozen=True)
class Demand:
    """What every class must have, and the share of rows that may be left out for it.

    `diversity` is asked of the first sensitive field of the groups, `closeness` of the last; they may be the same.
    """

    k: int
    suppression_limit: float
    diversity: Diversity | None = None
    closeness: Closeness | None = None

    @property
    def is_monotone(self) -> bool:
        """Tell whether a coarser level never makes more rows miss the demand.

        Classes that have k units or l values keep them when they merge. A class that is varied enough by entropy or close enough
        by distance may merge with one that is not into one that is not, so these are monotone only where none may be left out.
        """
        counts_values = self.diversity is None or self.diversity.kind == "distinct"
        return self.suppression_limit == 0 or (counts_values and self.closeness is None)


def demand_of(microdata: Microdata) -> Demand:
    """Return what a policy demands of its classes."""
    return Demand(microdata.k, microdata.suppression_limit, microdata.l_diversity, microdata.t_closeness)


@dataclass(frozen=True)
class Missed:
    """Which classes miss the demand, and which of them miss the part of it that merging never makes worse."""

    demand: Flags
    monotone_part: Flags


def missed(groups: Groups, demand: Demand) -> Missed:
    """Return which classes are left out; when more rows are than may be, there may be further classes that would have to be."""
    small = groups.units() < demand.k
    diversity = demand.diversity
    if diversity is not None:
        shares = groups.shares(0)
        small |= np.diff(shares.starts, append=len(shares.rows)) < diversity.l
    out = small
    if diversity is not None and diversity.kind != "distinct":
        out = out | _is_poor(shares, diversity)
    if demand.closeness is not None:
        most = demand.suppression_limit * groups.total_rows
        out = _with_far_ones(groups.shares(len(groups.varied) - 1), demand.closeness, out, most=most)
    return Missed(out, out if demand.is_monotone else small)


def _is_poor(shares: Shares, diversity: Diversity) -> Flags:
    """Return which classes miss entropy or recursive l-diversity."""
    if not len(shares.starts):
        return np.zeros(0, bool)
    counts = np.diff(shares.starts, append=len(shares.rows))
    member = np.repeat(np.arange(len(counts)), counts)
    total = np.add.reduceat(shares.rows, shares.starts)
    if diversity.kind == "entropy":
        part = shares.rows / total[member]
        entropy = -np.add.reduceat(part * np.log(part), shares.starts)
        return np.asarray(entropy < math.log(diversity.l) - _NEAR)
    order = np.lexsort((-shares.rows, member))
    rank = np.arange(len(member)) - shares.starts[member]
    by_size = shares.rows[order]
    first = by_size[shares.starts]
    tail = np.add.reduceat(np.where(rank >= diversity.l - 1, by_size, 0), shares.starts)
    return np.asarray(first >= float(diversity.c or 0) * tail)


def _with_far_ones(shares: Shares, closeness: Closeness, out: Flags, *, most: float) -> Flags:
    """Return which classes are left out when those too far from all that stay go too, until none is or more rows than `most` are gone."""
    if not len(shares.starts):
        return out
    rows = np.add.reduceat(shares.rows, shares.starts)
    member = np.repeat(np.arange(len(out)), np.diff(shares.starts, append=len(shares.rows)))
    while rows[out].sum() <= most:
        far = ~out & (_distances(shares, member, out, closeness) > closeness.t + _NEAR)
        if not far.any():
            break
        out = out | far
    return out


def _distances(shares: Shares, member: Codes, out: Flags, closeness: Closeness) -> npt.NDArray[np.float64]:
    """Return how far each class is from the distribution of all rows that stay."""
    stays = ~out[member]
    values = int(shares.values.max()) + 1
    whole = np.bincount(shares.values[stays], weights=shares.rows[stays], minlength=values)
    if not whole.any():
        return np.zeros(len(out))
    total = np.add.reduceat(shares.rows, shares.starts)
    part = shares.rows / total[member]
    reference = whole / whole.sum()
    if closeness.distance == "equal":
        # Half the sum of all differences; values that the class does not hold differ by their whole reference.
        gain = np.add.reduceat(np.maximum(part - reference[shares.values], 0), shares.starts)
        return np.asarray(gain)
    return _ordered_distances(shares, member, reference, present=whole > 0)


def _ordered_distances(
    shares: Shares, member: Codes, reference: npt.NDArray[np.float64], *, present: Flags
) -> npt.NDArray[np.float64]:
    """Return the mean of absolute differences of the cumulated shares over the steps from one value to the next.

    Between two values that a class holds its own cumulated share stays, so that only sums of the reference are needed there:
    those are looked up in sorted prefix sums, and no table of classes by values is made.
    """
    steps = int(present.sum()) - 1
    if steps < 1:
        return np.zeros(len(shares.starts))
    rank = np.cumsum(present) - 1
    cumulated = np.cumsum(reference[present])
    heights = np.concatenate([[0.0], np.cumsum(cumulated)])  # heights[i]: sum of the first i cumulated shares
    so_far = np.cumsum(shares.rows)
    before_class = (so_far[shares.starts] - shares.rows[shares.starts])[member]
    own = (so_far - before_class) / np.add.reduceat(shares.rows, shares.starts)[member]
    begin = rank[shares.values]
    end = np.append(begin[1:], steps)
    end[np.append(shares.starts[1:], len(member)) - 1] = steps
    below = heights[begin[shares.starts]]  # steps below the class's first value, where its own share is 0
    crossing = np.clip(np.searchsorted(cumulated, own), begin, end)
    low = own * (crossing - begin) - (heights[crossing] - heights[begin])
    high = (heights[end] - heights[crossing]) - own * (end - crossing)
    return np.asarray((below + np.add.reduceat(low + high, shares.starts)) / steps)
