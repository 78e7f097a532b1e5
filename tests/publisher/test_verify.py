"""`verify_release`: every kind of damage is found, in a folder and over HTTP, by one file that stands alone."""

from __future__ import annotations

import ast
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sample_release import make_release
from servers.http import HttpServer, Reply, Request

import publisher.verify
from publisher.signing import SigningKey, public_key_text, sign, signing_key
from publisher.verify import MANIFEST, SIGNATURE, key_fingerprint, verify_release

pytestmark = pytest.mark.slow

BASE = "/r/requests/2026-11-22.1/"
KEYS = "/.well-known/portal-signing-keys.json"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return signing_key(tmp_path / "key.pem")


@pytest.fixture
def folder(tmp_path: Path, key: SigningKey) -> Path:
    make_release(tmp_path / "r", key, count=100)
    return tmp_path / "r"


@pytest.fixture
def portal(http_server: HttpServer, folder: Path, key: SigningKey) -> HttpServer:
    """Serve the release folder as a portal does, with the list of its keys."""
    for path in folder.iterdir():
        http_server.routes[BASE + path.name] = serve(path)
    listed = {"keys": [{"algorithm": "Ed25519", "public_key": public_key_text(key)}]}
    http_server.routes[KEYS] = lambda _: Reply(listed)
    return http_server


def serve(path: Path) -> Callable[[Request], Reply]:
    return lambda _: Reply(path.read_bytes(), headers={"Content-Type": "application/octet-stream"})


