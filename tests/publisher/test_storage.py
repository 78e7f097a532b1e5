"""Object storage: one contract, kept by a folder and by a real S3 gateway, when all is well and when it is not."""

from __future__ import annotations

import hashlib
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway

from publisher.errors import DescriptorError, StorageError
from publisher.secrets import Secrets
from publisher.settings import StorageSettings
from publisher.storage import FolderStorage, ObjectInfo, Storage, open_storage

KEY = "releases/requests/2026-11-22.1/tickets.csv.gz"
FRAIL = "frail"
SECRETS = {"ACCESS": ACCESS_KEY, "SECRET": SECRET_KEY, "WRONG": "not-the-secret"}


def s3(gateway: RadosGateway, bucket: str, *, secret: str = "env:SECRET") -> Storage:
    settings = StorageSettings(
        url=f"s3://{bucket}/portal", endpoint_url=gateway.endpoint_url, access_key="env:ACCESS", secret_key=secret
    )
    return open_storage(settings, Secrets(SECRETS))


@pytest.fixture(params=["folder", pytest.param("s3", marks=[pytest.mark.slow, pytest.mark.server])])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return open_storage(StorageSettings(), Secrets({}), home=tmp_path)
    return s3(request.getfixturevalue("radosgw"), f"bucket-{os.urandom(4).hex()}")


@pytest.fixture
def running(radosgw: RadosGateway) -> Iterator[RadosGateway]:
    """Return a gateway that the test may kill or freeze; it runs again afterwards.

    Its bucket is made before the first kill: for half a minute a new gateway waits for a killed one when buckets are made.
    """
    s3(radosgw, FRAIL).put_new("warm/up", b"1", media_type="text/plain")
    yield radosgw
    with suppress(ProcessLookupError):
        radosgw.thaw()
    if not radosgw._answers():
        radosgw.start()


