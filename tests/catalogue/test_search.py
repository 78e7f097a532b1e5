"""package_search over a real index and a real database."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.errors import SearchError, SearchQueryError, ValidationError
from catalogue.search import SearchIndex, package_search


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    yield from filled(tmp_path_factory.mktemp("portal"))


@pytest.fixture
def own(tmp_path: Path):
    yield from filled(tmp_path)


def filled(home: Path):
    portal = open_portal(home)
    portal.add_group("so-gtvt", "Sở Giao thông vận tải")
    portal.add_group("so-yt", "Sở Y tế")
    portal.add_group("transport", "Giao thông", is_organization=False)
    portal.add_dataset(
        "bus-stops",
        title="Trạm xe buýt",
        organization="so-gtvt",
        tags=["xe buýt", "Giao-Thông"],
        groups=["transport"],
        license_id="cc-by",
        notes="Vị trí các trạm dừng. Bus stations of the city.",
        extras={"frequency": "daily", "theme-primary": "government", "issue_date": "2026-05-01"},
        resources=[{"name": "Danh sách trạm", "format": "CSV", "url": "https://x.example/a?b=1"}],
    )
    portal.add_dataset(
        "road-load",
        title="Lưu lượng đường bộ",
        organization="so-gtvt",
        tags=["đường"],
        license_id="odc-by",
        extras={"frequency": "monthly", "issue_date": "2026-01-15"},
        resources=[{"name": "x", "format": "Esri REST", "description": "Bản đồ nhiệt", "url": ""}],
    )
    portal.add_dataset(
        "clinics", title="Phòng khám", organization="so-yt", tags=["y tế"], license_id="cc-by", notes="duong"
    )
    portal.add_dataset("secret", title="Trạm bí mật", organization="so-yt", private=True)
    portal.add_dataset("draft", title="Trạm nháp", organization="so-yt", state="draft", creator_user_id=id_of("mai"))
    portal.add_dataset("gone", title="Trạm cũ", organization="so-yt", state="deleted")
    yield portal
    portal.search.close()
    portal.store.close()


def found(portal: SamplePortal, user=None, **params) -> list[str]:
    return [package["name"] for package in portal.call(package_search, user, **params)["results"]]


def names(portal: SamplePortal, user=None, **params) -> set[str]:
    return set(found(portal, user, **params))


PUBLIC = {"bus-stops", "road-load", "clinics"}


def test_no_parameters_find_all_public_datasets_newest_first(portal: SamplePortal) -> None:
    answer = portal.call(package_search)
    assert answer["count"] == 3
    assert answer["sort"] == "score desc, metadata_modified desc"
    assert [p["name"] for p in answer["results"]] == ["clinics", "road-load", "bus-stops"]
    assert answer["facets"] == {}
    assert answer["search_facets"] == {}
    assert answer["results"][2]["resources"][0]["name"] == "Danh sách trạm"
    assert answer["results"][2]["organization"]["name"] == "so-gtvt"


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("trạm", {"bus-stops"}),
        ("tram", {"bus-stops"}),
        ("TRAM XE BUYT", {"bus-stops"}),
        ("tra\u0323m", {"bus-stops"}),  # combining dot below
        ("đường", {"road-load", "clinics"}),
        ("station", {"bus-stops"}),
        ('"xe buýt"', {"bus-stops"}),
        ('"buýt xe"', set()),
        ("+trạm -buýt", set()),
        ("-buýt", {"road-load", "clinics"}),
        ("ban do nhiet", {"road-load"}),
        ("so y te", {"clinics"}),
        ("bus-stops", {"bus-stops"}),
        ("notthere", set()),
        ("!!!", set()),
        ("title:tram", {"bus-stops"}),
        ("title:bu*", {"bus-stops"}),
        ("name:*oad*", {"road-load"}),
        ("name:bus?stops", {"bus-stops"}),
        ('tags:"xe buýt"', {"bus-stops"}),
        ("tags:giao-thông", set()),
        ("tags:Giao-Thông", {"bus-stops"}),
        ("organization:so-gtvt AND -tags:đường", {"bus-stops"}),
        ("organization:so-gtvt OR organization:so-yt", PUBLIC),
        ('res_format:(CSV OR "Esri REST")', {"bus-stops", "road-load"}),
        ("res_url:*", {"bus-stops"}),
        ("*:* -notes:[* TO *]", {"road-load"}),
        ("frequency:daily", {"bus-stops"}),
        ("extras_frequency:Daily", {"bus-stops"}),
        ("theme-primary:government", {"bus-stops"}),
        ("extras_issue_date:*", {"bus-stops", "road-load"}),
        ("issue_date:[2026-02-01T00:00:00Z TO *]", {"bus-stops"}),
        ("issue_date:[* TO NOW-9MONTHS]", {"road-load"}),
        ("name:[c TO e]", {"clinics"}),
        ("metadata_modified:[2026-11-01T08:02:00Z TO *]", {"road-load", "clinics"}),
        ("metadata_modified:{* TO 2026-11-01T08:01:00.000001Z}", set()),
        ("metadata_modified:[* TO 2026-11-01T08:01:00.000001Z]", {"bus-stops"}),
        ("metadata_modified:[NOW-1HOUR TO NOW]", PUBLIC),
        ('metadata_created:"2026-11-01T08:01:00.000Z"', {"bus-stops"}),
        ("title:trạm^3", {"bus-stops"}),
        ("license_id:cc-by -organization:so-yt", {"bus-stops"}),
        ("http://nothing.example:80/x", set()),
        ("tags:[", set()),
    ],
)  # fmt: skip
def test_query_finds(portal: SamplePortal, q: str, expected: set[str]) -> None:
    assert names(portal, q=q) == expected


def test_the_accented_spelling_ranks_higher(own: SamplePortal) -> None:
    assert found(own, q="notes:duong OR title:đường")
    own.add_dataset("duong", title="duong", notes="x")
    own.add_dataset("accented", title="đường", notes="x")
    assert found(own, q="đường", rows=2)[0] == "accented"
    assert found(own, q="duong", rows=2)[0] == "duong"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"fq": "organization:so-gtvt OR organization:so-yt"}, PUBLIC),
        ({"fq": "(groups:transport OR tags:đường)"}, {"bus-stops", "road-load"}),
        ({"fq": ["organization:so-gtvt", "license_id:cc-by"]}, {"bus-stops"}),
        ({"fq_list": "organization:so-yt"}, {"clinics"}),
        ({"fq_list": ["organization:so-gtvt", "tags:đường"]}, {"road-load"}),
        ({"fq_list": '["organization:so-gtvt", "tags:đường"]'}, {"road-load"}),
        ({"fq": "dataset_type:dataset +state:active capacity:public"}, PUBLIC),
        ({"fq": "capacity:private"}, set()),
        ({"fq": "+state:draft"}, set()),
        ({"fq": "state:deleted"}, set()),
        ({"fq": f"owner_org:{id_of('so-yt')}"}, {"clinics"}),
        ({"fq": f'id:"{id_of("clinics")}"'}, {"clinics"}),
        ({"q": "tram", "fq": "organization:so-yt"}, set()),
    ],
)
def test_filters_hold_together(portal: SamplePortal, params: dict, expected: set[str]) -> None:
    assert names(portal, **params) == expected


def test_private_draft_and_deleted_are_found_only_by_those_who_may(own: SamplePortal) -> None:
    mai = own.add_user("mai", organization="so-yt")
    tuan = own.add_user("tuan", organization="so-gtvt")
    root = own.add_user("root", sysadmin=True)
    everything = {"include_private": "true", "include_drafts": "true", "include_deleted": "true"}
    assert names(own, **everything) == PUBLIC
    assert names(own, mai) == PUBLIC
    assert names(own, mai, include_private=True) == PUBLIC | {"secret"}
    assert names(own, tuan, **everything) == PUBLIC
    assert names(own, mai, include_drafts=True) == PUBLIC | {"draft"}
    assert names(own, mai, fq="+state:draft") == {"draft"}
    assert names(own, root) == PUBLIC
    assert names(own, root, **everything) == PUBLIC | {"secret", "draft", "gone"}
    assert names(own, root, fq="state:deleted") == {"gone"}
    assert names(own, root, fq="capacity:private") == set()


def test_facets_have_both_shapes(portal: SamplePortal) -> None:
    answer = portal.call(package_search, rows="0", facet__field='["organization", "res_format", "frequency"]')
    assert answer["results"] == []
    assert answer["count"] == 3
    assert answer["facets"]["organization"] == {"so-gtvt": 2, "so-yt": 1}
    assert answer["facets"]["frequency"] == {"daily": 1, "monthly": 1}
    assert answer["search_facets"]["organization"] == {
        "title": "organization",
        "items": [
            {"name": "so-yt", "display_name": "Sở Y tế", "count": 1},
            {"name": "so-gtvt", "display_name": "Sở Giao thông vận tải", "count": 2},
        ],
    }


@pytest.mark.parametrize("value", ["tags", ["tags"], '["tags"]'])
def test_facet_field_comes_in_three_forms(portal: SamplePortal, value: object) -> None:
    facets = portal.call(package_search, facet__field=value, facet__limit="-1")["facets"]
    assert facets["tags"] == {"Giao-Thông": 1, "xe buýt": 1, "y tế": 1, "đường": 1}
    assert len(portal.call(package_search, facet__field=value, facet__limit=1)["facets"]["tags"]) == 1
    assert portal.call(package_search, facet__field=value, facet="false")["facets"] == {}


def test_licence_facet_shows_titles(portal: SamplePortal) -> None:
    items = portal.call(package_search, facet__field=["license_id"])["search_facets"]["license_id"]["items"]
    assert {item["name"]: item["display_name"] for item in items}["cc-by"] == "Creative Commons Attribution"


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("name asc", ["bus-stops", "clinics", "road-load"]),
        ("name desc", ["road-load", "clinics", "bus-stops"]),
        ("title_string asc", ["road-load", "clinics", "bus-stops"]),
        ("metadata_modified asc", ["bus-stops", "road-load", "clinics"]),
        ("organization desc, name asc", ["clinics", "bus-stops", "road-load"]),
        ("license_id asc, metadata_created desc", ["clinics", "bus-stops", "road-load"]),
        ("relevance asc, metadata_modified desc", ["clinics", "road-load", "bus-stops"]),
        ("rank", ["clinics", "road-load", "bus-stops"]),
    ],
)
def test_sort(portal: SamplePortal, sort: str, expected: list[str]) -> None:
    assert found(portal, sort=sort) == expected


def test_paging_neither_skips_nor_repeats_whatever_the_sort(own: SamplePortal) -> None:
    for n in range(25):
        own.add_dataset(f"d{n:02}", title="Cùng tên", license_id=f"l{n % 3}", tags=["same"])
        own.change(f"d{n:02}", metadata_modified=own.clock.replace(hour=12, minute=n % 4))
    for sort in ("title_string asc", "license_id desc", "metadata_modified asc", "id asc", "score desc", "score asc"):
        for q in ("tags:same", "cùng"):
            pages = [found(own, q=q, sort=sort, rows=4, start=start) for start in range(0, 28, 4)]
            flat = [name for page in pages for name in page]
            assert sorted(flat) == [f"d{n:02}" for n in range(25)], (sort, q)
            assert flat == found(own, q=q, sort=sort, rows=1000)


@pytest.mark.parametrize(
    ("params", "error", "message"),
    [
        ({"foo": 1}, SearchQueryError, "Search Query is invalid: \"Invalid search parameters: ['foo']\""),
        ({"sort": "name"}, SearchQueryError, "Search Query is invalid: 'Invalid \"sort\" parameter'"),
        ({"q": "{!lucene}x"}, SearchError, "Local parameters are not supported in param 'q'."),
        ({"q": "metadata_modified:[x TO y]"}, SearchError, "Invalid date in the query"),
    ],
)
def test_what_is_refused(portal: SamplePortal, params: dict, error: type, message: str) -> None:
    with pytest.raises(error) as raised:
        portal.call(package_search, **params)
    assert raised.value.to_dict()["message"] == message


@pytest.mark.parametrize(("name", "value"), [("rows", "ten"), ("start", "-1"), ("rows", "-1"), ("facet.limit", "x")])
def test_numbers_are_checked(portal: SamplePortal, name: str, value: str) -> None:
    with pytest.raises(ValidationError) as raised:
        portal.call(package_search, **{name.replace(".", "__"): value})
    assert name in raised.value.error_dict


def test_other_parameters_of_solr_are_ignored(portal: SamplePortal) -> None:
    assert portal.call(package_search, qf="x", ext_page="2", extras={}, defType="edismax", rows="5000")["count"] == 3


@pytest.mark.parametrize("fl", ["id,name", ["id", "name"], '["id","name"]'])
def test_fl_gives_small_dicts(portal: SamplePortal, fl: object) -> None:
    result = portal.call(package_search, fl=fl, sort="name asc")["results"]
    assert result[0] == {"id": id_of("bus-stops"), "name": "bus-stops"}
    assert portal.call(package_search, fl="tags,organization,extras_frequency", q="name:bus-stops")["results"] == [
        {"tags": ["Giao-Thông", "xe buýt"], "organization": "so-gtvt", "extras_frequency": "daily"}
    ]


def test_writes_are_visible_to_the_next_search(own: SamplePortal) -> None:
    assert names(own, q="metro") == set()
    own.add_dataset("metro", title="Tuyến metro số 1")
    assert names(own, q="metro") == {"metro"}
    own.change("metro", title="Tàu điện", name="tram-1")
    assert names(own, q="title:metro") == set()
    assert names(own, q="tàu điện") == {"tram-1"}
    own.change("metro", state="deleted")
    assert names(own, q="tàu điện") == set()


def test_the_index_is_taken_up_again_after_a_restart(own: SamplePortal) -> None:
    assert own.call(package_search)["count"] == 3
    own.search.close()
    own.add_dataset("meanwhile")
    own.search = SearchIndex(own.settings, own.store)
    assert "meanwhile" in names(own)
    state = json.loads((own.home / "search" / "state.json").read_text())
    assert state["seq"] == 7


def test_a_second_process_searches_in_memory(own: SamplePortal) -> None:
    assert own.call(package_search)["count"] == 3
    second = open_portal(own.home)
    assert names(second) == PUBLIC
    own.add_dataset("by-the-first")
    second.clock = own.clock
    second.add_dataset("by-the-second")
    assert {"by-the-first", "by-the-second"} <= names(own) & names(second)
    second.search.close()
    second.store.close()


@pytest.mark.parametrize("damage", ["segments", "meta", "state"])
def test_a_broken_index_heals_itself(own: SamplePortal, damage: str) -> None:
    assert own.call(package_search)["count"] == 3
    own.search.close()
    folder = own.home / "search"
    if damage == "segments":
        for path in folder.joinpath("index").iterdir():
            if path.suffix not in {".json", ".lock"}:
                path.write_bytes(b"\0" * 64)
    else:
        (folder / {"meta": "index/meta.json", "state": "state.json"}[damage]).write_text("{not json")
    own.search = SearchIndex(own.settings, own.store)
    assert names(own) == PUBLIC
    assert names(own, q="trạm") == {"bus-stops"}


def test_rebuild_counts_every_dataset(own: SamplePortal) -> None:
    assert own.search.rebuild() == 6
    assert names(own) == PUBLIC


def test_a_rebuild_elsewhere_leaves_the_index_in_use_alone(own: SamplePortal) -> None:
    assert own.call(package_search)["count"] == 3
    other = SearchIndex(own.settings, own.store)
    assert other.rebuild() == 6
    own.add_dataset("after")
    assert names(own) == PUBLIC | {"after"}
    assert not own.search._in_memory
    other.close()


def test_a_home_that_cannot_be_written_is_searched_in_memory(own: SamplePortal, tmp_path: Path) -> None:
    blocked = own.settings.model_copy(update={"home": tmp_path / "file"})
    (tmp_path / "file").write_text("")
    own.search = SearchIndex(blocked, own.store)
    assert names(own) == PUBLIC


def test_a_line_of_the_log_that_is_committed_late_is_not_missed(own: SamplePortal) -> None:
    from catalogue.model import ChangeLog

    assert own.call(package_search)["count"] == 3
    with own.store.write() as session:  # a later number is committed first
        session.add(ChangeLog(seq=9, package_id=id_of("clinics"), at=own.clock))
    assert own.call(package_search)["count"] == 3
    with own.store.write() as session:
        session.connection().exec_driver_sql("update packages set title = 'Muộn' where name = 'clinics'")
        session.add(ChangeLog(seq=8, package_id=id_of("clinics"), at=own.clock))
    assert names(own, q="muộn") == {"clinics"}
