"""The type of each field, only where every value of the whole table has it; codes stay text."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from publisher.proposal.facts import DATES, TIMES, ColumnFacts
from publisher.proposal.names import words_of

_CODE_WORDS = (
    " ma ", " mst ", " code ", " so hieu ", " ky hieu ", " fips ", " zip ", " postcode ", " zipcode ", " ma so ", " barcode ",
    " so dinh danh ", " bien so ", " dien thoai ", " phone ", " naics ", " nsn ", " id ",
)  # fmt: skip
_YEAR_WORDS = (" nam ", " year ", " nien ")
_DAY_WORDS = (" ngay ", " date ", " day ")
_AMOUNT_WORDS = (
    " so luong ",
    " so tien ",
    " tong ",
    " dien tich ",
    " gia ",
    " count ",
    " total ",
    " amount ",
    " population ",
)
_TRUTH = (
    ({"có"}, {"không"}), ({"co"}, {"khong"}), ({"yes"}, {"no"}), ({"y"}, {"n"}), ({"true"}, {"false"}), ({"đúng"}, {"sai"}),
    ({"t"}, {"f"}), ({"đạt"}, {"không đạt"}), ({"ja"}, {"nein"}),
)  # fmt: skip
_ALMOST = 0.98
_SHORT_CODE = 3


@dataclass
class TypeGuess:
    """A field's type and what goes with it in the schema, and comments for the person who finishes the draft."""

    type: str = "string"
    options: dict[str, Any] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)


def guess_type(facts: ColumnFacts, *, decimal_commas: bool) -> TypeGuess:
    """Return the type that every value has; `decimal_commas` says that other columns surely write decimals with a comma."""
    if not facts.is_text:
        return TypeGuess(_arrow_type(facts.kind))
    if not facts.values:
        return TypeGuess(comments=["the whole column is empty"])
    guess = _truth(facts) or _code(facts) or _number(facts, decimal_commas=decimal_commas) or _time(facts)
    guess = guess or TypeGuess(comments=_almost(facts))
    # `NA` among two-letter codes is Namibia.
    doubtful = {"na", "nan", "nil", "."} if guess.type == "string" and facts.longest <= _SHORT_CODE else set()
    if marks := sorted(mark for mark in facts.marks if mark.lower() not in doubtful):
        guess.options["missingValues"] = ["", *marks]
        guess.comments.append(f"{sum(facts.marks[mark] for mark in marks)} cells hold a mark for nothing")
    return guess


def writes_decimal_commas(facts: ColumnFacts) -> bool:
    """Tell whether a column surely writes its decimals with a comma."""
    return (
        facts.is_text and facts.all_are("comma") and not facts.all_are("integer") and not facts.all_are("comma_groups")
    )


def _arrow_type(kind: pa.DataType) -> str:
    tests = {
        "boolean": pa.types.is_boolean, "integer": pa.types.is_integer, "number": pa.types.is_floating, "date": pa.types.is_date,
        "datetime": pa.types.is_timestamp, "time": pa.types.is_time,
    }  # fmt: skip
    return next((name for name, test in tests.items() if test(kind)), "string")


def _truth(facts: ColumnFacts) -> TypeGuess | None:
    # `Không` alone is a word like any other; as one of two it means no.
    written = [text for text, _ in facts.few]
    for yes, no in _TRUTH:
        if len(written) >= 2 and {text.lower() for text in written} == yes | no:
            options = {
                "trueValues": sorted(text for text in written if text.lower() in yes),
                "falseValues": sorted(text for text in written if text.lower() in no),
            }
            return TypeGuess("boolean", options)
    return None


