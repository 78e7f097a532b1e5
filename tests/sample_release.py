"""A small dataset with every field type, and the release folder made from it, for tests of writers and their readers."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from publisher.definition import DatasetDefinition, OrganizationDefinition
from publisher.formats.csv import csv_gz_sink
from publisher.formats.datapackage import dataset_to_datapackage
from publisher.formats.parquet import parquet_sink
from publisher.formats.release_files import write_release_files
from publisher.formats.rows import read_rows
from publisher.formats.sink import feed
from publisher.formats.sqlite import sqlite_database
from publisher.manifest import ReleaseIdentity, build_manifest, file_entries, manifest_to_bytes, write_signed
from publisher.published import PublishedTable, ReleaseSummary, published_tables
from publisher.signing import SigningKey, public_key_text

RELEASE = "2026-11-22.1"
AS_OF = date(2026, 11, 22)
CREATED_AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

FIELDS = [
    {"name": "id", "type": "integer", "title": "Mã"},
    {"name": "name", "type": "string", "title": "Tên", "title_translated": {"en": "Name"}, "description": "Tên gọi"},
    {"name": "amount", "type": "number", "title": "Số tiền", "unit": "VND"},
    {"name": "open", "type": "boolean", "title": "Mở"},
    {"name": "day", "type": "date", "title": "Ngày"},
    {"name": "at", "type": "datetime", "title": "Lúc"},
    {"name": "year", "type": "year", "title": "Năm"},
    {"name": "month", "type": "yearmonth", "title": "Tháng"},
    {"name": "owner", "type": "string", "title": "Chủ"},
]


def sample_definition(**changes: object) -> DatasetDefinition:
    """Return the definition of `requests`, whose field `owner` is dropped; keyword arguments replace top-level keys."""
    kept = {field["name"]: {"action": "keep"} for field in FIELDS if field["name"] != "owner"}
    descriptor: dict[str, object] = {
        "name": "requests",
        "title": "Phản ánh",
        "title_translated": {"en": "Requests"},
        "description": "Phản ánh của người dân.",
        "description_translated": {"en": "Requests by residents."},
        "keywords": ["phản ánh", "1022"],
        "theme": "society",
        "licenses": [
            {"name": "CC-BY-4.0", "path": "https://creativecommons.org/licenses/by/4.0/", "title": "CC BY 4.0"}
        ],
        "contact": {"name": "Sở Khoa học và Công nghệ", "email": "opendata@example.vn"},
        "resources": [
            {
                "name": "tickets",
                "title": "Phiếu",
                "title_translated": {"en": "Tickets"},
                "row": "Mỗi dòng là một phiếu.",
                "row_translated": {"en": "One row is one ticket."},
                "schema": {"fields": FIELDS, "primaryKey": ["id"]},
                "source": {"kind": "sql", "url": "env:SAMPLE_URL", "query": "SELECT 1"},
                "privacy": {"subject": "none", "fields": kept},
                "sort_by": ["day", "id"],
            }
        ],
        "release": {"cadence": "daily"},
        "organization": OrganizationDefinition(
            name="call-centre", title="Tổng đài", title_translated={"en": "Call centre"}
        ),
        "folder": Path(),
    }
    return DatasetDefinition.model_validate({**descriptor, **changes})


def sample_table(definition: DatasetDefinition | None = None) -> PublishedTable:
    """Return the one published table."""
    return published_tables((definition or sample_definition()).resources[0])[0]


def sample_rows(*, count: int = 3) -> dict[str, list[object]]:
    """Return columns of `count` rows: difficult text, nulls, whole and broken numbers."""
    names = ['Phường "Bến Nghé", Quận 1', None, "hai\ndòng", "", "Đường Lê Lợi", "a\r\nb", "'đơn'"]
    numbers = [1.5, 12.0, None, -0.0, 1e16, 1e-7, 123456789.125, 12345678901.5]
    times = ("2026-11-22T10:00:00", None, "2026-11-22T10:00:00.000005", "1969-12-31T23:59:59")
    ats = [time and datetime.fromisoformat(time) for time in times]
    return {
        "id": list(range(count)),
        "name": [names[i % len(names)] for i in range(count)],
        "amount": [numbers[i % len(numbers)] for i in range(count)],
        "open": [(True, False, None)[i % 3] for i in range(count)],
        "day": [(date(2026, 11, 22), None)[i % 2] for i in range(count)],
        "at": [ats[i % len(ats)] for i in range(count)],
        "year": [(2026, None)[i % 2] for i in range(count)],
        "month": [("2026-11", None)[i % 2] for i in range(count)],
    }


def write_source(path: Path, columns: dict[str, list[object]], table: PublishedTable) -> Path:
    """Write what the anonymiser would hand over."""
    pq.write_table(pa.table(columns, schema=table.arrow_schema), path)
    return path


def write_form(form: str, source: Path, table: PublishedTable, output: Path, *, release: str = RELEASE) -> int:
    """Write one form of one table and return its rows."""
    with ExitStack() as stack:
        if form == "sqlite":
            database = stack.enter_context(sqlite_database([table], output, release=release))
            sink = database(table)
        else:
            sink = parquet_sink(table, output, release=release) if form == "parquet" else csv_gz_sink(table, output)
        return feed(read_rows(source, table), {form: sink})


def make_release(
    folder: Path, key: SigningKey, *, count: int = 3, definition: DatasetDefinition | None = None
) -> ReleaseSummary:
    """Fill an empty folder with a whole signed release and return its summary."""
    definition = definition or sample_definition()
    table = sample_table(definition)
    folder.mkdir(parents=True)
    source = write_source(folder.with_name(f"{folder.name}.source.parquet"), sample_rows(count=count), table)
    formats = definition.release.formats
    rows = write_release_files([(table, source)], folder, dataset="requests", release=RELEASE, formats=formats)
    files = file_entries(folder, rows)
    package = dataset_to_datapackage(definition, [table], release=RELEASE, as_of=AS_OF, files=files)
    (folder / "datapackage.json").write_bytes(manifest_to_bytes(package))
    identity = ReleaseIdentity(RELEASE, AS_OF, CREATED_AT, parent=None, code_version="0.1.0")
    manifest = build_manifest(folder, definition, identity=identity, public_key=public_key_text(key), rows=rows)
    digest = write_signed(folder, manifest, key)
    return ReleaseSummary(
        release=RELEASE,
        as_of=AS_OF,
        published_at=CREATED_AT,
        checked_at=CREATED_AT,
        parent=None,
        rows=rows,
        columns={"tickets": len(table.fields)},
        files=manifest["files"],
        manifest_sha256=digest,
        definition_sha256=definition.digest,
    )
