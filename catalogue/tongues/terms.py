"""Words of our datasets in the controlled vocabularies of the standards; pure tables and look-ups."""

from __future__ import annotations

from dataclasses import dataclass

AUTHORITY = "http://publications.europa.eu/resource/authority"


@dataclass(frozen=True)
class Frequency:
    """How often a dataset is renewed: a term of the EU's authority table, and a repeating interval of ISO 8601."""

    code: str
    iso: str

    @property
    def uri(self) -> str:
        """Return the address of the term."""
        return f"{AUTHORITY}/frequency/{self.code}"


FREQUENCIES = {
    "continuous": Frequency("UPDATE_CONT", "R/PT1S"),
    "hourly": Frequency("HOURLY", "R/PT1H"),
    "daily": Frequency("DAILY", "R/P1D"),
    "weekly": Frequency("WEEKLY", "R/P1W"),
    "monthly": Frequency("MONTHLY", "R/P1M"),
    "quarterly": Frequency("QUARTERLY", "R/P3M"),
    "yearly": Frequency("ANNUAL", "R/P1Y"),
    "irregular": Frequency("IRREG", "irregular"),
    "static": Frequency("NEVER", "irregular"),
}
LANGUAGES = {"vi": "VIE", "en": "ENG", "fr": "FRA", "km": "KHM", "lo": "LAO", "th": "THA", "zh": "ZHO"}
FILE_TYPES = {
    *("CSV", "JSON", "XLSX", "XLS", "ODS", "XML", "ZIP", "GEOJSON", "PARQUET", "PDF", "HTML", "TSV", "GPKG", "KML"),
    *("SHP", "RDF", "TXT", "DOCX", "TIFF", "JPEG", "PNG"),
}
_SYNONYMS = {"annual": "yearly", "annually": "yearly", "never": "static", "irreg": "irregular"}


def find_frequency(written: str) -> Frequency | None:
    """Return the frequency that is written as our word, as the EU's term or its address, or as an ISO interval."""
    word = written.strip().rpartition("/frequency/")[2].casefold()
    if found := FREQUENCIES.get(_SYNONYMS.get(word, word)):
        return found
    return next((f for f in FREQUENCIES.values() if word in {f.code.casefold(), f.iso.casefold()}), None)


def find_language(written: str) -> str | None:
    """Return the two-letter code of a language written as such, with three letters, or as the EU's term."""
    word = written.strip().rpartition("/")[2].casefold()
    if word[:2] in LANGUAGES and (len(word) == 2 or word[2] in "-_"):
        return word[:2]
    return next((code for code, term in LANGUAGES.items() if term.casefold() == word), None)


def language_uri(code: str) -> str:
    """Return the address of the EU's term for one of LANGUAGES."""
    return f"{AUTHORITY}/language/{LANGUAGES[code]}"


def file_type_uri(form: str) -> str | None:
    """Return the address of the EU's term for a file format, null where that table has none."""
    name = form.strip().upper().removeprefix("EXCEL ")  # its CSV is CSV
    return f"{AUTHORITY}/file-type/{name}" if name in FILE_TYPES else None
