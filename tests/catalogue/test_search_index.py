"""The life of the search index: following the change log, several processes on one home, damage and rebuilding."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.errors import SearchError, SearchIndexError
from catalogue.model import ChangeLog
from catalogue.search import index as search_index
from catalogue.search.files import is_intact
from catalogue.search.package_search import SearchIndex, package_search

pytestmark = pytest.mark.slow

pytest_plugins = ["servers.postgres"]
ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {"bus-stops", "road-load", "clinics"}


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[SamplePortal]:
    portal = open_portal(tmp_path)
    portal.add_dataset("bus-stops", title="Trạm xe buýt")
    portal.add_dataset("road-load", title="Lưu lượng đường bộ")
    portal.add_dataset("clinics", title="Phòng khám")
    portal.add_dataset("secret", title="Trạm bí mật", private=True)
    yield portal
    portal.search.close()
    portal.store.close()


@pytest.fixture
def second(portal: SamplePortal) -> Iterator[SamplePortal]:
    """Return the same catalogue as another process opens it."""
    second = open_portal(portal.home)
    second.clock = portal.clock
    yield second
    second.search.close()
    second.store.close()


def names(portal: SamplePortal, **params) -> set[str]:
    return {package["name"] for package in portal.call(package_search, **params)["results"]}


def index_of(portal: SamplePortal, number: int = 0) -> Path:
    folder = portal.home / "search" / str(number)
    return folder / json.loads((folder / "state.json").read_text())["folder"]


def reopened(portal: SamplePortal) -> None:
    portal.search.close()
    portal.search = SearchIndex(portal.settings, portal.store)


def test_writes_are_visible_to_the_next_search(portal: SamplePortal) -> None:
    assert names(portal, q="hydrofoil") == set()
    portal.add_dataset("boats", title="Tuyến hydrofoil số 1")
    assert names(portal, q="hydrofoil") == {"boats"}
    portal.change("boats", title="Tàu điện", name="tram-1")
    assert names(portal, q="title:hydrofoil") == set()
    assert names(portal, q="tàu điện") == {"tram-1"}
    portal.change("boats", state="deleted")
    assert names(portal, q="tàu điện") == set()


def test_the_index_is_taken_up_again_after_a_restart(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    before = index_of(portal)
    portal.search.close()
    portal.add_dataset("meanwhile")
    portal.search = SearchIndex(portal.settings, portal.store)
    assert "meanwhile" in names(portal)
    assert index_of(portal) == before
    assert json.loads((before.parent / "state.json").read_text())["seq"] == 5


def test_each_process_has_an_index_of_its_own_with_links_to_the_same_files(
    portal: SamplePortal, second: SamplePortal
) -> None:
    assert names(portal) == names(second) == PUBLIC
    mine, theirs = ({path.stat().st_ino for path in index_of(portal, n).glob("*.store")} for n in (0, 1))
    assert mine == theirs
    portal.add_dataset("by-the-first")
    second.clock = portal.clock
    second.add_dataset("by-the-second")
    assert {"by-the-first", "by-the-second"} <= names(portal) & names(second)
    second.search.close()
    assert not (portal.home / "search" / "1").exists()


def test_a_rebuild_elsewhere_is_taken_over_by_the_process_in_use(portal: SamplePortal, second: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    before = index_of(portal)
    with portal.store.write() as session:  # a change that the log does not tell of
        session.connection().exec_driver_sql("update packages set title = 'Sửa tay' where name = 'clinics'")
    assert names(portal, q="sửa tay") == set()
    assert second.search.rebuild() == 4
    second.search.close()
    assert names(portal, q="sửa tay") == {"clinics"}
    assert index_of(portal) != before
    portal.add_dataset("after")
    assert names(portal) == PUBLIC | {"after"}


@pytest.mark.slow
def test_the_command_reindex_reaches_a_server_that_holds_the_index(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    with portal.store.write() as session:
        session.connection().exec_driver_sql("update packages set title = 'Sửa tay' where name = 'clinics'")
    answer = python("from cityportal.cli import main; main()", "reindex", home=portal.home)
    assert answer == "The search index holds 4 datasets.\n"
    assert names(portal, q="sửa tay") == {"clinics"}


@pytest.mark.slow
def test_two_processes_follow_each_other(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    other = subprocess.Popen(
        [sys.executable, "-c", FOLLOWER, str(portal.home)],
        env=environment(portal.home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with other:
        assert other.stdin is not None
        assert other.stdout is not None
        for number in range(3):
            portal.add_dataset(f"mine-{number}", title="Của tôi")
            other.stdin.write(f"{number}\n")
            other.stdin.flush()
            assert other.stdout.readline() == f"{number + 1}\n"  # the other sees mine at once
            assert f"theirs-{number}" in names(portal, rows=100)  # and I see theirs
        other.stdin.close()
        assert other.wait(20) == 0


FOLLOWER = """
import sys
from pathlib import Path
from samples.portal_on_disk import open_portal
from catalogue.search.package_search import package_search

