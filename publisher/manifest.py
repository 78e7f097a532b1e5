"""`manifest.json` and `manifest.sig`: what a release consists of, to the byte, and who says so."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from publisher.definition import DatasetDefinition
from publisher.formats.geo import GEO_ENDINGS
from publisher.formats.whole_file import whole_file
from publisher.signing import SigningKey, public_key_text, sign

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
MEDIA_TYPES = {
    ".parquet": "application/vnd.apache.parquet",
    ".csv.gz": "application/gzip",
    ".excel.csv": "text/csv",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".ndjson.gz": "application/gzip",
    ".geojson.gz": "application/gzip",
    ".pmtiles": "application/vnd.pmtiles",
    ".svg": "image/svg+xml",
    ".sqlite": "application/vnd.sqlite3",
    ".json": "application/json",
    ".sig": "text/plain",
}
_TABLE_ENDINGS = (".parquet", ".csv.gz", ".excel.csv", ".xlsx", ".ndjson.gz", *GEO_ENDINGS)


@dataclass(frozen=True)
class ReleaseIdentity:
    """Which release it is: its id, the day its data speaks of, when (aware) and by which software it was made.

    `parent` is the release before it, null for the first.
    """

    release: str
    as_of: date
    created_at: datetime
    parent: str | None
    code_version: str


def media_type_of(name: str) -> str:
    """Return the media type of a released file's bytes by its name's ending."""
    for ending, media_type in MEDIA_TYPES.items():
        if name.endswith(ending):
            return media_type
    return "application/octet-stream"


def is_data_file(name: str) -> bool:
    """Tell whether a file of a release holds its data; documents and the lists of changed rows tell about it and stay for ever."""
    return not name.endswith((".json", ".sig", ".changes.parquet"))


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file; reads all of it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_entries(folder: Path, rows: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the manifest's entry of every file in the release folder, by name; the manifest itself is none of them.

    Args:
        folder: the release folder; it is read and hashed whole.
        rows: the number of rows of each published table.
    """
    names = sorted(path.name for path in folder.iterdir() if path.name not in {MANIFEST, SIGNATURE})
    return [_file_entry(folder / name, rows) for name in names]


def _file_entry(path: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": path.name,
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
        "media_type": media_type_of(path.name),
    }
    for ending in _TABLE_ENDINGS:
        table = path.name.removesuffix(ending)
        if table != path.name and table in rows:
            entry |= {"table": table, "rows": rows[table]}
    return entry


def build_manifest(
    folder: Path, definition: DatasetDefinition, *, identity: ReleaseIdentity, public_key: str, rows: Mapping[str, int]
) -> dict[str, Any]:
    """Return the manifest of the files that lie in the release folder now.

    Args:
        folder: the release folder, complete but for manifest and signature.
        definition: what the release was made from; its digest is recorded.
        identity: which release this is.
        public_key: base64 of the 32 bytes of the key that will sign.
        rows: the number of rows of each published table.
    """
    return {
        "dataset": definition.name,
        "organization": definition.organization.name,
        "release": identity.release,
        "as_of": identity.as_of.isoformat(),
        "created_at": identity.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "parent": identity.parent,
        "definition_sha256": definition.digest,
        "code_version": identity.code_version,
        "public_key": public_key,
        "files": file_entries(folder, rows),
    }


def manifest_to_bytes(manifest: Mapping[str, Any]) -> bytes:
    """Return the exact bytes that are signed, stored and served."""
    return (json.dumps(manifest, ensure_ascii=False, indent=2) + "\n").encode()


def write_signed(folder: Path, manifest: Mapping[str, Any], key: SigningKey) -> str:
    """Write manifest and signature into the release folder and return the manifest's SHA-256.

    Raises:
        ValueError: the manifest names another key than the one that signs.
        StorageError: a file cannot be written.
    """
    if manifest["public_key"] != public_key_text(key):
        raise ValueError("the manifest names another public key than the one that signs it")
    data = manifest_to_bytes(manifest)
    for name, content in ((MANIFEST, data), (SIGNATURE, f"{sign(data, key)}\n".encode("ascii"))):
        with whole_file(folder / name) as part:
            part.write_bytes(content)
    return hashlib.sha256(data).hexdigest()
