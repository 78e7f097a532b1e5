"""`datapackage.json`: what the released files are, in the words of Data Package v2.

Standard: https://datapackage.org/standard/data-package/. Only what is published appears: no source, no dropped field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from publisher.definition import DatasetDefinition
from publisher.formats.geo import GEOJSON_ENDING, GEOPARQUET_ENDING, PMTILES_ENDING
from publisher.published import PublishedField, PublishedTable

CSV_ENDING = ".csv.gz"
PARQUET_ENDING = ".parquet"
SQLITE_ENDING = ".sqlite"
XLSX_ENDING = ".xlsx"
EXCEL_CSV_ENDING = ".excel.csv"
NDJSON_ENDING = ".ndjson.gz"


def dataset_to_datapackage(
    definition: DatasetDefinition,
    tables: Sequence[PublishedTable],
    *,
    release: str,
    as_of: date,
    files: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the descriptor of one release.

    Args:
        definition: the dataset.
        tables: its published tables in the order of the definition.
        release: the release's id, such as `2026-11-22.1`.
        as_of: the day that the data speaks of.
        files: entries of the manifest (`path`, `bytes`, `sha256`, `media_type`, `rows`); those of no data file are left out.
    """
    by_path = {str(file["path"]): file for file in files}
    resources = [
        make(table, by_path[table.name + ending])
        for table in tables
        for ending, make in ((CSV_ENDING, _csv_resource), (PARQUET_ENDING, _parquet_resource))
        if table.name + ending in by_path
    ]
    resources += [resource for table in tables for resource in _reading_resources(table, by_path)]
    resources += [resource for table in tables for resource in _map_resources(table, by_path)]
    resources += [resource for table in tables for resource in _part_resources(table, by_path)]
    if database := by_path.get(definition.name + SQLITE_ENDING):
        resources.append(_sqlite_resource(definition, database))
    package = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "id": definition.id,
        "name": definition.name,
        "title": definition.title,
        "title_translated": dict(definition.title_translated),
        "description": definition.description,
        "description_translated": dict(definition.description_translated),
        "version": definition.version,
        "release": release,
        "as_of": as_of.isoformat(),
        "keywords": list(definition.keywords),
        "licenses": [licence.model_dump() for licence in definition.licenses],
        "contributors": _contributors(definition),
        "spatial": definition.spatial,
        "resources": resources,
    }
    return _without_empty(package)


def table_to_schema(table: PublishedTable) -> dict[str, Any]:
    """Return the Table Schema of a published table: types as released, not as the source delivered them."""
    schema: dict[str, Any] = {"fields": [_field_to_descriptor(field) for field in table.fields]}
    if key := published_key(table):
        schema["primaryKey"] = list(key)
    if table.geometry is not None:
        from publisher.geometry.declared import declared_geometry

        schema["geometry"] = declared_geometry(table.geometry)
    return schema


def published_key(table: PublishedTable) -> tuple[str, ...]:
    """Return the primary key when all of it leaves unchanged, else nothing; aggregates have none."""
    if table.aggregate is not None:
        return ()
    kept = {field.name for field in table.fields if field.treatment == "keep"}
    key = tuple(table.source.schema_.primaryKey)
    return key if key and kept.issuperset(key) else ()


def _field_to_descriptor(field: PublishedField) -> dict[str, Any]:
    descriptor = {
        "name": field.name,
        "type": field.type,
        **field.type_options,
        "title": field.title,
        "title_translated": dict(field.title_translated),
        "description": field.description,
        "description_translated": dict(field.description_translated),
        "unit": field.unit,
        "treatment": field.treatment,
    }
    return _without_empty(descriptor)


def _csv_resource(table: PublishedTable, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": table.name,
        "type": "table",
        **_about(table),
        **_bytes(file, form="csv", media_type="text/csv"),
        "encoding": "utf-8",
        "compression": "gz",
        "schema": table_to_schema(table),
    }


def _parquet_resource(table: PublishedTable, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{table.name}-parquet",
        **_about(table),
        **_bytes(file, form="parquet", media_type=str(file["media_type"])),
    }


def _reading_resources(table: PublishedTable, files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Describe the forms that hold the same rows for one kind of reader; the schema stands with the CSV file."""
    excel = {"encoding": "utf-8", "dialect": {"delimiter": ";", "lineTerminator": "\r\n", "header": True}}
    lines = {"encoding": "utf-8", "compression": "gz"}
    forms: list[tuple[str, str, str, dict[str, Any]]] = [
        (XLSX_ENDING, "xlsx", "", {}),
        (EXCEL_CSV_ENDING, "excel-csv", "text/csv", excel),
        (NDJSON_ENDING, "ndjson", "application/x-ndjson", lines),
    ]
    described = []
    for ending, form, media_type, more in forms:
        if file := files.get(table.name + ending):
            about = _bytes(file, form=form, media_type=media_type or str(file["media_type"]))
            described.append({"name": f"{table.name}-{form}", **_about(table), **about, **more})
    return described


def _part_resources(table: PublishedTable, files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Describe the pieces of a series as one resource of several files; each file's hash stands in the manifest."""
    if table.partition is None:
        return []
    name = re.compile(rf"{re.escape(table.name)}\.([0-9]{{4}}(-[0-9]{{2}})?|undated)\.parquet")
    parts = [files[path] for path in sorted(files) if name.fullmatch(path)]
    described = {
        "name": f"{table.name}-parquet-by-{table.partition.period}",
        **_about(table),
        "path": [part["path"] for part in parts],
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "bytes": sum(part["bytes"] for part in parts),
    }
    return [described] if parts else []


def _map_resources(table: PublishedTable, files: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    forms = {GEOPARQUET_ENDING: "geoparquet", GEOJSON_ENDING: "geojson", PMTILES_ENDING: "pmtiles"}
    described = []
    for ending, form in forms.items():
        if file := files.get(table.name + ending):
            is_text = form == "geojson"
            media_type = "application/geo+json" if is_text else str(file["media_type"])
            resource = {
                "name": f"{table.name}-{form}",
                **_about(table),
                **_bytes(file, form=form, media_type=media_type),
            }
            described.append(resource | ({"encoding": "utf-8", "compression": "gz"} if is_text else {}))
    return described


def _sqlite_resource(definition: DatasetDefinition, file: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": f"{definition.name}-sqlite",
        "title": definition.title,
        **_bytes(file, form="sqlite", media_type=str(file["media_type"])),
    }


def _about(table: PublishedTable) -> dict[str, Any]:
    about = {
        "title": table.title,
        "title_translated": dict(table.title_translated),
        "description": table.row,
        "description_translated": dict(table.row_translated),
    }
    return _without_empty(about)


def _bytes(file: Mapping[str, Any], *, form: str, media_type: str) -> dict[str, Any]:
    described = {
        "path": file["path"],
        "format": form,
        "mediatype": media_type,
        "bytes": file["bytes"],
        "hash": f"sha256:{file['sha256']}",
        "rows": file.get("rows"),
    }
    return {key: value for key, value in described.items() if value is not None}


def _contributors(definition: DatasetDefinition) -> list[dict[str, Any]]:
    owner = {"title": definition.organization.title, "roles": ["publisher"]}
    office = {"title": definition.contact.name, "email": definition.contact.email, "roles": ["contact"]}
    return [owner, _without_empty(office)]


def _without_empty(descriptor: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in descriptor.items() if value not in (None, "", [], {})}
