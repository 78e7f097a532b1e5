from __future__ import annotations

import re
import string
from pathlib import Path

from markupsafe import Markup

import cityportal
from cityportal.languages import Text, language_of_path, messages, translate

PACKAGE = Path(cityportal.__file__).parent
SOURCES = [*PACKAGE.rglob("*.py"), *(PACKAGE / "templates").rglob("*.*")]
CODE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


def test_both_languages_have_the_same_keys():
    assert messages("vi").keys() == messages("en").keys()


def test_both_languages_fill_in_the_same_values():
    def names(entry):
        text = entry if isinstance(entry, str) else entry["other"]
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    assert [key for key in messages("vi") if names(messages("vi")[key]) != names(messages("en")[key])] == []


def test_no_text_is_empty_or_something_else_than_text():
    for language in ("vi", "en"):
        for entry in messages(language).values():
            texts = [entry] if isinstance(entry, str) else list(entry.values())
            assert all(isinstance(text, str) and text for text in texts)


def test_no_key_is_unused():
    # A key is used when it stands whole in the code, or when the code builds it from a prefix that ends with a dot.
    whole = set(re.findall(r"""["']([a-z][\w-]*(?:\.[\w-]+)+)["']""", CODE))
    prefixes = set(re.findall(r"""["']([a-z][\w-]*(?:\.[\w-]+)*\.)["'{]""", CODE))
    built = {pattern for pattern in re.findall(r"""f["']([a-z][\w-]*\.[^"' ]*)["']""", CODE) if "{" in pattern}
    patterns = [re.compile(re.sub(r"\\\{[^}]*\\\}", ".+", re.escape(pattern))) for pattern in built]
    steps = {key for key in messages("vi") if key.startswith("steps.")}  # f"{named}.title" and the like
    unused = {
        key
        for key in messages("vi").keys() - whole - steps
        if not any(key.startswith(prefix) for prefix in prefixes) and not any(p.fullmatch(key) for p in patterns)
    }
    assert unused == set()


def test_every_key_that_the_templates_name_exists():
    templates = "\n".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "templates").rglob("*.html"))
    named = set(re.findall(r"""\bt\("([\w.-]+[\w])"[,)]""", templates))
    assert named - messages("vi").keys() == set()


def test_no_vietnamese_stands_in_code_or_templates():
    # The settings name the city, which is data.
    letters = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯ\u1ea0-\u1ef9]")
    assert [
        path.name for path in SOURCES if path.name != "settings.py" and letters.search(path.read_text(encoding="utf-8"))
    ] == []


def test_numbers_and_dates_are_written_as_the_language_writes_them():
    assert translate("vi", "dataset.rows", count=812440) == "812.440 dòng"
    assert translate("en", "dataset.rows", count=812440) == "812,440 rows"
    assert translate("en", "dataset.rows", count=1) == "1 row"


def test_markup_stays_markup_and_the_rest_is_escaped():
    assert translate("en", "search.title_for", text=Markup("<b>x</b>")) == "Search for “<b>x</b>”"
    assert "<" not in str(Markup.escape(translate("en", "search.title_for", text="<b>")))


def test_english_lives_under_en_only():
    assert [language_of_path(path) for path in ("/", "/en", "/en/dataset", "/entry", "/dataset/en")] == [
        *("vi", "en", "en", "vi", "vi")
    ]


def test_a_text_falls_back_to_the_other_language_and_says_so():
    assert Text("Phường", "").written_in("en") == ("Phường", "vi")
    assert Text("Phường", "Ward").written_in("en") == ("Ward", "en")
