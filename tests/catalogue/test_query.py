"""The query language: precedence, ranges, date math, and text that is not in the language."""

from __future__ import annotations

from datetime import datetime

import pytest

from catalogue.search.query import (
    Group,
    MatchAll,
    Node,
    Occur,
    Pattern,
    Phrase,
    QuerySyntaxError,
    Range,
    Term,
    Wild,
    has_local_parameters,
    parse_filter,
    parse_instant,
    parse_lucene,
    parse_plain,
    parse_search,
)

NOW = datetime(2026, 3, 31, 15, 42, 10, 123456)


def shown(node: Node) -> str:
    """Write a tree the short way that Lucene explains queries."""
    if isinstance(node, MatchAll):
        return "*:*"
    if isinstance(node, Group):
        return " ".join(
            occur.value + (f"({shown(n)})" if isinstance(n, Group) else shown(n)) for occur, n in node.clauses
        )
    prefix = f"{node.field}:" if node.field else ""
    if isinstance(node, Term):
        return prefix + node.text
    if isinstance(node, Phrase):
        return f'{prefix}"{node.text}"' + (f"~{node.slop}" if node.slop else "")
    if isinstance(node, Pattern):
        return prefix + "".join(p.value if isinstance(p, Wild) else p for p in node.pieces)
    return f"{prefix}{'[' if node.include_low else '{'}{node.low} TO {node.high}{']' if node.include_high else '}'}"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("t:a b", "+t:a +b"),
        ("a OR b", "a b"),
        ("a OR b c", "a b +c"),
        ("a AND b OR c", "+a b c"),
        ("x OR y AND z", "x +y +z"),
        ("a && b || c", "+a b c"),
        ("NOT a", "+*:* -a"),
        ("-a", "+*:* -a"),
        ("a NOT b", "+a -b"),
        ("a AND NOT b", "+a -b"),
        ("a !b", "+a -b"),
        ("tags:(a b)", "+tags:a +tags:b"),
        ("tags:(a OR b)", "tags:a tags:b"),
        ("(groups:a OR groups:b)", "groups:a groups:b"),
        ('res_format:("WMS" OR "Esri REST")', 'res_format:"WMS" res_format:"Esri REST"'),
        ("theme-primary:government AND license_id:(uk-ogl OR cc-by)", "+theme-primary:government +(license_id:uk-ogl license_id:cc-by)"),
        ('-organization:"x"', '+*:* -organization:"x"'),
        ("organization:x AND -tags:y", "+organization:x -tags:y"),
        ("+state:draft", "state:draft"),
        ("title:x^2 notes:y~", "+title:x +notes:y"),
        ('title:"bus stops"~3', 'title:"bus stops"~3'),
        ("title:bus*", "title:bus*"),
        ("name:*bus?", "name:*bus?"),
        ("res_url:*", "res_url:*"),
        ("*:*", "*:*"),
        ("*:* -notes:[* TO *]", "+*:* -notes:[None TO None]"),
        ("a:[1 TO 5}", "a:[1 TO 5}"),
        ("metadata_modified:[NOW-30DAYS TO *]", "metadata_modified:[NOW-30DAYS TO None]"),
        ("metadata_modified:[2024-01-01T00:00:00Z TO *]", "metadata_modified:[2024-01-01T00:00:00Z TO None]"),
        (r"title:a\:b", "title:a:b"),
        (r"url:a\*b", "url:a*b"),
        ("id:1b4e28ba-2fa1-11d2-883f-0016d3cca427", "id:1b4e28ba-2fa1-11d2-883f-0016d3cca427"),
        ("tags:giao-thông", "tags:giao-thông"),
        ("ORANGE:x ANDES", "+ORANGE:x +ANDES"),
    ],
)  # fmt: skip
def test_classic_precedence_is_kept(text: str, meaning: str) -> None:
    assert shown(parse_lucene(text)) == meaning


@pytest.mark.parametrize(
    "text", ["a:b:c", 'title:"open', "(a", "a)", "a:", "AND a", "a OR", "x:[1 2]", "http://a.vn/x?y=[1", "()", "a:^2"]
)
def test_text_outside_the_language_becomes_plain_words(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse_lucene(text)
    assert isinstance(parse_filter(text), Group | MatchAll)


def test_a_pasted_address_is_searched_as_words() -> None:
    assert shown(parse_search("http://data.gov.vn/dataset")) == "http data gov vn dataset"


@pytest.mark.parametrize("text", ["", "  ", "*", "*:*", '""', "''"])
def test_nothing_asked_means_everything(text: str) -> None:
    assert parse_search(text) == MatchAll()
    assert parse_filter(text) == MatchAll()


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("xe buýt", "xe buýt"),
        ("a AND b", "a AND b"),
        ('+xe -"tàu hoả" buýt', '+xe -"tàu hoả" buýt'),
        ("-a", "+*:* -a"),
        ("bus*", "bus*"),
        ('un"closed', "un closed"),
        ("+ -", "+ -"),
    ],
)
def test_plain_language_has_no_operators_but_signs(text: str, meaning: str) -> None:
    assert shown(parse_search(text)) == meaning
    assert isinstance(parse_plain("bus*"), Group)


def test_deep_nesting_is_answered_with_words() -> None:
    assert isinstance(parse_filter("(" * 5000 + "a:b" + ")" * 5000), Group)


def test_quoted_values_may_hold_anything() -> None:
    assert parse_lucene('name:"a (b) [c] OR: \\"d\\""') == Phrase("name", 'a (b) [c] OR: "d"')


def test_wildcards_are_live_only_unescaped() -> None:
    assert parse_lucene(r"name:a\*b*") == Pattern("name", ("a*b", Wild.ANY))


def test_range_ends_are_null_when_open() -> None:
    assert parse_lucene("d:{* TO 5]") == Range("d", None, "5", include_low=False, include_high=True)


@pytest.mark.parametrize("text", ["{!lucene}x", "title:x _query_:y", "_val_:z"])
def test_other_parsers_are_recognised(text: str) -> None:
    assert has_local_parameters(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("NOW", "2026-03-31T15:42:10.123456"),
        ("NOW-30DAYS", "2026-03-01T15:42:10.123456"),
        ("NOW-1MONTH", "2026-02-28T15:42:10.123456"),
        ("NOW+1YEAR", "2027-03-31T15:42:10.123456"),
        ("NOW/DAY-7DAYS", "2026-03-24T00:00:00"),
        ("NOW/MONTH", "2026-03-01T00:00:00"),
        ("NOW/YEAR+2HOURS", "2026-01-01T02:00:00"),
        ("NOW/SECOND-5MILLISECONDS", "2026-03-31T15:42:09.995000"),
        ("2024-01-01T00:00:00Z", "2024-01-01T00:00:00"),
        ("2024-01-01T00:00:00.5Z+1DAY", "2024-01-02T00:00:00.500000"),
        ("2024-02", "2024-02-01T00:00:00"),
        ("2024", "2024-01-01T00:00:00"),
        ("2024-01-01/YEAR", "2024-01-01T00:00:00"),
    ],
)
def test_date_math(text: str, expected: str) -> None:
    assert parse_instant(text, now=NOW) == datetime.fromisoformat(expected)


@pytest.mark.parametrize("text", ["", "yesterday", "NOW-3WEEKS", "2024-13-01", "NOW+99999YEARS", "NOW-99999999999DAYS"])
def test_no_instant_is_an_error(text: str) -> None:
    with pytest.raises(QuerySyntaxError):
        parse_instant(text, now=NOW)


def test_occur_signs_are_lucenes() -> None:
    assert [o.value for o in Occur] == ["+", "", "-"]
