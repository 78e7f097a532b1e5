"""Storage, catalogue, disk or source fail: a clear message, nothing half-visible, and the next run heals."""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import xlsxwriter
from reliability.small_city import FILE_SOURCE, write_definition, write_drop
from servers.portal import RunningPortal, free_port, running_portal

from publisher.errors import CatalogueRejected, EnvironmentFault, LeaseHeld, ReleaseRefused
from publisher.facilities import Facilities, open_facilities
from publisher.register import Register
from publisher.runs import run_dataset
from publisher.schedule import Scheduler
from publisher.settings import StorageSettings
from publisher.store import Run
from publisher.workflow import Workspace

pytestmark = pytest.mark.slow
NAME = "thu-nghiem"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[RunningPortal]:
    drops = tmp_path / "drops"
    write_drop(drops, rows=100)
    environment = {"DROPS": str(drops), "URL": f"http://127.0.0.1:{free_port()}/rows"}
    environment |= {"PHUSA_S3_ACCESS_KEY": "a", "PHUSA_S3_SECRET_KEY": "b"}
    with running_portal(tmp_path / "home", write_definition(tmp_path / "datasets"), environment=environment) as portal:
        assert portal.release(NAME).state == "published"
        yield portal


def run_with(portal: RunningPortal, *, environment: dict[str, str] | None = None, **settings: Any) -> Run:
    """Run the dataset with other settings than the portal's own, as if something around it had changed."""
    own = portal.facilities
    changed = own.settings.model_copy(update=settings)
    facilities = Facilities(changed, own.store, own.secrets)
    if environment is not None:
        facilities = open_facilities(changed, environment)
    return run_dataset(portal.definition(NAME), facilities, trigger="manual", actor="somebody")


def public_release(portal: RunningPortal) -> str:
    package = portal.action("package_show", id=NAME)
    return str({extra["key"]: extra["value"] for extra in package["extras"]}["release"])


def assert_refused(portal: RunningPortal, run: Run, *, state: str, reason: str, before: str) -> None:
    assert (run.state, run.reason_code) == (state, reason), run.message
    assert run.message
    assert run.cure
    assert public_release(portal) == before
    page = portal.get(f"/dataset/{NAME}")
    assert page.status_code == 200
    assert before in page.text


def assert_next_run_heals(portal: RunningPortal) -> None:
    write_drop(portal.home.parent / "drops", rows=101)
    run = portal.release(NAME)
    assert run.state == "published", run.message
    assert public_release(portal) == run.release


def test_object_storage_gone(city: RunningPortal) -> None:
    before = public_release(city)
    write_drop(city.home.parent / "drops", rows=101)
    nobody = StorageSettings(url="s3://bucket/prefix", endpoint_url=f"http://127.0.0.1:{free_port()}")
    run = run_with(city, storage=nobody)
    assert_refused(city, run, state="failed", reason="storage", before=before)
    assert_next_run_heals(city)


def test_catalogue_gone(city: RunningPortal) -> None:
    before = public_release(city)
    write_drop(city.home.parent / "drops", rows=101)
    run = run_with(city, catalogue_url=f"http://127.0.0.1:{free_port()}")
    assert_refused(city, run, state="failed", reason="catalogue", before=before)
    assert_next_run_heals(city)


