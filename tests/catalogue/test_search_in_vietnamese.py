"""What people type in Vietnamese, and what they find first."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from datetime import date
from pathlib import Path

import pytest
from samples.portal_on_disk import SamplePortal, id_of, open_portal
from samples.vietnamese_catalogue import Query, queries, vietnamese_portal

from catalogue.model import Group, GroupSuccession, NameRedirect
from catalogue.search.package_search import SearchIndex, package_search
from catalogue.search.spelling import spelled, typed
from catalogue.search.synonyms import Synonym, SynonymsError, build_lexicon, read_synonyms, shipped_synonyms

REAL_TITLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "catalogue"
EXPECTED_FIRST = 118  # of 120; see the sample file


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory):
    portal = vietnamese_portal(tmp_path_factory.mktemp("city"))
    yield portal
    portal.search.close()
    portal.store.close()


@pytest.fixture
def own(tmp_path: Path):
    portal = open_portal(tmp_path)
    yield portal
    portal.search.close()
    portal.store.close()


def titles(portal: SamplePortal, text: str, **params) -> list[str]:
    return [package["title"] for package in portal.call(package_search, q=text, **params)["results"]]


@pytest.mark.slow
def test_people_find_first_what_they_expect(city: SamplePortal) -> None:
    asked = list(queries())
    assert len(asked) == 120
    missed = defaultdict(list)
    for query in asked:
        if not is_first(city, query):
            missed[query.kind].append(query.text)
    assert len(asked) - sum(map(len, missed.values())) >= EXPECTED_FIRST, dict(missed)


def is_first(portal: SamplePortal, query: Query) -> bool:
    found = titles(portal, query.text, rows=1)
    return bool(found) and found[0] in query.expected


def test_every_expected_title_exists(city: SamplePortal) -> None:
    there = set(titles(city, "", rows=1000))
    assert len(there) >= 150
    assert {title for query in queries() for title in query.expected} <= there


@pytest.mark.parametrize(
    ("one", "other"),
    [("hòa", "hoà"), ("Ủy ban", "Uỷ ban"), ("qúy", "quý"), ("KHỎE", "KHOẺ"), ("tòan", "toàn"), ("o\u0300a", "oà")],
)
def test_tone_marks_have_one_place(one: str, other: str) -> None:
    assert spelled(one) == spelled(other)


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        *[("ddaats", "đất"), ("dduwowngf", "đường"), ("truwowngf", "trường"), ("nguwowif", "người"), ("daan", "dân")],
        *[("d9at61", "đất"), ("gia1", "giá"), ("truong7", "trương"), ("hoachj", "hoạch"), ("duocwj", None)],
        *[("bus", "bú"), ("class", None), ("quy", None), ("2024", None), ("đất", None), ("x", None)],
    ],
)  # fmt: skip
def test_keys_typed_without_the_input_method_are_read(keys: str, word: str | None) -> None:
    assert typed(keys) == word


def test_other_names_rank_below_the_words_themselves(own: SamplePortal) -> None:
    own.add_dataset("new", title="Dân cư phường Sài Gòn", notes="x")
    own.add_dataset("old", title="Dân cư phường Bến Nghé", notes="x")
    assert titles(own, "phường Bến Nghé") == ["Dân cư phường Bến Nghé", "Dân cư phường Sài Gòn"]
    assert titles(own, "phường Sài Gòn") == ["Dân cư phường Sài Gòn", "Dân cư phường Bến Nghé"]
    assert titles(own, '"phường Bến Nghé"') == ["Dân cư phường Bến Nghé"]


def test_accents_that_were_typed_must_fit_the_other_name() -> None:
    lexicon = build_lexicon([Synonym("phường Bến Nghé", "phường Sài Gòn", "ward")])
    assert lexicon.longest(["ben", "nghe"])[0] == 2
    assert lexicon.longest(["bến", "nghe"])[0] == 2
    assert lexicon.longest(["bền", "nghe"]) == (0, ())


def test_a_slip_counts_only_where_the_word_is_unknown(own: SamplePortal) -> None:
    own.add_dataset("budget", title="Ngân sách")
    own.add_dataset("shelf", title="Ngăn xếp")
    assert titles(own, "ngan") == ["Ngăn xếp", "Ngân sách"]
    assert titles(own, "ngann sachh") == ["Ngân sách"]
    assert titles(own, "sact2024") == []


def test_the_operator_adds_names(tmp_path: Path) -> None:
    table = tmp_path / "names.csv"
    table.write_text("\ufeffold,new,kind\nChợ Lớn cũ,Trung tâm Hoa kiều\n,,\n# a remark\n", encoding="utf-8")
    portal = open_portal(tmp_path / "home", synonyms=table)
    portal.add_dataset("x", title="Trung tâm Hoa kiều")
    assert titles(portal, "cho lon cu") == ["Trung tâm Hoa kiều"]
    portal.search.close()
    portal.store.close()


@pytest.mark.parametrize("content", ["old,new\nalone\n", "a,b,nonsense\n", "a,\n", b"\xff\xfe\xfa"])
def test_a_table_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, content: str | bytes) -> None:
    table = tmp_path / "names.csv"
    table.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SynonymsError, match=r"names\.csv.*Cure"):
        read_synonyms(table)
    with pytest.raises(SynonymsError):
        read_synonyms(tmp_path / "absent.csv")


def test_renamed_and_succeeded_agencies_are_found_by_their_former_names(own: SamplePortal) -> None:
    own.add_group("so-cu", "Sở Hải đăng")
    own.add_group("so-moi", "Sở Biển đảo")
    own.add_dataset("lights", title="Đèn biển", organization="so-moi")
    assert titles(own, "sở hải đăng") == []
    own.search.close()
    with own.store.write() as session:
        session.add(
            GroupSuccession(
                predecessor_id=id_of("so-cu"), successor_id=id_of("so-moi"), kind="merged", on=date(2025, 3, 1)
            )
        )
        session.add(NameRedirect(kind="group", name="so-ra-khoi", target_id=id_of("so-moi"), at=own.clock))
        session.get(Group, id_of("so-moi")).extras = {"former_titles": "Ty Hàng hải\nSở Ra khơi"}
    own.search = SearchIndex(own.settings, own.store)
    assert titles(own, "sở hải đăng") == titles(own, "ty hang hai") == ["Đèn biển"]
    assert titles(own, "*:*", fq="organization:so-ra-khoi") == ["Đèn biển"]
    assert titles(own, "*:*", fq="organization:so-cu") == []


def test_shipped_tables_lead_somewhere_else() -> None:
    assert len(shipped_synonyms()) > 600
    lexicon = build_lexicon(shipped_synonyms())
    assert dict(lexicon.longest(["tphcm"])[1])["Thành phố Hồ Chí Minh"] == 0.8
    assert "Phường Nhiêu Lộc" in dict(lexicon.longest(["phường", "9", "quận", "3"])[1])
    assert "Phường Nhiêu Lộc" in dict(lexicon.longest(["P9,", "Q3"])[1])
    assert "Phường Bảy Hiền" in dict(lexicon.longest(["phuong", "11", "tan", "binh"])[1])
    assert "tỉnh Phú Thọ" in dict(lexicon.longest(["tỉnh", "Hoà", "Bình"])[1])


@pytest.mark.slow
def test_real_titles_are_found_by_themselves(own: SamplePortal) -> None:
    path = REAL_TITLES / "tokyo_ckan_packages_a.ndjson.gz"
    dump = REAL_TITLES / "opendata_dc_gov_data_json_2020-11.json.gz"
    if not (path.exists() and dump.exists()):
        pytest.skip("real titles lie beside the checkout, in ../shared/data/catalogue")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[:150]
    found = [json.loads(line)["title"] for line in lines]
    found += [dataset["title"] for dataset in json.loads(gzip.decompress(dump.read_bytes()))["dataset"]][:350]
    for number, title in enumerate(dict.fromkeys(found)):
        own.add_dataset(f"real-{number}", title=title)
    asked = list(dict.fromkeys(found))[::5]
    first = [title for title in asked if titles(own, title.replace(":", " "), rows=1) == [title]]
    assert len(first) >= 0.95 * len(asked), sorted(set(asked) - set(first))
