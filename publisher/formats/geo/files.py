"""All map forms of a table: three sinks that take its rows with the other forms, and the picture drawn afterwards."""

from __future__ import annotations

from pathlib import Path

from publisher.formats.geo import GEOJSON_ENDING, GEOPARQUET_ENDING, PICTURE_ENDING, PMTILES_ENDING
from publisher.formats.geo.geojson import geojson_sink
from publisher.formats.geo.geoparquet import geoparquet_sink
from publisher.formats.geo.picture import write_picture
from publisher.formats.geo.pmtiles import pmtiles_sink
from publisher.formats.sink import OpenedSink
from publisher.published import PublishedTable


def geo_sinks(table: PublishedTable, folder: Path, *, release: str) -> dict[str, OpenedSink]:
    """Return the sinks of a table that has a geometry, by the name of the form."""
    return {
        "geoparquet": geoparquet_sink(table, folder / f"{table.name}{GEOPARQUET_ENDING}", release=release),
        "geojson": geojson_sink(table, folder / f"{table.name}{GEOJSON_ENDING}"),
        "pmtiles": pmtiles_sink(table, folder / f"{table.name}{PMTILES_ENDING}", release=release),
    }


def draw_table(table: PublishedTable, folder: Path) -> None:
    """Draw the picture of a table whose GeoParquet file is complete."""
    write_picture(folder / f"{table.name}{GEOPARQUET_ENDING}", table, folder / f"{table.name}{PICTURE_ENDING}")
