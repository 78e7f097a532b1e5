"""Services that change while they are read, go round in circles, or did not change at all."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from reliability.small_city import ORGANIZATION
from samples.source_reader import Read
from servers.http import HttpServer, Reply, Request
from servers.portal import running_portal

from publisher.errors import SourceError
from publisher.sources.rest import paging

PAGE = {"style": "page", "size": 2}


def rest(**more: Any) -> dict[str, Any]:
    return {"kind": "rest", "url": "env:SERVICE", "requests_per_second": 10_000, "retries": 0, "rows": "rows", **more}


def held(rows: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"n{number}"} for number in range(rows)]


def test_a_total_that_moves_begins_the_walk_anew(read: Read, http_server: HttpServer) -> None:
    asked = count(1)

    def route(request: Request) -> Reply:
        rows = held(5 if next(asked) == 1 else 6)
        start = 2 * (int(request.query["page"]) - 1)
        return Reply({"rows": rows[start : start + 2], "total": len(rows)})

    http_server.routes["/rows"] = route
    got = read(rest(paging=PAGE, total="total"), "id", secrets={"SERVICE": f"{http_server.url}/rows"})
    assert got.table["id"].to_pylist() == [str(n) for n in range(6)]
    assert got.expected == 6
    assert len(got.notes) == 1


def test_a_total_that_always_moves_is_given_up(read: Read, http_server: HttpServer) -> None:
    totals = count(100)
    http_server.routes["/rows"] = lambda request: Reply(
        {"rows": [{"id": request.query["page"]}] * 2, "total": next(totals)}
    )
    with pytest.raises(SourceError, match="changed its total while its pages were read, 3 times"):
        read(rest(paging=PAGE, total="total"), "id", secrets={"SERVICE": f"{http_server.url}/rows"})
    assert len(http_server.requests) == 6


@pytest.mark.parametrize("style", [PAGE, {"style": "cursor", "cursor_path": "next"}])
def test_pages_that_come_round_again_are_noticed(read: Read, http_server: HttpServer, style: dict[str, Any]) -> None:
    asked = count()

    def route(_: Request) -> Reply:
        number = next(asked)
        return Reply({"rows": [{"id": number % 3}, {"id": 9}], "next": f"c{number}"})

    http_server.routes["/rows"] = route
    with pytest.raises(SourceError, match="one page came twice"):
        read(rest(paging=style), "id", secrets={"SERVICE": f"{http_server.url}/rows"})
    assert len(http_server.requests) == 4


def test_empty_pages_with_ever_new_cursors_end(
    read: Read, http_server: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MOST_EMPTY_PAGES", 5)
    asked = count()
    http_server.routes["/rows"] = lambda _: Reply({"rows": [], "next": next(asked) + 1})
    with pytest.raises(SourceError, match="6 pages in a row are empty"):
        read(rest(paging={"style": "cursor", "cursor_path": "next"}), "id",
             secrets={"SERVICE": f"{http_server.url}/rows"})  # fmt: skip


def test_links_in_the_answer_are_followed_on_the_same_host(read: Read, http_server: HttpServer) -> None:
    def route(request: Request) -> Reply:
        start = int(request.query.get("from", 0))
        following = {"@odata.nextLink": f"rows?from={start + 100}"} if start < 200 else {"@odata.nextLink": None}
        return Reply({"rows": held(250)[start : start + 100], **following})

    http_server.routes["/rows"] = route
    style = {"style": "link", "next_path": "@odata.nextLink"}
    got = read(rest(paging=style), "id", secrets={"SERVICE": f"{http_server.url}/rows"})
    assert len(got) == 250
    http_server.routes["/rows"] = lambda _: Reply({"rows": held(1), "@odata.nextLink": "http://127.0.0.1:9/rows"})
    with pytest.raises(SourceError, match="another host"):
        read(rest(paging=style), "id", secrets={"SERVICE": f"{http_server.url}/rows"})


DATASET = """\
name: doi-thay
title: Đổi thay
title_translated: {{en: Changes}}
description: Số liệu để thử.
licenses: [{{name: CC-BY-4.0, path: "https://creativecommons.org/licenses/by/4.0/", title: CC BY 4.0}}]
contact: {{name: Sở Thử}}
resources:
  - name: dong
    title: {title}
    title_translated: {{en: Rows}}
    row: Mỗi dòng là một dòng.
    schema:
      primaryKey: [id]
      fields: [{{name: id, type: integer, title: Mã}}, {{name: name, title: Tên}}]
    source: {{kind: rest, url: "env:SERVICE", rows: rows, paging: {{style: page, size: 2}}, requests_per_second: 999{more}}}
    privacy: {{subject: none, fields: {{id: {{action: keep}}, name: {{action: keep}}}}}}
release: {{cadence: daily, approval: standing, formats: [parquet], max_row_change: 9}}
"""


class Versioned:
    """A service of pages with entity tags; `rows` are what it holds."""

    def __init__(self, server: HttpServer) -> None:
        self.rows = held(5)
        self.server = server
        server.routes["/rows"] = self.answer

    def answer(self, request: Request) -> Reply:
        start = 2 * (int(request.query["page"]) - 1)
        page = self.rows[start : start + 2]
        tag = f'"{hash(str(page))}"'
        if request.headers.get("if-none-match") == tag:
            return Reply(b"", 304, {"ETag": tag})
        return Reply({"rows": page}, headers={"ETag": tag})

    def asked(self) -> list[str]:
        """Return the pages asked for since the last call, those that were only asked after with a `?`."""
        pages = [r.query["page"] + "?" * ("if-none-match" in r.headers) for r in self.server.requests]
        self.server.requests.clear()
        return pages


def define(root: Path, *, title: str = "Dòng", more: str = "") -> Path:
    folder = root / "so-thu" / "doi-thay"
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / "organization.yaml").write_text(ORGANIZATION, encoding="utf-8")
    (folder / "dataset.yaml").write_text(DATASET.format(title=title, more=more), encoding="utf-8")
    return root


@pytest.mark.slow
def test_an_unchanged_service_is_asked_after_and_no_more(http_server: HttpServer, tmp_path: Path) -> None:
    service = Versioned(http_server)
    definitions = define(tmp_path / "definitions")
    environment = {"SERVICE": f"{http_server.url}/rows"}
    with running_portal(tmp_path / "home", definitions, environment=environment) as portal:
        first = portal.release("doi-thay")
        assert (first.state, first.message) == ("published", "")
        assert service.asked() == ["1", "2", "3"]
        assert portal.release("doi-thay").state == "unchanged"
        assert service.asked() == ["1?", "2?", "3?"]
        service.rows[3]["name"] = "other"
        assert portal.release("doi-thay").state == "published"
        assert service.asked() == ["1?", "2?", "1", "2", "3"]
        assert portal.release("doi-thay", trigger="dry_run").state == "checked"
        assert service.asked() == ["1?", "2?", "3?", "1", "2", "3"]
        define(definitions, title="Khác", more=", unchanged: first_page")  # another definition needs the rows
        assert portal.release("doi-thay").state == "published"
        assert service.asked() == ["1", "2", "3"]
        assert portal.release("doi-thay").state == "unchanged"
        assert service.asked() == ["1?"]
        service.server.routes["/rows"] = lambda request: Reply(
            {"rows": held(1) if request.query["page"] == "1" else []}
        )  # tags are gone
        assert portal.release("doi-thay").state == "published"
        service.asked()
        portal.release("doi-thay")
        assert service.asked() == ["1", "2"]
