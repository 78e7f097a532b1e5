"""Withdrawn releases are gone everywhere, the last good one takes their place, and a crash loses nothing of it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from samples.killed import killed_after
from samples.small_series import NAME, Series, numbered, running_series
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway

from publisher.command_withdraw import audit_datasets, withdraw_releases
from publisher.errors import CatalogueRejected, DescriptorError, EnvironmentFault
from publisher.register import Register
from publisher.rollback import roll_back_to
from publisher.storage import FolderStorage
from publisher.store import Store
from publisher.verify import verify_release
from publisher.withdrawal.takedown import TakenDown, Why, withdraw
from publisher.workflow import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.server]
NOW = datetime.now(UTC)
WHY = Why("Cột ghi chú còn số điện thoại.", "so-thu/ba", {"en": "A column of notes still held telephone numbers."})
STAYS = {"manifest.json", "manifest.sig", "withdrawn.json", "withdrawn.sig"}
FORMATS = ", formats: [parquet, csv, sqlite]"
SECRET = "tram-rieng-9137"


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Series]:
    with running_series(tmp_path) as series:
        series.define(release=FORMATS)
        yield series


def _break(folder: Path) -> None:
    (folder / "dataset.yaml").write_text("name: [", encoding="utf-8")


def publish(series: Series, count: int, secret: str = "") -> str:
    rows = numbered(count=count)
    if secret:
        rows[count] = (secret, 1.0)
    series.fill(rows)
    return series.published()


def take(series: Series, *releases: str) -> TakenDown:
    return withdraw(series.definition, series.portal.facilities, list(releases) or None, why=WHY, now=NOW)


def states(series: Series) -> dict[str, str]:
    return {row.release: row.state for row in series.portal.facilities.store.releases(NAME)}


def eventually(holds: Callable[[], bool]) -> bool:
    """Queries follow the catalogue within seconds."""
    for _ in range(60):
        if holds():
            return True
        time.sleep(0.25)
    return False


def addresses(release: str) -> list[str]:
    """Everything that a reader may ask about the dataset and one of its releases, in every tongue and form."""
    files = [f"do_dac.{ending}" for ending in ("parquet", "csv.gz", "csv", "changes.parquet")] + [f"{NAME}.sqlite"]
    files += [f"{name}.json" for name in ("privacy", "quality", "changes", "datapackage", "croissant", "csv-metadata")]
    pages = [
        f"/dataset/{NAME}{part}" for part in ("", "/data", "/api", "/dictionary", "/releases", "/quality", "/privacy")
    ]
    return [
        *(f"/r/{NAME}/{release}/{file}" for file in files),
        *(f"/latest/{NAME}/{file}" for file in files),
        *(f"{tongue}{page}" for page in pages for tongue in ("", "/en")),
        f"/r/{NAME}/{release}/",
        f"/en/r/{NAME}/{release}/",
        f"/r/{NAME}/{release}/privacy",
        f"/query/{NAME}/do_dac.json?_size=max",
        f"/query/{NAME}/do_dac.csv?_size=max",
        f"/query/{NAME}/do_dac.json?_facet=tram",
        f"/query/{NAME}.db",
        f"/query/-/search.json?q={SECRET}",
        f"/api/3/action/package_show?id={NAME}",
        f"/api/3/action/package_search?q={SECRET}",
        "/api/3/action/current_package_list_with_resources",
        f"/api/3/action/package_activity_list?id={NAME}",
        f'/api/3/action/datastore_search_sql?sql=SELECT * FROM "{NAME}"',
        f"/dataset/{NAME}.ttl",
        f"/dataset/{NAME}.jsonld",
        "/catalog.ttl",
        "/catalog.jsonld",
        "/data.json",
        "/feeds/dataset.atom",
        f"/feeds/dataset/{NAME}.atom",
        f"/dataset?q={SECRET}",
        "/sitemap.xml",
        "/",
    ]


def crawl(series: Series, release: str) -> dict[str, bytes]:
    """Return what every address answers, following where it leads."""
    return {path: series.portal.get(path).content for path in addresses(release)}


def telling(answers: dict[str, bytes], secret: str) -> list[str]:
    return sorted(path for path, body in answers.items() if secret.encode() in body and f"q={secret}" not in path)


def kept_bytes(series: Series, secret: str) -> list[str]:
    """Return the files under the portal's home that hold a text: what lies there could be served one day."""
    places = [series.portal.home / room for room in ("storage", "query", "work", "search", "earlier")]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return [str(path.relative_to(series.portal.home)) for path in files if secret.encode() in path.read_bytes()]


