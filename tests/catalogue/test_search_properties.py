"""Whatever is asked, the search answers as a plain loop over all datasets would; junk is answered within the contract."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples.portal_on_disk import SamplePortal, id_of, open_portal
from samples.served_catalogue import ServedCatalogue

from catalogue.errors import SearchError, SearchQueryError, ValidationError
from catalogue.search.package_search import package_search

Row = dict[str, Any]
Filter = tuple[str, Callable[[Row], bool]]
TAGS, FORMATS = ["xe buýt", "Giao-Thông", "đường", "y tế", "a_b"], ["CSV", "Esri REST", "JSON"]
ORGANIZATIONS, LICENCES = ["so-a", "so-b", "so-c"], ["cc-by", "odc-by", None]
USERS = {"mai": "so-a", "tuan": "so-b"}
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory):
    portal = open_portal(tmp_path_factory.mktemp("random"))
    for name in ORGANIZATIONS:
        portal.add_group(name, name.upper())
    portal.people = {name: portal.add_user(name, organization=owner) for name, owner in USERS.items()}
    portal.people |= {"root": portal.add_user("root", sysadmin=True), None: None}
    portal.rows = [random_row(portal, number, random.Random(number)) for number in range(60)]
    yield portal
    portal.search.close()
    portal.store.close()


def random_row(portal: SamplePortal, number: int, chance: random.Random) -> Row:
    row = {
        "name": f"d-{number:02}",
        "title": chance.choice(["Trạm", "trạm", "Đường", "Bến", "bus"]),
        "organization": chance.choice(ORGANIZATIONS),
        "tags": sorted(chance.sample(TAGS, chance.randint(0, 3))),
        "license_id": chance.choice(LICENCES),
        "private": chance.random() < 0.2,
        "state": chance.choices(["active", "draft", "deleted"], [8, 1, 1])[0],
        "creator_user_id": id_of(chance.choice(list(USERS))),
        "extras": {"issue_date": f"20{chance.randint(10, 29)}-0{chance.randint(1, 9)}-15", "frequency": chance.choice("ab")},
    }  # fmt: skip
    row["resources"] = [{"format": value, "url": ""} for value in chance.sample(FORMATS, chance.randint(0, 2))]
    portal.add_dataset(**row)
    if chance.random() < 0.5:  # many ties
        portal.change(row["name"], metadata_modified=portal.clock.replace(hour=20, minute=number % 3))
    with portal.store.read() as session:
        from catalogue.model import Package

        row["modified"] = session.get(Package, id_of(row["name"])).metadata_modified
    return row | {"id": id_of(row["name"]), "res_format": sorted({r["format"] for r in row["resources"]})}


def has(field: str, value: str) -> Callable[[Row], bool]:
    return lambda row: value in (row[field] if isinstance(row[field], list) else [row[field]])


def exact(field: str, values: list[str]) -> st.SearchStrategy[Filter]:
    return st.sampled_from(values).map(lambda value: (f'{field}:"{value}"', has(field, value)))


def either(field: str, values: list[str]) -> st.SearchStrategy[Filter]:
    def chosen(some: list[str]) -> Filter:
        quoted = " OR ".join(f'"{value}"' for value in some)
        return f"{field}:({quoted})", lambda row: any(has(field, value)(row) for value in some)

    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True).map(chosen)


def modified_between(ends: tuple[int, int]) -> Filter:
    from samples.portal_on_disk import START

    low, high = (START + timedelta(minutes=minutes) for minutes in sorted(ends))
    text = f"metadata_modified:[{low.isoformat()}Z TO {high.isoformat()}Z}}"
    return text, lambda row: low <= row["modified"] < high


def issued_between(ends: tuple[int, int]) -> Filter:
    low, high = (f"20{year}-03-15" for year in sorted(ends))
    return f"issue_date:{{{low} TO {high}]", lambda row: low < row["extras"]["issue_date"] <= high


SIMPLE = st.one_of(
    exact("organization", ORGANIZATIONS),
    exact("tags", TAGS),
    exact("license_id", ["cc-by", "odc-by"]),
    either("res_format", FORMATS),
    either("tags", TAGS),
    st.just(("license_id:*", lambda row: row["license_id"] is not None)),
    st.just(("-tags:[* TO *]", lambda row: not row["tags"])),
    st.just(("frequency:a", lambda row: row["extras"]["frequency"] == "a")),
    st.just(("name:d-?5", lambda row: row["name"].endswith("5"))),
    st.just(("name:[d-10 TO d-30}", lambda row: "d-10" <= row["name"] < "d-30")),
    st.just(("title:tram", lambda row: row["title"].lower() == "trạm")),
    st.just(("title_ngram:ra", lambda row: row["title"].lower() == "trạm")),
    st.just(("capacity:private", lambda row: row["private"])),
    st.tuples(st.integers(0, 120), st.integers(0, 120)).map(modified_between),
    st.tuples(st.integers(10, 29), st.integers(10, 29)).map(issued_between),
)
FILTERS = st.lists(
    st.one_of(
        SIMPLE,
        SIMPLE.map(lambda one: (f"*:* -({one[0]})", lambda row: not one[1](row)) if one[0][0] != "-" else one),
        st.tuples(SIMPLE, SIMPLE).map(
            lambda two: (
                (f"({two[0][0]}) AND ({two[1][0]})", lambda row: two[0][1](row) and two[1][1](row))
                if "-" not in (two[0][0][0], two[1][0][0])
                else two[0]
            )
        ),
    ),
    max_size=3,
)
SORTS = {
    "name asc": lambda row: row["name"],
    "id asc": lambda row: row["id"],
    "metadata_modified asc": lambda row: (row["modified"], row["id"]),
    "metadata_modified desc": lambda row: (-row["modified"].timestamp(), row["id"]),
    "organization asc, metadata_modified desc": lambda row: (row["organization"], -row["modified"].timestamp(), row["id"]),
    "license_id asc, name asc": lambda row: (row["license_id"] or "", row["name"]),
}  # fmt: skip
WISHES = st.fixed_dictionaries({f"include_{word}": st.booleans() for word in ("private", "drafts", "deleted")})


def may_find(row: Row, who: str | None, wishes: dict[str, bool]) -> bool:
    if row["state"] == "active":
        is_own = who == "root" or USERS.get(who) == row["organization"]
        return not row["private"] or (wishes["include_private"] and is_own)
    is_theirs = who is not None and row["creator_user_id"] == id_of(who) and USERS.get(who) == row["organization"]
    is_own = who == "root" or is_theirs  # who left an organization leaves its drafts
    return is_own and wishes["include_drafts" if row["state"] == "draft" else "include_deleted"]


@pytest.mark.slow
@RELAXED
@given(
    filters=FILTERS,
    sort=st.sampled_from(sorted(SORTS)),
    who=st.sampled_from([None, "mai", "tuan", "root"]),
    wishes=WISHES,
    start=st.integers(0, 70),
    rows=st.integers(0, 70),
)
def test_search_equals_a_loop_over_all_datasets(
    portal: SamplePortal, filters: list[Filter], sort: str, who: str | None, wishes: dict[str, bool], start: int, rows: int
) -> None:  # fmt: skip
    answer = portal.call(
        package_search,
        portal.people[who],
        **{"fq_list": [text for text, _ in filters], "sort": sort, "start": start, "rows": rows, **wishes},
        facet__field=["organization", "tags", "res_format", "license_id", "frequency"],
        facet__limit=-1,
    )
    expected = [row for row in portal.rows if may_find(row, who, wishes) and all(holds(row) for _, holds in filters)]
    expected.sort(key=SORTS[sort])
    assert answer["count"] == len(expected)
    assert [package["name"] for package in answer["results"]] == [row["name"] for row in expected][start : start + rows]
    assert answer["facets"]["organization"] == Counter(row["organization"] for row in expected)
    assert answer["facets"]["license_id"] == Counter(row["license_id"] for row in expected if row["license_id"])
    assert answer["facets"]["frequency"] == Counter(row["extras"]["frequency"] for row in expected)
    for field in ("tags", "res_format"):
        assert answer["facets"][field] == Counter(value for row in expected for value in row[field])


WORDS = st.lists(st.sampled_from(["tram", "Trạm", "duong", "đường", "bus", "ben", "NOT", "OR", "xyzzy"]), max_size=5)


@pytest.mark.slow
@RELAXED
@given(words=WORDS, start=st.integers(0, 20))
def test_pages_of_ranked_hits_are_cut_from_one_order(portal: SamplePortal, words: list[str], start: int) -> None:
    whole = portal.call(package_search, q=" ".join(words), rows=100)
    page = portal.call(package_search, q=" ".join(words), rows=7, start=start)
    names = [package["name"] for package in whole["results"]]
    assert whole["count"] == page["count"] == len(names)
    assert [package["name"] for package in page["results"]] == names[start : start + 7]


SIGNS = [
    *[
        ":",
        '"',
        "'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "*",
        "?",
        "~",
        "^",
        "\\",
        "/",
        "+",
        "-",
        "!",
        "&&",
        "||",
        "$",
        "|",
        "#",
    ],
    *[
        "AND",
        "OR",
        "NOT",
        "TO",
        "NOW",
        "*:*",
        "tags:",
        "title:",
        "name:",
        "id:",
        "x:",
        "metadata_modified:",
        "~2",
        "^3",
    ],
    *[
        "[* TO *]",
        "{a TO b]",
        "[NOW-1DAY TO *]",
        "[2024 TO 2025}",
        "[9999-12-31 TO NOW+9000YEARS]",
        "~0.5",
        "~999999999",
    ],
    *[
        "extras_x:",
        "res_extras_y:",
        "vocab_z:",
        "title_ngram:",
        "issue_date:",
        "res_url:",
        "{!x}",
        "_query_:",
        ".",
        ".*",
    ],
    *[
        "http://a.vn/?b=c",
        "xe-buýt",
        '"xe buýt"',
        "trạm",
        "\x1f",
        "(.|\n)*",
        "\\d",
        "\u0323",
        "đ",
        "a" * 9000,
        "9" * 5000,
    ],
]
PIECES = st.one_of(
    st.sampled_from(SIGNS), st.text(max_size=6).filter(lambda text: "\x00" not in text and text.isprintable())
)
JUNK = st.lists(PIECES, max_size=9).flatmap(lambda parts: st.sampled_from([" ", ""]).map(lambda glue: glue.join(parts)))


@pytest.mark.slow
@settings(RELAXED, max_examples=150)
@given(q=JUNK, fq=st.one_of(JUNK, st.lists(JUNK, max_size=2)), sort=st.one_of(st.just(""), JUNK), facet=JUNK)
def test_junk_is_answered_within_the_contract(portal: SamplePortal, q: str, fq: object, sort: str, facet: str) -> None:
    before = portal.search._state
    with suppress(SearchError, SearchQueryError, ValidationError):  # 400 and 409
        answer = portal.call(package_search, q=q, fq=fq, sort=sort, facet__field=facet, rows=3)
        assert answer["count"] >= len(answer["results"])
    assert portal.search._state == before, "junk must not cost a new index"


STEPS = st.lists(
    st.tuples(st.sampled_from(["create", "update", "rename", "delete", "purge", "retag"]), st.integers(0, 3)),
    min_size=4,
    max_size=12,
)


@pytest.mark.slow
@settings(RELAXED, max_examples=5)
@given(steps=STEPS)
def test_every_write_is_visible_to_the_next_search(tmp_path_factory: pytest.TempPathFactory, steps: list) -> None:
    from samples.served_catalogue import catalogue_on

    with catalogue_on(tmp_path_factory.mktemp("writes")) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": "so-a"}, user="boss")
        there: dict[int, dict[str, str]] = {}
        for number, (step, place) in enumerate(steps):
            take_step(portal, there, step, place, number)
            found = portal.call("package_search", {"rows": 100, "sort": "name asc"})["results"]
            shown = {(package["id"], package["name"], package["title"]) for package in found}
            assert shown == {(held["id"], held["name"], held["title"]) for held in there.values()}
            for held in there.values():
                for fq in (
                    f"id:{held['id']}",
                    f"name:{held['name']}",
                    f'title:"{held["title"]}"',
                    f"tags:{held['tag']}",
                ):
                    hits = portal.call("package_search", {"fq": fq, "rows": 100})["results"]
                    assert held["id"] in {hit["id"] for hit in hits}, fq


def take_step(portal: ServedCatalogue, there: dict[int, dict[str, str]], step: str, place: int, number: int) -> None:
    held = there.get(place)
    if held is None:
        given_ = {"name": f"n-{number}", "title": f"tựa {number}", "owner_org": "so-a", "tags": [{"name": "one"}]}
        made = portal.call("package_create", given_, user="boss")
        there[place] = {"id": made["id"], "name": made["name"], "title": made["title"], "tag": "one"}
    elif step in {"delete", "purge"}:
        portal.call("package_delete" if step == "delete" else "dataset_purge", {"id": held["id"]}, user="boss")
        del there[place]
    else:
        changes = {
            "rename": {"name": f"n-{number}"},
            "retag": {"tags": [{"name": f"tag-{number}"}]},
        }.get(step, {"title": f"tựa {number}"})
        portal.call("package_patch", {"id": held["id"], **changes}, user="boss")
        if "tags" in changes:
            held["tag"] = f"tag-{number}"
        held.update({key: value for key, value in changes.items() if isinstance(value, str)})
