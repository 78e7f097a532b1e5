"""Which files are taken, and from where: a folder, SFTP with a pinned host key, S3."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncssh
import boto3
import pytest
from botocore.config import Config
from pydantic import ValidationError
from samples.source_reader import Read
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway
from servers.sftp import SftpServer

from publisher.errors import DescriptorError, SourceError
from publisher.sources.files.csv_files import CsvFile
from publisher.sources.files.formats import CsvFormat


def source(location: str = "drop", pattern: str = "*.csv", **more: Any) -> dict[str, Any]:
    return {"kind": "file", "location": location, "pattern": pattern, "format": {"kind": "csv"}, **more}


def deliver(folder: Path, **files: str) -> None:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.csv").write_text(f"id,name\n{content}\n")


def test_the_newest_file_is_the_last_in_name_order(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path / "drop", d_2026_09="1,a", d_2026_11="3,c", d_2026_10="2,b")
    rows = read(source(), "id", "name")
    assert rows.table["id"].to_pylist() == ["3"]
    assert rows.notes == ["File taken: d_2026_11.csv"]


def test_all_files_come_in_name_order_under_one_schema(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path / "drop", b="2,b", a="1,a")
    (tmp_path / "drop" / "c.csv").write_text("name,extra,id\nc,new,3\n")
    rows = read(source(take="all"), "id", "name")
    assert rows.table.to_pydict() == {"id": ["1", "2", "3"], "name": ["a", "b", "c"], "extra": [None, None, "new"]}


@pytest.mark.parametrize("name", [".x.csv", "~$x.csv", "x.csv.part", "x.CSV.tmp"])
def test_unfinished_and_hidden_files_are_left_alone(read: Read, tmp_path: Path, name: str) -> None:
    deliver(tmp_path / "drop", x="1,a")
    (tmp_path / "drop" / "x.csv").rename(tmp_path / "drop" / name)
    (tmp_path / "drop" / "folder.csv").mkdir()
    with pytest.raises(SourceError, match="No file in drop matches") as raised:
        read(source(pattern="*"), "id", "name")
    assert "delivered" in raised.value.cure


def test_a_location_may_be_a_reference(read: Read, tmp_path: Path) -> None:
    deliver(tmp_path / "elsewhere", x="1,a")
    assert len(read(source("env:DROP"), "id", "name", secrets={"DROP": str(tmp_path / "elsewhere")})) == 1


def test_a_missing_folder_is_named(read: Read) -> None:
    with pytest.raises(SourceError, match="folder that drop names is not there"):
        read(source(), "id", "name")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"x\.csv cannot be read: No such file"):
        CsvFile(tmp_path / "x.csv", CsvFormat(kind="csv"), [])


@pytest.mark.server
class TestSftp:
    """A real SSH server; only the pinned host key opens the way for a password."""

    @pytest.fixture
    def served(self, sftp_server: SftpServer) -> SftpServer:
        deliver(sftp_server.root / "out", d_1="1,a", d_2="2,b")
        return sftp_server

    def spec(self, server: SftpServer, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
        given = {"host_key": server.host_key, "password": "env:PASSWORD", "take": "all", **more}
        secrets = {"PLACE": server.url("/out"), "PASSWORD": server.password, "KEY": server.private_key}
        return source("env:PLACE", **given), secrets

    def test_files_are_read_with_a_password(self, read: Read, served: SftpServer) -> None:
        spec, secrets = self.spec(served)
        assert read(spec, "id", "name", secrets=secrets).table["id"].to_pylist() == ["1", "2"]

    def test_files_are_read_with_a_key(self, read: Read, served: SftpServer) -> None:
        spec, secrets = self.spec(served, password=None, private_key="env:KEY")
        assert len(read(spec, "id", "name", secrets=secrets)) == 2

    def test_a_server_with_another_host_key_is_refused(self, read: Read, served: SftpServer) -> None:
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        spec, secrets = self.spec(served, host_key=other)
        with pytest.raises(SourceError, match="another host key than the pinned one; nothing was sent"):
            read(spec, "id", "name", secrets=secrets)

    def test_a_server_with_another_kind_of_key_is_refused(self, read: Read, served: SftpServer) -> None:
        other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key().decode().strip()
        spec, secrets = self.spec(served, host_key=other)
        with pytest.raises(SourceError):
            read(spec, "id", "name", secrets=secrets)

    @pytest.mark.parametrize("key", [None, "ssh-ed25519 nonsense", "nonsense"])
    def test_without_a_usable_pin_nothing_is_asked(self, read: Read, served: SftpServer, key: str | None) -> None:
        spec, secrets = self.spec(served, host_key=key)
        with pytest.raises(DescriptorError, match="host_key"):
            read(spec, "id", "name", secrets=secrets)
        if key is None:
            with pytest.raises(ValidationError, match="host_key"):
                read(spec | {"location": "sftp://u@h/out"}, "id", "name", secrets=secrets)

    def test_a_wrong_password_and_a_missing_folder_are_told_apart(self, read: Read, served: SftpServer) -> None:
        spec, secrets = self.spec(served)
        with pytest.raises(SourceError, match="refused the sign-in") as raised:
            read(spec, "id", "name", secrets=secrets | {"PASSWORD": "wrong-one"})
        assert "wrong-one" not in str(raised.value)
        with pytest.raises(SourceError, match="no such folder"):
            read(spec, "id", "name", secrets=secrets | {"PLACE": served.url("/absent")})

    def test_a_closed_port_is_an_error_with_cure(self, read: Read, served: SftpServer) -> None:
        spec, secrets = self.spec(served)
        with pytest.raises(SourceError, match="cannot be reached"):
            read(spec, "id", "name", secrets=secrets | {"PLACE": "sftp://intake@127.0.0.1:1/out"})


@pytest.mark.server
@pytest.mark.slow
class TestS3:
    def settings(self, gateway: RadosGateway) -> dict[str, str]:
        return {
            "PHUSA_S3_ENDPOINT_URL": gateway.endpoint_url, "PHUSA_S3_REGION": "us-east-1",
            "PHUSA_S3_ACCESS_KEY": ACCESS_KEY, "PHUSA_S3_SECRET_KEY": SECRET_KEY, "PLACE": "s3://intake/out",
        }  # fmt: skip

    def test_files_are_read_from_a_bucket(self, read: Read, radosgw: RadosGateway) -> None:
        client = boto3.client(
            "s3", endpoint_url=radosgw.endpoint_url, region_name="us-east-1", aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY, config=Config(s3={"addressing_style": "path"}),
        )  # fmt: skip
        client.create_bucket(Bucket="intake")
        for key in ("out/d_1.csv", "out/d_2.csv", "out/deeper/d_3.csv", "d_4.csv"):
            client.put_object(Bucket="intake", Key=key, Body=f"id,name\n{key[-5]},x\n".encode())
        client.close()
        settings = self.settings(radosgw)
        assert read(source("env:PLACE", take="all"), "id", "name", secrets=settings).table["id"].to_pylist() == [
            "1",
            "2",
        ]
        with pytest.raises(SourceError, match=r"refused \(NoSuchBucket\)"):
            read(source("s3://absent"), "id", "name", secrets=settings)
        with pytest.raises(SourceError, match=r"refused \(SignatureDoesNotMatch\)"):
            read(source("env:PLACE"), "id", "name", secrets=settings | {"PHUSA_S3_SECRET_KEY": "wrong"})

    def test_a_store_that_is_gone_is_an_error_with_cure(self, read: Read, radosgw: RadosGateway) -> None:
        settings = self.settings(radosgw) | {"PHUSA_S3_ENDPOINT_URL": "http://127.0.0.1:1"}
        with pytest.raises(SourceError, match="cannot be reached") as raised:
            read(source("env:PLACE"), "id", "name", secrets=settings)
        assert SECRET_KEY not in str(raised.value)
