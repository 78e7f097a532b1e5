"""Signed statements of what is gone of a release, each with its signature like the manifest's.

`deleted.json`: the data files went by the rules of retention. `withdrawn.json`: the release was taken back, and everything but manifest
and statements is gone. `redacted.json`: single files went because they repeated rows of a release that was taken back.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from publisher.errors import StorageError
from publisher.manifest import MANIFEST, is_data_file, media_type_of
from publisher.retention.rules import Expiry
from publisher.signing import SigningKey, public_key_text, sign
from publisher.storage import Storage

DELETED = "deleted.json"
WITHDRAWN = "withdrawn.json"
REDACTED = "redacted.json"
_BY_RULE = {"withdrawn": WITHDRAWN, "redacted": REDACTED}


@dataclass(frozen=True)
class Tombstone:
    """What a statement says; `files` are the manifest's entries of what goes."""

    dataset: str
    release: str
    rule: str
    reason: str
    kept_instead: str | None
    deleted_at: str
    manifest_sha256: str
    files: tuple[dict[str, Any], ...]
    reason_translated: dict[str, str] = field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files that go."""
        return sum(int(file["bytes"]) for file in self.files)

    @property
    def statement(self) -> str:
        """The name of the file that states it."""
        return _BY_RULE.get(self.rule, DELETED)


def plan_tombstone(storage: Storage, dataset: str, expiry: Expiry, *, manifest_sha256: str, now: datetime) -> Tombstone:
    """Return what the rules of retention will remove of a release, from its manifest.

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
    return Tombstone(
        dataset=dataset,
        release=expiry.release,
        rule=expiry.rule,
        reason=expiry.reason,
        kept_instead=expiry.kept_instead,
        deleted_at=utc_text(now),
        manifest_sha256=manifest_sha256,
        files=stated_files(entry for entry in json.loads(data)["files"] if is_data_file(entry["path"])),
    )


def stated_files(entries: Any) -> tuple[dict[str, Any], ...]:
    """Return of a manifest's entries what a statement repeats: path, bytes and hash."""
    return tuple({name: entry[name] for name in ("path", "bytes", "sha256")} for entry in entries)


def utc_text(moment: datetime) -> str:
    """Return an aware moment as statements write it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def put_tombstone(storage: Storage, planned: Tombstone, *, key: SigningKey) -> None:
    """Store the statement and its signature; where a statement lies already, that one holds and is signed.

    The statement comes first, so that whoever finds it without a signature knows what to sign.
    """
    prefix = f"releases/{planned.dataset}/{planned.release}/"
    said = {**planned.__dict__, "files": list(planned.files), "public_key": public_key_text(key)}
    if not planned.reason_translated:
        del said["reason_translated"]
    name = planned.statement
    data = (json.dumps(said, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
    if not storage.put_new(prefix + name, data, media_type=media_type_of(name)):
        data = storage.read(prefix + name)
    signature = f"{sign(data, key)}\n".encode("ascii")
    signed = name.removesuffix(".json") + ".sig"
    storage.put_new(prefix + signed, signature, media_type=media_type_of(signed))


def read_tombstone(storage: Storage, dataset: str, release: str) -> Tombstone:
    """Return what was stated of the files that went by the rules of retention.

    Raises:
        StorageError: nothing was, or it is no such statement.
    """
    try:
        said = json.loads(storage.read(f"releases/{dataset}/{release}/{DELETED}"))
        known = {name: said[name] for name in Tombstone.__dataclass_fields__ if name != "reason_translated"}
        return Tombstone(**{**known, "files": tuple(said["files"])})
    except (ValueError, KeyError, TypeError):
        cure = "restore the release's folder in the storage from the backup"
        raise StorageError(
            f"{DELETED} of {release} cannot be read.", dataset=dataset, step="prune", cure=cure
        ) from None
