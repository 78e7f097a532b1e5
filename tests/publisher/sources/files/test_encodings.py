"""Every Vietnamese letter through every encoding, and words that were read in the wrong one."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from samples.source_reader import Read

from publisher.errors import SourceError
from publisher.sources.files.encodings.decoding import decode, vietnamese_letters
from publisher.sources.files.encodings.recognition import is_syllable, likely_encoding, likely_misreading

VOWELS = "aăâeêioôơuưy"
LETTERS = [
    unicodedata.normalize("NFC", vowel + tone) for vowel in VOWELS for tone in ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")
] + ["đ"]  # fmt: skip
SMALL = [letter for letter in LETTERS if not letter.isascii()]
BOTH = [*SMALL, *(letter.upper() for letter in SMALL)]
TEXT = (
    "Ủy ban nhân dân phường Bến Nghé, đường Lê Lợi\nSở Giáo dục và Đào tạo\nHọ và tên chủ hộ kinh doanh\n"
    "Quận Gò Vấp, tỉnh Thừa Thiên Huế\nđiểm tiếp nhận hồ sơ trực tuyến\n"
)


def encoded(text: str, encoding: str) -> bytes:
    codes = {letter: code for code, letter in vietnamese_letters(encoding).items()}
    return b"".join(codes[letter] if letter in codes else letter.encode("ascii") for letter in text)


def windows_1258(text: str) -> bytes:
    """Encode as Windows does: the vowel with its shape, then the tone."""
    data = b""
    for letter in text:
        apart = unicodedata.normalize("NFD", letter)
        tones = "".join(sign for sign in apart if sign in "\u0300\u0301\u0303\u0309\u0323")
        shape = unicodedata.normalize("NFC", "".join(sign for sign in apart if sign not in tones))
        data += (shape + tones).encode("cp1258")
    return data


def viqr(text: str) -> bytes:
    signs = {
        "\u0306": "(",
        "\u0302": "^",
        "\u031b": "+",
        "\u0301": "'",
        "\u0300": "`",
        "\u0309": "?",
        "\u0303": "~",
        "\u0323": ".",
    }
    written = ""
    for letter in text:
        apart = unicodedata.normalize("NFD", letter)
        shapes = "".join(signs[sign] for sign in apart[1:] if sign in "\u0306\u0302\u031b")
        tones = "".join(signs[sign] for sign in apart[1:] if sign not in "\u0306\u0302\u031b")
        written += {"đ": "dd", "Đ": "DD"}.get(letter, apart[0] + shapes + tones)
    return written.encode("ascii")


@pytest.mark.parametrize("encoding", ["viscii", "vni"])
@pytest.mark.parametrize("letter", BOTH)
def test_every_letter_comes_back(encoding: str, letter: str) -> None:
    assert decode(b"x" + encoded(letter, encoding) + b"x", encoding) == f"x{letter}x"


@pytest.mark.parametrize("letter", BOTH)
def test_every_letter_comes_back_from_windows_1258_and_viqr(letter: str) -> None:
    assert decode(windows_1258(f"x{letter}x"), "windows-1258") == f"x{letter}x"
    assert decode(viqr(f"x{letter}x"), "viqr") == f"x{letter}x"


@pytest.mark.parametrize("letter", SMALL)
def test_every_letter_comes_back_from_both_fonts_of_tcvn3(letter: str) -> None:
    code = encoded(letter, "tcvn3")
    assert len(code) == 1
    assert decode(b"x" + code, "tcvn3") == f"x{letter}"
    assert decode(b"x" + code, "tcvn3-capitals") == f"X{letter.upper()}"


def test_known_lines_of_each_encoding() -> None:
    line = "Cộng hòa xã hội chủ nghĩa Việt Nam"
    assert decode(b"C\xe9ng h\xdfa x\xb7 h\xe9i ch\xf1 ngh\xdca Vi\xd6t Nam", "tcvn3") == line
    assert decode(b"Co\xe4ng ho\xf8a xa\xf5 ho\xe4i chu\xfb ngh\xf3a Vie\xe4t Nam", "vni") == line
    assert decode(b"Co^.ng ho`a xa~ ho^.i chu? nghi~a Vie^.t Nam", "viqr") == line
    assert decode(b"C\xf4\xf2ng ho\xcca xa\xde h\xf4\xf2i chu\xd2 nghi\xdea Vi\xea\xf2t Nam", "windows-1258") == line


def test_signs_around_the_letters_are_those_of_windows() -> None:
    assert decode(b"\x93H\xb5 N\xe9i\x94 \x96 \xa7", "tcvn3") == "\u201cHà Nội\u201d \u2013 Đ"
    assert decode(b"\x93Ha\xf8 No\xe4i\x94, A\xf9 \xd1", "vni") == "\u201cHà Nội\u201d, Á Đ"
    assert decode(b"cha\\. me\\? D\\d \\\\", "viqr") == "cha. me? Dd \\"


@pytest.mark.parametrize(
    ("encoding", "data"), [("vni", b"x\xf9"), ("tcvn3", b"x\xda"[:1] + b"\x81"), ("viqr", b"\xe1")]
)
def test_a_byte_without_meaning_is_refused(encoding: str, data: bytes) -> None:
    with pytest.raises(UnicodeDecodeError) as raised:
        decode(data, encoding)
    assert raised.value.start == len(data) - 1


@pytest.mark.slow
@pytest.mark.parametrize(("encoding", "theirs"), [("tcvn3", "TCVN5712-1"), ("viscii", "VISCII")])
def test_the_tables_are_those_of_the_c_library(encoding: str, theirs: str) -> None:
    program = shutil.which("iconv")
    if program is None:
        pytest.skip("iconv is not here; install the Debian package libc-bin")
    table = vietnamese_letters(encoding)
    command = [program, "-f", theirs, "-t", "UTF-8"]
    answer = subprocess.run(command, input=b"\n".join(table), capture_output=True, check=True)
    assert unicodedata.normalize("NFC", answer.stdout.decode()).split("\n") == list(table.values())


@pytest.mark.parametrize("word", ["nghiêng", "Quyển", "uỷ", "ủy", "giữa", "đường", "khuya", "yến", "thuở", "xoong"])
def test_syllables_are_known(word: str) -> None:
    assert is_syllable(word)


@pytest.mark.parametrize("word", ["Straße", "Köln", "été", "ViÖt", "tiÕp", "Néi", "hßa", "wãn", "áá"])
def test_other_words_are_none(word: str) -> None:
    assert not is_syllable(word)


@pytest.mark.parametrize("declared", ["windows-1252", "latin-1", "windows-1258", "tcvn3", "vni", "viscii"])
@pytest.mark.parametrize("true", ["tcvn3", "vni", "viscii", "windows-1258", "utf-8"])
def test_words_read_in_the_wrong_encoding_tell_the_right_one(declared: str, true: str) -> None:
    data = {"windows-1258": windows_1258, "utf-8": str.encode}.get(true, lambda text: encoded(text, true))(TEXT.lower())
    assert likely_encoding(data, declared) == ("" if declared == true else true)


@pytest.mark.parametrize(
    "text", ["Köln Straße für Bürger größe Äpfel Öl Übung Mädchen Käse", "été déjà forêt français où être"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_other_languages_are_not_taken_for_vietnamese(text: str, encoding: str) -> None:
    declared = {"cp1252": "windows-1252"}.get(encoding, encoding)
    assert likely_encoding(text.encode(encoding), declared) in {"", "utf-8"} - {declared}
    assert likely_misreading(text) == ""


class TestFiles:
    """Whole files, with their line and offset."""

    def spec(self, encoding: str) -> dict[str, Any]:
        return {"kind": "file", "location": ".", "pattern": "*.csv", "format": {"kind": "csv", "encoding": encoding}}

    def content(self) -> str:
        return "stt,ten\n" + "".join(
            f"{n},{line}\n" for n, line in enumerate(TEXT.lower().replace(",", "").splitlines())
        )

    @pytest.mark.parametrize("encoding", ["tcvn3", "vni", "viscii"])
    def test_a_file_comes_in_composed_unicode(self, read: Read, tmp_path: Path, encoding: str) -> None:
        (tmp_path / "drop.csv").write_bytes(encoded(self.content(), encoding))
        names = read(self.spec(encoding), "stt", "ten").table["ten"].to_pylist()
        assert names == TEXT.lower().replace(",", "").splitlines()

    def test_decomposed_unicode_is_composed(self, read: Read, tmp_path: Path) -> None:
        (tmp_path / "drop.csv").write_text(unicodedata.normalize("NFD", self.content()))
        assert read(self.spec("utf-8"), "stt", "ten")[1]["ten"] == "sở giáo dục và đào tạo"

    @pytest.mark.parametrize("true", ["tcvn3", "vni", "viscii"])
    def test_a_wrong_declaration_is_answered_with_the_right_one(self, read: Read, tmp_path: Path, true: str) -> None:
        (tmp_path / "drop.csv").write_bytes(encoded(self.content(), true))
        for declared in ("utf-8", "windows-1252", "latin-1"):
            with pytest.raises(SourceError, match=r"drop\.csv: line 2 is not") as raised:
                read(self.spec(declared), "stt", "ten")
            assert f"`encoding: {true}`" in raised.value.cure
            assert "byte 1" in raised.value.message

    @pytest.mark.parametrize("true", ["tcvn3", "vni", "utf-8"])
    def test_text_that_was_saved_misread_is_recognised(self, read: Read, tmp_path: Path, true: str) -> None:
        data = self.content().encode() if true == "utf-8" else encoded(self.content(), true)
        misread = "".join(bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in data)
        (tmp_path / "drop.csv").write_text(misread, encoding="utf-8")
        with pytest.raises(SourceError, match="taken for Windows-1252 and saved as Unicode") as raised:
            read(self.spec("utf-8"), "stt", "ten")
        assert true in raised.value.cure

    def test_a_byte_without_meaning_is_told_with_line_and_offset(self, read: Read, tmp_path: Path) -> None:
        (tmp_path / "drop.csv").write_bytes(b"id,name\n1,abc\n2,x\xff\n")
        with pytest.raises(SourceError, match=r"drop\.csv: line 3 is not utf-8: .* \(byte 18 of the file\)"):
            read(self.spec("utf-8"), "id", "name")
