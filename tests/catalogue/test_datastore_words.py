"""Words in rows: `q` and `full_text`, plain and in PostgreSQL's query language, ranks, and the index behind them."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.portal_on_disk import SamplePortal, SampleTable, id_of, open_portal
from samples.served_catalogue import catalogue_on

from catalogue.actions.datastore import datastore_dump, datastore_search
from catalogue.errors import ValidationError
from catalogue.folding import folded
from catalogue.rows import word_index
from catalogue.rows.text_query import plain_query, structured_query

FIELDS = [("name", "string", "", None), ("note", "string", "", None), ("n", "integer", "", None)]
ROWS = [
    ("Trạm xe buýt Bến Thành", "gần metro số 1", 1),
    ("Bến xe Miền Đông", "bus bus bus", 2),
    ("Ga metro Bến Thành", "the bus stops here", 3),
    ("Công viên Đầm Sen", None, 4),
    ("busway 50%_off", "O'Brien said: a-b", 5),
]
RID = id_of("ben-xe/stops")


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    portal = open_portal(tmp_path_factory.mktemp("portal"))
    portal.add_dataset("ben-xe")
    portal.publish("ben-xe", "2026-11-22.1", [SampleTable("stops", FIELDS, ROWS)])
    yield portal
    portal.store.close()


def search(portal: SamplePortal, **params) -> dict:
    return portal.call(datastore_search, **{"resource_id": RID, **params})


def ids(portal: SamplePortal, **params) -> list[int]:
    answer = search(portal, **{"sort": "_id", **params})
    found = [record["_id"] for record in answer["records"]]
    assert answer["total"] == len(found)
    return found


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"q": "ben thanh"}, [1, 3]),
        ({"q": "BẾN THÀNH"}, [1, 3]),
        ({"q": "đông"}, [2]),
        ({"q": "dong"}, [2]),
        ({"q": "bus"}, [2, 3]),
        ({"q": "buýt 1"}, [1]),
        ({"q": 4}, [4]),
        ({"q": "50%_off"}, [5]),
        ({"q": "O'Brien"}, [5]),
        ({"q": 'he said "a" OR name:* NEAR(x) --'}, []),
        ({"q": "..."}, []),
        ({"q": {"name": "metro"}}, [3]),
        ({"q": '{"note": "metro", "name": "buyt"}'}, [1]),
        ({"q": {"n": 5}}, [5]),
        ({"q": {}}, [1, 2, 3, 4, 5]),
        ({"q": "bus:*", "plain": False}, [2, 3, 5]),
        ({"q": "bus:* & !metro", "plain": "false"}, [2, 5]),
        ({"q": "!bus", "plain": False}, [1, 4, 5]),
        ({"q": "!(bus | metro)", "plain": False}, [4, 5]),
        ({"q": "!bus & !metro", "plain": False}, [4, 5]),
        ({"q": "!bus | metro", "plain": False}, [1, 3, 4, 5]),
        ({"q": "metro | (ben & xe)", "plain": False}, [1, 2, 3]),
        ({"q": "ben <-> thanh", "plain": False}, [1, 3]),
        ({"q": "thanh <-> ben", "plain": False}, []),
        ({"q": "tram <3> thanh", "plain": False}, []),
        ({"q": "tram <4> thanh", "plain": False}, [1]),
        ({"q": "'Đầm Sen'", "plain": False}, [4]),
        ({"q": {"name": "!metro"}, "plain": False}, [1, 2, 4, 5]),
        ({"full_text": "bus & metro"}, [3]),
        ({"full_text": "bus", "q": "metro"}, [3]),
        ({"full_text": "!bus", "q": "metro"}, [1]),
        ({"q": "the bus", "language": "english"}, [2, 3]),
        ({"q": "the", "language": "english"}, []),
        ({"q": "the bus"}, [3]),
        ({"q": "bus", "filters": {"n": {"gt": 2}}}, [3]),
    ],
)  # fmt: skip
def test_words_asked_for(portal: SamplePortal, params: dict, expected: list[int]) -> None:
    assert ids(portal, **params) == expected


@pytest.mark.parametrize("query", ["(", "a &", "a b", "& a", "a <-> (b | c)", "'a", "(" * 30 + "a" + ")" * 30, "a ! b"])
def test_queries_that_cannot_be_read(portal: SamplePortal, query: str) -> None:
    with pytest.raises(ValidationError) as raised:
        search(portal, q=query, plain=False)
    assert raised.value.error_dict == {"query": ["Invalid query"]}


@pytest.mark.parametrize(
    "params", [{"q": {"zz": "x"}}, {"q": ["x"]}, {"q": {"name": ["x"]}}, {"q": "{"}, {"q": "a " * 101}]
)
def test_what_is_refused(portal: SamplePortal, params: dict) -> None:
    with pytest.raises(ValidationError) as raised:
        search(portal, **params)
    assert list(raised.value.error_dict) == ["q"]


def test_rows_that_say_it_more_often_come_first(portal: SamplePortal) -> None:
    answer = search(portal, q="bus")
    assert [record["_id"] for record in answer["records"]] == [2, 3]
    assert answer["fields"][-1] == {"id": "rank", "type": "float4"}
    first, second = (record["rank"] for record in answer["records"])
    assert first > second > 0
    assert [record["_id"] for record in search(portal, q="bus", sort="rank asc")["records"]] == [3, 2]


def test_each_column_asked_has_its_rank(portal: SamplePortal) -> None:
    answer = search(portal, q={"name": "ben", "note": "metro"}, sort='"rank name" desc, n')
    assert [field["id"] for field in answer["fields"][-2:]] == ["rank name", "rank note"]
    assert search(portal, q="bus", fields="n, rank")["records"][0].keys() == {"n", "rank"}
    assert search(portal, q="!bus", plain=False, sort="rank")["total"] == 3
    with pytest.raises(ValidationError):
        search(portal, sort="rank")


def test_where_every_row_says_it_once_rows_come_in_their_order(portal: SamplePortal) -> None:
    portal.add_dataset("pho")
    rows = [(f"Phố {n}", None if n % 2 else "chẵn", n) for n in range(1, 1201)]
    portal.publish("pho", "2026-11-22.1", [SampleTable("streets", FIELDS, rows)])
    answer = search(portal, resource_id=id_of("pho/streets"), q="phố", offset=100, limit=2)
    assert [record["n"] for record in answer["records"]] == [101, 102]
    assert answer["total"] == 1200
    in_column = search(portal, resource_id=id_of("pho/streets"), q={"name": "phố"}, offset=100, limit=2)
    assert [record["n"] for record in in_column["records"]] == [101, 102]
    assert {record["rank name"] for record in in_column["records"]} == {0.0607927}
    elsewhere = search(portal, resource_id=id_of("pho/streets"), q={"note": "phố"})
    assert (in_column["total"], elsewhere["total"]) == (1200, 0)
    in_both = search(portal, resource_id=id_of("pho/streets"), q={"name": "phố", "note": "chẵn"}, limit=2)
    assert (in_both["total"], [record["n"] for record in in_both["records"]]) == (600, [2, 4])
    in_neither = search(portal, resource_id=id_of("pho/streets"), q={"name": "phố", "note": "phố"})
    assert (in_neither["total"], in_neither["records"]) == (0, [])
    both = search(portal, resource_id=id_of("pho/streets"), q="pho chan", limit=1)
    assert (both["total"], both["records"][0]["n"]) == (600, 2)
    counted = search(portal, resource_id=id_of("pho/streets"), q="pho chan", limit=1, total_estimation_threshold=10)
    assert (counted["total"], counted["total_was_estimated"]) == (600, False)  # it was counted just before
    guessed = search(
        portal, resource_id=id_of("pho/streets"), filters={"n": {"lt": 1000}}, total_estimation_threshold=10
    )
    assert guessed["total_was_estimated"] is True
    assert 900 < guessed["total"] <= 1200


def test_stop_words_vanish_where_the_settings_name_a_language(tmp_path: Path) -> None:
    with catalogue_on(tmp_path, profile="ckan", direct_writes=True) as catalogue:
        catalogue.add_user("boss", sysadmin=True)
        catalogue.call("organization_create", {"name": "so-yt"}, user="boss")
        catalogue.call("package_create", {"name": "stops", "owner_org": "so-yt"}, user="boss")
        rows = {"resource": {"package_id": "stops"}, "records": [{"stop": "a bus"}, {"stop": "the bus"}]}
        table = catalogue.call("datastore_create", rows, user="boss")["resource_id"]

        def found(**params: str) -> list[str]:
            answer = catalogue.call("datastore_search", {"resource_id": table, **params})
            return [record["stop"] for record in answer["records"]]

        assert found(q="a") == []
        assert found(q="the bus") == ["a bus", "the bus"]
        assert found(q="a", language="simple") == ["a bus"]


def test_a_dump_finds_words_too(portal: SamplePortal) -> None:
    text = "".join(portal.call(datastore_dump, resource_id=RID, q="dong", fields="_id,name").chunks)
    assert text == "_id,name\n2,Bến xe Miền Đông\n"


def test_the_released_copy_never_changes(portal: SamplePortal) -> None:
    search(portal, q="bus")
    copy = portal.home / "query" / "ben-xe.2026-11-22.1.db"
    released = portal.home / "storage" / "releases" / "ben-xe" / "2026-11-22.1" / "ben-xe.sqlite"
    assert copy.read_bytes() == released.read_bytes()
    side = list(portal.home.glob("query/ben-xe.2026-11-22.1.*.words"))
    assert len(side) == 1
    removed = portal.files.tables.clean([], older_than_seconds=-5)
    assert {path.name for path in (copy, *side)} <= {path.name for path in removed}
    assert ids(portal, q="bus") == [2, 3]


def test_an_index_is_made_once_however_many_ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "a.db"
    with sqlite3.connect(source) as database:
        database.execute("CREATE TABLE t (x TEXT)")
        database.execute("INSERT INTO t VALUES ('một')")
    database.close()
    made = []
    build = word_index.build
    monkeypatch.setattr(word_index, "build", lambda *args, **kw: (made.append(1), build(*args, **kw)))
    indexes = word_index.WordIndexes()
    ask = lambda: indexes.wanted(source, tmp_path / "a.words", table="t", columns=["x"])  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
    assert (tmp_path / "a.words").exists()


def test_who_cannot_wait_is_told_to_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    monkeypatch.setattr(word_index, "WAIT_SECONDS", 0.05)
    monkeypatch.setattr(word_index, "build", lambda *_, **__: go_on.wait(10))
    with pytest.raises(ValidationError, match="being indexed"):
        word_index.WordIndexes().wanted(tmp_path / "a.db", tmp_path / "a.words", table="t", columns=["x"])
    go_on.set()


# ---- properties ----------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["bus", "Đông", "dong", "bến", "BEN", "xe", "metro", "1", "o'x", "a-b"])
TEXTS = st.lists(WORDS, max_size=5).map(" ".join)


def words_of(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in folded(text)).split()


def matches(expression: str, rows: list[str]) -> list[int]:
    with sqlite3.connect(":memory:") as database:
        word_index.create_words(database, ["c0"])
        sql = f"INSERT INTO words (rowid, c0) VALUES (?, {word_index.words_sql('?')})"
        database.executemany(sql, list(enumerate(rows)))
        found = database.execute("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid", (expression,)).fetchall()
    database.close()
    return [row[0] for row in found]


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(TEXTS, max_size=8), asked=st.lists(WORDS, min_size=1, max_size=3))
def test_plain_words_find_what_a_plain_filter_finds(rows: list[str], asked: list[str]) -> None:
    wanted = [word for word in asked if words_of(word)]
    expected = []
    for number, row in enumerate(rows):
        spoken = f" {' '.join(words_of(row))} "
        if all(f" {' '.join(words_of(word))} " in spoken for word in wanted):
            expected.append(number)
    assert matches(plain_query(" ".join(asked)).expression, rows) == expected


TREES = st.recursive(
    st.sampled_from(["bus", "ben", "xe", "metro"]),
    lambda inner: st.one_of(
        inner.map(lambda tree: ("!", tree)),
        st.tuples(st.sampled_from("&|"), inner, inner),
    ),
    max_leaves=6,
)


def written(tree) -> str:
    if isinstance(tree, str):
        return tree
    return f"!({written(tree[1])})" if tree[0] == "!" else f"({written(tree[1])} {tree[0]} {written(tree[2])})"


def holds(tree, words: list[str]) -> bool:
    if isinstance(tree, str):
        return tree in words
    if tree[0] == "!":
        return not holds(tree[1], words)
    both = holds(tree[1], words), holds(tree[2], words)
    return all(both) if tree[0] == "&" else any(both)


@settings(max_examples=80, deadline=None)
@given(rows=st.lists(TEXTS, min_size=1, max_size=8), tree=TREES)
def test_structured_queries_mean_what_logic_says(rows: list[str], tree) -> None:
    query = structured_query(written(tree))
    found = set(matches(query.expression, rows))
    expected = {number for number, row in enumerate(rows) if holds(tree, words_of(row))}
    assert (set(range(len(rows))) - found if query.is_negated else found) == expected


def test_answers_are_json(portal: SamplePortal) -> None:
    assert json.loads(json.dumps(search(portal, q="bus")))["q"] == "bus"
