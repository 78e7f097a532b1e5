"""The small data files beside this module: wards, names, streets, words of each agency.

Everything Vietnamese lives in those files, so that the code holds none.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

FOLDER = Path(__file__).parent
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_WARD_SEED = 79
_MEAN_PEOPLE = {"Ward": 92_000, "Commune": 58_000}
_SPECIAL_ZONE_PEOPLE = 9_000


@cache
def table(name: str) -> tuple[dict[str, str], ...]:
    """Return the rows of a CSV file beside this module."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def texts(name: str) -> dict[str, Any]:
    """Return the content of a YAML file beside this module."""
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return content


def wards() -> tuple[dict[str, str], ...]:
    """Return the 168 units of Ho Chi Minh City: code, name, full_name, english_name, type, area, region."""
    return table("hcmc_wards")


@cache
def ward_people() -> Ints:
    """Return a made-up number of inhabitants for each ward; the same for every seed."""
    rng = np.random.default_rng(_WARD_SEED)
    kinds = [ward["english_name"].split()[-1] for ward in wards()]
    means = np.array([_MEAN_PEOPLE.get(kind, _SPECIAL_ZONE_PEOPLE) for kind in kinds], dtype=np.float64)
    people: Ints = np.rint(means * rng.lognormal(-0.08, 0.4, len(means))).astype(np.int64)
    return people


def column(name: str, key: str) -> list[str]:
    """Return one column of a CSV file as text."""
    return [row[key] for row in table(name)]


def numbers(name: str, key: str) -> Floats:
    """Return one column of a CSV file as numbers."""
    return np.array([float(row[key]) for row in table(name)])


def shares(weights: npt.ArrayLike) -> Floats:
    """Scale weights so that their sum is one."""
    values = np.asarray(weights, dtype=np.float64)
    scaled: Floats = values / values.sum()
    return scaled


def draw(rng: np.random.Generator, count: int, weighted: Mapping[str, float]) -> list[str]:
    """Draw texts by their weights."""
    picks = rng.choice(len(weighted), count, p=shares(list(weighted.values())))
    return take(list(weighted), picks)


def take(values: list[str], positions: Ints) -> list[str]:
    """Return the values at the positions."""
    return [values[i] for i in positions.tolist()]
