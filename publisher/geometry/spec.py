"""The section `geometry` of a table: which published fields say where a row lies."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from publisher.policy import Drop, Privacy, Strict
from publisher.table_schema import TableSchema

Encoding = Literal["geojson", "wkt", "wkb", "geopoint"]
Bounds = tuple[float, float, float, float]

WGS84 = frozenset({"OGC:CRS84", "EPSG:4326"})
"""Reference systems whose longitude and latitude are published as they are."""

GEOMETRY_COLUMN = "geometry"
BBOX_COLUMN = "bbox"
"""The columns that GeoParquet has besides the table's own."""

VIET_NAM: Bounds = (102.1, 6.4, 117.9, 23.5)
"""West, south, east, north of Viet Nam with Hoàng Sa and Trường Sa, in degrees."""


class GeometrySpec(Strict):
    """Where a row lies: two fields with coordinates, or one field that holds a whole geometry.

    The release then also holds GeoParquet, GeoJSON, PMTiles and a picture of the map, all in longitude and latitude (WGS 84).
    """

    longitude: str | None = Field(
        None,
        description="Field with the longitude; in a system in metres the easting (the `Y` of Vietnamese survey sheets).",
    )
    latitude: str | None = Field(
        None,
        description="Field with the latitude; in a system in metres the northing (the `X` of Vietnamese survey sheets).",
    )
    field: str | None = Field(None, description="Field that holds the whole geometry, instead of the two.")
    encoding: Encoding | None = Field(
        None,
        description="How `field` is written: GeoJSON, WKT, hexadecimal WKB, or a Table Schema geopoint (longitude first).",
    )
    crs: str = Field(
        "OGC:CRS84",
        pattern=r"^(OGC:CRS84|EPSG:\d{4,6})$",
        description="Reference system of the coordinates at the source, such as `EPSG:9210` (VN-2000, TM-3 105°45′).",
    )
    bounds: Bounds = Field(
        VIET_NAM,
        description="West, south, east, north in degrees (WGS 84); a row that lies outside goes to quarantine. Viet Nam when not given.",
    )

    @field_validator("crs")
    @classmethod
    def _crs_is_known(cls, crs: str) -> str:
        if crs not in WGS84:
            from publisher.geometry.crs import conversion_from

            conversion_from(crs)
        return crs

    @model_validator(mode="after")
    def _one_way(self) -> GeometrySpec:
        points = (self.longitude is not None, self.latitude is not None)
        whole = (self.field is not None, self.encoding is not None)
        if not (all(points) and not any(whole)) and not (all(whole) and not any(points)):
            raise ValueError("give `longitude` and `latitude`, or `field` and `encoding`")
        west, south, east, north = self.bounds
        if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
            raise ValueError("`bounds` are west, south, east, north in degrees")
        return self

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that the geometry is read from."""
        return tuple(name for name in (self.longitude, self.latitude, self.field) if name is not None)


def refuse_geometry(spec: GeometrySpec, schema: TableSchema, privacy: Privacy) -> None:
    """Refuse a geometry that would say more than the policy lets out, or that the table cannot give.

    Raises:
        ValueError: says which field, and what to change.
    """
    known = {field.name: field.type for field in schema.fields}
    if unknown := [name for name in spec.fields if name not in known]:
        raise ValueError(f"geometry names unknown fields: {', '.join(unknown)}")
    wanted = {"number", "integer"} if spec.field is None else {"string", "geojson", "geopoint", "object", "array"}
    if wrong := [name for name in spec.fields if known[name] not in wanted]:
        raise ValueError(f"geometry needs fields of another type ({' or '.join(sorted(wanted))}): {', '.join(wrong)}")
    if not privacy.publishes_rows:
        raise ValueError("geometry needs published rows, and the policy lets aggregates out only; remove it")
    for name in spec.fields:
        treatment = getattr(privacy.action_of(name), "action", "drop")
        if treatment not in ({"keep", "grid"} if spec.field else {"keep", "round", "grid"}):
            raise ValueError(
                f"geometry is read from `{name}`, which the policy does not publish as a coordinate ({treatment}); "
                "remove the geometry, or keep the field, round it or put it on a grid"
            )
    published = {name for name in known if not isinstance(privacy.action_of(name), Drop)}
    if taken := {GEOMETRY_COLUMN, BBOX_COLUMN} & (published - {spec.field}):
        raise ValueError(f"with a geometry no other field may be called {', '.join(sorted(taken))}")
