"""One dataset with everything that a description can hold, and its portal: for golden files and tests of serialisers."""

from __future__ import annotations

import json
from typing import Any

from catalogue.tongues.described import (
    DescribedDataset,
    Portal,
    Release,
    Series,
    Surroundings,
    Words,
    tables_from_datapackage,
)
from catalogue.tongues.description import package_to_description

PORTAL = Portal(url="https://data.example.vn", title="Dữ liệu mở", description="Cổng dữ liệu", contact="a@example.vn")
ID = "6a0c1f1e-0000-4000-8000-000000000001"
URI = f"https://data.example.vn/dataset/{ID}"
SHAPE = {
    "type": "Polygon",
    "coordinates": [[[106.3, 10.3], [107.1, 10.3], [107.1, 11.2], [106.3, 11.2], [106.3, 10.3]]],
}
PACKAGE: dict[str, Any] = {
    "id": ID,
    "name": "tram-xe-buyt",
    "title": "Trạm xe buýt",
    "notes": "Vị trí các trạm.\nCập nhật hằng ngày.",
    "url": "https://xebuyt.example.vn/tram",
    "version": "1.2.0",
    "state": "active",
    "private": False,
    "metadata_created": "2026-11-01T08:00:00.000001",
    "metadata_modified": "2026-11-22T03:00:00.000000",
    "license_id": "cc-by",
    "license_title": "Creative Commons Attribution",
    "license_url": "https://creativecommons.org/licenses/by/4.0/",
    "isopen": True,
    "maintainer": "Phòng dữ liệu",
    "maintainer_email": "du-lieu@example.vn",
    "organization": {"id": "6a0c1f1e-0000-4000-8000-000000000002", "name": "so-gtvt", "title": "Sở Giao thông"},
    "groups": [{"id": "6a0c1f1e-0000-4000-8000-000000000003", "name": "transport", "title": "Giao thông"}],
    "tags": [{"name": "xe buýt"}, {"name": "trạm dừng"}],
    "extras": [
        {"key": "title_en", "value": "Bus stops"},
        {"key": "notes_en", "value": "Where the stops are."},
        {"key": "frequency", "value": "daily"},
        {"key": "spatial_text", "value": "Thành phố Hồ Chí Minh"},
        {"key": "spatial", "value": json.dumps(SHAPE)},
        {"key": "temporal_start", "value": "2020-01-01"},
        {"key": "theme", "value": '["http://publications.europa.eu/resource/authority/data-theme/TRAN"]'},
        {"key": "conforms_to", "value": "https://gtfs.org/schedule/"},
        {"key": "provenance", "value": "Sở Giao thông khảo sát."},
        {"key": "release", "value": "2026-11-22.1"},
        {
            "key": "release_summary",
            "value": json.dumps(
                {
                    "as_of": "2026-11-22",
                    "parent": "2026-11-21.1",
                    "changes": {"added": 12, "removed": 0, "changed": 3},
                }
            ),
        },
    ],
    "resources": [
        {
            "id": "6a0c1f1e-0000-4000-8000-000000000004",
            "name": "Trạm (CSV)",
            "name_en": "Stops (CSV)",
            "description": "Toàn bộ trạm",
            "format": "CSV",
            "mimetype": "text/csv",
            "compression": "gzip",
            "url": "https://data.example.vn/r/tram-xe-buyt/2026-11-22.1/stops.csv.gz",
            "size": 12345,
            "hash": "AB" * 32,
            "hash_algorithm": "sha256",
            "created": "2026-11-01T08:00:00",
            "last_modified": "2026-11-22T03:00:00",
            "datastore_active": True,
            "table": "stops",
            "rows": 4321,
        },
        {"id": "6a0c1f1e-0000-4000-8000-000000000005", "name": "SQLite", "format": "SQLite", "url": "/x y/[z].db"},
        {"id": "6a0c1f1e-0000-4000-8000-000000000006", "name": None, "format": "", "url": ""},
    ],
}
DATAPACKAGE = {
    "resources": [
        {
            "name": "stops",
            "title": "Trạm",
            "title_translated": {"en": "Stops"},
            "description": "Mỗi dòng là một trạm.",
            "description_translated": {"en": "One row is one stop."},
            "schema": {
                "primaryKey": ["ma"],
                "fields": [
                    {"name": "ma", "type": "string", "title": "Mã", "title_translated": {"en": "Code"}},
                    {"name": "mai_che", "type": "boolean", "title": "Mái che"},
                    {"name": "khach", "type": "integer", "title": "Khách", "unit": "người"},
                    {"name": "tu_ngay", "type": "date", "description": "Ngày mở trạm."},
                ],
            },
        }
    ]
}
AROUND = Surroundings(
    english={PACKAGE["organization"]["id"]: "Department of Transport", PACKAGE["groups"][0]["id"]: "Transport"},
    releases=[
        Release(
            id=release,
            uri=f"{URI}/release/{release}",
            page=f"https://data.example.vn/r/tram-xe-buyt/{release}/",
            issued=issued,
            notes=notes,
            parent=parent,
        )
        for release, issued, notes, parent in (
            ("2026-11-22.1", "2026-11-22T03:00:00.000000", Words("Thêm 12.", "12 added."), "2026-11-21.1"),
            ("2026-11-21.1", "2026-11-21T03:00:00.000000", Words(), ""),
        )
    ],
    series=[Series("https://data.example.vn/dataset_series/6a0c1f1e-0000-4000-8000-000000000009", Words("Xe buýt"))],
    tables=tables_from_datapackage(DATAPACKAGE),
)


def described(around: Surroundings = AROUND, **changes: Any) -> DescribedDataset:
    """Return the description of the dataset; keyword arguments replace keys of the package."""
    return package_to_description(PACKAGE | changes, PORTAL, around)


def described_with_extras(**extras: str) -> DescribedDataset:
    """Return the description of a bare dataset with nothing but these extras."""
    bare = {key: PACKAGE[key] for key in ("id", "name", "title", "metadata_created", "metadata_modified")}
    told = [{"key": key, "value": value} for key, value in extras.items()]
    return package_to_description(bare | {"extras": told}, PORTAL)