def test_wrong_catalogue_token(city: RunningPortal, tmp_path: Path) -> None:
    before = public_release(city)
    write_drop(city.home.parent / "drops", rows=101)
    (tmp_path / "token").write_text("phusa_nobody")
    run = run_with(city, catalogue_token=f"file:{tmp_path / 'token'}")
    assert_refused(city, run, state="failed", reason="catalogue", before=before)
    assert_next_run_heals(city)


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {made.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_disk_full(city: RunningPortal, tmp_path: Path) -> None:
    before = public_release(city)
    write_drop(tmp_path / "drops", rows=140)
    with small_disk(tmp_path / "disk", "2m"):
        home = tmp_path / "disk" / "home"
        shutil.copytree(city.home / "keys", home / "keys")
        (home / "filler").write_bytes(os.urandom(2_000_000))
        run = run_with(city, home=home)
        assert_refused(city, run, state="failed", reason="storage", before=before)
        assert "space" in run.message
    write_drop(tmp_path / "drops", rows=100)
    assert_next_run_heals(city)


def wait_until_queryable(portal: RunningPortal) -> None:
    """Let the query service copy the release first, so that the disk stays as it is."""
    deadline = time.monotonic() + 30
    while not portal.get(f"/query/{NAME}/do_dac.json?_size=1").ok:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_disk_full_under_everything(tmp_path: Path) -> None:
    """Databases, search index, storage and working files share one disk, as they do in the embedded layout."""
    drops, definitions = tmp_path / "drops", write_definition(tmp_path / "datasets")
    write_drop(drops, rows=60_000)
    with small_disk(tmp_path / "disk", "64m"):
        home = tmp_path / "disk" / "home"
        with running_portal(home, definitions, environment={"DROPS": str(drops)}) as portal:
            before = portal.release(NAME).release
            assert before is not None
            wait_until_queryable(portal)
            write_drop(drops, rows=60_001)
            free = shutil.disk_usage(home).free
            (home / "filler").write_bytes(os.urandom(free - 300_000))
            run = portal.release(NAME)
            assert_refused(portal, run, state="failed", reason="storage", before=before)
            (home / "filler").unlink()
            healed = portal.release(NAME)
            assert healed.state == "published", healed.message
            assert public_release(portal) == healed.release


@contextmanager
def rest_service(answer: Callable[[], tuple[int, bytes]]) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, *_: object) -> None:
            """Keep the tests' output quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/rows"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rest_source(more: str = "") -> str:
    return f'{{kind: rest, url: "env:URL", rows: rows, total: total, retries: 1{more}}}'


def rows_answer(total: int) -> bytes:
    rows = [{"ma": number, "tram": "t", "gia_tri": 1.5} for number in range(1, 101)]
    return json.dumps({"rows": rows, "total": total}).encode()


def test_source_that_lies_about_its_count(city: RunningPortal) -> None:
    before = public_release(city)
    write_definition(city.home.parent / "datasets", source=rest_source())
    with rest_service(lambda: (200, rows_answer(120))) as url:
        run = run_with(city, environment={"URL": url})
    assert_refused(city, run, state="failed", reason="source", before=before)
    assert "120" in run.message
    with rest_service(lambda: (200, rows_answer(100))) as url:
        assert run_with(city, environment={"URL": url}).state == "published"


def test_source_that_is_too_slow(city: RunningPortal) -> None:
    before = public_release(city)
    write_definition(city.home.parent / "datasets", source=rest_source(", timeout_seconds: 0.3"))

    def answer() -> tuple[int, bytes]:
        time.sleep(1)
        return 200, rows_answer(100)

    with rest_service(answer) as url:
        run = run_with(city, environment={"URL": url})
    assert_refused(city, run, state="failed", reason="source", before=before)
    write_definition(city.home.parent / "datasets")
    assert_next_run_heals(city)


def test_catalogue_that_takes_the_release_and_loses_the_answer(
    city: RunningPortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_drop(city.home.parent / "drops", rows=101)
    publish = Register.publish

    def lost(self: Register, *arguments: Any) -> None:
        publish(self, *arguments)
        raise CatalogueRejected("No answer within 60 s.", cure="run again")

    monkeypatch.setattr(Register, "publish", lost)
    run = city.release(NAME)
    assert run.state == "published", run.message
    assert public_release(city) == run.release
    assert city.get(f"/r/{NAME}/{run.release}/do_dac.parquet").status_code == 200
    assert city.release(NAME).state == "unchanged"


def test_catalogue_set_up_anew_is_told_the_release_again(city: RunningPortal) -> None:
    release = public_release(city)
    token = (city.home / "keys" / "publisher.token").read_text()
    answer = requests.post(
        f"{city.url}/api/3/action/dataset_purge", json={"id": NAME}, headers={"Authorization": token}, timeout=30
    )
    assert answer.status_code == 200
    assert city.release(NAME).state == "unchanged"
    assert public_release(city) == release


def test_a_lost_header_is_no_list_of_columns(city: RunningPortal) -> None:
    before = public_release(city)
    drop = city.home.parent / "drops" / "drop.csv"
    drop.write_text("Nguyễn Văn An,0901234567,079203001234\n" + "".join(f"{n},t,1.5\n" for n in range(1, 101)))
    run = city.release(NAME)
    assert_refused(city, run, state="failed", reason="source", before=before)
    assert "header" in run.cure
    for value in ("Nguyễn", "0901234567", "079203001234"):
        assert value not in f"{run.message} {run.cure} {run.drift}"


def test_a_new_column_whose_name_is_somebodys_is_held_without_telling_it(city: RunningPortal) -> None:
    before = public_release(city)
    drop = city.home.parent / "drops" / "drop.csv"
    drop.write_text("ma,tram,gia_tri,0901234567\n" + "".join(f"{n},t,1.5,x\n" for n in range(1, 101)))
    run = city.release(NAME)
    assert_refused(city, run, state="held", reason="drift", before=before)
    assert "0901234567" not in f"{run.message} {run.drift}"


def test_other_input_that_gives_the_same_rows_makes_no_release(city: RunningPortal) -> None:
    before = public_release(city)
    drop = city.home.parent / "drops" / "drop.csv"
    drop.write_text("\n".join(drop.read_text().splitlines()[:1] + drop.read_text().splitlines()[:0:-1]) + "\n")
    first, second = city.release(NAME), city.release(NAME)
    assert (first.state, second.state) == ("unchanged", "unchanged")
    assert len(second.steps) < len(first.steps), "the input is known by now"
    assert public_release(city) == before


def test_a_dry_run_changes_nothing_outside(city: RunningPortal) -> None:
    package = city.action("package_show", id=NAME)
    for rows in (100, 120):
        write_drop(city.home.parent / "drops", rows=rows)
        assert city.release(NAME, trigger="dry_run").state == "checked"
    assert city.action("package_show", id=NAME) == package
    assert len(city.facilities.store.releases(NAME)) == 1


def test_a_dataset_on_hold_starts_no_run(city: RunningPortal) -> None:
    workspace = Workspace(city.facilities)
    workspace.hold(NAME, "steward", "the source is being moved")
    with pytest.raises(EnvironmentFault, match="the source is being moved"):
        city.release(NAME)
    workspace.resume(NAME, "steward")
    assert city.release(NAME).state == "unchanged"


def test_two_runs_at_once(city: RunningPortal) -> None:
    write_drop(city.home.parent / "drops", rows=101)
    started, go_on = threading.Event(), threading.Event()

    def listen(_dataset: str, step: str, state: str) -> None:
        if (step, state) == ("write", "running"):
            started.set()
            go_on.wait(30)

    first: list[Run] = []
    arguments = (city.definition(NAME), city.facilities)
    thread = threading.Thread(
        target=lambda: first.append(run_dataset(*arguments, trigger="manual", actor="one", listener=listen))
    )
    thread.start()
    try:
        assert started.wait(30)
        with pytest.raises(LeaseHeld) as caught:
            run_dataset(*arguments, trigger="manual", actor="two")
        assert "wait" in caught.value.cure
    finally:
        go_on.set()
        thread.join()
    assert first[0].state == "published"
    assert [run.actor for run in city.facilities.store.runs(NAME)][:1] == ["one"]


def test_a_file_delivered_again_under_another_name_changes_nothing(city: RunningPortal) -> None:
    before = public_release(city)
    drops = city.home.parent / "drops"
    (drops / "drop_2.csv").write_bytes((drops / "drop.csv").read_bytes())
    run = city.release(NAME)
    assert (run.state, public_release(city)) == ("unchanged", before)
    made = next(run for run in city.facilities.store.runs(NAME) if run.state == "published")
    extract = next(step for step in made.steps if step.name == "extract")
    [file] = extract.facts["sources"]
    assert (file["name"], len(file["sha256"]), "drop.csv" in extract.facts["notes"][0]) == ("drop.csv", 64, True)


def test_truncated_excel_file(city: RunningPortal) -> None:
    before = public_release(city)
    drops = city.home.parent / "drops"
    source = FILE_SOURCE.replace("*.csv", "*.xlsx").replace("kind: csv", "kind: excel")
    write_definition(city.home.parent / "datasets", source=source)
    workbook = xlsxwriter.Workbook(drops / "drop.xlsx")
    sheet = workbook.add_worksheet()
    for number, row in enumerate([["ma", "tram", "gia_tri"], *([n, "t", n / 2] for n in range(1, 101))]):
        sheet.write_row(number, 0, row)
    workbook.close()
    whole = (drops / "drop.xlsx").read_bytes()
    (drops / "drop.xlsx").write_bytes(whole[: len(whole) // 2])
    assert_refused(city, city.release(NAME), state="failed", reason="source", before=before)
    (drops / "drop.xlsx").write_bytes(whole)
    assert city.release(NAME).state == "published"


def test_one_broken_quote_in_two_hundred_columns(city: RunningPortal) -> None:
    before = public_release(city)
    drops = city.home.parent / "drops"
    header = ["ma", "tram", "gia_tri", *(f"cot_{number}" for number in range(197))]
    rows = [[str(number), "t", "1.5", *(["x"] * 197)] for number in range(1, 101)]
    rows[40][100] = '"a marked cell'
    (drops / "drop.csv").write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    run = city.release(NAME)
    assert_refused(city, run, state="failed", reason="source", before=before)
    assert "42" in run.message, "the message names the line where the quote opens"
    assert "marked cell" not in run.message
    assert_next_run_heals(city)


def test_columns_that_come_and_go_are_held_until_an_approver_accepts(city: RunningPortal) -> None:

    before = public_release(city)
    drops = city.home.parent / "drops"
    (drops / "drop.csv").write_text("ma,gia_tri,nguoi_nhap\n" + "".join(f"{n},1.5,x\n" for n in range(1, 101)))
    run = city.release(NAME)
    assert_refused(city, run, state="held", reason="drift", before=before)
    assert "nguoi_nhap" in run.message

    workspace = Workspace(city.facilities)
    workspace.accept_drift(run.id, "approver")
    workspace.wait()
    current = public_release(city)
    assert current != before, city.facilities.store.runs(NAME)[0].message
    columns = city.get(f"/r/{NAME}/{current}/datapackage.json").json()["resources"][0]["schema"]["fields"]
    assert [column["name"] for column in columns] == ["ma", "tram", "gia_tri"]
    assert city.release(NAME).state == "unchanged"


def test_an_empty_delivery_is_held(city: RunningPortal) -> None:
    before = public_release(city)
    (city.home.parent / "drops" / "drop.csv").write_text("ma,tram,gia_tri\n")
    run = city.release(NAME)
    assert_refused(city, run, state="held", reason="volume", before=before)
    assert run.cure == "ask the agency; a table without rows is never released"
    assert_next_run_heals(city)


def test_too_many_failing_rows_are_held_and_wait_in_quarantine(city: RunningPortal) -> None:
    before = public_release(city)
    lines = [f"{number},t,{'much' if number % 10 == 0 else 1.5}" for number in range(1, 101)]
    (city.home.parent / "drops" / "drop.csv").write_text("ma,tram,gia_tri\n" + "\n".join(lines) + "\n")
    run = city.release(NAME)
    assert_refused(city, run, state="held", reason="threshold", before=before)
    assert city.facilities.quarantine_file(NAME, run.id, "do_dac").exists()
    assert "much" not in run.message
    assert_next_run_heals(city)


def test_four_eyes_and_rejection(city: RunningPortal) -> None:

    workspace = Workspace(city.facilities)
    before = public_release(city)
    write_definition(city.home.parent / "datasets", approval="four_eyes")
    run = city.release(NAME, actor="steward")
    assert run.state == "awaiting_approval"
    assert public_release(city) == before
    assert city.get(f"/r/{NAME}/{run.release}/do_dac.parquet").status_code == 404
    with pytest.raises(EnvironmentFault, match="Nobody approves a run they started"):
        workspace.approve(run.id, "steward")
    assert city.release(NAME, actor="schedule").state == "unchanged", "what waits is not made again"
    assert city.facilities.store.run(run.id).state == "awaiting_approval"
    workspace.approve(run.id, "approver")
    assert public_release(city) == run.release

    write_drop(city.home.parent / "drops", rows=101)
    second = city.release(NAME, actor="steward")
    workspace.reject(second.id, "approver", "not yet")
    assert not list(city.facilities.storage.list(f"releases/{NAME}/{second.release}/"))
    assert public_release(city) == run.release


def test_a_release_is_not_approved_under_another_definition(city: RunningPortal) -> None:
    before = public_release(city)
    definitions = city.home.parent / "datasets"
    write_definition(definitions, approval="four_eyes")
    run = city.release(NAME, actor="steward")
    write_definition(definitions, approval="four_eyes", release=", formats: [parquet, csv]")
    with pytest.raises(ReleaseRefused, match="definition changed"):
        Workspace(city.facilities).approve(run.id, "approver")
    assert public_release(city) == before


def test_an_embargoed_release_comes_out_at_its_time(city: RunningPortal) -> None:
    until = (datetime.now(UTC) + timedelta(seconds=6)).isoformat(timespec="seconds")
    write_definition(city.home.parent / "datasets", release=f', embargo_until: "{until}"')
    run = city.release(NAME)
    assert run.state == "embargoed"
    scheduler = Scheduler(city.facilities)
    scheduler.follow_definitions()
    assert city.facilities.store.run(run.id).state == "embargoed"
    time.sleep(7)
    scheduler.follow_definitions()
    assert city.facilities.store.run(run.id).state == "published"
    assert public_release(city) == run.release


def test_an_embargoed_release_is_nowhere_before_its_time(city: RunningPortal) -> None:
    before = public_release(city)
    write_definition(city.home.parent / "datasets", release=', embargo_until: "2099-01-01T08:00+07:00"')
    run = city.release(NAME)
    assert run.state == "embargoed"
    assert public_release(city) == before
    assert city.get(f"/r/{NAME}/{run.release}/manifest.json").status_code == 404


def test_rolling_back_moves_files_catalogue_and_rows_together(city: RunningPortal) -> None:

    first = public_release(city)
    write_drop(city.home.parent / "drops", rows=120)
    second = city.release(NAME).release
    Workspace(city.facilities).roll_back(NAME, first, "approver", "the agency withdrew the numbers")
    assert public_release(city) == first
    package = city.action("package_show", id=NAME)
    csv = next(resource for resource in package["resources"] if resource["format"] == "CSV")
    assert f"/{first}/" in csv["url"]
    assert city.action("datastore_search", resource_id=csv["id"], limit=0)["total"] == 100
    states = {row.release: row.state for row in city.facilities.store.releases(NAME)}
    assert states == {first: "published", second: "rolled_back"}
    hold = city.facilities.store.hold_of(NAME)
    assert hold is not None, "the next due run must not bring back what was taken away"
    assert "withdrew the numbers" in hold.reason
