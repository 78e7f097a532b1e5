"""JSON services, asked over real HTTP: paging, sign-in, patience, limits, and what they send."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from samples.source_reader import Read
from servers.http import HttpServer, Reply, Request, Route

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.rest.client import RestClient, _retry_after
from publisher.sources.spec import RestSource

MARKED = "0912345678-marked"


def rest(**more: Any) -> dict[str, Any]:
    return {"kind": "rest", "url": "env:SERVICE", "requests_per_second": 10_000, **more}


def serve(server: HttpServer, route: Route, path: str = "/readings") -> dict[str, str]:
    server.routes[path] = route
    return {"SERVICE": server.url + path, "TOKEN": "hidden-token"}


def held(rows: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"n{number}"} for number in range(rows)]


def ids(rows: Any) -> list[int]:
    return [int(value) for value in rows.table["id"].to_pylist()]


def in_pages(rows: list[dict[str, Any]], *, at_most: int = 10_000, first: int = 1) -> Route:
    def route(request: Request) -> Reply:
        size = min(int(request.query["size"]), at_most)
        start = (int(request.query["page"]) - first) * size
        return Reply({"data": {"items": rows[start : start + size]}, "total": len(rows)})

    return route


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 250])
def test_numbered_pages_give_every_row_once(read: Read, http_server: HttpServer, rows: int) -> None:
    secrets = serve(http_server, in_pages(held(rows)))
    got = read(
        rest(paging={"style": "page", "size": 100}, rows="data.items", total="total"), "id", "name", secrets=secrets
    )
    assert ids(got) == list(range(rows))
    assert got.expected == rows
    assert got.names == ["id", "name"]


def test_a_page_size_that_the_service_caps_loses_no_row(read: Read, http_server: HttpServer) -> None:
    secrets = serve(http_server, in_pages(held(250), at_most=40))
    got = read(rest(paging={"style": "page", "size": 40}, rows="data.items"), "id", secrets=secrets)
    assert ids(got) == list(range(250))


def test_offsets_follow_the_rows_that_came(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        start = int(request.query["offset"])
        return Reply(held(250)[start : start + min(int(request.query["limit"]), 40)])

    got = read(rest(paging={"style": "offset", "size": 100}), "id", secrets=serve(http_server, route))
    assert ids(got) == list(range(250))


def test_404_behind_the_last_page_is_its_end(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        page = int(request.query["page"])
        return Reply({"rows": held(20), "total": 20}) if page == 1 else Reply({}, 404)

    got = read(
        rest(paging={"style": "page", "size": 20}, rows="rows", total="total"), "id", secrets=serve(http_server, route)
    )
    assert len(got) == 20
    with pytest.raises(SourceError, match="404"):  # without a total, a full page and then 404 may be a loss
        read(rest(paging={"style": "page", "size": 20}, rows="rows"), "id", secrets=serve(http_server, route))


def test_a_cursor_is_followed_until_there_is_none(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        start = int(request.query.get("after", 0))
        following = {"next": start + 100} if start < 200 else {"next": None}
        return Reply({"rows": held(250)[start : start + 100], "meta": following})

    paging = {"style": "cursor", "cursor_path": "meta.next", "cursor_parameter": "after"}
    assert ids(read(rest(paging=paging, rows="rows"), "id", secrets=serve(http_server, route))) == list(range(250))


def test_links_are_followed_also_when_relative(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        start = int(request.query.get("start", 0))
        link = {"Link": f'</readings?start={start + 100}>; rel="next"'} if start < 200 else {}
        return Reply(held(250)[start : start + 100], headers=link)

    assert ids(read(rest(paging={"style": "link"}), "id", secrets=serve(http_server, route))) == list(range(250))


def test_a_link_to_another_host_never_gets_the_key(read: Read, http_server: HttpServer) -> None:
    link = {"Link": '<http://localhost:9/readings>; rel="next"'}
    secrets = serve(http_server, lambda _: Reply(held(1), headers=link))
    with pytest.raises(SourceError, match="another host"):
        read(rest(paging={"style": "link"}, auth={"kind": "bearer", "token": "env:TOKEN"}), "id", secrets=secrets)


@pytest.mark.parametrize(
    ("paging", "body", "headers"),
    [
        ({"style": "page", "size": 2}, {"rows": held(2)}, {}),
        ({"style": "offset", "size": 2}, {"rows": held(2)}, {}),
        ({"style": "cursor", "cursor_path": "next"}, {"rows": held(2), "next": "same"}, {}),
        ({"style": "link"}, {"rows": held(2)}, {"Link": '</readings?again>; rel="next"'}),
    ],
)
def test_endless_paging_ends_with_a_cure(
    read: Read, http_server: HttpServer, paging: dict[str, Any], body: Any, headers: dict[str, str]
) -> None:
    secrets = serve(http_server, lambda _: Reply(body, headers=headers))
    with pytest.raises(SourceError, match="has no end") as raised:
        read(rest(paging=paging, rows="rows"), "id", secrets=secrets)
    assert "paging" in raised.value.cure
    assert len(http_server.requests) < 5


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "token": "env:TOKEN"}, "authorization", "Bearer hidden-token"),
        ({"kind": "api_key", "header": "X-Key", "key": "env:TOKEN"}, "x-key", "hidden-token"),
        ({"kind": "basic", "user": "me", "password": "env:TOKEN"}, "authorization",
         "Basic " + base64.b64encode(b"me:hidden-token").decode()),
    ],
)  # fmt: skip
def test_each_kind_of_sign_in(
    read: Read, http_server: HttpServer, auth: dict[str, str], header: str, value: str
) -> None:
    secrets = serve(http_server, lambda request: Reply(held(1) if request.headers.get(header) == value else {}, 200))
    assert len(read(rest(auth=auth, parameters={"city": "x"}), "id", secrets=secrets)) == 1
    assert http_server.requests[0].query == {"city": "x"}


@pytest.mark.parametrize(
    ("status", "message"), [(401, "sign-in"), (403, "forbids"), (404, "no such"), (410, "answered 410")]
)
def test_a_refusal_is_final_and_names_no_secret(read: Read, http_server: HttpServer, status: int, message: str) -> None:
    secrets = serve(http_server, lambda _: Reply({"echo": MARKED}, status, {"Location": "http://localhost:9/"}))
    with pytest.raises(SourceError, match=message) as raised:
        read(rest(auth={"kind": "bearer", "token": "env:TOKEN"}), "id", secrets=secrets)
    assert raised.value.cure
    assert not {"hidden-token", MARKED, http_server.url} & set(str(raised.value).split())
    assert len(http_server.requests) == 1


@pytest.mark.slow
def test_trouble_that_passes_is_waited_for(read: Read, http_server: HttpServer) -> None:
    troubles: Iterator[Reply] = iter([
        Reply(status=429, headers={"Retry-After": "0"}), Reply(status=503, headers={"Retry-After": "0"}),
        Reply(held(3), cut=4), Reply(held(3)),
    ])  # fmt: skip
    got = read(rest(), "id", secrets=serve(http_server, lambda _: next(troubles)))
    assert len(got) == 3
    assert len(http_server.requests) == 4


def client(server: HttpServer, waits: list[float], **more: Any) -> RestClient:
    spec = RestSource.model_validate(rest(**more))
    return RestClient(
        spec, Secrets({"SERVICE": f"{server.url}/x"}), sleep=waits.append, clock=lambda: 0.0, jitter=lambda: 0.0
    )


def fetched(client: RestClient) -> bytes:
    answer = client.get("", {})
    assert answer.body is not None
    with answer.body:
        return answer.body.read()


def test_waits_double_unless_the_service_says_how_long(http_server: HttpServer) -> None:
    asked = {2: "7", 4: "100000"}
    counter = count(1)
    http_server.routes["/x"] = lambda _: Reply(
        status=500, headers={"Retry-After": asked[n]} if (n := next(counter)) in asked else {}
    )
    waits: list[float] = []
    with client(http_server, waits, retries=5) as patient, pytest.raises(SourceError, match="asked 6 times"):
        patient.get("", {})
    assert [wait for wait in waits if wait > 0.01] == [0.5, 7.0, 2.0, 120.0, 8.0]


def test_the_rate_is_kept(http_server: HttpServer) -> None:
    http_server.routes["/x"] = lambda _: Reply([])
    waits: list[float] = []
    with client(http_server, waits, requests_per_second=4) as polite:
        for _ in range(4):
            assert fetched(polite) == b"[]"
    assert waits == [0.25, 0.5, 0.75]  # the clock stands still here


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("30", 30.0),
        ("Sun, 22 Nov 2026 10:00:10 GMT", 10.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(header: str | None, seconds: float | None) -> None:
    assert _retry_after(header, datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds


def test_a_dead_service_is_an_error_with_cure(read: Read) -> None:
    with pytest.raises(SourceError, match="does not answer") as raised:
        read(rest(retries=0), "id", secrets={"SERVICE": "http://127.0.0.1:1/?key=hidden-token"})
    assert "hidden-token" not in str(raised.value)


def test_too_many_bytes_are_refused(read: Read, http_server: HttpServer) -> None:
    with pytest.raises(SourceError, match="max_bytes"):
        read(rest(max_bytes=1000), "id", secrets=serve(http_server, lambda _: Reply(held(500))))


def test_a_service_that_lies_about_its_total_is_visible(read: Read, http_server: HttpServer) -> None:
    secrets = serve(http_server, lambda _: Reply({"rows": held(5), "total": 500}))
    got = read(rest(rows="rows", total="total"), "id", secrets=secrets)
    assert (len(got), got.expected) == (5, 500)


@pytest.mark.parametrize(
    ("body", "more", "message"),
    [
        (b"<html>Sign in</html>", {}, "not JSON"),
        (b"[" * 100_000, {}, "not JSON"),
        ({"rows": {}}, {"rows": "rows"}, "no list of objects"),
        ([MARKED], {}, "no list of objects"),
        ([{}], {}, "no list of objects"),
        ({"data": []}, {"rows": "data.items"}, "nothing at `data.items`"),
        ({"rows": [], "total": MARKED}, {"rows": "rows", "total": "total"}, "no number at `total`"),
    ],
)
def test_an_answer_other_than_agreed_is_an_error(
    read: Read, http_server: HttpServer, body: Any, more: dict[str, str], message: str
) -> None:
    with pytest.raises(SourceError, match=message) as raised:
        read(rest(**more), "id", secrets=serve(http_server, lambda _: Reply(body)))
    assert MARKED not in str(raised.value)
    assert raised.value.cure


def test_values_come_as_written(read: Read, http_server: HttpServer) -> None:
    body = (
        b'[{"a": 1.10, "b": 1e3, "c": 12345678901234567890123, "d": true, "e": null, "f": "\\u1ec7",'
        b' "g": {"x": [1.0, "1.0", null, {"y": false}]}, "h": []}]'
    )
    got = read(rest(), *"abcdefgh", secrets=serve(http_server, lambda _: Reply(body)))
    assert got[0] == {
        "a": "1.10", "b": "1e3", "c": "12345678901234567890123", "d": "true", "e": None, "f": "\u1ec7",
        "g": '{"x":[1.0,"1.0",null,{"y":false}]}', "h": "[]",
    }  # fmt: skip


def test_keys_that_come_and_go_make_one_schema_and_show_drift(read: Read, http_server: HttpServer) -> None:
    rows = [{"id": n, **({"late": "x"} if n > 11_000 else {}), **({"b": "y"} if n % 2 else {})} for n in range(12_000)]
    secrets = serve(http_server, in_pages(rows))
    got = read(rest(paging={"style": "page", "size": 1000}, rows="data.items"), "b", "gone", "id", secrets=secrets)
    assert got.names == ["b", "id", "late"]  # declared first; the declared name that never came is seen to be gone
    assert got.batches > 1
    assert (len(got), got.table["late"].null_count) == (12_000, 11_001)


def test_an_address_that_is_none_is_a_mistake_of_the_definition(read: Read) -> None:
    with pytest.raises(DescriptorError, match="no web address"):
        read(rest(), "id", secrets={"SERVICE": "ftp://x"})
