"""The stored text of each dataset: never other than what the tables say, never shown to one who may not read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.served_catalogue import ServedCatalogue, catalogue_on
from sqlalchemy import delete, event, func, select, update

from catalogue.actions.registry import ACTIONS
from catalogue.model import ChangeLog, Package, ShownPackage
from catalogue.register.packages import package_to_dict
from catalogue.register.shown_packages import put_all_back
from catalogue.store import Store
from catalogue.web.action_api import create_app

pytestmark = pytest.mark.slow

pytest_plugins = ["servers.postgres"]
SHOW = "/api/3/action/package_show"


def stored_texts(store: Store) -> dict[str, dict[str, Any]]:
    """Return the stored dicts by id, after comparing each with what a fresh session makes of the tables."""
    with store.read() as session:
        stored = {row.package_id: json.loads(row.body) for row in session.scalars(select(ShownPackage))}
        for package_id, shown in stored.items():
            package = session.get_one(Package, package_id)
            assert shown == json.loads(json.dumps(package_to_dict(package)))
        return stored


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """Collect the SQL that is executed meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(store.engine, "before_cursor_execute", note)


@pytest.fixture
def ask(catalogue):
    client = create_app(catalogue.services).test_client()

    def get(path: str, **query: str) -> Any:
        return client.get(path, query_string=query).json["result"]

    return get


def test_showing_a_dataset_costs_one_query(catalogue, ask):
    created = catalogue.call("package_create", {"name": "bus", "owner_org": "so-gtvt"}, user="boss")
    ask(SHOW, id="bus")
    for asked in ("bus", created["id"]):
        with statements(catalogue.store) as seen:
            assert ask(SHOW, id=asked) == created
        assert [line for line in seen if line.startswith("SELECT")] == [seen[-1]]


def test_a_page_of_results_costs_as_many_queries_as_one_result(catalogue, ask):
    for number in range(12):
        catalogue.call("package_create", {"name": f"bus-{number}", "owner_org": "so-gtvt"}, user="boss")
    ask("/api/3/action/package_search")  # builds the index
    counts = []
    for rows in (1, 10):
        with statements(catalogue.store) as seen:
            assert len(ask("/api/3/action/package_search", q="bus", rows=str(rows))["results"]) == rows
        counts.append(len([line for line in seen if line.startswith("SELECT")]))
    assert counts[1] <= counts[0] <= 4
    with statements(catalogue.store) as seen:
        ask("/api/3/action/package_search", q="bus", rows="10")
    assert len([line for line in seen if line.startswith("SELECT")]) == 1, "the remembered answer"


def test_a_change_elsewhere_takes_the_text_away_and_a_read_puts_it_back(catalogue, ask):
    created = catalogue.call("package_create", {"name": "bus", "owner_org": "so-gtvt"}, user="boss")
    assert list(stored_texts(catalogue.store)) == [created["id"]]
    catalogue.call("organization_patch", {"id": "so-gtvt", "title": "Sở Xây dựng"}, user="boss")
    assert stored_texts(catalogue.store) == {}
    assert ask(SHOW, id="bus")["organization"]["title"] == "Sở Xây dựng"
    assert list(stored_texts(catalogue.store)) == [created["id"]]


def test_a_reader_does_not_wait_for_a_writer_to_put_a_text_back(catalogue, ask):
    catalogue.call("package_create", {"name": "bus", "owner_org": "so-gtvt"}, user="boss")
    with catalogue.store.write() as session:
        session.execute(delete(ShownPackage))
    with catalogue.store.write() as session:
        session.connection()
        assert ask(SHOW, id="bus")["name"] == "bus"
    assert stored_texts(catalogue.store) == {}
    ask(SHOW, id="bus")
    assert len(stored_texts(catalogue.store)) == 1


def test_texts_of_another_version_are_not_read(catalogue, ask):
    catalogue.call("package_create", {"name": "bus", "owner_org": "so-gtvt"}, user="boss")
    with catalogue.store.write() as session:
        session.execute(update(ShownPackage).values(made_by="older", body='{"name": "of an older version"}'))
    for _ in range(2):
        assert ask(SHOW, id="bus")["name"] == "bus"
        assert ask("/api/3/action/current_package_list_with_resources")[0]["name"] == "bus"
    assert len(stored_texts(catalogue.store)) == 1


