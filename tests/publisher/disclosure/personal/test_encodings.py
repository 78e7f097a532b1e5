from __future__ import annotations

import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import traps
from made.worlds import HELD_OUT, TUNING

from publisher.disclosure.personal.encodings import repair, repair_text, repair_with_places

SPOILT = {
    "tcvn3": traps.to_tcvn3,
    "vni": traps.to_vni,
    "viqr": traps.to_viqr,
    "cp1258": traps.to_cp1258_read_as_cp1252,
    "utf8": traps.to_utf8_read_as_cp1252,
    "utf8 twice": lambda text: traps.to_utf8_read_as_cp1252(traps.to_utf8_read_as_cp1252(text)),
    "nfd": lambda text: unicodedata.normalize("NFD", text),
}
NAMES = st.tuples(
    st.sampled_from(TUNING.surnames + HELD_OUT.surnames),
    st.sampled_from(TUNING.middles + HELD_OUT.middles),
    st.sampled_from(TUNING.given + HELD_OUT.given),
).map(" ".join)


def spelt(text: str) -> str:
    """Capitals with tones have no code of their own in TCVN3, so a capital letter may come back small."""
    return unicodedata.normalize("NFC", text).lower()


@pytest.mark.parametrize("how", SPOILT)
@settings(deadline=None, max_examples=40)
@given(names=st.lists(NAMES, min_size=8, max_size=12).filter(lambda names: sum(not n.isascii() for n in names) >= 5))
def test_columns_come_back_as_they_were_meant(how: str, names: list[str]) -> None:
    repaired = repair(pa.array([SPOILT[how](name) for name in names])).to_pylist()
    assert [spelt(name) for name in repaired] == [spelt(name) for name in names]


@pytest.mark.parametrize("how", SPOILT)
def test_a_text_comes_back_with_the_places_of_its_letters(how: str) -> None:
    text = "Người nộp: Nguyễn Thị Hường, thường trú tại Quảng Ngãi"
    spoilt = SPOILT[how](text)
    repaired, places = repair_with_places(spoilt)
    assert spelt(repaired) == spelt(text)
    assert len(places) == len(repaired) + 1
    assert places == sorted(places)
    assert places[-1] == len(spoilt)
    assert repair_text(spoilt) == repaired
    start = repaired.index("thường")
    assert SPOILT[how]("thường") == spoilt[places[start] : places[start + len("thường")]]


def test_capitals_of_tcvn3_are_capitals_again() -> None:
    assert repair_text(traps.to_tcvn3("NGUYỄN VĂN ĐƯỜNG")) == "NGUYỄN VĂN ĐƯỜNG"


@pytest.mark.parametrize(
    "text",
    [
        "François Müller", "São Paulo", "Löffel größe", "25µm ¼ ½", "5° ± 3 £ 20 § 3", "a+b=c (x^2)", "hello (a) world. What? Is it' ok~",
        "Đắk Lắk, Krông Búk, Pleiku", "Kpă H'Nhép", "hoà bình thuỷ", "Nguyen Van A.", "lan.anh@gmail.com", "", "Trà", "d-day",
    ],
)  # fmt: skip
def test_sound_texts_are_left_alone(text: str) -> None:
    assert repair_text(text) == text
    assert repair(pa.array([text, None])).to_pylist() == [text, None]


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_keeps_places_for_all_its_letters(text: str) -> None:
    repaired, places = repair_with_places(text)
    assert len(places) == len(repaired) + 1
    assert places == sorted(places)
    assert places[-1] == len(text)
