"""The largest zoom that the data fills, and which features a tile shows when they are too many."""

from __future__ import annotations

import math
from contextlib import closing

import duckdb

from publisher.formats.geo.staging import EARTH_METRES, Staged
from publisher.formats.geo.tiles import EXTENT

LARGEST_ZOOM = 14
"""Finer tiles would tell nothing more: a unit is 0.6 m there, and viewers enlarge the last zoom."""

MAX_FEATURES = 10_000
MAX_BYTES = 500_000
"""Bounds of a tile, its bytes as they lie gzipped in the archive."""

_UNITS_IN_DETAIL = 16


def largest_zoom(staged: Staged) -> int:
    """Return the zoom at which a unit is a sixteenth of what the data tells apart, or a finer one that no tile overflows at.

    Coordinates of three decimals (100 m) give zoom 11; centimetres would give more than `LARGEST_ZOOM`, which is returned then.
    """
    unit_m = staged.detail_m / _UNITS_IN_DETAIL
    zoom = max(0, min(LARGEST_ZOOM, math.ceil(math.log2(EARTH_METRES / EXTENT / unit_m))))
    while zoom < LARGEST_ZOOM and _fullest(staged, zoom) > MAX_FEATURES:
        zoom += 1
    return zoom


def _fullest(staged: Staged, zoom: int) -> int:
    """Return the features in the fullest tile, counted by their centres."""
    if staged.located <= MAX_FEATURES:
        return staged.located
    query = "SELECT max(features) FROM (SELECT count(*) AS features FROM read_parquet(?) GROUP BY floor(x * ?), floor(y * ?))"
    with closing(duckdb.connect(config={"threads": 1})) as engine:
        found = engine.execute(query, [str(staged.path), 2**zoom, 2**zoom]).fetchone()
    return int(found[0]) if found else 0
