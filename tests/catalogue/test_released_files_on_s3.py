"""Reading released files from a real S3 service."""

from __future__ import annotations

import boto3
import pytest
import requests
from botocore.config import Config
from samples.portal_on_disk import WARDS, write_release
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway, radosgw  # noqa: F401  a fixture

from catalogue.errors import NotFound
from catalogue.files.released_files import FilesUnavailable, ReleasedFiles
from catalogue.settings import CatalogueSettings

pytestmark = [pytest.mark.slow, pytest.mark.server]
RELEASE = "2026-11-22.1"


@pytest.fixture(scope="module")
def settings(radosgw: RadosGateway, tmp_path_factory: pytest.TempPathFactory) -> CatalogueSettings:  # noqa: F811
    home = tmp_path_factory.mktemp("s3")
    write_release(home / "local", "wards-2026", RELEASE, [WARDS])
    client = boto3.client(
        "s3",
        endpoint_url=radosgw.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )
    client.create_bucket(Bucket="released")
    for path in (home / "local").rglob("*"):
        if path.is_file():
            key = f"city/{path.relative_to(home / 'local')}"
            client.put_object(Bucket="released", Key=key, Body=path.read_bytes())
    storage = {
        "url": "s3://released/city",
        "endpoint_url": radosgw.endpoint_url,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }
    return CatalogueSettings(home=home / "home", storage=storage)


def test_bytes_ranges_and_json_come_from_s3(settings: CatalogueSettings) -> None:
    files = ReleasedFiles(settings)
    whole = files.read("wards-2026", RELEASE, "wards.csv.gz")
    assert len(whole) == files.info("wards-2026", RELEASE, "wards.csv.gz").size_bytes
    assert b"".join(files.stream("wards-2026", RELEASE, "wards.csv.gz", start=3, length=5)) == whole[3:8]
    assert b"".join(files.stream("wards-2026", RELEASE, "wards.csv.gz", start=3)) == whole[3:]
    assert files.manifest("wards-2026", RELEASE)["dataset"] == "wards-2026"
    assert files.path("wards-2026", RELEASE, "wards.csv.gz") is None


def test_absent_files_are_absent(settings: CatalogueSettings) -> None:
    with pytest.raises(NotFound):
        ReleasedFiles(settings).read("wards-2026", "2026-01-01.1", "manifest.json")


def test_a_signed_address_hands_out_the_file(settings: CatalogueSettings) -> None:
    files = ReleasedFiles(settings)
    url = files.download_url("wards-2026", RELEASE, "wards.csv.gz")
    assert url is not None
    answer = requests.get(url, timeout=10)
    assert answer.status_code == 200
    assert answer.content == files.read("wards-2026", RELEASE, "wards.csv.gz")
    assert 'filename="wards.csv.gz"' in answer.headers["Content-Disposition"]
    assert requests.get(url.partition("?")[0], timeout=10).status_code == 403


def test_tables_are_copied_from_s3(settings: CatalogueSettings) -> None:
    tables = ReleasedFiles(settings).tables
    with tables.lease(tables.path("wards-2026", RELEASE)) as connection:
        assert connection.execute("select count(*) from wards").fetchone()[0] == 5
    tables.close()


def test_a_wrong_secret_is_told_apart_from_an_absent_file(settings: CatalogueSettings) -> None:
    storage = {**settings.storage.model_dump(), "secret_key": "wrong"}
    with pytest.raises(FilesUnavailable, match="refused"):
        ReleasedFiles(CatalogueSettings(home=settings.home, storage=storage)).read(
            "wards-2026", RELEASE, "manifest.json"
        )
