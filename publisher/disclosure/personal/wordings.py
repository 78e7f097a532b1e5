"""Detectors of worded personal data: full names, home addresses, e-mail addresses, dates of birth."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from publisher.disclosure.personal.columns import Column
from publisher.disclosure.personal.findings import Finding
from publisher.disclosure.personal.words import any_of, fold, surnames, words

EMAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)+")
_HOUSE = r"^\s*(?:so (?:nha )?)?\d{1,5}[a-z]{0,2}\d?(?:[/\-]\d{1,4}[a-z]?)*(?:/\d+)?[, ]+(?:[a-z]{2,}|\d{1,2} ?,)"
_NAME_SHAPE = r"^\p{L}[\p{L}']*(?: \p{L}[\p{L}'.]*){1,5}$"
_MOST_NAMES = 20_000
_FULL_DATE = r"^(?:\d{1,2}[/.\-]\d{1,2}[/.\-](?:19|20)\d{2}|(?:19|20)\d{2}[/.\-]?\d{2}[/.\-]?\d{2})(?:[ T].*)?$"


def full_name(column: Column) -> Finding | None:
    """Detect full names: a surname first, two to six syllables, and last syllables as varied as given names are.

    Streets, schools and wards carry the names of the famous, few and often repeated; the list of those names tells them apart.
    """
    shaped = column.matches(_NAME_SHAPE)
    texts = column.texts.filter(pa.array(shaped)).to_pylist()[:_MOST_NAMES]
    weights = column.counts[shaped][:_MOST_NAMES]
    if not texts:
        return None
    named, place = column.says("full_name"), column.says("place")
    names = np.array([starts_like_a_name(text) for text in texts])
    famous = np.array([fold(text) in words("public_names.txt") for text in texts])
    share = float(weights[names & ~famous].sum() / column.sampled_cells)
    if not names.any() or famous[names].mean() > (0.5 if named else 0.2):
        return None
    if named and not place and share >= 0.2:
        return Finding(column.name, "full_name", round(share, 4), 0.97, "the column's name and surnames agree")
    people = [text for text, is_name in zip(texts, names, strict=True) if is_name]
    given = len({fold(text).split()[-1] for text in people})
    long = float(np.mean([len(text.split()) >= 3 for text in people]))
    varied = column.distinct >= 8 and given >= min(8, len(people)) and long >= 0.5
    repeated = column.distinctness < (0.5 if place else 0.02)
    if share < (0.9 if place else 0.6) or not varied or repeated:
        return None
    return Finding(column.name, "full_name", round(share, 4), 0.85, "surnames first, varied given names")


def starts_like_a_name(text: str) -> bool:
    """Tell whether a text of letters begins with a Vietnamese surname and holds no word of places or organisations."""
    syllables = unicodedata.normalize("NFC", text).lower().split()
    if not 2 <= len(syllables) <= 6 or any(len(syllable) > 7 for syllable in syllables):
        return False
    plain = fold(text)
    if plain.split()[0] not in words("surnames.txt") or any(f" {word} " in f" {plain} " for word in _organisations()):
        return False
    return plain == text.lower() or syllables[0] in surnames()


def email(column: Column, *, holding: pa.Array, counts: npt.NDArray[np.int64]) -> Finding | None:
    """Detect e-mail addresses of people in the texts that hold an `@`; mailboxes of a role or an office are public."""
    personal = np.array([any(map(is_personal_email, EMAIL.findall(text))) for text in holding.to_pylist()], bool)
    if not personal.any():
        return None
    share = float(counts[personal].sum()) / column.cells
    whole = share >= 0.3 or column.says("email")
    reason = "addresses that are no role's or office's" if whole else "addresses inside texts"
    return Finding(column.name, "email", round(share, 4), 0.95 if whole else 0.8, reason)


def is_personal_email(address: str) -> bool:
    """Tell whether an address is a person's: a free mail domain or a plain name, and no word of a role in it."""
    local, _, domain = address.lower().partition("@")
    parts = [part for part in re.split(r"[._\-+0-9]+", local) if part]
    roles = words("role_mailboxes.txt")
    if local in roles or any(part in roles for part in parts):
        return False
    if any(len(role) >= 4 and local.startswith(role) for role in roles):
        return False
    return domain.rstrip(".") in words("free_mail_domains.txt") or len(parts) >= 2 or not domain.endswith(".gov.vn")


def address(column: Column) -> Finding | None:
    """Detect home addresses: house numbers followed by words, and no word of a public place or an organisation."""
    house = column.matches(_HOUSE, column.folded)
    home = column.matches(any_of("residential_words.txt"), column.folded)
    public = column.matches(any_of("public_places.txt"), column.folded)
    share, homely = column.share((house | home) & ~public), column.share(home & column.matches(r"\d") & ~public)
    if column.says("public_address") or column.share(public) > 0.5:
        return None
    if column.says("address"):
        fires = share >= 0.2 and column.distinct >= 3
    elif column.says("place"):  # streets and wards repeat and carry no numbers; a list of houses is no list of places
        fires = share >= 0.5 and column.distinctness >= 0.3 and column.distinct >= 20
    else:
        fires = share >= 0.5 and homely >= 0.2 and column.distinctness >= 0.3
    return Finding(column.name, "address", round(share, 4), 0.9, "house numbers before street names") if fires else None


def birth_date(column: Column) -> Finding | None:
    """Detect full dates of birth by the column's name."""
    share = column.share(column.matches(_FULL_DATE))
    if not column.says("birth_date") or share < 0.3:
        return None
    return Finding(column.name, "birth_date", round(share, 4), 0.95, "the name says so and the cells are full dates")


def _organisations() -> frozenset[str]:
    return words("organisation_words.txt") - {"ha", "ho"}
