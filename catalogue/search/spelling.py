"""How people spell Vietnamese: the same letters in one form, tone marks in one place, and what unconverted keys mean."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST_WORD = 100  # to look for slips in a longer one takes the index seconds, and nobody means one

_TONES = {"\u0300": "f", "\u0301": "s", "\u0309": "r", "\u0303": "x", "\u0323": "j"}
_MARKS = {key: mark for mark, key in _TONES.items()}
_VNI_MARKS = {"1": "\u0301", "2": "\u0300", "3": "\u0309", "4": "\u0303", "5": "\u0323"}
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Return the words of a text in its own spelling: runs of letters and digits, as the index cuts them."""
    return _WORD.findall(text)


def composed(text: str) -> str:
    """Return text in Unicode's composed form; combining accents would cut words apart."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _moved_marks() -> dict[str, str]:
    """Return the spellings with the tone on the first vowel, and the ones that we keep: `òa` and `oà`."""
    moved: dict[str, str] = {}
    for first, second in (("o", "a"), ("o", "e"), ("u", "y")):
        for tone in _TONES:
            old = composed(first + tone) + second
            new = first + composed(second + tone)
            moved |= {old: new, old.capitalize(): new.capitalize(), old.upper(): new.upper()}
    for tone in _TONES:  # slips that only these consonants allow: qúa, gía
        moved |= {"q" + composed("u" + tone) + "a": "qu" + composed("a" + tone)}
        moved |= {"g" + composed("i" + tone) + "a": "gi" + composed("a" + tone)}
    return moved


_MOVED = _moved_marks()
_MISPLACED = re.compile("|".join(sorted(_MOVED, key=len, reverse=True)))


def spelled(text: str) -> str:
    """Return text composed and with tone marks in one place, so that `hòa` and `hoà` are one word."""
    if text.isascii():
        return text
    return _MISPLACED.sub(lambda match: _MOVED[match.group()], composed(text))


@lru_cache(maxsize=4096)
def has_accents(text: str) -> bool:
    """Tell whether a text shows how its vowels sound; if not, it stands for every spelling."""
    return not text.isascii()


def typed(word: str) -> str | None:
    """Return the Vietnamese word that someone typed with the input method off (Telex `ddaats`, VNI `d9at61`), or null.

    Only words that use such keys and become a possible word are read so.
    """
    lowered = word.lower()
    if not lowered.isascii() or len(lowered) < 2:
        return None
    read = _vni(lowered) if any(letter.isdigit() for letter in lowered) else _telex(lowered)
    return read if read and read != lowered and _SYLLABLE.fullmatch(read) else None


_TELEX_LETTERS = (("dd", "đ"), ("aa", "â"), ("ee", "ê"), ("oo", "ô"), ("aw", "ă"), ("ow", "ơ"), ("uw", "ư"))
# One syllable: an initial consonant, vowels with at most one tone, a final consonant.
_VOWEL = "[" + "".join(composed(v + t) for v in "aăâeêioôơuưy" for t in ("", *_TONES)) + "]"
_SYLLABLE = re.compile(
    f"(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnpqrstvx])?{_VOWEL}{{1,3}}(?:ng|nh|ch|[cmnpt])?"
)


def _telex(word: str) -> str | None:
    tone = ""
    if len(word) > 2 and word[-1] in _MARKS:
        word, tone = word[:-1], _MARKS[word[-1]]
    elif len(word) > 3 and (match := re.fullmatch(r"(.*[aeiouy]w?)([fsrxj])([a-z]*)", word)):
        word, tone = match.group(1) + match.group(3), _MARKS[match.group(2)]
    for keys, letter in _TELEX_LETTERS:
        word = word.replace(keys, letter)
    separated = re.fullmatch(r"([a-zđ]*?)([aeodu])([a-z]{1,3})([aeodw])", word)  # the second key at the end: `duocd`
    if separated:
        start, first, middle, last = separated.groups()
        pair = dict(_TELEX_LETTERS).get(first + last)
        word = f"{start}{pair}{middle}" if pair else word
    word = word.replace("uơ", "ươ").replace("ưo", "ươ")
    return _with_tone(word, tone)


def _vni(word: str) -> str | None:
    match = re.fullmatch(r"[a-z]+[1-9][a-z0-9]*", word)
    if match is None:
        return None
    tone = next((_VNI_MARKS[key] for key in word if key in _VNI_MARKS), "")
    bare = re.sub("[1-5]", "", word)
    if "9" in bare:
        bare = bare.replace("9", "").replace("d", "đ", 1)
    for key, pairs in (("6", "aâeêoô"), ("7", "oơuư"), ("8", "aă")):
        if key in bare:
            bare = bare.replace(key, "")
            pattern = f"[{pairs[::2]}]"
            found = re.findall(pattern, bare)
            if not found:
                return None
            changed = dict(zip(pairs[::2], pairs[1::2], strict=True))
            bare = bare.replace("uo", "ươ") if key == "7" and "uo" in bare else _last(bare, pattern, changed)
    return None if re.search(r"\d", bare) else _with_tone(bare, tone)


def _last(word: str, pattern: str, changed: dict[str, str]) -> str:
    place = [match.start() for match in re.finditer(pattern, word)][-1]
    return word[:place] + changed[word[place]] + word[place + 1 :]


def _with_tone(word: str, tone: str) -> str | None:
    """Put the tone on the vowel that bears it; the index folds both places into one anyway."""
    if not tone:
        return word
    head = re.match(r"(?:qu|gi(?=[aeiouyăâêôơư]))?", word)
    start = head.end() if head else 0
    vowels = [place for place in range(start, len(word)) if word[place] in "aăâeêioôơuưy"]
    if not vowels:
        return None
    marked = [place for place in vowels if word[place] in "ăâêôơư"]
    if marked:
        place = marked[-1]
    elif len(vowels) == 1:
        place = vowels[0]
    else:
        ends_in_consonant = vowels[-1] < len(word) - 1
        glides = word[vowels[0]] + word[vowels[1]] in {"oa", "oe", "uy"}
        place = vowels[1] if ends_in_consonant or glides or len(vowels) > 2 else vowels[0]
    return composed(word[: place + 1] + tone) + word[place + 1 :]
