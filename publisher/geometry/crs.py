"""From the reference system of a source, such as VN-2000, to longitude and latitude in WGS 84, by PROJ's own database."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Coordinates = npt.NDArray[np.float64]

DECIMALS = 7
"""Digits of a degree that conversion keeps: one centimetre, finer than any operation is exact."""


@dataclass(frozen=True)
class Conversion:
    """What is declared about a conversion: the source's system, PROJ's operation, its accuracy in metres (null: unknown)."""

    crs: str
    crs_name: str
    operation: str
    accuracy_m: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return the form that metadata and the data dictionary carry."""
        return {
            "source_crs": self.crs,
            "source_crs_name": self.crs_name,
            "operation": self.operation,
            "accuracy_m": self.accuracy_m,
        }


@lru_cache(maxsize=64)
def conversion_from(crs: str) -> Conversion:
    """Return how coordinates of a system, such as `EPSG:9210`, become WGS 84.

    Raises:
        ValueError: PROJ knows no such system, or no way from it to WGS 84; says so without a value.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        system = CRS.from_user_input(crs)
        chosen = _transformer(crs) if system.is_geographic or system.is_projected else None
    except CRSError:
        chosen = None
    if chosen is None:
        raise ValueError(
            f"the reference system {crs} is not known as one of places on the ground; look for its number in the EPSG dataset"
        )
    accuracy = float(chosen.accuracy)
    steps = [part for part in str(chosen.description).split(" + ") if not part.startswith("axis order change")]
    return Conversion(crs, str(system.name), " + ".join(steps), accuracy if accuracy >= 0 else None)


def to_wgs84(points: Coordinates, crs: str) -> Coordinates:
    """Return longitude and latitude in degrees, shape (n, 2), from easting and northing; infinite where there is no way."""
    transformer = _transformer(crs)
    longitude, latitude = transformer.transform(points[:, 0], points[:, 1])
    return np.round(np.column_stack([longitude, latitude]), DECIMALS)


# PROJ's objects serve one thread; the sinks of a release run in several.
_of_thread = threading.local()


def _transformer(crs: str) -> Any:
    from pyproj.exceptions import CRSError
    from pyproj.transformer import TransformerGroup

    known: dict[str, Any] = _of_thread.__dict__.setdefault("known", {})
    if crs not in known:
        ways = TransformerGroup(crs, "EPSG:4326", always_xy=True, allow_ballpark=False).transformers
        if not ways:
            raise CRSError(f"no operation from {crs}")
        known[crs] = ways[0]  # PROJ sorts them by accuracy, and the area where they hold
    return known[crs]
