"""What the policy should do with each column: leave it inside when in doubt, propose to keep what is found clean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from publisher.disclosure.personal.detectors import detect_parquet
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.names import starts_like_a_name
from publisher.disclosure.personal.spans import detect_text
from publisher.disclosure.personal.words import header_says
from publisher.proposal.facts import ColumnFacts
from publisher.proposal.names import words_of
from publisher.proposal.staging import StagedSource

_KINDS = (
    "personal_id",
    "phone",
    "email",
    "full_name",
    "address",
    "birth_date",
    "health_insurance",
    "social_insurance",
    "passport",
    "plate",
)
_NAMING = (
    " ten ", " ho ten ", " ho va ten ", " name ", " surname ", " nguoi ", " chu ho ", " chu so huu ", " dai dien ", " owner ", " contact ",
    " lien he ", " nguoi lien he ", " can bo ", " chu tich ", " giam doc ", " bidder ", " mem1 ", " mem2 ", " mem3 ", " mother ", " father ",
)  # fmt: skip
_NAMES_OF_THINGS = (
    " ten phuong ", " ten xa ", " ten quan ", " ten huyen ", " ten tinh ", " ten duong ", " ten tram ", " ten hang ", " ten nganh ",
    " ten loai ", " ten thu tuc ", " ten don vi ", " ten co quan ", " station name ", " street name ", " country name ",
    " province name ", " ward name ", " district name ", " indicator name ", " item name ", " category name ", " class name ",
)  # fmt: skip
_QUASI = (
    " gioi tinh ", " tuoi ", " nam sinh ", " dan toc ", " ton giao ", " quoc tich ", " nghe nghiep ", " hoc van ", " trinh do ",
    " hon nhan ", " que quan ", " noi sinh ", " thu nhap ", " khuyet tat ", " benh ", " chan doan ", " sex ", " gender ", " age ", " race ",
    " colour ", " ethnic ", " ethnicity ", " religion ", " nationality ", " citizen ", " native country ", " marital status ", " occupation ",
    " relationship ", " income ", " diagnosis ", " disability ", " survived ", " arrest ", " injury ", " zip ", " zipcode ", " zip code ",
    " house ", " so nha ", " street number ", " location ", " dia chi ", " suite ",
)  # fmt: skip
_OF_ONE_PERSON = frozenset(
    {"personal_id", "old_personal_id", "birth_date", "health_insurance", "social_insurance", "passport"}
)
_PLACES = (
    " lat ",
    " latitude ",
    " lng ",
    " lon ",
    " long ",
    " longitude ",
    " kinh do ",
    " vi do ",
    " geom ",
    " geometry ",
    " toa do ",
)
_SUFFICES = 2
_MANY_ROWS = 5
_EMPTY = "empty today; nobody knows what will come"
_LONG, _VERY_LONG, _VARIED = 40, 160, 0.2


@dataclass(frozen=True)
class Judgement:
    """What the draft says about one column: keep it, drop it, or leave the decision (which drops it)."""

    action: Literal["keep", "drop", "decide"]
    why: str


def judge_columns(
    staged: StagedSource, facts: Sequence[ColumnFacts], types: Sequence[str]
) -> tuple[list[Judgement], list[Finding]]:
    """Judge every column by the detectors, over all rows, and by the words of its name."""
    findings = detect_parquet(staged.path)
    by_column: dict[str, list[Finding]] = {}
    for finding in findings:
        by_column.setdefault(finding.column, []).append(finding)
    judged = [_judge(one, kind, by_column.get(one.name, [])) for one, kind in zip(facts, types, strict=True)]
    if any(judgement.action == "drop" for judgement in judged):
        judged = [_with_people(one, judgement) for one, judgement in zip(facts, judged, strict=True)]
    return judged, findings


def single_out(judged: Sequence[Judgement], facts: Sequence[ColumnFacts]) -> list[Judgement]:
    """Return the judgements for rows that are about people: what differs from row to row names them as a number would."""
    why = "differs in many rows, so that it singles people out"
    return [
        Judgement("decide", why) if judgement.action == "keep" and one.distinct > one.values / _MANY_ROWS else judgement
        for one, judgement in zip(facts, judged, strict=True)
    ]


def without_header(judged: Sequence[Judgement]) -> list[Judgement]:
    """Return the judgements for a table whose columns nobody has named: nothing can be found clean by a name."""
    return [one if one.action == "drop" else Judgement("decide", "the source has no header") for one in judged]


def _with_people(facts: ColumnFacts, judgement: Judgement) -> Judgement:
    words = words_of(facts.name)
    if judgement.action == "keep" and any(word in words for word in _PLACES):
        return Judgement("decide", "other columns are about people: a place may be somebody's home")
    return judgement


def _judge(facts: ColumnFacts, kind: str, findings: Sequence[Finding]) -> Judgement:
    if findings:
        found = ", ".join(f"{one.kind} in {one.share:.1%} of cells: {one.reason}" for one in findings)
        return Judgement("drop", f"personal: {found}")
    told = _KINDS if kind in {"string", "integer"} else ("birth_date",)
    said = [personal for personal in told if header_says(facts.name, personal)]
    if said and any(header_says(facts.name, public) for public in ("place", "office", "public_address")):
        return Judgement("decide", "its name may speak of people; keep it only when it names none")
    if said:
        return Judgement("drop", f"its name speaks of {', '.join(said)}, though the detectors found none")
    why = _doubt(facts)
    return Judgement("decide", why) if why else Judgement("keep", "confirm")


def _doubt(facts: ColumnFacts) -> str | None:
    if not facts.values:
        return _EMPTY
    words = words_of(facts.name)
    if any(word in words for word in _NAMING) and not any(word in words for word in _NAMES_OF_THINGS):
        return "its name may speak of people; keep it only when it names none"
    if any(word in words for word in _QUASI):
        return "helps to single a person out; where rows are about people, generalise it with `role: quasi`"
    if facts.is_text and _is_free_text(facts):
        return "free text: people write names and numbers into it"
    if any(detect_text(text) or starts_like_a_name(text) for text, _ in facts.few):
        return "some values look like people's names or numbers"
    return None


def _is_free_text(facts: ColumnFacts) -> bool:
    varied = facts.values > 0 and facts.distinct > _VARIED * facts.values
    return varied and (facts.mean_length > _LONG or facts.longest > _VERY_LONG) and not facts.all_are("json")


def subject_of(judged: Sequence[Judgement], facts: Sequence[ColumnFacts], findings: Sequence[Finding]) -> str | None:
    """Return whom the rows are about: `person`, `none` when nothing personal was found, null when somebody must say."""
    kinds = Counter(finding.kind for finding in findings)
    traits = sum(any(word in words_of(one.name) for word in _QUASI[: _QUASI.index(" zip ")]) for one in facts)
    if _OF_ONE_PERSON & set(kinds) or traits >= _SUFFICES:
        return "person"
    doubtful = any(one.action == "drop" or (one.action == "decide" and one.why != _EMPTY) for one in judged)
    return None if doubtful else "none"


def may_list_values(facts: ColumnFacts, judgement: Judgement) -> bool:
    """Tell whether a draft may hold the column's values: few, each of many rows, and nobody's."""
    if (
        judgement.action != "keep"
        or not facts.is_text
        or not 1 < facts.distinct <= 20
        or facts.values < 10 * facts.distinct
    ):
        return False
    return all(
        count >= 5 and len(text) <= 60 and not detect_text(text) and not starts_like_a_name(text)
        for text, count in facts.few
    )