def resigned(folder: Path, key: SigningKey, change: Callable[[dict[str, object]], object]) -> None:
    """Change the manifest and sign it again, as a forger with a key of their own would."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    change(manifest)
    manifest["public_key"] = public_key_text(key)
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    (folder / SIGNATURE).write_text(sign((folder / MANIFEST).read_bytes(), key))


def test_a_whole_release_is_verified(folder: Path, key: SigningKey) -> None:
    for location in (str(folder), f"{folder}/", f"{folder}/manifest.json"):
        report = verify_release(location)
        assert report.ok, report.problems
        assert (report.dataset, report.release, report.files) == ("requests", "2026-11-22.1", 5)
        assert report.key_fingerprint == key_fingerprint(public_key_text(key))
        assert report.to_dict()["ok"] is True


def test_every_changed_byte_is_found(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        good = path.read_bytes()
        for position in (0, len(good) // 2, len(good) - 2):
            path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
            report = verify_release(str(folder))
            assert not report.ok, (path.name, position)
        path.write_bytes(good)
    assert verify_release(str(folder)).ok


def test_missing_longer_and_shorter_files_are_named(folder: Path) -> None:
    (folder / "requests.sqlite").unlink()
    with (folder / "tickets.parquet").open("ab") as file:
        file.write(b"more")
    (folder / "tickets.csv.gz").write_bytes(b"")
    problems = verify_release(str(folder)).problems
    assert len(problems) == 3
    assert problems[0] == "requests.sqlite is missing"
    assert problems[1].startswith("tickets.csv.gz has 0 bytes")
    assert problems[2].startswith("tickets.parquet has more than")


def test_extra_files_folders_and_links_are_named(folder: Path, tmp_path: Path) -> None:
    (folder / "notes.txt").write_text("x")
    (folder / "inner").mkdir()
    target = shutil.move(folder / "tickets.parquet", tmp_path / "elsewhere.parquet")
    (folder / "tickets.parquet").symlink_to(target)
    assert verify_release(str(folder)).problems == (
        "tickets.parquet is missing",
        "inner is not in the manifest",
        "notes.txt is not in the manifest",
    )


def test_a_signature_by_another_key_is_found(folder: Path, tmp_path: Path) -> None:
    other = signing_key(tmp_path / "other.pem")
    (folder / SIGNATURE).write_text(sign((folder / MANIFEST).read_bytes(), other))
    assert verify_release(str(folder)).problems == (
        "manifest.sig does not fit manifest.json: one of them was changed after signing",
    )


def test_a_release_signed_anew_by_a_stranger_is_found_by_its_fingerprint(
    folder: Path, tmp_path: Path, key: SigningKey
) -> None:
    resigned(folder, signing_key(tmp_path / "other.pem"), lambda manifest: None)
    assert verify_release(str(folder)).ok
    report = verify_release(str(folder), expected_key=key_fingerprint(public_key_text(key)))
    assert len(report.problems) == 1
    assert "another key" in report.problems[0]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b'{"files": [{}]}', b"[" * 100_000])
def test_a_manifest_that_is_none_is_reported(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    report = verify_release(str(folder))
    assert report.problems[0] == "manifest.json is not a manifest"


def test_an_absent_manifest_signature_or_folder_is_reported(folder: Path) -> None:
    (folder / SIGNATURE).unlink()
    assert verify_release(str(folder)).problems[0] == "manifest.sig is missing"
    (folder / MANIFEST).unlink()
    assert verify_release(str(folder)).problems[0] == "manifest.json is missing"
    assert verify_release(str(folder / "absent")).problems == ("manifest.json is missing",)


@pytest.mark.parametrize("path", ["../key.pem", "/etc/passwd", "a/b", "..", "", ".hidden", 7])
def test_a_manifest_that_points_outside_the_release_is_refused(folder: Path, key: SigningKey, path: object) -> None:
    resigned(folder, key, lambda manifest: manifest["files"].append({"path": path, "bytes": 0, "sha256": "0"}))  # type: ignore[attr-defined]
    report = verify_release(str(folder))
    assert not report.ok
    assert report.files == 0


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", base64.b64encode(b"\0" * 31).decode()])
def test_a_public_key_that_is_none_is_reported(folder: Path, key: SigningKey, text: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_bytes()) | {"public_key": text}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    assert verify_release(str(folder)).problems[0] == "manifest.json holds no Ed25519 public key"


def test_a_release_is_verified_at_its_address(portal: HttpServer) -> None:
    for location in (BASE, BASE.rstrip("/"), f"{BASE}manifest.json", f"{BASE}manifest.json?x=1"):
        report = verify_release(portal.url + location)
        assert report.ok, report.problems
        assert report.key_listed is True
        assert report.files == 5


def test_a_key_that_the_portal_does_not_list_is_a_problem(portal: HttpServer) -> None:
    portal.routes[KEYS] = lambda _: Reply({"keys": []})
    report = verify_release(portal.url + BASE)
    assert report.key_listed is False
    assert "does not list" in report.problems[0]


def test_a_portal_without_a_list_of_keys_is_no_problem(portal: HttpServer) -> None:
    del portal.routes[KEYS]
    report = verify_release(portal.url + BASE)
    assert report.ok
    assert report.key_listed is None


def test_one_release_served_in_the_place_of_another_is_found(portal: HttpServer, folder: Path) -> None:
    for path in folder.iterdir():
        portal.routes[f"/r/requests/2026-11-23.1/{path.name}"] = serve(path)
    report = verify_release(f"{portal.url}/r/requests/2026-11-23.1/")
    assert report.problems == ("the address is not that of the signed release requests/2026-11-22.1",)


def test_damage_on_the_way_is_found(portal: HttpServer, folder: Path) -> None:
    good = (folder / "tickets.parquet").read_bytes()
    portal.routes[BASE + "tickets.parquet"] = lambda _: Reply(good[:-1] + b"?")
    portal.routes[BASE + "tickets.csv.gz"] = lambda _: Reply(b"", 500)
    portal.routes[BASE + "requests.sqlite"] = lambda _: Reply(b"x" * 5000, cut=1000)
    del portal.routes[BASE + "datapackage.json"]
    problems = verify_release(portal.url + BASE).problems
    assert [problem.split(":")[0] for problem in problems] == [
        "datapackage.json is missing",
        "requests.sqlite cannot be read",
        "tickets.csv.gz cannot be read",
        "tickets.parquet was changed",
    ]


def test_a_download_is_cut_off_at_the_size_that_the_manifest_states(portal: HttpServer) -> None:
    portal.routes[BASE + "tickets.parquet"] = lambda _: Reply(b"x" * 50_000_000)
    (problem,) = verify_release(portal.url + BASE).problems
    assert problem.startswith("tickets.parquet has more than")


def test_gzip_is_not_undone_even_when_the_server_labels_it_an_encoding(portal: HttpServer, folder: Path) -> None:
    data = (folder / "tickets.csv.gz").read_bytes()
    portal.routes[BASE + "tickets.csv.gz"] = lambda _: Reply(data, headers={"Content-Encoding": "gzip"})
    assert verify_release(portal.url + BASE).ok


def test_a_server_that_is_not_there_is_reported() -> None:
    report = verify_release(f"http://127.0.0.1:9{BASE}")
    assert report.problems == ("manifest.json cannot be read: ConnectionError",)


def test_the_module_needs_nothing_of_ours_and_little_of_others() -> None:
    tree = ast.parse(Path(publisher.verify.__file__).read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    imported |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    foreign = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    assert foreign == {"cryptography", "requests", "urllib3"}


def test_a_copy_of_the_file_alone_works(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(publisher.verify.__file__, alone / "verify.py")
    script = f"import verify; report = verify.verify_release({str(folder)!r}); print(report.ok, report.files)"
    done = subprocess.run([sys.executable, "-c", script], cwd=alone, capture_output=True, text=True)
    assert done.stdout == "True 5\n", done.stderr
