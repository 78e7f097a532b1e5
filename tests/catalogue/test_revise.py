"""package_revise: match, filter, update and include, and 50 writers at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from samples.served_catalogue import ServedCatalogue, catalogue_on

from catalogue.errors import NotAuthorized, NotFound, ValidationError

pytest_plugins = ["servers.postgres"]
CITY = "so-gtvt"
FIRST, SECOND = "1f9a0c52-2c71-5a0c-9d0d-6f2f4f3f1c11", "2b8d0c52-2c71-5a0c-9d0d-6f2f4f3f1c22"


@pytest.fixture
def bus(catalogue):
    resources = [{"id": FIRST, "name": "one"}, {"id": SECOND, "name": "two"}]
    params = {"name": "bus", "title": "Xe buýt", "owner_org": CITY, "resources": resources, "notes": "n"}
    return catalogue.call("package_create", params, user="lan")


def revise(catalogue, user="lan", **params):
    return catalogue.call("package_revise", params, user=user)


def names(answer) -> list[str]:
    return [resource["name"] for resource in answer["package"]["resources"]]


def test_update_replaces_top_level_fields(catalogue, bus):
    assert revise(catalogue, match={"name": "bus"}, update={"title": "Khác"})["package"]["title"] == "Khác"
    assert revise(catalogue, match__id=bus["id"], update='{"title": "JSON"}')["package"]["title"] == "JSON"


def test_paths_reach_single_values(catalogue, bus):
    assert names(revise(catalogue, match={"id": "bus"}, update__resources__0__name="a")) == ["a", "two"]
    assert names(revise(catalogue, match={"name": "bus"}, **{"update__resources__-1__name": "b"})) == ["a", "b"]
    assert names(revise(catalogue, match={"name": "bus"}, update__resources__1f9a0__name="c")) == ["c", "b"]
    extended = revise(catalogue, match={"name": "bus"}, update__resources__extend=[{"name": "d"}])
    assert names(extended) == ["c", "b", "d"]
    assert names(revise(catalogue, match={"name": "bus"}, update__resources__extend='[{"name": "e"}]'))[-1] == "e"


def test_a_path_that_leads_nowhere_is_told(catalogue, bus):
    with pytest.raises(ValidationError) as refused:
        revise(catalogue, match={"name": "bus"}, update__resources__99={"name": "x"})
    assert refused.value.error_dict == {"resources__99": ["Unmatched key 99"]}


@pytest.mark.slow
def test_nothing_is_written_unless_everything_matches(catalogue, bus):
    for params, paths in (
        ({"match": {"name": "bus", "title": "x"}}, ["title"]),
        ({"match": {"name": "bus", "resources": [{"name": "x"}, {"name": "two"}]}}, ["resources__0__name"]),
        ({"match__name": "bus", "match__resources__0__id": SECOND}, ["resources__0__id"]),
        ({"match": {"name": "bus", "metadata_modified": "2020-01-01T00:00:00.000000"}}, ["metadata_modified"]),
    ):
        with pytest.raises(ValidationError) as refused:
            revise(catalogue, **params, update={"title": "never"})
        assert refused.value.error_dict == {"match": paths}
    with pytest.raises(ValidationError) as refused:
        revise(catalogue, match={"title": "Xe buýt"})
    assert refused.value.error_dict == {"match__id": "Missing value"}
    with pytest.raises(NotFound):
        revise(catalogue, match={"name": "nope"})
    with pytest.raises(NotAuthorized):
        revise(catalogue, "binh", match={"name": "bus"})
    assert catalogue.call("package_show", {"id": "bus"}) == bus
    assert revise(catalogue, match=bus, update={})["package"] == bus


def test_filter_drops_and_keeps(catalogue, bus):
    assert names(revise(catalogue, match={"name": "bus"}, filter=["+resources__1f9a__*", "-resources__*"])) == ["one"]
    answer = revise(catalogue, match={"name": "bus"}, filter="-notes,-resources")
    assert (answer["package"]["notes"], answer["package"]["resources"]) == (None, [])


def test_include_narrows_the_answer(catalogue, bus):
    assert revise(catalogue, match={"name": "bus"}, include=["+package__name", "-package__*"]) == {
        "package": {"name": "bus"}
    }


def append_from_many_threads(portal: ServedCatalogue) -> list[str]:
    def append(number: int) -> None:
        params = {"match": {"name": "many"}, "update__resources__extend": [{"name": str(number)}]}
        portal.call("package_revise", params, user="boss")

    def retitle(number: int) -> None:
        portal.call("package_patch", {"id": "many", ["title", "notes", "author"][number % 3]: "kept"}, user="boss")

    portal.add_user("boss", sysadmin=True)
    portal.call("organization_create", {"name": CITY}, user="boss")
    portal.call("package_create", {"name": "many", "owner_org": CITY}, user="boss")
    with ThreadPoolExecutor(16) as pool:
        jobs = [pool.submit(append, number) for number in range(50)] + [pool.submit(retitle, n) for n in range(6)]
        for job in jobs:
            job.result()
    package = portal.call("package_show", {"id": "many"})
    assert [package[field] for field in ("title", "notes", "author")] == ["kept"] * 3
    return sorted((resource["name"] for resource in package["resources"]), key=int)


@pytest.mark.slow
def test_fifty_appends_at_once_lose_none_on_sqlite(tmp_path):
    with catalogue_on(tmp_path) as portal:
        assert append_from_many_threads(portal) == [str(number) for number in range(50)]


@pytest.mark.slow
@pytest.mark.server
def test_fifty_appends_at_once_lose_none_on_postgresql(tmp_path, postgres):
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        assert append_from_many_threads(portal) == [str(number) for number in range(50)]