def test_all_missing_texts_can_be_put_back_at_once(catalogue):
    for number in range(3):
        catalogue.call("package_create", {"name": f"bus-{number}", "owner_org": "so-gtvt"}, user="boss")
    with catalogue.store.write() as session:
        session.execute(delete(ShownPackage).where(ShownPackage.package_id != "none"))
    assert put_all_back(catalogue.services) == 3
    assert put_all_back(catalogue.services) == 0
    assert len(stored_texts(catalogue.store)) == 3


@pytest.mark.parametrize("change", [{"private": True}, {"state": "deleted"}, {"state": "draft"}])
def test_a_text_is_not_shown_to_one_who_may_not_read_the_dataset(catalogue, change):
    client = create_app(catalogue.services).test_client()
    catalogue.call("package_create", {"name": "bus", "title": "Trạm xe buýt", "owner_org": "so-gtvt"}, user="boss")
    addresses = [
        f"{SHOW}?id=bus",
        "/api/3/action/package_search?q=bus",
        "/api/3/action/current_package_list_with_resources",
        "/api/3/action/organization_show?id=so-gtvt&include_datasets=true",
    ]
    assert all("xe buýt" in client.get(address).text for address in addresses)
    catalogue.call("package_patch", {"id": "bus", **change}, user="boss")
    assert len(stored_texts(catalogue.store)) == 1
    for address in addresses:
        for token in ("", catalogue.add_user(f"stranger-{addresses.index(address)}")):
            answer = client.get(address, headers={"Authorization": token} if token else {})
            assert "xe buýt" not in answer.text, address


def test_the_log_keeps_one_line_per_dataset(catalogue):
    for name in ("bus", "tram"):
        catalogue.call("package_create", {"name": name, "owner_org": "so-gtvt"}, user="boss")
    for title in "abc":
        catalogue.call("package_patch", {"id": "bus", "title": title}, user="boss")
        catalogue.call("organization_patch", {"id": "so-gtvt", "title": title}, user="boss")
    with catalogue.store.read() as session:
        lines = session.execute(select(ChangeLog.package_id, func.count()).group_by(ChangeLog.package_id)).all()
        assert [count for _, count in lines] == [1, 1]


