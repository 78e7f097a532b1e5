"""Files on a real S3 service: the portal leads there, and what comes is what was released."""

from __future__ import annotations

import boto3
import pytest
import requests
from botocore.config import Config
from samples.sample_city import City
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway, radosgw  # noqa: F401  a fixture

pytestmark = [pytest.mark.slow, pytest.mark.server]
REQUESTS, RELEASE = "phan-anh-1022", "2026-11-20.1"
FILE = f"/r/{REQUESTS}/{RELEASE}/phan_anh.parquet"


@pytest.fixture(scope="module")
def stored(radosgw: RadosGateway, tmp_path_factory: pytest.TempPathFactory):  # noqa: F811
    storage = {
        "url": "s3://pages/city",
        "endpoint_url": radosgw.endpoint_url,
        "access_key": ACCESS_KEY,
        "secret_key": SECRET_KEY,
    }
    city = City(tmp_path_factory.mktemp("s3"), storage=storage)
    city.publish(REQUESTS, RELEASE)
    client = boto3.client(
        "s3",
        endpoint_url=radosgw.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    client.create_bucket(Bucket="pages")
    for path in (city.home / "storage").rglob("*.*"):
        if path.is_file():
            client.put_object(
                Bucket="pages", Key=f"city/{path.relative_to(city.home / 'storage')}", Body=path.read_bytes()
            )
    yield city, city.app().test_client()
    city.store.close()


def test_a_download_is_led_to_the_object_storage(stored):
    city, client = stored
    answer = client.get(FILE)
    assert answer.status_code == 302
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "private" in answer.headers["Cache-Control"]
    content = (city.home / "storage" / "releases" / REQUESTS / RELEASE / "phan_anh.parquet").read_bytes()
    assert requests.get(answer.headers["Location"], timeout=10).content == content
    part = requests.get(answer.headers["Location"], headers={"Range": "bytes=0-3"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"PAR1")


def test_head_is_answered_without_the_object_storage(stored):
    city, client = stored
    answer = client.head(FILE)
    size = (city.home / "storage" / "releases" / REQUESTS / RELEASE / "phan_anh.parquet").stat().st_size
    assert (answer.status_code, answer.content_length) == (200, size)
    assert answer.headers["Content-Disposition"] == "attachment; filename=phan_anh.parquet"


def test_a_known_file_is_not_looked_for_again(stored):
    city, client = stored
    tag = city.files.info(REQUESTS, RELEASE, "phan_anh.parquet").etag
    assert client.get(FILE, headers={"If-None-Match": f'"{tag}"'}).status_code == 304


def test_pages_read_preview_and_reports_from_s3(stored):
    _, client = stored
    html = client.get(f"/dataset/{REQUESTS}").get_data(as_text=True)
    assert html.count("<tr>") == 21
    assert "99,6" in client.get(f"/dataset/{REQUESTS}/quality").get_data(as_text=True)
    assert client.get(f"/r/{REQUESTS}/{RELEASE}/none.csv").status_code == 404
