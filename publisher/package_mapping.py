"""A dataset and its release as a CKAN package: plain dictionaries, nothing sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from publisher.definition import DatasetDefinition, OrganizationDefinition
from publisher.formats.datapackage import (
    CSV_ENDING,
    EXCEL_CSV_ENDING,
    NDJSON_ENDING,
    PARQUET_ENDING,
    SQLITE_ENDING,
    XLSX_ENDING,
)
from publisher.formats.geo import GEOJSON_ENDING, GEOPARQUET_ENDING, PMTILES_ENDING
from publisher.published import PublishedTable, ReleaseSummary, published_tables

LICENSES = {
    "CC-BY-4.0": "cc-by",
    "CC-BY-SA-4.0": "cc-by-sa",
    "CC-BY-NC-4.0": "cc-nc",
    "CC0-1.0": "cc-zero",
    "ODC-BY-1.0": "odc-by",
    "ODBL-1.0": "odc-odbl",
    "PDDL-1.0": "odc-pddl",
    "OGL-UK-3.0": "uk-ogl",
}
"""Licence ids of definitions (SPDX) and what CKAN calls them; any other open licence is `other-open` there."""

_TABLE_FORMS = (
    (CSV_ENDING, "CSV", "text/csv"),
    (XLSX_ENDING, "XLSX", ""),
    (EXCEL_CSV_ENDING, "Excel CSV", "text/csv"),
    (PARQUET_ENDING, "Parquet", ""),
    (NDJSON_ENDING, "JSON Lines", "application/x-ndjson"),
    (GEOPARQUET_ENDING, "GeoParquet", ""),
    (GEOJSON_ENDING, "GeoJSON", "application/geo+json"),
    (PMTILES_ENDING, "PMTiles", ""),
)
_DATABASE_FORM = (SQLITE_ENDING, "SQLite", "")


def dataset_to_package(
    definition: DatasetDefinition, summary: ReleaseSummary | None, *, site_url: str
) -> dict[str, Any]:
    """Return the whole package; without a summary it has neither resources nor a release.

    The same arguments give the same package, so that sending it again changes nothing.

    Args:
        definition: the dataset.
        summary: the release that the public shall get; its times must be aware.
        site_url: where the portal's files are served, with or without a slash at its end.
    """
    return {
        "id": definition.id,
        "name": definition.name,
        "type": "dataset",
        "title": definition.title,
        "notes": definition.description,
        "owner_org": definition.organization.name,
        "license_id": LICENSES.get(definition.licenses[0].name.upper(), "other-open"),
        "maintainer": definition.contact.name,
        "maintainer_email": definition.contact.email or "",
        "version": (summary.version if summary else "") or definition.version,
        "private": False,
        "tags": [{"name": keyword} for keyword in definition.keywords],
        "groups": [{"name": definition.theme}] if definition.theme else [],
        "extras": _to_extras(_about(definition) | (_about_release(definition, summary) if summary else {})),
        "resources": _resources(definition, summary, site_url.rstrip("/")) if summary else [],
    }


def organization_to_group(organization: OrganizationDefinition) -> dict[str, Any]:
    """Return the organization as CKAN takes it."""
    english = {
        "title_en": organization.title_translated.get("en"),
        "description_en": organization.description_translated.get("en"),
    }
    return {
        "name": organization.name,
        "title": organization.title,
        "description": organization.description,
        "extras": _to_extras(english),
    }


def summary_to_dict(definition: DatasetDefinition, summary: ReleaseSummary) -> dict[str, Any]:
    """Return what the extra `release_summary` says; optional keys are left out where nothing is known."""
    tables = _tables(definition)
    row = tables[0].row if tables else ""
    row_en = tables[0].row_translated.get("en", "") if tables else ""
    known = {name: summary.changes[name] for name in ("added", "removed", "changed") if name in summary.changes}
    dropped = summary.privacy.get("dropped")
    said = {
        "release": summary.release,
        "as_of": summary.as_of.isoformat(),
        "published_at": utc_text(summary.published_at),
        "checked_at": utc_text(summary.checked_at),
        "parent": summary.parent,
        "rows": dict(summary.rows),
        "columns": dict(summary.columns),
        "manifest_sha256": summary.manifest_sha256,
        "definition_sha256": summary.definition_sha256,
        "row": {"vi": row, "en": row_en},
        "row_en": row_en,
        "dropped_fields": _dropped_fields(definition) if dropped is None else dropped,
    }
    measures = {"changes": known or None} | {name: summary.privacy.get(name) for name in ("k", "suppressed_share")}
    measures |= {"version": summary.version or None, "majors": summary.majors or None, "corrects": summary.corrects}
    measures |= {"version_level": summary.changes.get("version", {}).get("level"), "q": summary.score.get("q")}
    return said | {name: value for name, value in measures.items() if value is not None}


def utc_text(moment: datetime) -> str:
    """Return an aware time as `2026-11-22T03:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _about(definition: DatasetDefinition) -> dict[str, str | None]:
    return {
        "title_en": definition.title_translated.get("en"),
        "notes_en": definition.description_translated.get("en"),
        "frequency": definition.release.cadence,
        "spatial_text": definition.spatial,
        "legal_basis": definition.legal_basis,
    }


def _about_release(definition: DatasetDefinition, summary: ReleaseSummary) -> dict[str, str | None]:
    said = json.dumps(summary_to_dict(definition, summary), ensure_ascii=False, sort_keys=True)
    return {"release": summary.release, "release_summary": said}


def _to_extras(values: Mapping[str, str | None]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items() if value]


def _resources(definition: DatasetDefinition, summary: ReleaseSummary, site_url: str) -> list[dict[str, Any]]:
    """Return the distributions, table by table in the definition's order, so that clients meet the main table first."""
    files = {str(file["path"]): file for file in summary.files}
    tables = _tables(definition)
    wanted = [(table, table.name, form) for table in tables for form in _TABLE_FORMS]
    made = []
    for table, stem, (ending, form, media_type) in [*wanted, (None, definition.name, _DATABASE_FORM)]:
        if file := files.get(stem + ending):
            url = f"{site_url}/r/{definition.name}/{summary.release}/{file['path']}"
            described = _describe(definition, table, form) | _bytes_of(definition, file, summary, url=url)
            more = {"compression": "gzip", "datastore_active": True} if form == "CSV" else {}
            more |= {"compression": "gzip"} if form in {"GeoJSON", "JSON Lines"} else {}
            made.append(described | {"mimetype": media_type or file["media_type"]} | more)
    return made


def _describe(definition: DatasetDefinition, table: PublishedTable | None, form: str) -> dict[str, Any]:
    title = table.title if table else definition.title
    english = (table.title_translated if table else definition.title_translated).get("en", "")
    return {
        "name": f"{title} ({form})",
        "name_en": f"{english} ({form})" if english else "",
        "description": table.row if table else "",
        "format": form,
    }


def _bytes_of(
    definition: DatasetDefinition, file: Mapping[str, Any], summary: ReleaseSummary, *, url: str
) -> dict[str, Any]:
    described = {
        "id": definition.resource_id(str(file["path"])),
        "url": url,
        "size": file["bytes"],
        "hash": file["sha256"],
        "hash_algorithm": "sha256",
        # CKAN's times are naive UTC.
        "last_modified": summary.published_at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds"),
        "release": summary.release,
        "table": file.get("table"),
        "rows": file.get("rows"),
    }
    return {key: value for key, value in described.items() if value is not None}


def _tables(definition: DatasetDefinition) -> list[PublishedTable]:
    return [published for table in definition.resources for published in published_tables(table)]


def _dropped_fields(definition: DatasetDefinition) -> int:
    """Count the source fields that the policy lets out in no table, not even as part of a measure's groups."""
    dropped = 0
    for table in definition.resources:
        leaving = {field.name for published in published_tables(table) for field in published.fields}
        dropped += sum(field.name not in leaving for field in table.schema_.fields)
    return dropped
