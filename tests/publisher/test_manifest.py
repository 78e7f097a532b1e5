"""Manifest and key: complete, exact, made once, kept private."""

from __future__ import annotations

import base64
import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from sample_release import make_release, sample_definition

from publisher.errors import DescriptorError, StorageError
from publisher.manifest import MANIFEST, file_entries, manifest_to_bytes, write_signed
from publisher.signing import public_key_text, sign, signing_key


def test_the_manifest_names_every_file_with_size_hash_and_rows(tmp_path: Path) -> None:
    definition = sample_definition()
    summary = make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"), definition=definition)
    manifest = json.loads((tmp_path / "r" / MANIFEST).read_bytes())
    assert {key: manifest[key] for key in ("dataset", "organization", "release", "as_of", "created_at", "parent")} == {
        "dataset": "requests",
        "organization": "call-centre",
        "release": "2026-11-22.1",
        "as_of": "2026-11-22",
        "created_at": "2026-11-22T03:00:00Z",
        "parent": None,
    }
    assert manifest["definition_sha256"] == definition.digest
    paths = [file["path"] for file in manifest["files"]]
    assert paths == ["datapackage.json", "requests.sqlite", "tickets.csv.gz", "tickets.parquet", "tickets.xlsx"]
    for file in manifest["files"]:
        data = (tmp_path / "r" / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    tables = [(file["media_type"], file["table"], file["rows"]) for file in manifest["files"] if "table" in file]
    workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert tables == [
        (media_type, "tickets", 3) for media_type in ("application/gzip", "application/vnd.apache.parquet", workbook)
    ]
    assert summary.manifest_sha256 == hashlib.sha256((tmp_path / "r" / MANIFEST).read_bytes()).hexdigest()


def test_the_same_release_made_twice_is_the_same_to_the_byte(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "key.pem")
    first = make_release(tmp_path / "a", key, count=200)
    second = make_release(tmp_path / "b", key, count=200)
    assert first == second
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_manifest_and_signature_are_not_part_of_the_manifest(tmp_path: Path) -> None:
    make_release(tmp_path / "r", signing_key(tmp_path / "key.pem"))
    assert MANIFEST not in {entry["path"] for entry in file_entries(tmp_path / "r", {})}


def test_a_manifest_is_not_signed_with_another_key_than_it_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="another public key"):
        write_signed(tmp_path, {"public_key": "other"}, signing_key(tmp_path / "key.pem"))
    assert not (tmp_path / MANIFEST).exists()


def test_a_signature_fits_these_bytes_and_no_others(tmp_path: Path) -> None:
    key = signing_key(tmp_path / "key.pem")
    data = manifest_to_bytes({"name": "Phù Sa"})
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key_text(key)))
    public.verify(base64.b64decode(sign(data, key)), data)
    assert sign(data, key) != sign(data + b" ", key)


def test_the_key_is_made_once_and_for_its_user_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.pem"
    first = signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key_text(signing_key(path)) == public_key_text(first)
    assert [file.name for file in path.parent.iterdir()] == ["signing.pem"]


@pytest.mark.slow
def test_some_that_start_at_once_share_one_key(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    script = (
        "import pathlib, sys; from publisher.signing import public_key_text, signing_key\n"
        "sys.stdin.read(1); print(public_key_text(signing_key(pathlib.Path(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", script, str(path)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate("x")[0].strip() for process in running}
    assert found == {public_key_text(signing_key(path))}
    assert [file.name for file in tmp_path.iterdir()] == ["signing.pem"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    signing_key(tmp_path / "key.pem")
    (tmp_path / "key.pem").chmod(mode)
    with pytest.raises(DescriptorError, match="by others") as refused:
        signing_key(tmp_path / "key.pem")
    assert "chmod 600" in refused.value.cure


def test_a_file_that_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    rsa = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for content in (b"", b"no key", rsa):
        (tmp_path / "key.pem").write_bytes(content)
        (tmp_path / "key.pem").chmod(0o600)
        with pytest.raises(DescriptorError, match="no plain Ed25519 key"):
            signing_key(tmp_path / "key.pem")


def test_a_key_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    with pytest.raises(StorageError):
        signing_key(tmp_path / "keys" / "signing.pem")
