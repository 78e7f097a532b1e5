"""The fast language never accepts what Frictionless refuses, and is wide enough to be fast."""

from __future__ import annotations

import re
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.validation.judge import judges_of
from publisher.validation.layouts import fixed_layout
from publisher.validation.patterns import re2_pattern
from publisher.validation.proofs import proof_for

SAFE = [
    "[A-Z]{2}[0-9]{3}",
    "a|b",
    r"\d{12}",
    r"(?:HCM|HN)-\d+",
    "x*?y",
    "Đường [A-Z]+",
    r"\w+@\w+\.vn",
    r"[\w.-]+",
    "",
    "^a$",
]
UNSAFE = [
    r"\D",
    r"[^a]",
    "(?i)a",
    "(?=a)a",
    r"\bx",
    "a*+",
    "x{,3}",
    r"(a)\1",
    "[[:alpha:]]",
    "[a--b]",
    r"\Aa",
    "(?P<n>a)",
    r"\x41",
]
LETTERS = st.text(st.sampled_from("aAbxyzHCMN0123456789Đường Z-@.vn_٣é\n[]:"), max_size=12)


@pytest.mark.parametrize("pattern", UNSAFE)
def test_patterns_that_mean_more_to_re2_are_left_to_python(pattern):
    assert re2_pattern(pattern) is None


@pytest.mark.parametrize("pattern", SAFE)
def test_ordinary_patterns_are_proven_by_re2(pattern):
    assert re2_pattern(pattern) is not None


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(SAFE), st.lists(LETTERS | st.from_regex("|".join(SAFE[:8])), min_size=1))
def test_what_re2_accepts_python_accepts(pattern, texts):
    accepted = pc.match_substring_regex(pa.array(texts), re2_pattern(pattern)).to_pylist()
    judge = re.compile(f"^{pattern}$")
    assert all(judge.match(text) for text, yes in zip(texts, accepted, strict=True) if yes)


def parsed(text: str, pattern: str) -> datetime | None:
    try:
        return datetime.strptime(text, pattern)
    except ValueError:
        return None


FORMATS = ["%Y-%m-%d", "%d/%m/%Y", "%Y%m%d", "%d/%m/%Y %H:%M", "%Y-%m-%dT%H:%M:%S.%f", "%m/%Y", "%H:%M"]


@pytest.mark.slow
@settings(deadline=None)
@given(st.sampled_from(FORMATS), st.lists(st.tuples(*[st.integers(0, 99)] * 7), min_size=1))
def test_a_layout_reads_as_strptime_reads(pattern, numbers):
    names = ("%d", "%m", "%H", "%M", "%S")
    texts = []
    for year, *rest in numbers:
        text = pattern.replace("%Y", f"{year * 103 % 10_000:04}").replace("%f", f"{year:06}")
        for name, number in zip(names, rest, strict=False):
            text = text.replace(name, f"{number % 33:02}")
        texts.append(text)
    proven, micros = fixed_layout(pattern).read(pa.array([*texts, None]))
    assert not proven[-1]
    for text, yes, micro in zip(texts, proven, micros, strict=False):
        expected = parsed(text, pattern)
        assert yes == (expected is not None)
        if yes:
            assert pa.scalar(int(micro), pa.timestamp("us")).as_py() == expected


@pytest.mark.parametrize(
    "pattern", ["%d/%m/%y", "%j", "%d %B %Y", "%Y-%m-%dT%H:%M:%S%z", "%%Y", "ngày %d", "%Y%Y", "", "2026"]
)
def test_formats_without_a_fixed_width_have_no_layout(pattern):
    assert fixed_layout(pattern) is None


@pytest.mark.parametrize(
    ("field", "texts"),
    [
        ({"type": "integer"}, ["0", "-12", "123456789012345678"]),
        ({"type": "integer", "bareNumber": False}, ["0", "-12"]),
        ({"type": "number"}, ["0", "-1.25", "106.66017200000001"]),
        ({"type": "number", "groupChar": ".", "decimalChar": ","}, ["1.234,5", "-7", "1.234.567"]),
        ({"type": "date"}, ["2026-11-22"]),
        ({"type": "date", "format": "%d/%m/%Y"}, ["22/11/2026"]),
        ({"type": "datetime"}, ["2026-11-22T10:00:00", "2026-11-22 10:00:00", "2026-11-22T10:00:00.123456Z", "2026-11-22 10:00:00+07:00"]),
        ({"type": "any"}, ["a", "1"]),
        ({"type": "list"}, ["a,b", "a"]),
        ({"type": "time"}, ["10:00:00", "23:59:59"]),
        ({"type": "geopoint"}, ["105.85,21.03", "-0.5, 0", "180,-90"]),
        ({"type": "string", "format": "uuid"}, ["0095a83c-c27f-45e8-9b0f-ee1d8a6ac1f0"]),
        ({"type": "string", "constraints": {"minLength": 2, "maxLength": 6, "pattern": r"\w+"}}, ["ab", "abcdef"]),
    ],
)  # fmt: skip
def test_everyday_values_need_no_judge(define, field, texts):
    proof = proof_for(judges_of(define([{"name": "v", **field}]))[0], is_key=False)
    assert proof(pa.array(texts))[0].all()


PARTS = st.sampled_from(
    ["0", "-0", "1.50", "-0.5", "105.85", "180", "181", "-90.000001", "007", "1e2", ".5", "90", " 1", ""]
)


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(
        st.builds(lambda a, sign, b: f"{a}{sign}{b}", PARTS, st.sampled_from([",", ", ", " ,", ",,"]), PARTS),
        min_size=1,
    )
)
def test_proven_points_are_read_and_written_as_by_the_judge(define, texts):
    judge = judges_of(define([{"name": "v", "type": "geopoint"}]))[0]
    proven, values = proof_for(judge, is_key=True)(pa.array(texts))
    for text, yes, value in zip(texts, proven, values.to_pylist(), strict=True):
        verdict = judge.judge(text)
        assert not yes or (verdict.value == value and not verdict.type_error and verdict.identity is None)