def test_a_withdrawn_release_is_reached_by_nobody_and_the_last_good_one_takes_its_place(series: Series) -> None:
    good = publish(series, 18)
    bad = publish(series, 19, SECRET)
    queried = f"/query/{NAME}/do_dac.json?_size=max"
    assert eventually(lambda: SECRET in series.portal.get(queried).text)
    before = crawl(series, bad)
    told = telling(before, SECRET)
    assert f"/query/{NAME}/do_dac.json?_size=max" in told
    assert f"/latest/{NAME}/do_dac.csv" in told
    assert f"/dataset/{NAME}" in told
    assert f"/query/{NAME}/do_dac.csv?_size=max" in told
    resource = series.portal.action("package_show", id=NAME)["resources"]
    table = next(one["id"] for one in resource if one["datastore_active"])
    done = take(series, bad)
    assert (done.releases, done.current) == ((bad,), good)
    assert states(series) == {good: "published", bad: "withdrawn"}
    assert eventually(lambda: SECRET not in series.portal.get(queried).text and not kept_bytes(series, SECRET))
    assert telling(crawl(series, bad), SECRET) == []
    records = series.portal.action("datastore_search", resource_id=table, limit=1000)["records"]
    assert len(records) == 18
    assert {path.name for path in (series.storage / bad).iterdir()} == STAYS
    for path, words in (
        (f"/r/{NAME}/{bad}/do_dac.parquet", WHY.reason),
        (f"/en/r/{NAME}/{bad}/", WHY.reason_translated["en"]),
    ):
        answer = series.portal.get(path)
        assert answer.status_code == 410
        assert words in answer.text
    assert series.document("withdrawn.json", bad)["reason_translated"] == WHY.reason_translated
    report = verify_release(f"{series.portal.url}/r/{NAME}/{bad}/")
    assert report.ok, report.problems
    assert report.withdrawn
    assert WHY.by not in series.portal.get(f"/api/3/action/package_show?id={NAME}").text
    with pytest.raises(DescriptorError):
        roll_back_to(series.definition, series.portal.facilities, bad)
    assert series.portal.facilities.store.hold_of(NAME) is not None


def test_with_all_withdrawn_the_dataset_says_so_and_a_new_release_brings_it_back(series: Series) -> None:
    releases = [publish(series, 20), publish(series, 21)]
    done = take(series)
    assert sorted(done.releases) == sorted(releases)
    assert done.current is None
    page = series.portal.get(f"/en/dataset/{NAME}")
    assert page.status_code == 200
    assert "This dataset was withdrawn" in page.text
    assert WHY.reason_translated["en"] in page.text
    assert series.portal.get(f"/latest/{NAME}/do_dac.parquet").status_code == 404
    assert series.portal.get(f"/dataset/{NAME}/releases").status_code == 200
    assert eventually(lambda: series.portal.get(f"/query/{NAME}.json").status_code == 404)
    assert series.portal.action("package_show", id=NAME)["resources"] == []
    Workspace(series.portal.facilities).resume(NAME, "ba")
    newer = publish(series, 22)
    assert newer not in releases
    assert series.portal.get(f"/latest/{NAME}/do_dac.parquet").status_code == 200
    for release in releases:
        assert series.portal.get(f"/r/{NAME}/{release}/do_dac.parquet").status_code == 410


def test_a_later_release_does_not_repeat_keys_of_a_withdrawn_one(series: Series) -> None:
    first = publish(series, 25)
    second = publish(series, 20)
    assert (series.storage / second / "do_dac.changes.parquet").exists()
    take(series, first)
    assert states(series)[second] == "published"
    assert not (series.storage / second / "do_dac.changes.parquet").exists()
    answer = series.portal.get(f"/r/{NAME}/{second}/do_dac.changes.parquet")
    assert answer.status_code == 410
    assert verify_release(f"{series.portal.url}/r/{NAME}/{second}/").ok
    assert series.portal.get(f"/latest/{NAME}/do_dac.parquet").status_code == 200
    assert series.portal.facilities.store.hold_of(NAME) is None


def test_a_reason_that_tells_what_it_hides_is_refused(series: Series) -> None:
    release = publish(series, 20)
    for reason in ("", "Lộ số 0912 345 678 của một người."):
        with pytest.raises(DescriptorError):
            withdraw(series.definition, series.portal.facilities, [release], why=Why(reason, "ba"), now=NOW)
    with pytest.raises(DescriptorError, match="no release"):
        withdraw(series.definition, series.portal.facilities, ["2001-01-01.1"], why=WHY, now=NOW)
    assert states(series) == {release: "published"}


PLACES = [
    (Store, "take_down", 1),
    (Register, "note_withdrawn", 1),
    (FolderStorage, "put_new", 1),
    (FolderStorage, "erase", 1),
    (FolderStorage, "erase", 3),
    (Register, "publish", 1),
    (Store, "point_at", 1),
    (Store, "settle", 1),
]


def test_killed_anywhere_the_next_call_goes_on(series: Series) -> None:
    good = publish(series, 20)
    for number, (owner, method, times) in enumerate(PLACES):
        bad = publish(series, 30 + number, SECRET)
        with killed_after(owner, method, times):
            take(series, bad)
        assert states(series)[bad] in {"withdrawing", "withdrawn"}, method
        if states(series)[bad] == "withdrawing":
            take(series, bad)
        assert states(series)[bad] == "withdrawn", method
        assert states(series)[good] == "published", method
        assert {path.name for path in (series.storage / bad).iterdir()} == STAYS, method
        assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code == 410, method
        Workspace(series.portal.facilities).resume(NAME, "ba")


