"""Population floors: what too few people share becomes coarser until enough share every published value.

Whoever knows the hierarchy can subtract the finer values that are published from a coarser one. So it is not the coarse unit's own
population that counts, but that of its leaves which are published as it; and where too few are left at the coarsest level, the smallest
value that could have stayed finer joins them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence


def climb_small(labels: Sequence[Sequence[Hashable]], populations: Sequence[int], floor: int) -> list[int]:
    """Return for each leaf the finest level at which its value is shared by at least `floor` people.

    Args:
        labels: for each level, fine to coarse, the value of every leaf; the last level has one value.
        populations: the people of each leaf; together at least the floor.
        floor: the fewest people that may share a value.
    """
    lowest = [0] * len(populations)
    for level in range(len(labels) - 1):
        shared: dict[Hashable, int] = {}
        waiting = [leaf for leaf, at in enumerate(lowest) if at == level]
        for leaf in waiting:
            shared[labels[level][leaf]] = shared.get(labels[level][leaf], 0) + populations[leaf]
        for leaf in waiting:
            if shared[labels[level][leaf]] < floor:
                lowest[leaf] = level + 1
    _fill_the_last(labels, populations, floor, lowest)
    return lowest


def _fill_the_last(
    labels: Sequence[Sequence[Hashable]], populations: Sequence[int], floor: int, lowest: list[int]
) -> None:
    """Let the smallest values join what is left at the last level, until it is nobody or enough people."""
    last = len(labels) - 1
    left = sum(populations[leaf] for leaf, at in enumerate(lowest) if at == last)
    values: dict[tuple[int, Hashable], list[int]] = {}
    for leaf, at in enumerate(lowest):
        if at < last:
            values.setdefault((at, labels[at][leaf]), []).append(leaf)
    by_size = sorted(values.values(), key=lambda leaves: (sum(populations[leaf] for leaf in leaves), leaves))
    for leaves in by_size if any(at == last for at in lowest) else ():
        if left >= floor:
            return
        left += sum(populations[leaf] for leaf in leaves)
        for leaf in leaves:
            lowest[leaf] = last
