"""What an attacker reads from the difference of two releases: from numbers, who came or left if few did so in one cell; from what is
hidden now and was not before, that something happened there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

Row = Mapping[str, Any]
Release = Mapping[str, Sequence[Row]]
"""The rows of each table of a release."""


def telling_cells(releases: Sequence[Release], counts: Mapping[str, str], least: int) -> list[int]:
    """Return the differences above zero and below the least of all pairs of releases, cell by cell; a cell that is not listed is zero.

    Args:
        releases: as they were published.
        counts: for each table the column that counts; empty for a table of rows, whose classes are counted.
        least: the fewest people that a difference may stand for.
    """
    sizes = [{table: _sizes(release[table], counts[table]) for table in counts} for release in releases]
    return [
        step
        for before, after in combinations(sizes, 2)
        for table in counts
        for step in _steps(before[table], after[table])
        if 0 < step < least
    ]


def changed_patterns(releases: Sequence[Release], counts: Mapping[str, str]) -> int:
    """Return how many cells are hidden in one of two releases that follow each other and not in the other."""
    sizes = [{table: _sizes(release[table], counts[table]) for table in counts} for release in releases]
    return sum(
        (before[table].get(key, 0) is None) != (after[table].get(key, 0) is None)
        for before, after in pairwise(sizes)
        for table in counts
        for key in before[table].keys() | after[table].keys()
    )


def isolated(before: Release, after: Release, counts: Mapping[str, str], arrivals: Sequence[Mapping[str, Any]]) -> int:
    """Return how many people who came stand alone in the difference of a cell."""
    found = 0
    for person in arrivals:
        for table, count in counts.items():
            then, now = _sizes(before[table], count), _sizes(after[table], count)
            groups = [name for name in after[table][0] if name != count]
            key = tuple(person[name] for name in groups)
            if now.get(key) is not None and then.get(key, 0) is not None and now[key] - (then.get(key) or 0) == 1:  # type: ignore[operator]
                found += 1
                break
    return found


def _sizes(rows: Sequence[Row], count: str) -> dict[tuple[Any, ...], int | None]:
    sizes: dict[tuple[Any, ...], int | None] = {}
    for row in rows:
        key = tuple(value for name, value in row.items() if name != count)
        sizes[key] = row[count] if count else (sizes.get(key) or 0) + 1
    return sizes


def _steps(before: Mapping[Any, int | None], after: Mapping[Any, int | None]) -> Iterator[int]:
    for key in before.keys() | after.keys():
        then, now = before.get(key, 0), after.get(key, 0)
        if then is not None and now is not None:
            yield abs(now - then)
