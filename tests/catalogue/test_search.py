"""package_search over a real index and a real database."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples.portal_on_disk import SamplePortal, id_of, open_portal

from catalogue.errors import SearchError, SearchQueryError, ValidationError
from catalogue.model import ChangeLog, Package, Tag, Vocabulary
from catalogue.search.package_search import package_search


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


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory):
    """Return a catalogue with a field of each kind."""
    portal = open_portal(tmp_path_factory.mktemp("kinds"))
    portal.add_group("so-x", "Sở X")
    portal.add_dataset(
        "bus-stops",
        title="Running stations",
        organization="so-x",
        author="Trần Văn Bình",
        maintainer_email="mo@x.vn",
        version="1.0",
        url="https://x.example/page",
        license_id="cc-by",
        extras={"theme-primary": "gov", "note": "hai từ", "from_date": "1965-05-01T08:00:00Z", "a.b": "dotted"},
        resources=[{"name": "Tệp chính", "format": "CSV", "url": "https://x.example/f", "resource_type": "file",
                    "extras": {"table": "trạm xe", "rows": 12}}],
    )  # fmt: skip
    portal.add_dataset("other", title="Khác", extras={"from_date": "không rõ", "theme-primary": "gov 2"})
    with portal.store.write() as session:
        vocabulary = Vocabulary(id="v", name="topics")
        session.add_all([vocabulary, Tag(id="t", name="giao thông", vocabulary_id="v"), Tag(id="u", name="tự do")])
        session.flush()
        package = session.get(Package, id_of("bus-stops"))
        package.tags = [session.get(Tag, "t"), session.get(Tag, "u")]
        session.add(ChangeLog(package_id=package.id, at=portal.clock))
    yield portal
    portal.search.close()
    portal.store.close()


@pytest.mark.parametrize(
    "q",
    [
        *['vocab_topics:"giao thông"', "vocab_topics:giao*", 'tags:"tự do"', "giao thong", "vocab_topics:*"],
        *["title:run", "title:station", 'title:"running stations"', "title:stat*", "title:statoin~", "title:RUNNING"],
        *["title_ngram:tat", "title_ngram:run", "name_ngram:sto", "name_ngram:bus-st", "name_ngram:(bus top)"],
        *["author:binh", "author:Bình", "maintainer_email:mo", "res_name:chinh", "res_type:file", "version:1.0"],
        *["theme-primary:gov", "extras_theme-primary:gov -theme-primary:g*2", "extras_note:tu", 'extras_note:"hai tu"'],
        *["res_extras_table:xe", "res_extras_rows:12", "res_extras_table:tram", "a.b:dotted", "extras_a.b:dotted"],
        *["from_date:[1960-01-01T00:00:00Z TO 1970-01-01T00:00:00Z]", "from_date:{* TO NOW}", "title_string:Run*"],
        *["url:https*", 'url:"https://x.example/page"', "license:*Attribution", "text:binh", "attribution -khac"],
        *[
            "organization:so-x entity_type:package",
            "type:dataset organization:so*",
            "metadata_created:* organization:*",
        ],
        *["name:bus-stops~3^2", "(title:station OR nothere) AND organization:so-x", "title:(running AND stations)"],
    ],
)
def test_each_kind_of_field_matches_in_its_way(kinds: SamplePortal, q: str) -> None:
    assert names(kinds, q=q) == {"bus-stops"}


@pytest.mark.parametrize(
    "q",
    [
        *[
            "tags:giao*",
            'tags:"giao thông"',
            "vocab_topics:giao",
            "vocab_other:*",
            "title:statoin",
            "res_extras_table:gone",
        ],
        *["theme-primary:Gov", "from_date:[1966 TO 1970]", "version:1", "views_total:[1 TO *]", "title_string:run*"],
        *["title:(-running)", "name_ngram:xyz", 'title:"stations running"', "organization:SO-X"],
    ],
)
def test_each_kind_of_field_matches_no_more(kinds: SamplePortal, q: str) -> None:
    assert names(kinds, q=q) == set()


def test_facets_of_closed_lists_and_ties_in_order(kinds: SamplePortal) -> None:
    asked = ["vocab_topics", "tags", "theme-primary", "nothing"]
    facets = kinds.call(package_search, facet__field=asked, rows=0)["facets"]
    assert facets == {
        "vocab_topics": {"giao thông": 1},
        "tags": {"tự do": 1},
        "theme-primary": {"gov": 1, "gov 2": 1},
        "nothing": {},
    }
    assert kinds.call(package_search, facet__field="theme-primary", facet__limit=0)["facets"] == {"theme-primary": {}}
    assert kinds.call(package_search, facet__field="tags", facet__mincount=2)["facets"] == {"tags": {}}


def test_equal_counts_are_cut_by_name(own: SamplePortal) -> None:
    own.add_dataset("many", tags=[f"t{n:03}" for n in range(300)])
    for limit in (1, 50, 250):
        facet = own.call(package_search, facet__field="tags", facet__limit=limit, q="many")["facets"]["tags"]
        assert list(facet) == [f"t{n:03}" for n in range(limit)]


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_harvest_by_id_sees_every_dataset_once_also_while_others_write(own: SamplePortal) -> None:
    for n in range(30):
        own.add_dataset(f"d{n:02}")
    whole = [package["id"] for package in own.call(package_search, sort="id asc", rows=100)["results"]]
    assert whole == sorted(whole)
    for is_disturbed in (False, True):
        seen: list[str] = []
        while page := own.call(package_search, sort="id asc", rows=4, start=len(seen))["results"]:
            seen += [package["id"] for package in page]
            if is_disturbed:
                own.change("bus-stops", notes=f"change {len(seen)}")
        assert seen == whole
    assert own.call(package_search, sort="id asc", rows=4, start=8)["results"][0]["id"] == whole[8]
