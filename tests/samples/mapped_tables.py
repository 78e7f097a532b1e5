"""Tables that have a geometry, and all their map forms written into a folder."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sample_release import RELEASE, sample_definition

from publisher.definition import TableDefinition
from publisher.formats.geo.files import draw_table, geo_sinks
from publisher.formats.rows import released_rows
from publisher.formats.sink import feed
from publisher.published import PublishedTable, published_tables

STATIONS = {"ma": "string", "ten": "string", "cao": "number", "dat_ngay": "date", "lng": "number", "lat": "number"}
ALL_FORMS = ("geoparquet", "geojson", "pmtiles")
POINTS = {"longitude": "lng", "latitude": "lat"}


def mapped_definition(
    fields: dict[str, str], geometry: dict[str, Any] | None, *, privacy: dict[str, Any] | None = None, **more: Any
) -> TableDefinition:
    """Return the definition of a table `places`; every field is kept where no policy is given."""
    kept = {"subject": "none", "fields": {name: {"action": "keep"} for name in fields}}
    table = {
        "name": "places",
        "title": "Trạm & cây",
        "row": "Mỗi dòng là một nơi.",
        "schema": {"fields": [{"name": name, "type": kind, "title": name} for name, kind in fields.items()], **more},
        "source": {"kind": "sql", "url": "env:SAMPLE_URL", "query": "SELECT 1"},
        "privacy": privacy or kept,
        "geometry": geometry,
    }
    return sample_definition(resources=[table]).resources[0]


def mapped_table(fields: dict[str, str], geometry: dict[str, Any], **more: Any) -> PublishedTable:
    """Return the one published table."""
    return published_tables(mapped_definition(fields, geometry, **more))[0]


def stations(count: int) -> dict[str, list[Any]]:
    """Return columns of `STATIONS`: names that need escapes, nulls, a row that lies nowhere every seventh."""
    names = ['Cầu "Bông"', None, "Bến\nNghé", "Đường \\ Lê", ""]
    somewhere = [row % 7 != 3 for row in range(count)]
    return {
        "ma": [f"KK-{row:05d}" for row in range(count)],
        "ten": [names[row % len(names)] for row in range(count)],
        "cao": [None if row % 5 == 0 else row / 4 for row in range(count)],
        "dat_ngay": [None if row % 4 == 0 else row for row in range(count)],
        "lng": [106.6 + row % 100 / 1000 + 1 / 3e7 if there else None for row, there in enumerate(somewhere)],
        "lat": [10.7 + row // 100 / 1000 if there else None for row, there in enumerate(somewhere)],
    }


def write_map(
    folder: Path, table: PublishedTable, columns: dict[str, list[Any]], *, forms: tuple[str, ...] = ALL_FORMS
) -> Path:
    """Write the Parquet file that map forms are compared with, and the forms; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = pa.table(columns, schema=table.arrow_schema)
    pq.write_table(rows, folder / f"{table.name}.parquet")
    sinks = geo_sinks(table, folder, release=RELEASE)
    feed(released_rows(rows.to_batches(), table), {form: sink for form, sink in sinks.items() if form in forms})
    if "geoparquet" in forms:
        draw_table(table, folder)
    return folder


def read_geojson(path: Path) -> dict[str, Any]:
    """Return the whole collection."""
    collection: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return collection


def read_tiles(path: Path) -> dict[tuple[int, int, int], dict[str, Any]]:
    """Return the decoded layers of every tile by zoom, column and row."""
    from mapbox_vector_tile import decode
    from pmtiles.reader import MmapSource, all_tiles

    with path.open("rb") as file:
        return {
            place: decode(gzip.decompress(data), default_options={"y_coord_down": True})
            for place, data in all_tiles(MmapSource(file))
        }


def hue_communes(shared_data: Path) -> tuple[PublishedTable, dict[str, list[Any]]]:
    """Return the table of Huế's 40 communes with their boundaries, and its columns."""
    features = []
    with gzip.open(shared_data / "admin" / "hue_commune_boundaries_2026.ndjson.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            features += [one for one in json.loads(line)["features"] if len(one["properties"]["code"]) == 5]
    fields = {"ma": "string", "ten": "string", "km2": "number", "ranh_gioi": "string"}
    table = mapped_table(fields, {"field": "ranh_gioi", "encoding": "geojson"}, primaryKey=["ma"])
    about = [one["properties"] for one in features]
    return table, {
        "ma": [one["code"] for one in about],
        "ten": [one["fullName"] for one in about],
        "km2": [one["areaKm2"] for one in about],
        "ranh_gioi": [json.dumps(one["geometry"]) for one in features],
    }
