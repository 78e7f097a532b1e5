"""Is this release what its publisher signed? Checked with nothing else of ours at hand.

Imports the standard library, cryptography and requests only, so that anyone can copy this one file and run it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import quote, urlsplit

import requests
import urllib3.exceptions  # requests stands on it and lets its errors through while a body is read
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
STATEMENTS = ("deleted", "withdrawn", "redacted")
"""Names, without ending, of the publisher's signed statements of what is gone: by age, taken back, or repeating what was taken back."""
KEYS_PATH = "/.well-known/portal-signing-keys.json"
MAX_MANIFEST_BYTES = 16_000_000
MAX_SMALL_BYTES = 1_000_000
TIMEOUT_SECONDS = (10, 60)
_CHUNK = 1 << 20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_TROUBLE = (OSError, urllib3.exceptions.HTTPError)  # requests' own errors are OSErrors

Opener = Callable[[str], Any]


@dataclass(frozen=True)
class VerificationReport:
    """What was found. `files`: how many were checked. `key_listed`: the portal lists the signing key; null when no list was to be had.

    `deleted`: files that the publisher removed, and signed for. `withdrawn`: the publisher took the whole release back.
    """

    location: str
    dataset: str
    release: str
    files: int
    problems: tuple[str, ...]
    key_fingerprint: str
    key_listed: bool | None = None
    deleted: int = 0
    withdrawn: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing at all was wrong."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {"ok": self.ok, **asdict(self), "problems": list(self.problems)}


class _Faulty(Exception):  # noqa: N818  never leaves this module
    """The manifest cannot be used at all."""


def verify_release(location: str, *, expected_key: str | None = None) -> VerificationReport:
    """Check hashes, sizes, completeness and signature of a release.

    Args:
        location: a folder, or the http(s) address of a release or of its `manifest.json`.
        expected_key: the fingerprint that the signing key must have, when the caller knows it.
    """
    if urlsplit(location).scheme in {"http", "https"}:
        base = location.split("?", maxsplit=1)[0].removesuffix(MANIFEST).rstrip("/") + "/"
        with requests.Session() as session:
            report = _verify(location, _http_opener(session, base), expected_key, _key_lister(session, base))
            return _with_problems(report, _address_problems(base, report))
    folder = Path(location)
    if folder.name == MANIFEST:
        folder = folder.parent
    report = _verify(location, lambda name: _open_file(folder / name), expected_key, None)
    is_readable = report.key_fingerprint != ""
    return _with_problems(report, _extra_files(folder)) if is_readable else report


def key_fingerprint(public_key: str) -> str:
    """Return the short form of a base64 public key that people compare: `SHA256:` and base64 without padding."""
    digest = hashlib.sha256(base64.b64decode(public_key)).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def _verify(
    location: str, opener: Opener, expected_key: str | None, lister: Callable[[], set[str] | None] | None
) -> VerificationReport:
    problems: list[str] = []
    try:
        data = _read_small(opener, MANIFEST, MAX_MANIFEST_BYTES)
        manifest = _manifest_from(data)
        fingerprint = _checked_signature(data, manifest, _read_small(opener, SIGNATURE, MAX_SMALL_BYTES), problems)
    except _Faulty as fault:
        return VerificationReport(location, "", "", 0, (str(fault),), "")
    if expected_key is not None and expected_key != fingerprint:
        problems.append(f"the release is signed by another key ({fingerprint}) than the one expected ({expected_key})")
    listed = lister() if lister else None
    if listed is not None and manifest["public_key"] not in listed:
        problems.append(f"the portal does not list the signing key {fingerprint}")
    found = ((name, _stated_files(opener, manifest, name, problems)) for name in STATEMENTS)
    stated = {name: files for name, files in found if files is not None}
    deleted = {path: sha256 for files in stated.values() for path, sha256 in files.items()}
    there = [entry for entry in manifest["files"] if deleted.get(entry["path"]) != entry["sha256"]]
    problems.extend(filter(None, (_file_problem(opener, entry) for entry in there)))
    return VerificationReport(
        location=location,
        dataset=manifest["dataset"],
        release=manifest["release"],
        files=len(there),
        problems=tuple(problems),
        key_fingerprint=fingerprint,
        key_listed=None if listed is None else manifest["public_key"] in listed,
        deleted=len(manifest["files"]) - len(there),
        withdrawn="withdrawn" in stated,
    )


def _stated_files(
    opener: Opener, manifest: dict[str, Any], statement: str, problems: list[str]
) -> dict[str, str] | None:
    """Return the hashes of files that a signed statement of the publisher lists as gone; null where there is no statement.

    A statement that is not signed by the release's own key is a problem, and lists nothing.
    """
    try:
        data = _read_small(opener, f"{statement}.json", MAX_MANIFEST_BYTES)
    except _Faulty:
        return None
    try:
        said = json.loads(data)
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(manifest["public_key"], validate=True))
        signature = _read_small(opener, f"{statement}.sig", MAX_SMALL_BYTES)
        key.verify(base64.b64decode(signature.strip(), validate=True), data)
        if (said["dataset"], said["release"]) == (manifest["dataset"], manifest["release"]):
            return {str(entry["path"]): str(entry["sha256"]) for entry in said["files"]}
    except (_Faulty, InvalidSignature, ValueError, KeyError, TypeError):
        pass
    problems.append(f"{statement}.json is not what the publisher of this release signed")
    return None


