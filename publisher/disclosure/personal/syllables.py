"""Which words are syllables of Vietnamese: an onset, a rhyme, a tone."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_TONES = re.compile("[\u0300\u0301\u0303\u0309\u0323]")
_ONSET = "(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnprstvx])?"
_RHYMES = """
a ac ach ai am an ang anh ao ap at au ay ăc ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây e ec em en eng eo ep et
ê êch êm ên ênh êp êt êu i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu o oa oac oach oai oam oan oang
oanh oao oap oat oay oăc oăm oăn oăng oăt oc oe oen oeo oet oi om on ong op ot ooc oong ô ôc ôi ôm ôn ông ôp ôt
ơ ơi ơm ơn ơp ơt u ua uân uâng uât uây uc uê uêch uênh uêu ui um un ung uơ up ut uôc uôi uôm uôn uông uôt uôp uy uya
uych uyên uyêt uynh uyp uyt uyu ư ưa ưc ưi ưm ưn ưng ươc ươi ươm ươn ương ươp ươt ươu ưt ưu y yêm yên yêng yêt yêu
yêt ym yn ynh yt ă â
"""
_SYLLABLE = re.compile(rf"{_ONSET}(?:{'|'.join(sorted(_RHYMES.split(), key=len, reverse=True))})")
_PLAIN_SYLLABLE = re.compile(
    rf"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdghklmnprstvx])?(?:{'|'.join(sorted({''.join(c for c in unicodedata.normalize('NFD', r) if not unicodedata.combining(c)) for r in _RHYMES.split()}, key=len, reverse=True))})"
)


@lru_cache(maxsize=50_000)
def is_syllable(word: str) -> bool:
    """Tell whether a word, in any case, is spelt like one syllable of Vietnamese with its diacritics."""
    toneless = unicodedata.normalize("NFC", _TONES.sub("", unicodedata.normalize("NFD", word.lower())))
    return bool(_SYLLABLE.fullmatch(toneless))


@lru_cache(maxsize=50_000)
def is_plain_syllable(word: str) -> bool:
    """Tell whether a word in lower case without diacritics is spelt like one syllable of Vietnamese."""
    return bool(_PLAIN_SYLLABLE.fullmatch(word))
