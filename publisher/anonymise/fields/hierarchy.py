"""Hierarchies as CSV files beside a definition: one row a leaf (first column), one column a level, the header names the levels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from publisher.errors import DescriptorError

HIDDEN = "*"
"""The level, and the value, that says nothing."""


@dataclass(frozen=True)
class Hierarchy:
    """The chosen levels of one hierarchy file; `labels[level][i]` is what leaf `i` becomes."""

    leaves: tuple[str, ...]
    levels: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]


def read_hierarchy(path: Path, levels: Sequence[str]) -> Hierarchy:
    """Read a hierarchy and keep the levels asked for, fine to coarse; `*` needs no column.

    Raises:
        DescriptorError: the file cannot be read, lacks a level, holds a leaf twice or an empty cell, or its levels do not nest.
    """
    header, rows = _read_rows(path)
    leaves = tuple(row[0] for row in rows)
    if len(set(leaves)) < len(leaves):
        raise DescriptorError(f"{path}: a leaf stands twice.", cure="keep one row for each leaf")
    missing = [level for level in levels if level != HIDDEN and level not in header]
    if missing:
        raise DescriptorError(
            f"{path}:1: no column for the level `{missing[0]}`.", cure="add the column or mend `levels`"
        )
    labels = tuple(_level_labels(header, rows, level) for level in levels)
    for finer, coarser, name in zip(labels, labels[1:], levels[1:], strict=False):
        if len(set(zip(finer, coarser, strict=True))) > len(set(finer)):
            raise DescriptorError(
                f"{path}: one value of a finer level has two parents at the level `{name}`.",
                cure="order `levels` from fine to coarse and give each value one parent",
            )
    return Hierarchy(leaves, tuple(levels), labels)


def _level_labels(header: list[str], rows: list[list[str]], level: str) -> tuple[str, ...]:
    if level == HIDDEN:
        return (HIDDEN,) * len(rows)
    column = header.index(level)
    return tuple(row[column] for row in rows)


def _read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DescriptorError(
            f"The hierarchy {path} cannot be read: {type(error).__name__}.", cure="put a UTF-8 CSV file there"
        ) from None
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    lines = [row for row in csv.reader(text.splitlines(), delimiter=delimiter) if row]
    if len(lines) < 2:
        raise DescriptorError(f"The hierarchy {path} is empty.", cure="give it a header and one row for each leaf")
    header, rows = lines[0], lines[1:]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header) or not all(row):
            raise DescriptorError(f"{path}: row {number} lacks a cell or has an empty one.", cure="fill every level")
    return header, rows