def _manifest_from(data: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(data)
        entries = [(e["path"], e["bytes"], e["sha256"]) for e in manifest["files"]]
        texts = [manifest["dataset"], manifest["release"], manifest["public_key"], *(sha for _, _, sha in entries)]
        sizes = [size for _, size, _ in entries]
        names = [name for name, _, _ in entries]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _Faulty(f"{MANIFEST} is not a manifest") from None
    well_typed = all(isinstance(t, str) for t in texts) and all(type(s) is int and s >= 0 for s in sizes)
    if not well_typed or len(set(map(str, names))) != len(names):
        raise _Faulty(f"{MANIFEST} is not a manifest")
    if not all(isinstance(name, str) and _PLAIN_NAME.fullmatch(name) for name in names):
        raise _Faulty(f"{MANIFEST} names a file outside the release")
    return cast("dict[str, Any]", manifest)


def _checked_signature(data: bytes, manifest: dict[str, Any], signature: bytes, problems: list[str]) -> str:
    """Return the fingerprint of the manifest's key; a wrong signature is added to the problems."""
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(manifest["public_key"], validate=True))
        fingerprint = key_fingerprint(manifest["public_key"])
    except ValueError:
        raise _Faulty(f"{MANIFEST} holds no Ed25519 public key") from None
    try:
        key.verify(base64.b64decode(signature.strip(), validate=True), data)
    except (InvalidSignature, ValueError):
        problems.append(f"{SIGNATURE} does not fit {MANIFEST}: one of them was changed after signing")
    return fingerprint


def _file_problem(opener: Opener, entry: dict[str, Any]) -> str | None:
    name, size, digest, seen = entry["path"], entry["bytes"], hashlib.sha256(), 0
    try:
        with opener(name) as stream:
            # One byte more than stated is enough to know that the file is longer.
            while seen <= size and (chunk := stream.read(min(_CHUNK, size + 1 - seen))):
                digest.update(chunk)
                seen += len(chunk)
    except FileNotFoundError:
        return f"{name} is missing"
    except _TROUBLE as error:
        return f"{name} cannot be read: {type(error).__name__}"
    if seen != size:
        return f"{name} has {'more than ' if seen > size else ''}{min(seen, size)} bytes, the manifest says {size}"
    return None if digest.hexdigest() == entry["sha256"] else f"{name} was changed: its SHA-256 differs"


def _read_small(opener: Opener, name: str, limit: int) -> bytes:
    data = b""
    try:
        with opener(name) as stream:
            while len(data) <= limit and (chunk := stream.read(_CHUNK)):
                data += chunk
    except FileNotFoundError:
        raise _Faulty(f"{name} is missing") from None
    except _TROUBLE as error:
        raise _Faulty(f"{name} cannot be read: {type(error).__name__}") from None
    if len(data) > limit:
        raise _Faulty(f"{name} is longer than {limit} bytes")
    return data


def _open_file(path: Path) -> BinaryIO:
    if path.is_symlink():
        raise FileNotFoundError(path.name)
    return path.open("rb")


def _extra_files(folder: Path) -> list[str]:
    stated = {entry["path"] for entry in json.loads((folder / MANIFEST).read_bytes())["files"]}
    present = {path.name for path in folder.iterdir()}
    own = {f"{name}{ending}" for name in STATEMENTS for ending in (".json", ".sig")}
    return [f"{name} is not in the manifest" for name in sorted(present - stated - {MANIFEST, SIGNATURE, *own})]


def _http_opener(session: requests.Session, base: str) -> Opener:
    @contextmanager
    def opened(name: str) -> Iterator[Any]:
        # "identity", and the raw stream: a proxy that undoes gzip would hand over other bytes than were signed.
        headers = {"Accept-Encoding": "identity", "User-Agent": "phusa-verify"}
        address = base + quote(name)
        with session.get(address, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as answer:
            if answer.status_code in {404, 410}:
                raise FileNotFoundError(name)
            answer.raise_for_status()
            yield answer.raw

    return opened


def _key_lister(session: requests.Session, base: str) -> Callable[[], set[str] | None] | None:
    """Return a function that fetches the portal's public keys, when the address is one of a portal (`/r/…`)."""
    origin, found, _ = base.partition("/r/")
    if not found:
        return None
    opener = _http_opener(session, origin)

    def listed() -> set[str] | None:
        try:
            keys = json.loads(_read_small(opener, KEYS_PATH, MAX_SMALL_BYTES))["keys"]
            return {key["public_key"] for key in keys}
        except (_Faulty, ValueError, KeyError, TypeError):
            return None

    return listed


def _address_problems(base: str, report: VerificationReport) -> list[str]:
    """Return a problem when a portal serves one signed release under the name of another."""
    _, found, rest = base.partition("/r/")
    stated = f"{report.dataset}/{report.release}"
    if not found or not report.dataset or rest.rstrip("/") == stated:
        return []
    return [f"the address is not that of the signed release {stated}"]


def _with_problems(report: VerificationReport, more: list[str]) -> VerificationReport:
    fields = {**report.__dict__, "problems": (*report.problems, *more)}
    return VerificationReport(**fields)
