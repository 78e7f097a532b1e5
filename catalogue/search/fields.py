"""What the search index knows of a dataset: its fields, how text becomes words, and the document of one dataset.

The folded form of a text loses case, accents (`đ` becomes `d`) and English endings; it decides what is found. The exact form
is only lower-cased, with tone marks in one place; it decides what ranks first. So `giao thong` finds `giao thông`, and the
accented spelling ranks higher.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import tantivy

from catalogue.folding import folded
from catalogue.licenses import LICENSE_BY_ID
from catalogue.search.instants import EPOCH, instant_terms, micros
from catalogue.search.query import QuerySyntaxError, parse_instant
from catalogue.search.rows import DatasetRow
from catalogue.search.spelling import composed, spelled

SCHEMA_VERSION = 2  # raise it whenever fields or analysis change: indexes of another version are rebuilt

# Whole values, case-sensitive.
EXACT_FIELDS = (
    *("id", "name", "title_string", "organization", "license_id", "version"),
    *("tags", "groups", "owner_org", "license", "res_format", "res_url", "res_type", "state", "capacity"),
    *("dataset_type", "entity_type", "url", "creator_user_id"),
)
SORTED_TEXTS = (
    "name",
    "organization",
    "owner_org",
    "license_id",
    "version",
    "capacity",
    "dataset_type",
    "state",
    "url",
)
# Words in the folded form.
WORD_FIELDS = (
    *("title", "notes", "text", "names"),
    *("author", "author_email", "maintainer", "maintainer_email", "res_name", "res_description"),
)
# Words that also rank by their exact form.
RANKED_FIELDS = ("title", "text")
DATE_FIELDS = ("metadata_created", "metadata_modified")
NGRAM_FIELDS = {"title_ngram": "title", "name_ngram": "name"}
ALIASES = {"type": "dataset_type", "res_name_ngram": "res_name"}
# Newest first with the id as second key, in one number, so that ties are short however many datasets changed at once.
NEWEST = {"metadata_created": "newest_created", "metadata_modified": "newest_modified"}
RECENCY = "recency"
PUBLIC = "active:public"

PAIR_SEPARATOR = "\x1f"
LONGEST_FACET_VALUE = 200
_LONGEST_VALUE = 8000
_TIE_BITS = 11
_LATEST = (1 << 63 - _TIE_BITS) - 1
_CENTURY = 100 * 365.25 * 86_400 * 1_000_000
_IN_2000 = micros(EPOCH.replace(year=2000))


def build_schema() -> tantivy.Schema:
    """Return the schema of the index."""
    builder = tantivy.SchemaBuilder()
    for name in EXACT_FIELDS:
        is_stored = name == "id" or name in SORTED_TEXTS
        builder.add_text_field(name, stored=is_stored, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title_order", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("access", tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("id_order", indexed=True, fast=True)
    for name in WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name="folded")
    builder.add_text_field("title_exact", tokenizer_name="lowered")
    builder.add_text_field("text_exact", tokenizer_name="lowered", index_option="freq")
    for name in DATE_FIELDS:
        builder.add_integer_field(name, indexed=True, fast=True)
        builder.add_integer_field(NEWEST[name], fast=True)
    builder.add_float_field(RECENCY, fast=True)
    builder.add_json_field("extras", tokenizer_name="folded")
    builder.add_json_field("res_extras", tokenizer_name="folded")
    builder.add_json_field("facets", fast=True, tokenizer_name="raw", index_option="basic")
    for name in ("pairs", "instants", "filled"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def build_analyzers() -> dict[str, tantivy.TextAnalyzer]:
    """Return the ways in which text becomes words; they must be registered on every opening of an index.

    `unstemmed` is the folded form with English endings, for parts of words.
    """
    simple, lowercase = tantivy.Tokenizer.simple, tantivy.Filter.lowercase
    lowered = tantivy.TextAnalyzerBuilder(simple()).filter(lowercase())
    unstemmed = tantivy.TextAnalyzerBuilder(simple()).filter(lowercase()).filter(tantivy.Filter.ascii_fold())
    stemmed = tantivy.TextAnalyzerBuilder(simple()).filter(lowercase()).filter(tantivy.Filter.ascii_fold())
    stemmed = stemmed.filter(tantivy.Filter.stemmer("english"))
    return {"lowered": lowered.build(), "folded": stemmed.build(), "unstemmed": unstemmed.build()}


def title_order(title: str) -> str:
    """Return the key by which titles sort: without accents and case first, the title itself between equals."""
    return folded(composed(title)) + PAIR_SEPARATOR + composed(title)


def id_order(package_id: str) -> int:
    """Return a number of 60 bits that sorts as ids do; only ids that are no UUIDs can share one."""
    number, place = 0, 0
    for position in range(36):
        letter = package_id[position : position + 1]
        if position in {8, 13, 18, 23}:
            if letter == "-":
                continue
            rest = 15 if letter > "-" else 0
        elif letter and (digit := "0123456789abcdef".find(letter)) >= 0:
            number, place = number << 4 | digit, place + 1
            if place == 15:
                return number
            continue
        else:  # no digit: above all digits, below them, or between `9` and `a`
            rest = 15 if letter > "f" else 0
            if "9" < letter < "a":
                number, place, rest = number << 4 | 9, place + 1, 15
        filler = (1 << 4 * (15 - place)) - 1 if rest else 0
        return number << 4 * (15 - place) | filler
    return number


def newest_order(instant: datetime, package_id: str) -> int:
    """Return a number that falls as instants do and, between equal ones, rises with the id; precise to 2048 ids."""
    rank = (1 << _TIE_BITS) - 1 - (id_order(package_id) >> 60 - _TIE_BITS)
    return max(-_LATEST, min(micros(instant), _LATEST)) << _TIE_BITS | rank


def recency(instant: datetime) -> float:
    """Return a weight so small that it only decides between datasets that match equally well."""
    return min(max((micros(instant) - _IN_2000) / _CENTURY, 0.0), 1.0) * 1e-3


def json_key(key: str) -> str:
    r"""Return a custom key as a step in a path of a JSON field, where dots and backslashes would mean something."""
    return key.replace("\\", "_").replace(".", "_").replace('"', "_")


def document_of(row: DatasetRow) -> tantivy.Document:
    """Return the index document of a dataset."""
    package = row.package
    exact = {name: _kept(values) for name, values in _exact_values(row).items()}
    custom = dict(_custom_values(row))
    words = {name: _kept(values) for name, values in _word_values(row, custom, exact).items()}
    document = tantivy.Document()
    _add_exact(document, exact)
    _add_words(document, words, [*words["text"], *exact["url"], *exact["res_url"]])
    _add_custom(document, custom, row)
    document.add_text("title_order", title_order(package.title))
    document.add_text("access", f"{package.state}:{'private' if package.private else 'public'}")
    document.add_integer("id_order", id_order(package.id))
    for name in DATE_FIELDS:
        document.add_integer(name, micros(getattr(package, name)))
        document.add_integer(NEWEST[name], newest_order(getattr(package, name), package.id))
    document.add_float(RECENCY, recency(package.metadata_modified))
    filled = {name for values in (exact, words) for name, value in values.items() if value}
    for name in sorted(filled | custom.keys()):
        document.add_text("filled", name)
    return document


def _add_exact(document: tantivy.Document, exact: dict[str, list[str]]) -> None:
    for name, values in exact.items():
        for value in values:
            if len(value) <= _LONGEST_VALUE:
                document.add_text(name, value)
        if not values and name in SORTED_TEXTS:
            document.add_text(name, "")


def _add_words(document: tantivy.Document, words: dict[str, list[str]], text: Iterable[str]) -> None:
    for name, values in words.items():
        for value in values if name != "text" else text:
            document.add_text(name, value)
    for name in RANKED_FIELDS:
        for value in words[name]:
            document.add_text(f"{name}_exact", spelled(value))


def _add_custom(document: tantivy.Document, custom: dict[str, list[str]], row: DatasetRow) -> None:
    facets: dict[str, list[str]] = {}
    for key, values in custom.items():
        for value in values:
            if len(value) <= _LONGEST_VALUE:
                document.add_text("pairs", f"{key}{PAIR_SEPARATOR}{value}")
            if len(value) <= LONGEST_FACET_VALUE:
                facets.setdefault(json_key(key), []).append(value)
            for term in _instants(value) if key.endswith("_date") else ():
                document.add_text("instants", f"{key}{PAIR_SEPARATOR}{term}")
    if custom:
        document.add_json("facets", facets)
        document.add_json("extras", {json_key(key): values for key, values in custom.items()})
    if found := _resource_extras(row):
        document.add_json("res_extras", found)


def _instants(value: str) -> Iterable[str]:
    try:
        return instant_terms(micros(parse_instant(value, now=EPOCH))) if "NOW" not in value.upper() else ()
    except QuerySyntaxError:
        return ()


def _kept(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(composed(value) for value in values if value))


def _custom_values(row: DatasetRow) -> Iterator[tuple[str, list[str]]]:
    """Yield the values of extras by key, and the tags of closed lists as CKAN names them."""
    for key, value in (row.package.extras or {}).items():
        if value not in (None, ""):
            yield composed(str(key)), [composed(value if isinstance(value, str) else json.dumps(value))]
    vocabularies: dict[str, list[str]] = {}
    for tag, vocabulary in row.tags:
        if vocabulary is not None:
            vocabularies.setdefault(f"vocab_{composed(vocabulary)}", []).append(composed(tag))
    yield from vocabularies.items()


def _resource_extras(row: DatasetRow) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for resource in row.resources:
        for key, value in (resource.extras or {}).items():
            if isinstance(value, str | int | float) and str(value):
                found.setdefault(json_key(str(key)), []).append(composed(str(value)))
    return found


def _exact_values(row: DatasetRow) -> dict[str, Iterable[str | None]]:
    package = row.package
    license_ = LICENSE_BY_ID.get(package.license_id or "")
    return {
        "id": [package.id],
        "name": [package.name],
        "title_string": [package.title],
        "organization": [row.organization[0] if row.organization else None],
        "owner_org": [package.owner_org],
        "license_id": [package.license_id],
        "license": [license_.title if license_ else None],
        "version": [package.version],
        "tags": [tag for tag, vocabulary in row.tags if vocabulary is None],
        "groups": [name for name, _ in row.groups],
        "res_format": [resource.format for resource in row.resources],
        "res_url": [resource.url for resource in row.resources],
        "res_type": [resource.resource_type for resource in row.resources],
        "state": [package.state],
        "capacity": ["private" if package.private else "public"],
        "dataset_type": [package.type],
        "entity_type": ["package"],
        "url": [package.url],
        "creator_user_id": [package.creator_user_id],
    }


def _word_values(
    row: DatasetRow, custom: dict[str, list[str]], exact: dict[str, list[str]]
) -> dict[str, Iterable[str | None]]:
    package: Any = row.package
    owner = [row.organization[1], row.organization[0]] if row.organization else []
    named = [package.name, *(tag for tag, _ in row.tags), *(part for group in row.groups for part in group), *owner]
    described = [text for resource in row.resources for text in (resource.name, resource.description)]
    people = [package.author, package.maintainer]
    told = [value for values in custom.values() for value in values if not value.startswith(("{", "["))]
    return {
        "title": [package.title],
        "notes": [package.notes],
        "names": named,
        "author": [package.author],
        "author_email": [package.author_email],
        "maintainer": [package.maintainer],
        "maintainer_email": [package.maintainer_email],
        "res_name": [resource.name for resource in row.resources],
        "res_description": [resource.description for resource in row.resources],
        "text": [package.title, package.notes, *named, *described, *people, *told, *exact["license"]],
    }