def random_write(random: Random) -> tuple[str, dict[str, Any]]:
    """Return an action with parameters over a handful of names, so that many writes meet."""

    def one(kind: str) -> str:
        return f"{kind}-{random.randrange(4 if kind == 'p' else 2)}"

    def words() -> str:
        return random.choice(["Đường bộ", "bus \u2028 <b>", "", "Nước sạch 🚰"])

    package: dict[str, Any] = {
        "owner_org": one("org"),
        "title": words(),
        "notes": words(),
        "license_id": random.choice(["cc-by", "", "other"]),
        "private": random.random() < 0.2,
        "tags": [{"name": f"tag {number}"} for number in range(random.randrange(3))],
        "groups": [{"name": one("theme")}] if random.random() < 0.5 else [],
        "extras": [{"key": one("key"), "value": words()}] if random.random() < 0.5 else [],
        "resources": [
            {"url": f"http://files.example/{number}.csv", "format": "CSV", "size": number, "rank": [1, {"a": None}]}
            for number in range(random.randrange(3))
        ],
    }
    some = dict(random.sample(sorted(package.items(), key=lambda item: item[0]), 2))
    table = {"id": one("p"), "object_id": one("p"), "name": one("p")}
    choices: list[tuple[str, dict[str, Any]]] = [
        *[("package_create", {"name": one("p"), **package})] * 8,
        ("package_update", {"id": one("p"), "name": one("p"), **package}),
        *[("package_patch", {"id": one("p"), **some})] * 3,
        ("package_patch", {"id": one("p"), "name": one("p")}),
        ("package_patch", {"id": one("p"), "state": random.choice(["active", "deleted", "draft"])}),
        ("package_revise", {"match": {"name": one("p")}, "update": {"title": words()}}),
        ("package_delete", {"id": one("p")}),
        ("dataset_purge", {"id": one("p")}),
        ("package_owner_org_update", {"id": one("p"), "organization_id": one("org")}),
        ("resource_create", {"package_id": one("p"), "url": "http://files.example/new", "name": words()}),
        *[("organization_patch", {"id": one("org"), "title": words(), "description": words()})] * 2,
        ("organization_patch", {"id": one("org"), "name": one("org")}),
        *[("organization_create", {"name": one("org")})] * 4,
        ("organization_delete", {"id": one("org")}),
        ("organization_purge", {"id": one("org")}),
        *[("group_create", {"name": one("theme"), "title": words()})] * 4,
        ("group_patch", {"id": one("theme"), "title": words()}),
        ("group_delete", {"id": one("theme")}),
        ("group_purge", {"id": one("theme")}),
        ("member_create", {"id": one("theme"), "object": one("p"), "object_type": "package", "capacity": "public"}),
        ("member_delete", {"id": one("theme"), "object": one("p"), "object_type": "package"}),
        ("vocabulary_create", {"name": one("words"), "tags": [{"name": "tag 1"}, {"name": "tag 2"}]}),
        ("vocabulary_update", {"id": one("words"), "name": one("words"), "tags": [{"name": "tag 2"}]}),
        ("vocabulary_delete", {"id": one("words")}),
        ("tag_delete", {"id": "tag 1", "vocabulary_id": one("words")}),
        ("package_patch", {"id": one("p"), "tags": [{"name": "tag 2", "vocabulary_id": one("words")}]}),
        ("package_relationship_create", {"subject": one("p"), "object": one("p"), "type": "depends_on"}),
        ("package_relationship_delete", {"subject": one("p"), "object": one("p"), "type": "depends_on"}),
        ("bulk_update_private", {"datasets": [one("p")], "org_id": one("org")}),
        ("bulk_update_delete", {"datasets": [one("p")], "org_id": one("org")}),
        *[("package_show", table)] * 4,
    ]
    return random.choice([choice for choice in choices if choice[0] in ACTIONS])


def write_and_read(portal: ServedCatalogue, random: Random, *, count: int) -> int:
    """Do random things, and compare all texts now and then; return how many were compared."""
    client = create_app(portal.services).test_client()
    headers = {"Authorization": portal.add_user(f"boss-{random.random()}"[:30].replace(".", ""), sysadmin=True)}
    compared = 0
    for name in ("organization", "group"):
        first = {"name": "org-0" if name == "organization" else "theme-0"}
        client.post(f"/api/action/{name}_create", json=first, headers=headers)
    for number in range(count):
        name, params = random_write(random)
        if name == "package_show":
            answer = client.get(SHOW, query_string={"id": params["id"]})
        else:
            answer = client.post(f"/api/3/action/{name}", json=params, headers=headers)
        assert answer.status_code < 500, name
        if number % 5 == 4:
            compared += len(stored_texts(portal.store))
    return compared


@pytest.mark.slow
def test_after_random_writes_the_texts_are_what_the_tables_say(catalogue):
    compared = []

    @given(seed=st.integers(0, 2**32))
    @settings(max_examples=8, deadline=None, derandomize=True)
    def after(seed: int) -> None:
        compared.append(write_and_read(catalogue, Random(seed), count=60))

    after()
    assert sum(compared) > 50


@pytest.mark.slow
@pytest.mark.server
def test_two_processes_that_write_at_once_leave_true_texts_on_postgresql(tmp_path, postgres):
    url = postgres.url(postgres.new_database())
    with (
        catalogue_on(tmp_path / "a", database_url=url) as one,
        catalogue_on(tmp_path / "b", database_url=url) as other,
    ):
        with ThreadPoolExecutor(4) as pool:
            runs = [
                pool.submit(write_and_read, portal, Random(seed), count=60)
                for seed, portal in enumerate((one, other, one, other))
            ]
        assert sum(run.result() for run in runs) > 20