def made_file(path: Path, size: int) -> tuple[Path, str]:
    path.write_bytes(os.urandom(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_comes_back_as_it_was_put(storage: Storage, tmp_path: Path) -> None:
    path, digest = made_file(tmp_path / "f", 70_000)
    storage.put_file(KEY, path, media_type="application/gzip", sha256=digest)
    assert storage.read(KEY) == path.read_bytes()
    with storage.open(KEY) as stream:
        assert stream.read(1000) + stream.read() == path.read_bytes()
    info = storage.info(KEY)
    assert info is not None
    assert (info.key, info.size) == (KEY, 70_000)
    assert info.sha256 in {None, digest}


def test_what_is_erased_is_gone_and_its_neighbours_stay(storage: Storage, tmp_path: Path) -> None:
    for key in (KEY, f"{KEY}.sig"):
        path, digest = made_file(tmp_path / "f", 10)
        storage.put_file(key, path, media_type="application/gzip", sha256=digest)
    prefix = KEY.rpartition("/")[0] + "/"
    assert list(storage.versions(prefix)) == [KEY, f"{KEY}.sig"]
    storage.erase(KEY)
    storage.erase(KEY)
    assert storage.info(KEY) is None
    assert list(storage.versions(prefix)) == [f"{KEY}.sig"]
    assert list(storage.versions("releases/nothing/")) == []


def test_a_file_put_again_replaces_what_an_interrupted_run_left(storage: Storage, tmp_path: Path) -> None:
    for size in (10, 20):
        path, digest = made_file(tmp_path / "f", size)
        storage.put_file(KEY, path, media_type="application/gzip", sha256=digest)
    assert storage.read(KEY) == path.read_bytes()


def test_a_file_that_changed_since_it_was_hashed_is_not_stored(storage: Storage, tmp_path: Path) -> None:
    path, digest = made_file(tmp_path / "f", 10)
    path.write_bytes(b"other bytes")
    with pytest.raises(StorageError, match="changed"):
        storage.put_file(KEY, path, media_type="application/gzip", sha256=digest)
    path.unlink()
    with pytest.raises(StorageError, match="changed"):
        storage.put_file(KEY, path, media_type="application/gzip", sha256=digest)
    assert storage.info(KEY) is None
    assert list(storage.list("")) == []


def test_the_second_put_of_a_new_object_is_told_no(storage: Storage) -> None:
    assert storage.put_new(KEY, b"first", media_type="application/json") is True
    assert storage.put_new(KEY, b"second", media_type="application/json") is False
    assert storage.put_new(KEY, b"first", media_type="application/json") is False
    assert storage.read(KEY) == b"first"


def test_of_many_writers_exactly_one_wins(storage: Storage) -> None:
    storage.put_new("warm/up", b"", media_type="text/plain")
    wins: list[bytes] = []

    def write(data: bytes) -> None:
        if storage.put_new(KEY, data, media_type="application/json"):
            wins.append(data)

    threads = [threading.Thread(target=write, args=(f"writer {i}".encode(),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wins == [storage.read(KEY)]


def test_lists_are_by_prefix_and_in_order(storage: Storage) -> None:
    for key in ("releases/b/1/x", "releases/a/1/y", "releases/a/1/x", "releases/ab/1/x"):
        storage.put_new(key, b"12", media_type="text/plain")
    assert [info.key for info in storage.list("releases/a/")] == ["releases/a/1/x", "releases/a/1/y"]
    assert [info.key for info in storage.list("releases/a")] == ["releases/a/1/x", "releases/a/1/y", "releases/ab/1/x"]
    assert list(storage.list("nothing/")) == []
    assert next(storage.list("releases/b")) == ObjectInfo("releases/b/1/x", 2)


def test_deleting_is_repeatable(storage: Storage) -> None:
    storage.put_new(KEY, b"1", media_type="text/plain")
    storage.delete(KEY)
    storage.delete(KEY)
    assert storage.info(KEY) is None


def test_a_missing_object_is_an_error_to_read_and_null_to_ask_about(storage: Storage) -> None:
    assert storage.info(KEY) is None
    with pytest.raises(StorageError, match="no object"):
        storage.read(KEY)
    with pytest.raises(StorageError, match="no object"):
        storage.open(KEY)


@pytest.mark.parametrize("key", ["../x", "a/../../x", "/etc/x", "a//b", "a/./b", "", "a\\b", ".hidden", "a/\0", "a b"])
def test_keys_cannot_leave_the_store(storage: Storage, key: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        storage.put_new(key, b"1", media_type="text/plain")
    with pytest.raises(StorageError):
        storage.read(key)


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "releases").symlink_to(tmp_path / "outside")
    with pytest.raises(StorageError, match="leads out"):
        FolderStorage(tmp_path / "store").put_new("releases/x", b"1", media_type="text/plain")
    assert list((tmp_path / "outside").iterdir()) == []


def test_nothing_temporary_stays_in_the_folder(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path / "store")
    storage.put_new(KEY, b"1", media_type="text/plain")
    storage.put_new(KEY, b"2", media_type="text/plain")
    assert [path.name for path in (tmp_path / "store").rglob("*") if path.is_file()] == ["tickets.csv.gz"]


def test_a_file_that_a_killed_writer_left_is_not_listed(tmp_path: Path) -> None:
    storage = FolderStorage(tmp_path)
    storage.put_new("a/b", b"1", media_type="text/plain")
    (tmp_path / "a" / ".b.0123.part").write_bytes(b"half")
    assert [info.key for info in storage.list("")] == ["a/b"]


def test_a_full_disk_is_a_storage_error_with_a_cure(tmp_path: Path) -> None:
    # A limit on the size of files fails as a full disk does, in a process of its own.
    script = (
        "import hashlib, pathlib, sys\n"
        "from publisher.errors import StorageError\n"
        "from publisher.storage import FolderStorage\n"
        "source, root = map(pathlib.Path, sys.argv[1:])\n"
        "digest = hashlib.sha256(source.read_bytes()).hexdigest()\n"
        "try:\n"
        "    FolderStorage(root).put_file('a/b', source, media_type='x/y', sha256=digest)\n"
        "except StorageError as error:\n"
        "    print(error)\n"
    )
    source, _ = made_file(tmp_path / "f", 100_000)
    done = subprocess.run(
        [sys.executable, "-c", script, str(source), str(tmp_path / "store")],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert "is full at a/b" in done.stdout, done.stderr
    assert "Cure: free space" in done.stdout
    assert list(FolderStorage(tmp_path / "store").list("")) == []
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_small_disk_is_a_storage_error_too(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount a disk")
    try:
        path, digest = made_file(tmp_path / "f", 1_000_000)
        storage = FolderStorage(disk / "store")
        with pytest.raises(StorageError, match="is full"):
            storage.put_file(KEY, path, media_type="x/y", sha256=digest)
        with pytest.raises(StorageError, match="is full"):
            storage.put_new(KEY, path.read_bytes(), media_type="x/y")
        assert list(storage.list("")) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("url", ["", "ftp://host/x", "s3://", "s3://ab"])
def test_an_unknown_address_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(DescriptorError):
        open_storage(StorageSettings(url=url), Secrets(SECRETS))


def test_a_folder_is_named_by_a_file_address(tmp_path: Path) -> None:
    storage = open_storage(StorageSettings(url=f"file:{tmp_path}/here"), Secrets({}))
    storage.put_new("a", b"1", media_type="text/plain")
    assert (tmp_path / "here" / "a").read_bytes() == b"1"


def test_boto3_is_not_loaded_for_a_folder() -> None:
    script = "import sys, publisher.storage; sys.exit('boto3' in sys.modules or 'botocore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


@pytest.mark.slow
@pytest.mark.server
class TestRealStore:
    def test_a_large_file_goes_up_in_parts_and_comes_back(self, radosgw: RadosGateway, tmp_path: Path) -> None:
        storage = s3(radosgw, "large")
        path, digest = made_file(tmp_path / "f", 40_000_000)
        storage.put_file(KEY, path, media_type="application/gzip", sha256=digest)
        info = storage.info(KEY)
        assert info == ObjectInfo(KEY, 40_000_000, digest)
        with storage.open(KEY) as stream:
            assert hashlib.file_digest(stream, "sha256").hexdigest() == digest

    def test_a_wrong_secret_is_refused_with_a_cure(self, radosgw: RadosGateway, tmp_path: Path) -> None:
        storage = s3(radosgw, "large", secret="env:WRONG")
        path, digest = made_file(tmp_path / "f", 10)
        for ask in (
            lambda: storage.put_new(KEY, b"1", media_type="x/y"),
            lambda: storage.put_file(KEY, path, media_type="x/y", sha256=digest),
            lambda: storage.info(KEY),
            lambda: storage.read(KEY),
            lambda: list(storage.list("")),
        ):
            with pytest.raises(StorageError, match="credentials") as refused:
                ask()
            assert "secret_key" in refused.value.cure
            assert "not-the-secret" not in str(refused.value)

    def test_a_full_store_says_so(self, radosgw: RadosGateway, tmp_path: Path) -> None:
        storage = s3(radosgw, "small")
        path, digest = made_file(tmp_path / "f", 2_000_000)
        storage.put_new("warm/up", b"1", media_type="x/y")
        quota = ("--quota-scope=bucket", "--uid=phusa")
        radosgw.admin("quota", "set", *quota, "--max-size=3000000")
        radosgw.admin("quota", "enable", *quota)
        try:
            with pytest.raises(StorageError, match="is full") as full:
                for i in range(4):
                    storage.put_file(f"a/{i}", path, media_type="x/y", sha256=digest)
            assert "quota" in full.value.cure
        finally:
            radosgw.admin("quota", "disable", *quota)

    def test_a_store_killed_during_an_upload_is_an_error_and_the_next_try_heals_it(
        self, running: RadosGateway, tmp_path: Path
    ) -> None:
        storage = s3(running, FRAIL)
        path, digest = made_file(tmp_path / "f", 300_000_000)
        killer = threading.Timer(0.6, running.kill)
        killer.start()
        started = time.monotonic()
        with pytest.raises(StorageError) as gone:
            storage.put_file(KEY, path, media_type="x/y", sha256=digest)
        killer.join()
        assert time.monotonic() - started < 30
        assert "endpoint_url" in gone.value.cure
        running.start()
        assert storage.info(KEY) is None
        path, digest = made_file(tmp_path / "f", 20_000_000)
        storage.put_file(KEY, path, media_type="x/y", sha256=digest)
        assert storage.read(KEY) == path.read_bytes()

    def test_a_store_that_is_not_there_fails_soon(self, running: RadosGateway) -> None:
        running.kill()
        started = time.monotonic()
        with pytest.raises(StorageError, match="EndpointConnectionError"):
            s3(running, FRAIL).read(KEY)
        assert time.monotonic() - started < 20

    def test_a_store_that_falls_silent_is_given_up(self, running: RadosGateway) -> None:
        storage = s3(running, FRAIL)
        running.freeze()
        started = time.monotonic()
        with pytest.raises(StorageError, match="Timeout"):
            storage.read("warm/up")
        assert time.monotonic() - started < 25

    def test_a_download_that_breaks_off_is_a_storage_error(self, running: RadosGateway, tmp_path: Path) -> None:
        storage = s3(running, FRAIL)
        path, digest = made_file(tmp_path / "f", 60_000_000)
        storage.put_file(KEY, path, media_type="x/y", sha256=digest)
        with storage.open(KEY) as stream:
            stream.read(1000)
            running.kill()
            with pytest.raises(StorageError):
                stream.read()
