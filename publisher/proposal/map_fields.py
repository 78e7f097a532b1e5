"""Where rows lie, when that is plain: two numbers that speak of longitude and latitude, or the geometry of GeoJSON features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import duckdb
import pyarrow.parquet as pq

from publisher.geometry.spec import VIET_NAM, GeometrySpec
from publisher.proposal.draft import ProposedField
from publisher.proposal.names import words_of
from publisher.proposal.staging import StagedSource

_LONGITUDE = (" lng ", " lon ", " long ", " longitude ", " kinh do ")
_LATITUDE = (" lat ", " latitude ", " vi do ")
_ENOUGH = 0.99


def find_geometry(
    engine: duckdb.DuckDBPyConnection, fields: Sequence[ProposedField], staged: StagedSource
) -> dict[str, Any] | None:
    """Return the section `geometry` when kept fields say where rows lie and nearly all lie in Viet Nam; else null."""
    form = getattr(getattr(staged.spec, "format", None), "kind", getattr(staged.spec, "body", None))
    whole = next(
        (field for field in fields if field.facts.name == "geometry" and field.judgement.action == "keep"), None
    )
    if form == "geojson" and whole is not None:
        return _whole(whole, staged)
    return _two_fields(engine, fields)


def _whole(field: ProposedField, staged: StagedSource) -> dict[str, Any] | None:
    from publisher.geometry.faults import geometry_faults

    said = {"field": field.facts.name, "encoding": "geojson"}
    spec = GeometrySpec.model_validate(said)
    wrong = 0
    with pq.ParquetFile(staged.path) as file:
        for batch in file.iter_batches(columns=[field.facts.name]):
            wrong += sum(int(rows.sum()) for rows in geometry_faults(batch, spec).values())
    return {**said, "field": field.name} if wrong <= (1 - _ENOUGH) * staged.rows else None


def _two_fields(engine: duckdb.DuckDBPyConnection, fields: Sequence[ProposedField]) -> dict[str, Any] | None:
    found: dict[str, int] = {}
    for place, field in enumerate(fields):
        if (
            field.guess.type == "number"
            and not field.guess.options.get("decimalChar")
            and field.judgement.action == "keep"
        ):
            words = words_of(field.facts.name)
            for role, said in (("longitude", _LONGITUDE), ("latitude", _LATITUDE)):
                if any(word in words for word in said):
                    found.setdefault(role, place)
    if len(found) < 2:
        return None
    west, south, east, north = VIET_NAM
    x, y = (f"try_cast(c{found[role]} AS DOUBLE)" for role in ("longitude", "latitude"))
    query = f"SELECT avg(({x} BETWEEN ? AND ? AND {y} BETWEEN ? AND ?)::INT) FROM rows WHERE {x} IS NOT NULL"  # noqa: S608  our own names
    row = engine.execute(query, [west, east, south, north]).fetchone()
    if row is None or (row[0] or 0) < _ENOUGH:
        return None
    return {role: fields[place].name for role, place in found.items()}
