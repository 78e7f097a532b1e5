"""`deleted.json` and `deleted.sig`: which files of a release were removed, under which rule, signed like the manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from publisher.errors import StorageError
from publisher.manifest import MANIFEST, is_data_file, media_type_of
from publisher.retention.rules import Expiry
from publisher.signing import SigningKey, public_key_text, sign
from publisher.storage import Storage

DELETED = "deleted.json"
DELETED_SIGNATURE = "deleted.sig"


@dataclass(frozen=True)
class Tombstone:
    """What `deleted.json` says; `files` are the manifest's entries of what goes."""

    dataset: str
    release: str
    rule: str
    reason: str
    kept_instead: str | None
    deleted_at: str
    manifest_sha256: str
    files: tuple[dict[str, Any], ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that go."""
        return sum(int(file["bytes"]) for file in self.files)


def plan_tombstone(storage: Storage, dataset: str, expiry: Expiry, *, manifest_sha256: str, now: datetime) -> Tombstone:
    """Return what will be removed of a release, from its manifest.

    Raises:
        StorageError: the manifest is not the one that was published; then nobody knows what may go.
    """
    data = storage.read(f"releases/{dataset}/{expiry.release}/{MANIFEST}")
    if hashlib.sha256(data).hexdigest() != manifest_sha256:
        raise StorageError(
            f"The manifest of {expiry.release} is not the one that was published.",
            dataset=dataset,
            step="prune",
            cure="restore it from the backup; nothing of this release is removed until then",
        )
    files = [entry for entry in json.loads(data)["files"] if is_data_file(entry["path"])]
    return Tombstone(
        dataset=dataset,
        release=expiry.release,
        rule=expiry.rule,
        reason=expiry.reason,
        kept_instead=expiry.kept_instead,
        deleted_at=now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        manifest_sha256=manifest_sha256,
        files=tuple({name: entry[name] for name in ("path", "bytes", "sha256")} for entry in files),
    )


def put_tombstone(storage: Storage, planned: Tombstone, *, key: SigningKey) -> None:
    """Store the statement and its signature; where a statement lies already, that one holds and is signed.

    The statement comes first, so that whoever finds it without a signature knows what to sign.
    """
    prefix = f"releases/{planned.dataset}/{planned.release}/"
    said = {**planned.__dict__, "files": list(planned.files), "public_key": public_key_text(key)}
    data = (json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    if not storage.put_new(prefix + DELETED, data, media_type=media_type_of(DELETED)):
        data = storage.read(prefix + DELETED)
    signature = f"{sign(data, key)}\n".encode("ascii")
    storage.put_new(prefix + DELETED_SIGNATURE, signature, media_type=media_type_of(DELETED_SIGNATURE))


def read_tombstone(storage: Storage, dataset: str, release: str) -> Tombstone:
    """Return what was stated of a release.

    Raises:
        StorageError: nothing was, or it is no such statement.
    """
    try:
        said = json.loads(storage.read(f"releases/{dataset}/{release}/{DELETED}"))
        known = {name: said[name] for name in Tombstone.__dataclass_fields__}
        return Tombstone(**{**known, "files": tuple(said["files"])})
    except (ValueError, KeyError, TypeError):
        cure = "restore the release's folder in the storage from the backup"
        raise StorageError(
            f"{DELETED} of {release} cannot be read.", dataset=dataset, step="prune", cure=cure
        ) from None
