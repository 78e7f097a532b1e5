"""Uploads that are larger than what a process may hold of them: on a folder with the memory measured, and on real S3."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests
from samples.served_catalogue import catalogue_on, served
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway, radosgw  # noqa: F401  a fixture
from sqlalchemy import select

from catalogue.actions.context import utc_now
from catalogue.files.released_files import s3_client
from catalogue.files.uploads import sweep_uploads
from catalogue.model import Upload
from catalogue.services import Services

pytestmark = pytest.mark.slow
MIB = 2**20
LARGE = 300 * MIB
BLOCK = bytes(range(256)) * 4096  # one MiB


class Body:
    """A multipart body of a given size that nobody holds in memory."""

    def __init__(self, size: int, *, package: str) -> None:
        head = f'--b\r\nContent-Disposition: form-data; name="package_id"\r\n\r\n{package}\r\n'
        head += '--b\r\nContent-Disposition: form-data; name="upload"; filename="Lớn.bin"\r\n\r\n'
        self.head, self.tail, self.size = head.encode(), b"\r\n--b--\r\n", size

    def __iter__(self) -> Iterator[bytes]:
        yield self.head
        for start in range(0, self.size, MIB):
            yield BLOCK[: min(MIB, self.size - start)]
        yield self.tail

    def __len__(self) -> int:
        return len(self.head) + self.size + len(self.tail)


def content_sha256(size: int) -> str:
    digest = hashlib.sha256()
    for start in range(0, size, MIB):
        digest.update(BLOCK[: min(MIB, size - start)])
    return digest.hexdigest()


def upload(url: str, token: str, size: int, *, package: str = "big", in_chunks: bool = False) -> requests.Response:
    body = Body(size, package=package)
    headers = {"Authorization": token, "Content-Type": "multipart/form-data; boundary=b"}
    data = iter(body) if in_chunks else body  # requests asks a body with a length for it
    return requests.post(f"{url}/api/3/action/resource_create", data=data, headers=headers, timeout=200)


def most_memory_mib(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the memory of a process is read from /proc")
def test_three_hundred_megabytes_pass_through_a_little_memory(tmp_path):
    program = [sys.executable, Path(__file__).with_name("upload_server.py"), tmp_path]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port, token = process.stdout.readline().split()
            url = f"http://127.0.0.1:{port}"
            for action, params in (
                ("organization_create", {"name": "so-gtvt"}),
                ("package_create", {"name": "big", "owner_org": "so-gtvt"}),
            ):
                answer = requests.post(
                    f"{url}/api/3/action/{action}", json=params, headers={"Authorization": token}, timeout=30
                )
                assert answer.status_code == 200, answer.text
            assert upload(url, token, 1000, in_chunks=True).status_code == 200
            before = most_memory_mib(process.pid)
            answer = upload(url, token, LARGE)
            grown = most_memory_mib(process.pid) - before
        finally:
            process.stdin.close()
            process.wait(timeout=30)
    resource = answer.json()["result"]
    assert (resource["size"], resource["hash"]) == (LARGE, content_sha256(LARGE))
    assert grown < 16, f"{grown:.0f} MiB more than before"
    assert sorted(path.stat().st_size for path in (tmp_path / "storage").rglob("*.bin")) == [1000, LARGE]


@pytest.fixture
def on_s3(radosgw: RadosGateway, tmp_path):  # noqa: F811
    storage = {
        "url": f"s3://{tmp_path.name.replace('_', '-')}/city",
        "endpoint_url": radosgw.endpoint_url,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }
    with catalogue_on(tmp_path, storage=storage, max_resource_size_mb=30) as portal, served(portal):
        client = s3_client(portal.settings.storage)
        client.create_bucket(Bucket=tmp_path.name.replace("_", "-"))
        token = portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        portal.call("package_create", {"name": "big", "owner_org": "so-gtvt"}, user="boss")
        yield portal, token, client, tmp_path.name.replace("_", "-")


def objects(client, bucket: str) -> dict[str, int]:
    return {item["Key"]: item["Size"] for item in client.list_objects_v2(Bucket=bucket).get("Contents", [])}


@pytest.mark.server
def test_files_go_to_s3_in_parts_and_what_fails_leaves_none(on_s3):
    portal, token, client, bucket = on_s3
    for size in (5, 8 * MIB, 20 * MIB + 7):
        resource = upload(portal.url, token, size).json()["result"]
        assert (resource["size"], resource["hash"]) == (size, content_sha256(size))
        with portal.store.read() as session:
            key = session.scalars(select(Upload.key).where(Upload.resource_id == resource["id"])).one()
        stored = client.get_object(Bucket=bucket, Key=f"city/{key}")["Body"].read()
        assert hashlib.sha256(stored).hexdigest() == resource["hash"]
    kept = objects(client, bucket)
    assert sorted(kept.values()) == [5, 8 * MIB, 20 * MIB + 7]
    refused = upload(portal.url, token, 30 * MIB + 1)
    assert (refused.status_code, refused.json()["error"]["upload"]) == (409, ["File upload too large"])
    assert upload(portal.url, token, 20 * MIB, package="nope").status_code == 404
    assert upload(portal.url, "wrong", 20 * MIB).status_code == 403
    assert objects(client, bucket) == kept
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


@pytest.mark.server
def test_the_sweep_clears_s3_of_what_no_row_names(on_s3):
    portal, token, client, bucket = on_s3
    upload(portal.url, token, 5)
    kept = objects(client, bucket)
    client.put_object(Bucket=bucket, Key="city/uploads/resource/1/lost.csv", Body=b"x")
    client.put_object(Bucket=bucket, Key="city/releases/d/r/f.csv", Body=b"x")
    client.create_multipart_upload(Bucket=bucket, Key="city/uploads/resource/2/half.csv")
    assert sweep_uploads(portal.services) == 0
    late = Services(
        portal.settings, portal.store, portal.search, portal.files, now=lambda: utc_now() + timedelta(days=2)
    )
    assert sweep_uploads(late) == 1
    assert objects(client, bucket) == {**kept, "city/releases/d/r/f.csv": 1}
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


@pytest.mark.server
def test_rows_and_objects_go_together_on_postgresql(postgres, tmp_path):
    database = postgres.url(postgres.new_database())
    with catalogue_on(tmp_path, database_url=database) as portal, served(portal):
        token = portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-gtvt"}, user="boss")
        portal.call("package_create", {"name": "big", "owner_org": "so-gtvt"}, user="boss")

        def kept() -> tuple[int, int]:
            with portal.store.read() as session:
                rows = len(session.scalars(select(Upload.key)).all())
            return rows, len([path for path in (tmp_path / "storage").rglob("*") if path.is_file()])

        first, second, third = (upload(portal.url, token, size).json()["result"]["id"] for size in (1, 2, 3))
        assert kept() == (3, 3)
        assert upload(portal.url, token, 4, package="nope").status_code == 404
        portal.call("resource_delete", {"id": first}, user="boss")
        assert kept() == (2, 2)
        portal.call("resource_patch", {"id": second, "url": "https://x.example/a"}, user="boss")
        assert kept() == (1, 1)
        portal.call("package_delete", {"id": "big"}, user="boss")
        assert portal.call("resource_show", {"id": third}, user="boss")["url_type"] == "upload"
        portal.call("dataset_purge", {"id": "big"}, user="boss")
        assert kept() == (0, 0)
