"""What is said about a geometry in metadata and in the data dictionary."""

from __future__ import annotations

from typing import Any

from publisher.geometry.spec import WGS84, GeometrySpec


def declared_geometry(spec: GeometrySpec) -> dict[str, Any]:
    """Return the fields that the geometry is read from, its own system, and the conversion to it if there was one."""
    declared: dict[str, Any] = {"fields": list(spec.fields), "crs": "OGC:CRS84"}
    if spec.crs not in WGS84:
        from publisher.geometry.crs import conversion_from

        declared["conversion"] = conversion_from(spec.crs).to_dict()
    return declared
