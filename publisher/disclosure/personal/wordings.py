"""Detectors of e-mail addresses and accounts in social networks: a person's, not an office's."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.disclosure.personal.columns import Column
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.words import words

EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
_OFFICE_PART = re.compile(r"(?:^|[._\-])(?:c[0-3]|[qp]\d{1,2}|quan\d*|phuong\d*|xa|tp)|(?:^|[._\-])(?:c[0-3])[a-z]")
_SOCIAL = re.compile(
    r"(?i)(?:facebook\.com|fb\.com|fb\.me|instagram\.com|tiktok\.com|zalo\.me|wa\.me|t\.me|twitter\.com|x\.com|linkedin\.com/in|youtube\.com)/@?([\w.\-?=/@]+)"
    r"|\b(?:zalo|facebook|fb|viber|tiktok|telegram)\s*[:\-]\s*@?([\w.\- ]+)"
)
_PHONE = re.compile(r"^(?:\+?84|0)\d{8,10}$")
_SHORTEST_NAME = 3
_INITIALS = re.compile(r"[bcdghklmnpqtvx]{1,3}|[a-z]")


def email(column: Column, *, holding: pa.Array, counts: npt.NDArray[np.int64]) -> Finding | None:
    """Detect e-mail addresses of people in the texts that hold an `@`; mailboxes of a role or an office are public."""
    texts = holding.to_pylist()
    personal = np.array([any(map(is_personal_email, EMAIL.findall(text))) for text in texts], bool)
    if not personal.any():
        return None
    share, mailboxes = float(counts[personal].sum()) / column.cells, float(counts.sum()) / column.cells
    if mailboxes >= 0.5 and share < 0.1 * mailboxes:
        return None
    whole = share >= 0.3 or column.says("email")
    reason = "addresses that are no role's or office's" if whole else "addresses inside texts"
    return Finding(column.name, "email", round(min(share, 1.0), 4), 0.95 if whole else 0.8, reason)


@lru_cache(maxsize=50_000)
def is_personal_email(address: str) -> bool:
    """Tell whether an address is a person's: a free mail domain or a person's name, and no word of a role in it."""
    local, _, domain = address.lower().rstrip(".").partition("@")
    if _speaks_of_a_role(local):
        return False
    return domain in words("free_mail_domains.txt") or (_holds_a_name(local) and not _OFFICE_PART.search(local))


def social_account(column: Column) -> Finding | None:
    """Detect people's accounts in social networks; an agency's or a shop's page is public."""
    if column.says("page", "office"):
        return None
    texts = column.texts.to_pylist()[:1_000]
    weights = column.counts[: len(texts)]
    personal = np.array([is_personal_account(text) for text in texts], bool)
    share = float(weights[personal].sum() / weights.sum()) if len(texts) else 0.0
    named = column.says("social_account")
    if share >= (0.1 if named else 0.3):
        return Finding(column.name, "social_account", round(share, 4), 0.9, "accounts that are no office's or shop's")
    handles = column.share(column.matches(r"^@?[\w.\-]{3,40}$") & ~column.matches(r"^\d{1,6}$"))
    if named and share < 0.1 and handles >= 0.6 and column.distinctness >= 0.5 and not any(map(_SOCIAL.search, texts)):
        return Finding(
            column.name, "social_account", round(handles, 4), 0.8, "the name says so and the cells are handles"
        )
    return None


def is_personal_account(text: str) -> bool:
    """Tell whether a text holds a person's account: a telephone number, a numbered profile or a name without a role's word."""
    for match in _SOCIAL.finditer(text):
        handle = (match.group(1) or match.group(2) or "").strip().lower().strip("/")
        first = handle.split("/")[0]
        if match.group(2) and len(first) < _SHORTEST_NAME:  # `fb:` may be two digits of a fingerprint
            continue
        if _PHONE.match(re.sub(r"[ .\-]", "", handle)) or handle.startswith("profile.php"):
            return True
        if first and not first.isdigit() and first not in {"groups", "pages", "events", "channel", "watch", "c"}:
            return not _speaks_of_a_role(first)
    return False


def _speaks_of_a_role(local: str) -> bool:
    roles = words("role_mailboxes.txt")
    parts = [part for part in re.split(r"[._\-+0-9@]+", local) if part]
    if local in roles or any(part in roles for part in parts):
        return True
    return any(part.startswith(_long_roles()) for part in parts)


@cache
def _long_roles() -> tuple[str, ...]:
    """Return the words of roles that tell one with other letters behind them too."""
    return tuple(role for role in words("role_mailboxes.txt") if len(role) >= 4)


def _holds_a_name(local: str) -> bool:
    """Tell whether the part before the `@` is made of a person's names: a surname with others, or a given name with initials."""
    parts = [part for part in re.split(r"[._\-+0-9]+", local) if part]
    together = "".join(parts)
    if together in _public_names():
        return False
    family, given = words("surnames.txt"), _given_names()
    foreign = words("foreign_names.txt")
    if len(parts) == 2 and min(map(len, parts)) >= 2 and any(part in foreign for part in parts):
        return True  # a foreign given name; no list knows all the family names that go with it
    if len(parts) >= 2:
        known = [part in family or part in given or part in foreign for part in parts]
        small = [len(part) <= 3 for part in parts]
        return any(known) and all(k or s or _is_name(part) for k, s, part in zip(known, small, parts, strict=True))
    return _is_name(together)


@cache
def _public_names() -> frozenset[str]:
    """Return the names of streets, schools and places, written as one word."""
    return frozenset(name.replace(" ", "") for name in words("public_names.txt") | words("place_names.txt"))


@cache
def _given_names() -> frozenset[str]:
    return words("given_names.txt") | words("middle_names.txt")


@lru_cache(maxsize=10_000)
def _is_name(word: str) -> bool:
    """Tell whether a word is a surname and other names written as one, in either order, or a given name with initials."""
    family = {name for name in words("surnames.txt") if len(name) >= 2}
    given = {name for name in _given_names() if len(name) >= 2}
    for size in range(2, len(word)):
        head, tail = word[:size], word[size:]
        if head in family and _is_made_of(tail, given) and len(tail) >= 2:
            return True
        if head in given and (_INITIALS.fullmatch(tail) or tail in family):
            return True
        if tail in given and re.fullmatch(r"[bcdghklmnpqtvx]{2,3}", head):
            return True
    return False


def _is_made_of(word: str, names: set[str]) -> bool:
    if not word or word in names:
        return True
    return any(word.startswith(name) and _is_made_of(word[len(name) :], names) for name in names)