def test_a_killed_withdrawal_is_finished_by_the_next_run(series: Series) -> None:
    old = publish(series, 20)
    publish(series, 21)
    with killed_after(FolderStorage, "erase", 1):
        take(series, old)
    assert states(series)[old] == "withdrawing"
    publish(series, 22)
    assert states(series)[old] == "withdrawn"
    assert {path.name for path in (series.storage / old).iterdir()} == STAYS


def test_bytes_go_though_the_catalogue_does_not_answer(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(series, 20)
    bad = publish(series, 21)

    def refused(*_: Any, **__: Any) -> None:
        raise CatalogueRejected("The catalogue cannot be reached.")

    with monkeypatch.context() as patch:
        patch.setattr(Register, "note_withdrawn", refused)
        with pytest.raises(CatalogueRejected):
            take(series, bad)
    assert {path.name for path in (series.storage / bad).iterdir()} == STAYS
    assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code != 200
    take(series, bad)
    assert states(series)[bad] == "withdrawn"
    assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code == 410


def test_every_version_in_an_s3_bucket_goes(tmp_path: Path, radosgw: RadosGateway) -> None:
    bucket = f"versions-{os.urandom(4).hex()}"
    client = boto3.client(
        "s3",
        endpoint_url=radosgw.endpoint_url,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    storage = {"url": f"s3://{bucket}/portal", "endpoint_url": radosgw.endpoint_url}
    environment = {"PHUSA_S3_ACCESS_KEY": ACCESS_KEY, "PHUSA_S3_SECRET_KEY": SECRET_KEY}
    with running_series(tmp_path, environment=environment, storage=storage) as series:
        good, bad = publish(series, 20), publish(series, 21, SECRET)
        prefix = f"portal/releases/{NAME}/{bad}/"
        held = series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet", allow_redirects=False).headers["Location"]
        # An object that was only hidden, as a plain deletion leaves it, still has its bytes.
        client.delete_object(Bucket=bucket, Key=f"{prefix}quality.json")
        assert client.list_object_versions(Bucket=bucket, Prefix=f"{prefix}quality.json")["Versions"]
        assert take(series, bad).current == good
        left = client.list_object_versions(Bucket=bucket, Prefix=prefix)
        assert {one["Key"].removeprefix(prefix) for one in left["Versions"]} == STAYS
        assert "DeleteMarkers" not in left
        assert requests.get(held, timeout=10).status_code == 404
        assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code == 410
        assert series.portal.get(f"/r/{NAME}/{good}/do_dac.parquet").content[:4] == b"PAR1"
        assert verify_release(f"{series.portal.url}/r/{NAME}/{bad}/").ok


@pytest.mark.parametrize("spoil", [shutil.rmtree, _break], ids=["gone", "with mistakes"])
def test_what_became_public_is_withdrawn_whatever_became_of_its_definition(
    series: Series, spoil: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    old, bad = publish(series, 20), publish(series, 21, SECRET)
    folder = series.root / "definitions" / "so-thu" / NAME
    spoil(folder)
    settings = series.portal.facilities.settings
    if not folder.exists():
        assert audit_datasets(settings, None, dry_run=True, reinstate=False) == DescriptorError.exit_code
        assert f"withdraw {NAME} --all" in capsys.readouterr().err
    withdraw_releases(settings, NAME, [bad], reason=WHY.reason, reason_en="")
    assert "the public sees no release of it" in capsys.readouterr().out
    assert states(series) == {old: "superseded", bad: "withdrawn"}
    assert {path.name for path in (series.storage / bad).iterdir()} == STAYS
    assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code == 410
    assert SECRET not in series.portal.get(f"/latest/{NAME}/do_dac.csv").text
    Workspace(series.portal.facilities).withdraw(NAME, old, "ba", reason=WHY.reason)
    assert states(series)[old] == "withdrawn"
    with pytest.raises(DescriptorError, match="no dataset"):
        withdraw_releases(settings, "khong-co", None, reason=WHY.reason, reason_en="")
    assert series.portal.facilities.store.hold_of("khong-co") is None


def test_a_store_that_keeps_a_version_is_told_of(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(series, 20)
    bad = publish(series, 21)

    def locked(*_: Any) -> None:
        raise EnvironmentFault("The object is locked.", cure="end the lock")

    with monkeypatch.context() as patch:
        patch.setattr(FolderStorage, "erase", locked)
        with pytest.raises(EnvironmentFault, match="locked"):
            take(series, bad)
    assert series.portal.get(f"/r/{NAME}/{bad}/do_dac.parquet").status_code == 410
    assert states(series)[bad] == "withdrawing"
