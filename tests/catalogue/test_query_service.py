"""Datasette behind a real HTTP server: swaps under load, limits, and nothing of this machine in any answer."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import uvicorn
from samples.portal_on_disk import WARDS, SamplePortal, SampleTable, id_of, open_portal

from catalogue.files.query_service import QueryService

pytestmark = pytest.mark.slow


@contextlib.contextmanager
def served(app) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)


def numbers(release: int, rows: int) -> SampleTable:
    fields = [
        ("n", "integer", "Số", None),
        ("release", "integer", "Bản phát hành", None),
        ("text", "string", "Chữ", None),
    ]
    return SampleTable("numbers", fields, [(n, release, "x" * 60) for n in range(rows)])


def wait_for(check, seconds: float = 10.0):
    deadline = time.monotonic() + seconds
    while True:
        found = check()
        if found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


@pytest.fixture(scope="module")
def portal(tmp_path_factory, root: Path):
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_group("so-nv", "Sở Nội vụ")
    portal.add_dataset("phan-anh", title="Phản ánh", organization="so-nv", license_id="cc-by", notes="Của người dân")
    portal.publish("phan-anh", "2026-11-22.1")
    portal.add_dataset("numbers")
    portal.publish("numbers", "2026-11-01.1", [numbers(1, 120_001)])
    portal.add_dataset("rieng-tu", private=True)
    portal.publish("rieng-tu", "2026-11-22.1")
    yield portal
    portal.store.close()


@pytest.fixture(scope="module")
def address(portal: SamplePortal, root: Path):
    service = QueryService(portal.services, config=root / "datasette.yaml")
    with served(service.asgi) as address:
        assert wait_for(lambda: requests.get(f"{address}/numbers/numbers.json?_size=1", timeout=10).status_code == 200)
        yield address


def get(address: str, path: str) -> requests.Response:
    return requests.get(address + path, timeout=20)


def test_rows_are_served_with_true_counts(address: str) -> None:
    answer = get(address, "/numbers/numbers.json?_size=2&_extra=count,count_truncated").json()
    assert answer["count"] == 120_001
    assert answer["count_truncated"] is False
    assert "120,001" in get(address, "/numbers").text


def test_sql_is_open_and_limited(address: str) -> None:
    answer = get(address, "/phan-anh/-/query.json?sql=select+ward+from+wards+where+requests=12&_shape=array")
    assert answer.json() == [{"ward": "Bến Thành"}]
    assert answer.headers["access-control-allow-origin"] == "*"
    slow = "with recursive c(x) as (select 1 union all select x+1 from c) select count(*) from c"
    assert get(address, f"/phan-anh/-/query.json?sql={slow}").status_code == 400


def test_pages_carry_the_words_of_the_release(address: str) -> None:
    database = get(address, "/phan-anh").text
    assert "Phản ánh" in database
    assert "Sở Nội vụ" in database
    assert "Creative Commons Attribution" in database
    table = get(address, "/phan-anh/wards").text
    assert "Thời gian (giờ)" in table
    assert "/query/phan-anh/wards" in table


def test_private_datasets_are_absent(address: str) -> None:
    assert get(address, "/rieng-tu/wards.json").status_code == 404
    assert "rieng-tu" not in get(address, "/.json").text


@pytest.mark.parametrize(
    "path",
    [
        "/-/databases.json", "/-/databases", "/-/threads.json", "/-/plugins.json", "/-/config.json", "/-/versions.json",
        "/query/-/databases.json", "/-/tasks.json", "/-/actions.json", "/-/permissions", "/-/messages", "/-/api",
        "/-/create-token", "/-/auth-token", "/phan-anh.db", "/phan-anh/-/execute-write", "/phan-anh/-/create",
        "/phan-anh/wards/-/insert", "/phan-anh/-/query.json?sql=select+*+from+PRAGMA_database_list()",
        "/phan-anh/-/query.json?sql=select+*+from+%22pragma_database%5flist%22",
    ],
)  # fmt: skip
def test_inner_pages_are_closed(address: str, path: str) -> None:
    assert get(address, path).status_code in {403, 404}


def test_writing_is_refused(address: str) -> None:
    assert requests.post(f"{address}/phan-anh/wards/-/insert", json={"row": {}}, timeout=10).status_code == 405


def test_no_answer_names_a_path_of_this_machine(address: str, portal: SamplePortal) -> None:
    seen, queue = set(), ["/", "/.json", "/-/settings.json", "/-/jump.json", "/nope", "/phan-anh/nope.json"]
    queue += [
        "/phan-anh/-/query.json?sql=nonsense",
        "/phan-anh/wards.json?_extra=metadata,debug,request,private",
        "/-/schema.json",
    ]
    forbidden = [str(portal.home), "/tmp/", "site-packages", ".db"]
    while queue and len(seen) < 80:
        path = queue.pop(0)
        if path in seen:
            continue
        seen.add(path)
        answer = get(address, path)
        text = answer.text + json.dumps(dict(answer.headers))
        if "/static/" not in path:
            assert not [word for word in forbidden if word in text], path
        if "html" in answer.headers.get("content-type", ""):
            queue += [
                link.replace("&amp;", "&").removeprefix("/query") or "/"
                for link in re.findall(r'href="(/query[^"#]*)"', text)
            ]
    assert len(seen) > 20


def test_small_csv_is_whole(address: str) -> None:
    text = get(address, "/phan-anh/wards.csv").content.decode()
    assert text.count("\r\n") == 6
    page = get(address, "/numbers/numbers.csv?_size=10")
    assert page.text.count("\r\n") == 11
    assert get(address, "/numbers/numbers.csv?n__lt=2500").text.count("\r\n") == 2501


@pytest.mark.parametrize(
    "path",
    [
        "/numbers/numbers.csv",
        "/numbers/numbers.csv?_stream=1",
        "/numbers/numbers.csv?_stream=1&_sort_desc=n",
        "/numbers/numbers.csv?n__gt=-1&_stream=1",
    ],
)
def test_csv_that_would_be_cut_is_refused_with_the_address_of_the_file(address: str, path: str) -> None:
    answer = get(address, path)
    assert answer.status_code == 413
    assert answer.json()["file"] == "https://data.example.vn/latest/numbers/numbers.csv.gz"


def test_csv_of_a_query_that_was_cut_is_refused(address: str) -> None:
    assert get(address, "/numbers/-/query.csv?sql=select+*+from+numbers").status_code == 413
    assert get(address, "/numbers/-/query.csv?sql=select+n+from+numbers+limit+9999").text.count("\r\n") == 10_000


def test_releases_are_swapped_under_load_without_an_error(address: str, portal: SamplePortal) -> None:
    portal.add_dataset("swap")
    portal.publish("swap", "2026-11-01.1", [numbers(1, 20_000)])
    assert wait_for(lambda: get(address, "/swap/numbers.json?_size=1").status_code == 200)
    stop, failures, seen = threading.Event(), [], []

    def client() -> None:
        session = requests.Session()
        while not stop.is_set():
            answer = session.get(f"{address}/swap/numbers.json?_size=50&_sort_desc=n&_shape=array", timeout=20)
            releases = {row["release"] for row in answer.json()} if answer.status_code == 200 else set()
            if len(releases) != 1:
                failures.append((answer.status_code, answer.text[:200]))
            seen.extend(releases)
        session.close()

    clients = [threading.Thread(target=client) for _ in range(4)]
    for thread in clients:
        thread.start()
    delays = []
    try:
        for release in range(2, 7):
            portal.publish("swap", f"2026-11-0{release}.1", [numbers(release, 20_000 + release)])
            start = time.monotonic()
            url = "/swap/numbers.json?_size=1&_extra=count"
            fresh = wait_for(lambda url=url, n=release: get(address, url).json().get("count") == 20_000 + n)
            delays.append(time.monotonic() - start)
            assert fresh
            time.sleep(0.3)
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert failures == []
    assert set(seen) == {1, 2, 3, 4, 5, 6}
    assert max(delays) < 2.0 + 1.0, delays  # polled each second; the machine of the tests may be busy


def test_withdrawn_datasets_leave_and_new_tables_are_listed(address: str, portal: SamplePortal) -> None:
    portal.add_dataset("leaving")
    portal.publish("leaving", "2026-11-01.1")
    assert wait_for(lambda: get(address, "/leaving/wards.json").status_code == 200)
    other = SampleTable("districts", WARDS.fields[:1], [("Thủ Đức",)])
    portal.publish("leaving", "2026-11-02.1", [WARDS, other])
    assert wait_for(lambda: "districts" in get(address, "/leaving").text)
    assert "districts" in get(address, "/leaving.json").text
    portal.change("leaving", private=True)
    assert wait_for(lambda: get(address, "/leaving/wards.json").status_code == 404)


def test_a_release_whose_files_are_missing_keeps_the_previous_one(address: str, portal: SamplePortal) -> None:
    portal.add_dataset("steady")
    portal.publish("steady", "2026-11-01.1")
    assert wait_for(lambda: get(address, "/steady/wards.json").status_code == 200)
    with portal.store.read() as session:
        from catalogue.model import Package

        extras = dict(session.get_one(Package, id_of("steady")).extras)
    portal.change("steady", extras=extras | {"release": "2026-12-01.1"})
    time.sleep(2.5)
    assert get(address, "/steady/wards.json").status_code == 200
