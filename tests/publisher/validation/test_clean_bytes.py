"""A claim that texts are clean is never wrong."""

from __future__ import annotations

import unicodedata

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from publisher.validation.clean_bytes import are_clean

CERTAIN = [*range(0x300), *range(0x1E00, 0x1F00)]


def cleaned(texts: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.utf8_normalize(pc.replace_substring(texts, "\u00a0", " "), form="NFC"))


@pytest.mark.slow
def test_what_is_certain_does_not_change_in_cleaning_alone_or_side_by_side() -> None:
    for code in CERTAIN:
        letter = chr(code)
        assert unicodedata.combining(letter) == 0
        for text in (letter, f"a{letter}", f"{letter}a", f"{letter}ế", f"ơ{letter}"):
            values = pa.array([text])
            assert not are_clean(values) or cleaned(values).equals(values), hex(code)


@pytest.mark.parametrize(
    "text",
    [
        "e\u0302",
        "ẽ\u0301",
        "a\u00a0b",
        " a",
        "a\n",
        "\u3000a",
        "a\u2003",
        "a\u0085",
        "\u1680a",
        "한",
        "\u212b",
        "½\u00a0",
    ],
)
def test_what_may_change_is_never_certain(text: str) -> None:
    assert not are_clean(pa.array(["đường", text, None]))


def test_usual_texts_are_certain() -> None:
    texts = pa.array(
        ["Đề nghị xử lý “ngay”".replace("“", '"').replace("”", '"'), "", None, "Nguyễn Huệ", "12 m²", "a\nb"]
    )
    assert are_clean(texts)
    assert are_clean(pa.array(["  ", "ưu tiên"]).slice(1))
    assert are_clean(pa.array([], pa.string()))
    assert are_clean(pa.nulls(3, pa.string()))
