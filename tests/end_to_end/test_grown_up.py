"""The grown-up twins together: a PostgreSQL source, radosgw as object storage, PostgreSQL under catalogue and publisher."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from reliability.small_city import write_definition
from servers.portal import running_portal
from servers.postgres import PostgresServer
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway

NAME = "thu-nghiem"
SOURCE = '{kind: sql, url: "env:SOURCE", query: "SELECT ma, tram, gia_tri FROM do_dac ORDER BY ma", count_query: "SELECT count(*) FROM do_dac"}'


@pytest.mark.slow
@pytest.mark.server
def test_phusa_release_with_postgresql_and_s3(
    tmp_path: Path, postgres: PostgresServer, radosgw: RadosGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, catalogue, publisher = (postgres.new_database() for _ in range(3))
    postgres.execute(
        "CREATE TABLE do_dac (ma bigint PRIMARY KEY, tram text, gia_tri numeric(10, 2))",
        "INSERT INTO do_dac SELECT n, 'tram-' || n % 7, n / 4.0 FROM generate_series(1, 5000) n",
        database=source,
    )
    secrets = {"SOURCE": postgres.url(source), "PHUSA_S3_ACCESS_KEY": ACCESS_KEY, "PHUSA_S3_SECRET_KEY": SECRET_KEY}
    definitions = write_definition(tmp_path / "datasets", source=SOURCE)
    storage = {"url": "s3://open-data/portal", "endpoint_url": radosgw.endpoint_url}
    with running_portal(
        tmp_path / "home",
        definitions,
        environment=secrets,
        storage=storage,
        catalogue={"database_url": postgres.url(catalogue)},
        publisher={"database_url": postgres.url(publisher, driver="psycopg")},
    ) as portal:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PHUSA_")},
            **secrets,
            "PHUSA_HOME": str(tmp_path / "home"),
            "PHUSA_SITE_URL": portal.url,
            "PHUSA_STORAGE__URL": storage["url"],
            "PHUSA_STORAGE__ENDPOINT_URL": storage["endpoint_url"],
            "PHUSA_CATALOGUE__DATABASE_URL": postgres.url(catalogue),
            "PHUSA_PUBLISHER__DATABASE_URL": postgres.url(publisher, driver="psycopg"),
        }
        phusa = Path(sys.executable).parent / "phusa"
        command = [phusa, "release", NAME, "--definitions", definitions]
        first = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert first.returncode == 0, first.stdout + first.stderr
        second = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert (second.returncode, "unchanged" in second.stdout) == (0, True), second.stdout + second.stderr

        package = portal.action("package_show", id=NAME)
        release = {extra["key"]: extra["value"] for extra in package["extras"]}["release"]
        verified = subprocess.run(
            [phusa, "verify", f"{portal.url}/r/{NAME}/{release}/"], cwd=tmp_path, capture_output=True, text=True
        )
        assert verified.returncode == 0, verified.stderr
        parquet = pq.read_table(io.BytesIO(portal.get(f"/latest/{NAME}/do_dac.parquet").content))
        assert parquet.num_rows == 5000
        assert parquet["gia_tri"][2].as_py() == 0.75
        csv = next(resource for resource in package["resources"] if resource["format"] == "CSV")
        assert portal.action("datastore_search", resource_id=csv["id"], limit=0)["total"] == 5000
        answer = portal.get(f"/r/{NAME}/{release}/do_dac.csv.gz", allow_redirects=False)
        assert answer.status_code == 302, "bytes come straight from the store"
        assert answer.headers["Location"].startswith(radosgw.endpoint_url)