def _code(facts: ColumnFacts) -> TypeGuess | None:
    words = words_of(facts.name)
    is_day = facts.all_are("%Y%m%d") and any(word in words for word in _DAY_WORDS)
    if not facts.all_are("digits") or is_day:
        return None
    says_code = any(word in words for word in _CODE_WORDS) and not any(word in words for word in _AMOUNT_WORDS)
    if facts.forms["leading_zero"]:
        return TypeGuess(comments=["a code: some values begin with 0"])
    if facts.forms["long_digits"]:
        return TypeGuess(comments=["a code: more digits than a number holds"])
    if says_code and not words.strip().endswith(" id") and words.strip() != "id":
        return TypeGuess(comments=["a code by its name"])
    if facts.shortest == facts.longest and facts.shortest >= 5 and facts.distinct > 1:
        return TypeGuess(comments=[f"a code: always {facts.shortest} digits"])
    return None


def _number(facts: ColumnFacts, *, decimal_commas: bool) -> TypeGuess | None:
    if facts.all_are("integer"):
        return _whole(facts)
    is_point, is_comma = facts.all_are("point"), facts.all_are("comma")
    if is_point and not (decimal_commas and facts.all_are("dot_groups")):
        doubtful = facts.forms["three_digits"] and facts.all_are("dot_groups")
        return TypeGuess(
            "number", comments=["confirm: 1.234 is read as a fraction, not as a thousand"] if doubtful else []
        )
    if is_comma and (decimal_commas or not facts.all_are("comma_groups")):
        return TypeGuess("number", {"decimalChar": ","})
    if facts.all_are("dot_groups") and (decimal_commas or not facts.all_are("comma_groups")):
        return _grouped(facts, group=".", decimal=",")
    return _grouped(facts, group=",", decimal=".") if facts.all_are("comma_groups") else None


def _whole(facts: ColumnFacts) -> TypeGuess:
    words = words_of(facts.name)
    if facts.all_are("year") and any(word in words for word in _YEAR_WORDS):
        return TypeGuess("year")
    if facts.all_are("%Y%m%d") and any(word in words for word in _DAY_WORDS):
        return TypeGuess("date", {"format": "%Y%m%d"})
    return TypeGuess("integer")


def _grouped(facts: ColumnFacts, *, group: str, decimal: str) -> TypeGuess:
    options = {"groupChar": group} if decimal == "." else {"decimalChar": decimal, "groupChar": group}
    doubtful = not facts.forms["two_groups"] and facts.forms["three_digits"]
    return TypeGuess("number", dict(options), [f"confirm: `{group}` separates thousands"] if doubtful else [])


def _time(facts: ColumnFacts) -> TypeGuess | None:
    fitting = [form for form in DATES if facts.all_are(form)]
    if fitting:
        return _day(fitting)
    for form in TIMES:
        if facts.all_are(form):
            return TypeGuess("datetime", {"format": form})
    if facts.all_are("iso_moment"):
        return TypeGuess("datetime")
    clocks: dict[str, dict[str, Any]] = {
        "clock": {},
        "short_clock": {"format": "%H:%M"},
        "dotted_clock": {"format": "%H.%M.%S"},
    }
    for pattern, options in clocks.items():
        if facts.all_are(pattern):
            return TypeGuess("time", dict(options))
    return TypeGuess("yearmonth") if facts.all_are("month") else None


def _day(fitting: list[str]) -> TypeGuess:
    form = fitting[0]
    swapped = {"%d/%m/%Y": "%m/%d/%Y", "%d-%m-%Y": "%m-%d-%Y"}.get(form)
    comments = ["confirm: no day is above 12, so that day and month may be swapped"] if swapped in fitting else []
    return TypeGuess("date", {} if form == "%Y-%m-%d" else {"format": form}, comments)


def _almost(facts: ColumnFacts) -> list[str]:
    """Return a comment for a column of which nearly all values have one type."""
    known = {
        "integer": "whole numbers",
        "point": "numbers",
        "comma": "numbers with decimal commas",
        **dict.fromkeys(DATES, "days"),
    }
    for form, what in known.items():
        if _ALMOST <= facts.share(form) < 1:
            rest = facts.values - facts.forms[form]
            written = f" ({form})" if form.startswith("%") else ""
            return [f"text, because {rest} of {facts.values} values are no {what}{written}"]
    return []
