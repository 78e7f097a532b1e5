"""Old releases lose their data files: proven, explained, never the wrong ones, and gone on with after any crash."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from samples.killed import killed_after
from samples.small_series import NAME, Series, numbered, running_series
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway

from publisher.cli import SETTINGS, prune
from publisher.errors import DescriptorError, StorageError
from publisher.register import Register
from publisher.retention.pruning import Pruned, prune_dataset, sweep
from publisher.rollback import roll_back_to
from publisher.storage import FolderStorage
from publisher.store import Store
from publisher.verify import verify_release
from publisher.versions.release_changes import Correction

pytestmark = pytest.mark.slow
NOW = datetime.now(UTC)
OLD = date(2020, 3, 10)
DATA = ("do_dac.csv.gz", "do_dac.parquet")


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Series]:
    """Thirteen releases of today; tests make some of them look old."""
    with running_series(tmp_path_factory.mktemp("prune")) as series:
        for number in range(13):
            series.fill(numbered(count=20 + number))
            series.published()
        yield series


def releases(series: Series) -> list[str]:
    rows = series.portal.facilities.store.releases(NAME)
    return sorted(
        (row.release for row in rows if row.state == "superseded"), key=lambda name: int(name.rpartition(".")[2])
    )


def make_old(series: Series, count: int) -> tuple[list[str], str]:
    """Backdate the oldest releases into one month and return those that must go with the one that stands for it."""
    chosen = releases(series)[: count + 1]
    for number, release in enumerate(chosen):
        series.backdate(release, OLD + timedelta(days=number))
    return chosen[:-1], chosen[-1]


def run_prune(series: Series, **more: Any) -> Pruned:
    return prune_dataset(series.definition, series.portal.facilities, now=NOW, **more)


def files(series: Series, release: str) -> set[str]:
    return {path.name for path in (series.storage / release).iterdir()}


def states(series: Series) -> dict[str, str]:
    return {row.release: row.state for row in series.portal.facilities.store.releases(NAME)}


def test_a_dry_run_tells_and_touches_nothing(series: Series) -> None:
    gone, kept = make_old(series, 1)
    before = {release: files(series, release) for release in states(series)}
    pruned = run_prune(series, dry_run=True)
    assert [one.release for one in pruned.deleted] == gone
    assert pruned.deleted[0].kept_instead == kept
    assert {file["path"] for file in pruned.deleted[0].files} == set(DATA)
    assert before == {release: files(series, release) for release in states(series)}
    assert states(series)[gone[0]] == "superseded"


def test_what_goes_is_stated_signed_and_explained(series: Series) -> None:
    [gone], kept = make_old(series, 1)
    hashes = {file["path"]: file["sha256"] for file in series.document("manifest.json", gone)["files"]}
    assert [one.release for one in run_prune(series).deleted] == [gone]
    assert files(series, gone).isdisjoint(DATA)
    assert {"manifest.json", "manifest.sig", "changes.json", "datapackage.json", "deleted.sig"} <= files(series, gone)
    said = series.document("deleted.json", gone)
    assert {file["path"]: file["sha256"] for file in said["files"]} == {name: hashes[name] for name in DATA}
    assert (said["rule"], said["kept_instead"]) == ("month_end", kept)
    report = verify_release(f"{series.portal.url}/r/{NAME}/{gone}/")
    assert report.ok, report.problems
    assert report.deleted == len(DATA)
    for path, words in (
        (f"/r/{NAME}/{gone}/{DATA[0]}", "hết hạn lưu"),
        (f"/en/r/{NAME}/{gone}/", "past their retention"),
    ):
        answer = series.portal.get(path)
        assert answer.status_code == (410 if path.endswith(".gz") else 200)
        assert words in answer.text
        assert kept in answer.text
    assert series.portal.get(f"/r/{NAME}/{kept}/{DATA[0]}").status_code == 200
    assert series.portal.get(f"/latest/{NAME}/{DATA[0]}").status_code == 200
    assert "past its retention" in series.portal.get(f"/en/dataset/{NAME}/releases").text
    with pytest.raises(DescriptorError):
        roll_back_to(series.definition, series.portal.facilities, gone)
    assert run_prune(series).deleted == ()


def test_a_forged_statement_hides_no_missing_file(series: Series, tmp_path: Path) -> None:
    release = releases(series)[-1]
    for path in (series.storage / release).iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    said = {"dataset": NAME, "release": release, "files": manifest["files"]}
    (tmp_path / "deleted.json").write_text(json.dumps(said))
    (tmp_path / "deleted.sig").write_text(base64.b64encode(b"\0" * 64).decode())
    (tmp_path / DATA[0]).unlink()
    problems = verify_release(str(tmp_path)).problems
    assert f"{DATA[0]} is missing" in problems
    assert any("deleted.json is not what" in problem for problem in problems)


PLACES = [
    (FolderStorage, "put_new", 1),
    (FolderStorage, "put_new", 2),
    (Register, "note_deleted", 1),
    (FolderStorage, "delete", 1),
    (FolderStorage, "delete", 2),
    (Store, "note_deleted", 1),
]


@pytest.mark.parametrize(("owner", "method", "times"), PLACES, ids=[f"{m}-{n}" for _, m, n in PLACES])
def test_killed_anywhere_the_next_call_goes_on(series: Series, owner: type, method: str, times: int) -> None:
    [gone], kept = make_old(series, 1)
    with killed_after(owner, method, times):
        run_prune(series)
    # In between, a file that is not there is explained where the catalogue knows, and nobody can go back to the release.
    assert series.portal.get(f"/r/{NAME}/{gone}/{DATA[0]}").status_code in {200, 410}
    with pytest.raises(DescriptorError):
        roll_back_to(series.definition, series.portal.facilities, gone)
    run_prune(series)
    assert states(series)[gone] == "deleted"
    assert files(series, gone).isdisjoint(DATA)
    assert files(series, kept) >= set(DATA)
    assert verify_release(f"{series.portal.url}/r/{NAME}/{gone}/").ok
    assert series.portal.get(f"/r/{NAME}/{gone}/{DATA[0]}").status_code == 410


def test_a_manifest_that_is_not_the_published_one_stops_it(series: Series) -> None:
    [gone], _ = make_old(series, 1)
    path = series.storage / gone / "manifest.json"
    before = path.read_bytes()
    path.write_bytes(before + b" ")
    try:
        with pytest.raises(StorageError, match="not the one that was published"):
            run_prune(series)
        assert files(series, gone) >= set(DATA)
    finally:
        path.write_bytes(before)


def test_what_dead_runs_left_goes_when_it_is_old(series: Series) -> None:
    old, new = series.storage / "2020-01-01.1", series.storage / f"{NOW:%Y-%m-%d}.99"
    for folder in (old, new):
        folder.mkdir()
        (folder / "do_dac.parquet").write_bytes(b"half")
    part = series.storage / ".do_dac.parquet.0123456789ab.part"
    part.write_bytes(b"half")
    os.utime(part, (0, 0))
    assert run_prune(series).orphans == (f"releases/{NAME}/2020-01-01.1/do_dac.parquet",)
    assert sweep(series.portal.facilities, NOW) == 1
    assert not old.exists()
    assert new.exists()
    assert not part.exists()


def test_the_command_lists_every_file_with_its_hash(series: Series) -> None:
    [gone], _ = make_old(series, 1)
    settings = series.portal.facilities.settings
    runner = CliRunner()
    with prune.make_context("prune", [NAME, "--dry-run"]) as context:
        context.meta[SETTINGS] = lambda: settings
        with runner.isolation() as (out, _, _), pytest.raises(SystemExit) as ended:
            prune.invoke(context)
        text = out.getvalue().decode()
    assert ended.value.code == 0
    for file in series.document("manifest.json", gone)["files"]:
        assert (file["sha256"] in text) == (file["path"] in DATA)
    assert "would delete by rule month_end" in text


def test_what_anything_leads_to_stays(series: Series) -> None:
    old = releases(series)
    series.fill(numbered(count=60))
    assert series.release(Correction(old[0], "Sai số đo.")).state == "published"
    for number, release in enumerate(releases(series)):
        series.backdate(release, OLD + timedelta(days=number))
    current = series.portal.facilities.store.current(NAME)
    assert current is not None
    series.backdate(current.release, OLD)
    pruned = run_prune(series, dry_run=True)
    going = {one.release for one in pruned.deleted}
    assert going
    assert pruned.protected[old[0]] == f"{current.release} corrects it"
    assert pruned.protected[current.release] == "it is the current release"
    assert current.summary["parent"] not in going
    assert not going & set(pruned.protected)


@pytest.mark.server
def test_on_an_s3_service(tmp_path: Path, radosgw: RadosGateway) -> None:
    storage = {"url": "s3://pruned/portal", "endpoint_url": radosgw.endpoint_url}
    environment = {"PHUSA_S3_ACCESS_KEY": ACCESS_KEY, "PHUSA_S3_SECRET_KEY": SECRET_KEY}
    with running_series(tmp_path, environment=environment, storage=storage) as series:
        for number in range(5):
            series.fill(numbered(count=20 + number))
            series.published()
        [gone], kept = make_old(series, 1)
        assert [one.release for one in run_prune(series).deleted] == [gone]
        store = series.portal.facilities.storage
        names = {info.key.rpartition("/")[2] for info in store.list(f"releases/{NAME}/{gone}/")}
        assert names.isdisjoint(DATA)
        assert {"manifest.json", "deleted.json", "deleted.sig"} <= names
        assert series.portal.get(f"/r/{NAME}/{gone}/{DATA[1]}").status_code == 410
        assert series.portal.get(f"/r/{NAME}/{kept}/{DATA[1]}").content[:4] == b"PAR1"
        assert verify_release(f"{series.portal.url}/r/{NAME}/{gone}/").ok
        assert sweep(series.portal.facilities, NOW) == 0