portal = open_portal(Path(sys.argv[1]))
for line in sys.stdin:
    portal.add_dataset(f"theirs-{line.strip()}", title="Của họ")
    print(portal.call(package_search, q='title:"của tôi"')["count"], flush=True)
portal.search.close()
portal.store.close()
"""


def environment(home: Path) -> dict[str, str]:
    path = os.pathsep.join(map(str, (ROOT, ROOT / "site", ROOT / "tests")))
    return os.environ | {"PHUSA_HOME": str(home), "PYTHONPATH": path}


def python(code: str, *arguments: str, home: Path) -> str:
    command = [sys.executable, "-c", code, *arguments]
    answer = subprocess.run(command, env=environment(home), cwd=home, capture_output=True, text=True, timeout=100)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


@pytest.mark.parametrize("damage", ["segment", "one byte", "absent", "meta", "state", "generation", "documents"])
def test_a_broken_index_heals_itself_at_the_start(portal: SamplePortal, damage: str) -> None:
    assert names(portal) == PUBLIC
    folder = index_of(portal)
    portal.search.close()
    segment = next(folder.glob("*.term"))
    content = segment.read_bytes()
    damages = {
        "segment": lambda: segment.write_bytes(b"\0" * 64),
        "one byte": lambda: segment.write_bytes(bytes([content[0] ^ 1]) + content[1:]),
        "absent": segment.unlink,
        "meta": lambda: (folder / "meta.json").write_text("{not json"),
        "state": lambda: (folder.parent / "state.json").write_text("{not json"),
        "generation": lambda: (portal.home / "search" / "generation.json").write_text("[]"),
        "documents": lambda: remove_silently(portal, "clinics"),
    }
    damages[damage]()
    portal.search = SearchIndex(portal.settings, portal.store)
    expected = PUBLIC - {"clinics"} if damage == "documents" else PUBLIC
    assert names(portal) == expected
    assert names(portal, q="trạm") == {"bus-stops"}
    assert is_intact(index_of(portal))


def remove_silently(portal: SamplePortal, name: str) -> None:
    with portal.store.write() as session:
        session.connection().exec_driver_sql(f"delete from packages where name = '{name}'")


def test_an_index_that_vanishes_during_work_is_built_again(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    shutil.rmtree(portal.home / "search")
    assert names(portal, q="tram") == {"bus-stops"}
    portal.add_dataset("after")
    assert names(portal) == PUBLIC | {"after"}
    assert is_intact(index_of(portal))
    reopened(portal)
    assert names(portal) == PUBLIC | {"after"}


def test_a_broken_index_is_healed_once_for_all_processes(portal: SamplePortal, second: SamplePortal) -> None:
    assert names(portal) == names(second) == PUBLIC
    shutil.rmtree(portal.home / "search")
    portal.add_dataset("after")
    assert names(portal) == names(second) == PUBLIC | {"after"}
    portal.add_dataset("later")
    assert names(second) == names(portal) == PUBLIC | {"after", "later"}
    stems = [{path.name for path in index_of(portal, n).glob("*.store")} for n in (0, 1)]
    assert stems[0] & stems[1]


def test_a_query_that_the_index_refuses_does_not_cost_a_new_index(
    portal: SamplePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalogue.search import answer as search_answer

    def refuse(*_: object) -> None:
        raise ValueError("the index does not like it")

    assert names(portal) == PUBLIC
    before = index_of(portal)
    monkeypatch.setattr(search_answer.OrderedSearch, "page", refuse)
    with pytest.raises(SearchError):
        names(portal, q="tram")
    monkeypatch.undo()
    assert names(portal) == PUBLIC
    assert index_of(portal) == before


def test_an_index_that_is_being_built_asks_for_patience(portal: SamplePortal, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    monkeypatch.setattr(search_index, "WAIT_SECONDS", 0.01)
    assert names(portal) == PUBLIC
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with portal.search._locked():
            held.set()
            done.wait(20)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    with pytest.raises(SearchIndexError, match="being built"):
        names(portal)
    done.set()
    thread.join()
    assert names(portal) == PUBLIC


def test_a_database_that_was_restored_is_indexed_anew(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    with portal.store.write() as session:
        session.connection().exec_driver_sql("delete from change_log where seq > 1")
        session.connection().exec_driver_sql("delete from packages where name = 'clinics'")
    assert names(portal) == PUBLIC - {"clinics"}


def test_a_home_that_cannot_be_written_is_searched_in_memory(portal: SamplePortal, tmp_path: Path) -> None:
    blocked = portal.settings.model_copy(update={"home": tmp_path / "file"})
    (tmp_path / "file").write_text("")
    portal.search = SearchIndex(blocked, portal.store)
    assert names(portal) == PUBLIC
    assert portal.search.is_in_memory
    portal.add_dataset("after")
    assert names(portal) == PUBLIC | {"after"}
    assert portal.search.rebuild() == 5
    assert names(portal) == PUBLIC | {"after"}


def test_a_line_of_the_log_that_is_committed_late_is_not_missed(portal: SamplePortal) -> None:
    assert names(portal) == PUBLIC
    with portal.store.write() as session:  # a later number is committed first
        session.add(ChangeLog(seq=9, package_id=id_of("clinics"), at=portal.clock))
    assert names(portal) == PUBLIC
    with portal.store.write() as session:
        session.connection().exec_driver_sql("update packages set title = 'Muộn' where name = 'clinics'")
        session.add(ChangeLog(seq=8, package_id=id_of("clinics"), at=portal.clock))
    assert names(portal, q="muộn") == {"clinics"}


@pytest.mark.slow
def test_writers_and_searchers_in_many_threads_agree(portal: SamplePortal) -> None:
    from concurrent.futures import ThreadPoolExecutor

    assert names(portal) == PUBLIC

    def write_and_look(number: int) -> bool:
        name = f"thread-{number}"
        portal.add_dataset(name, title=f"Luồng {number}")
        return name in names(portal, q=f"name:{name}")

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_look, range(24)))
    assert portal.call(package_search, rows=0)["count"] == 27


@pytest.mark.slow
@pytest.mark.server
def test_postgresql_is_followed_and_indexed_in_batches(
    tmp_path: Path, postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalogue.search import rows as search_rows

    monkeypatch.setattr(search_rows, "BATCH", 3)
    portal = open_portal(tmp_path, database_url=postgres.url(postgres.new_database()))
    for number in range(8):
        portal.add_dataset(f"d-{number}", title="Tựa", tags=["một"], resources=[{"format": "CSV", "url": ""}])
    assert portal.search.rebuild() == 8
    portal.add_dataset("after", title="Sau")
    assert names(portal, q="tua") == {f"d-{number}" for number in range(8)}
    assert names(portal, fq="res_format:CSV tags:một name:d-7") == {"d-7"}
    assert names(portal, q="sau") == {"after"}
    portal.search.close()
    portal.store.close()
