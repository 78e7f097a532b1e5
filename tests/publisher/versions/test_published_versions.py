"""Versions, differences and corrections on the whole road, from definition and source to the public's addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from click.testing import CliRunner
from samples.small_series import NAME, Series, numbered, running_series

from publisher.cli import release as release_command
from publisher.errors import DescriptorError
from publisher.rollback import roll_back_to
from publisher.versions.release_changes import Correction

pytestmark = pytest.mark.slow
MORE = {"fields": "{name: them, title: Thêm}", "actions": ", them: {action: keep}"}


@pytest.fixture
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Series]:
    with running_series(tmp_path_factory.mktemp("versions")) as series:
        series.fill(numbered())
        series.published()
        yield series


def version(series: Series) -> str:
    package = series.portal.action("package_show", id=NAME)
    told = json.loads({extra["key"]: extra["value"] for extra in package["extras"]}["release_summary"])
    descriptor = series.document("datapackage.json")
    assert (
        package["version"]
        == told["version"]
        == descriptor["version"]
        == series.document("changes.json")["version"]["to"]
    )
    return str(package["version"])


def test_from_one_major_to_the_next(series: Series) -> None:
    """One walk: rows change, a correction, a column more, a lowered version, a column less, the old major, back again."""
    first = str(series.portal.facilities.store.current(NAME).release)  # type: ignore[union-attr]
    assert series.document("changes.json") == {"since": None, "tables": [], "version": {"to": "1.0.0"}}

    rows = numbered(first=3)
    rows[5] = ("tram-9", 1.0)
    series.fill(rows)
    with pytest.raises(DescriptorError, match=r"2020-01-01\.1"):
        series.release(Correction("2020-01-01.1", "Sai."))
    assert series.release(Correction(first, "Trạm 5 đo sai.")).state == "published"
    changes = series.document("changes.json")
    assert (changes["added"], changes["removed"], changes["changed"], version(series)) == (2, 2, 1, "1.0.0")
    assert changes["tables"][0]["fields"] == {"tram": 1, "gia_tri": 1}
    assert changes["corrects"] == {"release": first, "note": "Trạm 5 đo sai."}
    second = str(series.portal.facilities.store.current(NAME).release)  # type: ignore[union-attr]
    assert [row["_change"] for row in series.listed(second)] == ["changed", "added", "added", "removed", "removed"]
    entry = next(
        file for file in series.document("manifest.json")["files"] if file["path"].endswith(".changes.parquet")
    )
    assert entry["bytes"] == (series.storage / second / entry["path"]).stat().st_size
    assert "Trạm 5 đo sai." in series.portal.get(f"/en/r/{NAME}/{second}/").text

    series.fill(rows, columns="ma INTEGER, tram TEXT, gia_tri REAL, them TEXT")
    series.define(**MORE, version="1.0.5")
    refused = series.release()
    assert (refused.state, refused.reason_code) == ("failed", "definition")
    assert "needs 1.1.0" in refused.message
    series.define(**MORE)
    third = series.published()
    assert version(series) == "1.1.0"

    series.define(version="1.0.0", fields="{name: them, title: Thêm}")
    fourth = series.published()
    assert version(series) == "2.0.0"
    assert series.document("changes.json")["tables"][0]["removed_listed"] is False
    for path in (f"/latest/{NAME}/v1/do_dac.parquet", f"/r/{NAME}/{third}/do_dac.parquet", f"/r/{NAME}/{first}/"):
        headers = series.portal.get(path, allow_redirects=False).headers
        assert abs(int(headers["Deprecation"].removeprefix("@")) - datetime.now(UTC).timestamp()) < 300
        assert (parsedate_to_datetime(headers["Sunset"]) - datetime.now(UTC)).days in {179, 180}
        assert 'rel="deprecation"' in headers["Link"]
    assert series.portal.get(f"/latest/{NAME}/v1/manifest.json").json()["release"] == third
    assert series.portal.get(f"/latest/{NAME}/v2/manifest.json").json()["release"] == fourth
    assert series.portal.get(f"/latest/{NAME}/v3/manifest.json").status_code == 404
    assert "Deprecation" not in series.portal.get(f"/r/{NAME}/{fourth}/do_dac.parquet").headers
    package = series.portal.action("package_show", id=NAME)
    feed = series.portal.get(f"/dataset/{package['id']}/releases.atom").text
    assert f"/latest/{NAME}/v1/" in feed
    assert "Version 2.0.0 is not compatible with 1.1.0" in feed

    roll_back_to(series.definition.model_copy(), series.portal.facilities, first)
    assert version(series) == "1.0.0"
    assert series.portal.get(f"/latest/{NAME}/v2/manifest.json").status_code == 404
    series.fill({**rows, 99: ("tram-1", 2.0)}, columns="ma INTEGER, tram TEXT, gia_tri REAL, them TEXT")
    series.published()
    assert version(series) == "1.0.0"  # the contract of the first release


def test_a_note_about_a_person_does_not_leave(series: Series) -> None:
    current = series.portal.facilities.store.current(NAME)
    assert current is not None
    series.fill(numbered(count=30))
    run = series.release(Correction(current.release, "Ông Nguyễn Văn An, điện thoại 0903123456, báo sai."))
    assert (run.state, run.reason_code) == ("held", "privacy")


def test_the_score_and_the_series_are_on_the_pages(series: Series) -> None:
    series.fill(numbered(count=30))
    series.published()
    quality = series.document("quality.json")
    assert quality["score"]["validity"] == 1
    assert 0.9 < quality["score"]["q"] <= 1
    assert [one["rows"] for one in quality["series"]] == [{"do_dac": 20}, {"do_dac": 30}]
    page = series.portal.get(f"/en/dataset/{NAME}/quality").text
    assert "Quality score" in page
    assert page.count('<svg class="spark"') == 2
    assert "style=" not in page
    assert "2 releases, from 20 to 30" in page
    assert "Q = 0.25 V" in series.portal.get("/en/method").text


def test_a_correction_needs_both_its_parts() -> None:
    answer = CliRunner().invoke(release_command, [NAME, "--corrects", "2026-11-20.1"], obj={})
    assert answer.exit_code != 0
