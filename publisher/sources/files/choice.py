"""Which of the listed files are taken: those that match, that stopped growing, and in which order."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from publisher.errors import SourceError
from publisher.sources.files.places import Listed, Location
from publisher.sources.files.spec import FileSource

DATES = (
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-_. ]?(?P<m>\d\d)[-_. ]?(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d\d?)[-_. ](?P<m>\d\d?)[-_. ](?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<d>\d\d)(?P<m>\d\d)(?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)[-_. ]?(?P<m>\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<m>\d\d?)[-_. ]?(?P<y>(?:19|20)\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>(?:19|20)\d\d)(?!\d)"),
)
"""Days, then months, then years; Vietnam writes the day first, machines the year."""


def choose_files(
    location: Location,
    spec: FileSource,
    *,
    notes: list[str],
    now: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Listed]:
    """Return the files to take, in order. Files that still grow are left for the next run and noted.

    Raises:
        SourceError: no file matches, all are still growing, or one has no date in its name where dates give the order.
    """
    listed = location.files()
    matching = _matching(listed, spec)
    if not matching:
        raise SourceError(
            f"No file in {spec.location} matches `{spec.pattern}`{_unmarked(listed, spec)}.",
            cure="see whether the agency delivered, or correct `location` and `pattern`",
        )
    settled = matching if location.arrives_whole else _settled(location, matching, spec, now=now, sleep=sleep)
    notes += [f"Left for the next run, it is still growing: {file.name}" for file in matching if file not in settled]
    if not settled:
        raise SourceError(
            f"Every file in {spec.location} that matches `{spec.pattern}` is still growing.",
            cure="run again when the delivery is complete",
        )
    ordered = sorted(settled, key=lambda file: _place_in_order(file.name, spec))
    return ordered if spec.take == "all" else ordered[-1:]


def _matching(listed: Sequence[Listed], spec: FileSource) -> list[Listed]:
    matching = [file for file in listed if fnmatchcase(file.name, spec.pattern)]
    if spec.marker is None:
        return matching
    names = {file.name for file in listed}
    return [
        file
        for file in matching
        if not file.name.endswith(spec.marker)
        and (file.name + spec.marker in names or file.name.partition(".")[0] + spec.marker in names)
    ]


def _unmarked(listed: Sequence[Listed], spec: FileSource) -> str:
    if spec.marker and any(fnmatchcase(file.name, spec.pattern) for file in listed):
        return f" and has its `{spec.marker}` beside it"
    return ""


def _settled(
    location: Location,
    matching: Sequence[Listed],
    spec: FileSource,
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> list[Listed]:
    """Return the files that did not change for the settle time; young ones are looked at again after it.

    A clock of the place that goes wrong makes the wait no longer than the settle time.
    """
    ages = [now() - file.modified for file in matching]
    youngest = min(ages)
    if youngest >= spec.settle_seconds:
        return list(matching)
    sleep(min(spec.settle_seconds - youngest, spec.settle_seconds))
    again = set(location.files())
    return [file for file in matching if file in again]


def _place_in_order(name: str, spec: FileSource) -> tuple[object, ...]:
    return (_date_in(name, spec), _natural(name)) if spec.order == "date" else (_natural(name),)


def _natural(name: str) -> tuple[tuple[str, int, str], ...]:
    """Return what makes `t_2` come before `t_10`: texts and numbers in turn, the number by its size."""
    parts = re.findall(r"(\D*)(\d*)", name)
    return tuple((text, int(digits or 0), digits) for text, digits in parts)


def _date_in(name: str, spec: FileSource) -> date:
    for pattern in DATES:
        for found in pattern.finditer(name):
            parts = {key: int(value) for key, value in found.groupdict().items()}
            try:
                return date(parts["y"], parts.get("m", 1), parts.get("d", 1))
            except ValueError:
                continue  # such as a number of four digits
    raise SourceError(
        f"The name {name} in {spec.location} holds no date, which is to give the order.",
        cure="have dates in the names, such as 2026-11-22 or 22-11-2026, or declare `order: name`",
    )
