"""Cells hidden for their own sake: small ones, dominated ones, those that tell one value of a whole group, and those hidden before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import prod

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.anonymise.tables.cells import ALL, SUMMED, Cells, different, patterns_of
from publisher.errors import DescriptorError

Key = tuple[object, ...]
"""The values of a cell's group columns as they are published, in the policy's order; `*` where it sums over a column."""

_MOST_LISTED = 2_000_000
_PERSONS = {"person", "household"}


def hide_small(cells: Cells) -> None:
    """Hide the cells of one table that may not be shown, in place, and list empty ones where their absence would tell something.

    A cell is small when some but fewer than `min` units stand in it, or when some but fewer than `min` have a value for one of its measures.

    Raises:
        DescriptorError: so many empty cells would have to be listed that nobody could read them.
    """
    rule = cells.aggregate.small_cell
    if rule.zero == "hide":
        list_all(cells)
    small = cells.units < rule.min if rule.zero == "hide" else (cells.units > 0) & (cells.units < rule.min)
    for behind in cells.contributors:
        small |= (behind > 0) & (behind < rule.min)
    if rule.dominance:
        for whole, first, second in (values.T for values in cells.leading.values()):
            small |= (first > 0) & (whole - first - second < first * rule.dominance.p_percent / 100)
    cells.small |= small
    cells.hidden |= small
    _hide_uniform(cells)


def hide_known(cells: Cells, keys: Iterable[Key]) -> None:
    """Hide the cells of these keys, in place; those in which nobody stands any more are listed for it."""
    codes = _codes(cells, sorted(set(keys), key=repr))
    if not len(codes):
        return
    cells.add_empty(codes)
    known = {tuple(row) for row in codes.tolist()}
    cells.hidden |= np.array([tuple(row) in known for row in cells.codes.tolist()], np.bool_)


def _codes(cells: Cells, keys: Sequence[Key]) -> npt.NDArray[np.int64]:
    """Return the keys as codes; values that no row has any more join their domains."""
    codes = np.full((len(keys), len(cells.domains)), ALL, np.int64)
    may_sum = cells.aggregate.has_margins
    for place, domain in enumerate(cells.domains):
        known = {value: code for code, value in enumerate(domain.to_pylist())}
        for row, key in zip(codes, keys, strict=True):
            if not (may_sum and key[place] == SUMMED):
                row[place] = known.setdefault(key[place], len(known))
        fresh = list(known)[len(domain) :]
        cells.domains[place] = pa.concat_arrays([domain, pa.array(fresh, domain.type)])
    return codes


@dataclass(frozen=True)
class _Opened:
    """Cells of one grouping that were hidden because their groups knew one value only, `along` some of its fields."""

    along: list[int]
    over: list[int]
    cells: set[tuple[int, ...]]


def _hide_uniform(cells: Cells) -> None:
    """Hide cells that hold everybody of a group, so that who is known to be of the group is known to be of the cell.

    The other values of the group are then listed and hidden too, for an absent row would be a zero. Groups of fewer than `min` units
    tell their value only where the policy calls the field sensitive; otherwise their count stays hidden and that is enough.
    Where rows leave beside the table, k and l of those rows decide.
    """
    privacy = cells.published.source.privacy
    if privacy.publishes_rows:
        return
    opened: list[_Opened] = []
    follows = _follows(cells)
    for pattern in sorted(patterns_of(cells.codes), key=sum):  # a group found in a coarser table is found in its parts
        for dimension in _dimensions(pattern, follows):
            names = [cells.aggregate.group_by[place] for place in dimension]
            actions = [privacy.action_of(name) for name in names]
            is_sensitive = any("sensitive" in {action.role, action.class_} for action in actions)
            if is_sensitive or privacy.subject in _PERSONS:
                _hide_along(cells, pattern, sorted(dimension), opened, always=is_sensitive)


def _hide_along(
    cells: Cells,
    pattern: tuple[bool, ...],
    dimension: list[int],
    opened: list[_Opened],
    *,
    always: bool,
) -> None:
    stands = (cells.rows > 0) & ((cells.codes != ALL) == np.array(pattern)).all(axis=1)
    members = np.flatnonzero(stands)
    values = _different(_base(cells)[:, dimension])
    if len(members) == 0 or len(values) < 2:
        return
    others = [place for place, is_there in enumerate(pattern) if is_there and place not in dimension]
    _, group = different(cells.codes[members][:, others])
    single = np.flatnonzero(np.bincount(group)[group] == 1)
    added, hidden = [], []
    for place in single:
        cell = members[place]
        codes = cells.codes[cell].copy()
        below = any(one.along == dimension and tuple(codes[one.over]) in one.cells for one in opened)
        if not (always or below or (cells.units[cell] >= cells.aggregate.small_cell.min)):
            continue
        hidden.append(cell)
        for value in values:
            codes[dimension] = value
            added.append(codes.copy())
    if not hidden:
        return
    over = sorted([*others, *dimension])
    opened.append(_Opened(dimension, over, {tuple(cells.codes[cell][over]) for cell in hidden}))
    cells.small[hidden] = True
    slices = {tuple(row) for row in np.array(added).tolist()}
    cells.add_empty(np.array(added))
    cells.hidden |= np.array([tuple(row) in slices for row in cells.codes.tolist()], np.bool_)


def list_all(cells: Cells) -> None:
    """List every combination of values in every grouping, those in which nobody stands as hidden."""
    base, follows = _base(cells), _follows(cells)
    for pattern in patterns_of(cells.codes):
        choices = [(sorted(d), _different(base[:, sorted(d)])) for d in _dimensions(pattern, follows)]
        number = prod(len(values) for _, values in choices)
        if number > _MOST_LISTED:
            raise DescriptorError(
                f"`{cells.published.name}` hides zeros, so it would have to list {number} cells.",
                step="anonymise",
                cure="group by coarser levels or fewer fields, or let `zero` be `keep`",
            )
        listed = np.full((number, base.shape[1]), ALL, np.int64)
        for row, combination in zip(listed, product(*(values for _, values in choices)), strict=True):
            for (places, _), values in zip(choices, combination, strict=True):
                row[places] = values
        cells.add_empty(listed)


def _different(codes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.asarray(codes[different(codes)[0]])


def _base(cells: Cells) -> npt.NDArray[np.int64]:
    return np.asarray(cells.codes[(cells.codes != ALL).all(axis=1) & (cells.rows > 0)])


def _follows(cells: Cells) -> set[tuple[int, int]]:
    """Return the pairs of groups of which the second follows from the first, such as a name from its code."""
    base, by = _base(cells), cells.aggregate.group_by
    numbers = [len(_different(base[:, [place]])) for place in range(len(by))]
    found = set()
    for one, other in permutations(range(len(by)), 2):
        action = cells.published.source.privacy.action_of(by[other])
        if "sensitive" in {action.role, action.class_} or numbers[other] == 1:
            continue  # what is sensitive is never taken for known, and a constant follows from everything
        if len(_different(base[:, [one, other]])) == numbers[one]:
            found.add((one, other))
    return found


def _dimensions(pattern: Sequence[bool], follows: set[tuple[int, int]]) -> list[frozenset[int]]:
    """Return the groups of a grouping, put together where one follows from another."""
    places = [place for place, is_there in enumerate(pattern) if is_there]
    joined = {place: {place} for place in places}
    for one, other in follows:
        if one in joined and other in joined:
            together = joined[one] | joined[other]
            joined.update(dict.fromkeys(together, together))
    return sorted({frozenset(together) for together in joined.values()}, key=sorted)
