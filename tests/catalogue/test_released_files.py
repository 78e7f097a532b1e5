"""Reading released files and copying released tables, from a folder."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from samples.portal_on_disk import WARDS, open_portal, write_release

from catalogue.errors import NotFound
from catalogue.files.released_files import FilesUnavailable, ReleasedFiles
from catalogue.files.released_tables import ReleasedTables
from catalogue.settings import CatalogueSettings

RELEASE = "2026-11-22.1"


@pytest.fixture
def files(tmp_path: Path) -> ReleasedFiles:
    write_release(tmp_path / "storage", "wards-2026", RELEASE, [WARDS])
    return ReleasedFiles(CatalogueSettings(home=tmp_path))


def test_size_hash_and_bytes_agree_with_the_manifest(files: ReleasedFiles) -> None:
    import hashlib

    info = files.info("wards-2026", RELEASE, "wards.csv.gz")
    data = b"".join(files.stream("wards-2026", RELEASE, "wards.csv.gz"))
    assert (info.size_bytes, info.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert info.etag == info.sha256


@pytest.mark.parametrize(("start", "length"), [(0, 5), (3, 4), (10, None), (0, 0), (10**6, 5)])
def test_ranges(files: ReleasedFiles, start: int, length: int | None) -> None:
    data = files.read("wards-2026", RELEASE, "datapackage.json")
    end = None if length is None else start + length
    part = b"".join(files.stream("wards-2026", RELEASE, "datapackage.json", start=start, length=length))
    assert part == data[start:end]


@pytest.mark.parametrize(
    ("dataset", "release", "name"),
    [
        ("..", RELEASE, "manifest.json"),
        ("wards-2026", "..", "manifest.json"),
        ("wards-2026", RELEASE, "../../x"),
        ("wards-2026", RELEASE, "..\\x"),
        ("wards-2026", RELEASE, ""),
        ("wards-2026", RELEASE, "."),
        ("wards-2026", RELEASE, "/etc/passwd"),
        ("wards-2026", RELEASE, "a\0b"),
        ("wards-2026", RELEASE, "absent.csv"),
        ("other", RELEASE, "manifest.json"),
    ],
)
def test_names_outside_the_release_are_absent(files: ReleasedFiles, dataset: str, release: str, name: str) -> None:
    for read in (files.info, files.read, files.path, files.download_url):
        with pytest.raises(NotFound):
            read(dataset, release, name)


def test_a_file_that_no_manifest_names_is_absent(files: ReleasedFiles, tmp_path: Path) -> None:
    (tmp_path / "storage" / "releases" / "wards-2026" / RELEASE / "quarantine.csv").write_text("x")
    with pytest.raises(NotFound):
        files.info("wards-2026", RELEASE, "quarantine.csv")


def test_a_link_out_of_the_store_is_not_followed(files: ReleasedFiles, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "storage" / "releases" / "wards-2026" / RELEASE / "link.csv").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFound):
        files.read("wards-2026", RELEASE, "link.csv")


def test_json_documents_are_kept(files: ReleasedFiles) -> None:
    first = files.read_json("wards-2026", RELEASE, "datapackage.json")
    assert first["name"] == "wards-2026"
    assert files.read_json("wards-2026", RELEASE, "datapackage.json") is first


def test_a_folder_has_paths_and_no_signed_urls(files: ReleasedFiles) -> None:
    assert files.path("wards-2026", RELEASE, "manifest.json") is not None
    assert files.download_url("wards-2026", RELEASE, "wards.csv.gz") is None


def test_tables_are_copied_once_and_open_read_only(files: ReleasedFiles, tmp_path: Path) -> None:
    tables = ReleasedTables(files, tmp_path / "query")
    path = tables.path("wards-2026", RELEASE)
    stamp = path.stat().st_mtime_ns
    assert tables.path("wards-2026", RELEASE) == path
    assert ReleasedTables(files, tmp_path / "query").path("wards-2026", RELEASE).stat().st_mtime_ns == stamp
    with tables.lease(path) as connection:
        assert connection.execute("select count(*) from wards").fetchone()[0] == 5
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("delete from wards")
    with tables.lease(path) as again:
        assert again is connection


def test_a_damaged_copy_is_fetched_again(files: ReleasedFiles, tmp_path: Path) -> None:
    path = ReleasedTables(files, tmp_path / "query").path("wards-2026", RELEASE)
    good = path.read_bytes()
    path.write_bytes(good[:-1] + b"!")
    assert ReleasedTables(files, tmp_path / "query").path("wards-2026", RELEASE).read_bytes() == good


def test_bytes_that_differ_from_the_manifest_are_refused(files: ReleasedFiles, tmp_path: Path) -> None:
    stored = tmp_path / "storage" / "releases" / "wards-2026" / RELEASE / "wards-2026.sqlite"
    stored.write_bytes(stored.read_bytes()[:-1] + b"!")
    with pytest.raises(FilesUnavailable, match="not what its manifest"):
        ReleasedTables(files, tmp_path / "query").path("wards-2026", RELEASE)
    assert list((tmp_path / "query").iterdir()) == []


def test_a_manifest_that_was_exchanged_is_refused(files: ReleasedFiles, tmp_path: Path) -> None:
    tables = ReleasedTables(files, tmp_path / "query")
    with pytest.raises(FilesUnavailable, match="not the one the catalogue registered"):
        tables.path("wards-2026", RELEASE, manifest_sha256="0" * 64)
    assert tables.path("wards-2026", RELEASE, manifest_sha256=files.manifest_sha256("wards-2026", RELEASE)).exists()


def test_clean_keeps_what_is_current(files: ReleasedFiles, tmp_path: Path) -> None:
    write_release(tmp_path / "storage", "wards-2026", "2026-11-23.1", [WARDS])
    tables = ReleasedTables(files, tmp_path / "query")
    old, new = tables.path("wards-2026", RELEASE), tables.path("wards-2026", "2026-11-23.1")
    assert tables.clean([]) == []
    assert tables.clean([("wards-2026", "2026-11-23.1")], older_than_seconds=0) == [old]
    assert new.exists()
    assert tables.path("wards-2026", RELEASE) == old
    assert old.exists()


def test_an_unreachable_s3_store_is_told_apart_from_an_absent_file(tmp_path: Path) -> None:
    storage = {"url": "s3://bucket/prefix", "endpoint_url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b"}
    files = ReleasedFiles(CatalogueSettings(home=tmp_path, storage=storage))
    with pytest.raises(FilesUnavailable, match="does not answer"):
        files.read("wards-2026", RELEASE, "manifest.json")


def test_settings_reach_the_portal(tmp_path: Path) -> None:
    portal = open_portal(tmp_path / "home", storage={"url": f"file:{tmp_path / 'elsewhere'}"})
    write_release(tmp_path / "elsewhere", "d1", RELEASE, [WARDS])
    assert portal.files.manifest("d1", RELEASE)["dataset"] == "d1"
    portal.store.close()


def test_a_new_copy_leaves_only_the_one_before_it(files: ReleasedFiles, tmp_path: Path) -> None:
    tables = ReleasedTables(files, tmp_path / "query")
    other = "trees"
    write_release(tmp_path / "storage", other, RELEASE, [WARDS])
    copies = [tables.path(other, RELEASE)]
    for day in range(23, 27):
        release = f"2026-11-{day}.1"
        write_release(tmp_path / "storage", "wards-2026", release, [WARDS])
        copies.append(tables.path("wards-2026", release))
        os.utime(copies[-1], (day, day))
    assert [path.name for path in copies if path.exists()] == [
        "trees.2026-11-22.1.db",
        "wards-2026.2026-11-25.1.db",
        "wards-2026.2026-11-26.1.db",
    ]
