"""What the search index knows of a dataset: its fields, how text becomes words, and the document of one dataset.

Text is indexed twice. The exact form is only lower-cased; the folded form also loses accents (`đ` becomes `d`) and English
endings. A search asks both, so that `giao thong` finds `giao thông`, and the accented spelling ranks higher.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import tantivy

from catalogue.folding import folded
from catalogue.licenses import LICENSE_BY_ID
from catalogue.model import Package

SCHEMA_VERSION = 1  # raise it whenever fields or analysis change: indexes of another version are rebuilt

# Whole values, case-sensitive; each has one value per document where it can be sorted by.
EXACT_FIELDS = (
    *("id", "name", "title_string", "organization", "license_id", "version"),
    *("tags", "groups", "owner_org", "license", "res_format", "res_url", "res_type", "state", "capacity"),
    *("dataset_type", "entity_type", "url", "creator_user_id"),
)
SORTED_TEXTS = (
    "id",
    "name",
    "title_string",
    "organization",
    "license_id",
    "version",
    "capacity",
    "dataset_type",
    "state",
)
# Words, in the exact and the folded form.
WORD_FIELDS = ("title", "notes", "text")
# Words in the folded form only.
PLAIN_WORD_FIELDS = ("names", "author", "author_email", "maintainer", "maintainer_email", "res_name", "res_description")
DATE_FIELDS = ("metadata_created", "metadata_modified")
ALIASES = {"title_ngram": "title", "name_ngram": "names", "type": "dataset_type", "res_name_ngram": "res_name"}

PAIR_SEPARATOR = "\x1f"
_LONGEST_VALUE = 8000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def build_schema() -> tantivy.Schema:
    """Return the schema of the index."""
    builder = tantivy.SchemaBuilder()
    for name in EXACT_FIELDS:
        builder.add_text_field(name, stored=name in SORTED_TEXTS, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("title_order", stored=True, fast=True, tokenizer_name="raw", index_option="basic")
    builder.add_integer_field("id_order", fast=True)
    for name in WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name="folded")
        builder.add_text_field(f"{name}_exact", tokenizer_name="lowered")
    for name in PLAIN_WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name="folded")
    for name in DATE_FIELDS:
        builder.add_integer_field(name, stored=True, indexed=True, fast=True)
    builder.add_json_field("extras", tokenizer_name="folded")
    builder.add_json_field("res_extras", tokenizer_name="folded")
    builder.add_json_field("facets", fast=True, tokenizer_name="raw")
    builder.add_text_field("pairs", tokenizer_name="raw", index_option="basic")
    builder.add_text_field("filled", tokenizer_name="raw", index_option="basic")
    return builder.build()


def build_analyzers() -> dict[str, tantivy.TextAnalyzer]:
    """Return the two ways in which text becomes words; they must be registered on every opening of an index."""
    simple = tantivy.Tokenizer.simple
    lowered = tantivy.TextAnalyzerBuilder(simple()).filter(tantivy.Filter.lowercase())
    folded = tantivy.TextAnalyzerBuilder(simple()).filter(tantivy.Filter.lowercase())
    folded = folded.filter(tantivy.Filter.ascii_fold()).filter(tantivy.Filter.stemmer("english"))
    return {"lowered": lowered.build(), "folded": folded.build()}


def composed(text: str) -> str:
    """Return text in Unicode's composed form; combining accents would cut words apart."""
    return unicodedata.normalize("NFC", text)


def micros(instant: datetime) -> int:
    """Return a naive UTC instant as microseconds since 1970."""
    delta = instant - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def title_order(title: str) -> str:
    """Return the key by which titles sort: without accents and case first, the title itself between equals."""
    return folded(composed(title)) + PAIR_SEPARATOR + composed(title)


def id_order(package_id: str) -> int:
    """Return a number that sorts as ids do, but for those with an equal beginning."""
    return int.from_bytes(package_id.encode()[:8].ljust(8, b"\0"), "big") >> 1


def json_key(key: str) -> str:
    r"""Return a custom key as a step in a path of a JSON field, where dots and backslashes would mean something."""
    return key.replace("\\", "_").replace(".", "_").replace('"', "_")


def document_of(package: Package) -> tantivy.Document:
    """Return the index document of a dataset."""
    document = tantivy.Document()
    exact = {name: _kept(values) for name, values in _exact_values(package).items()}
    words = {name: _kept(values) for name, values in _word_values(package).items()}
    custom = dict(_custom_values(package))
    _add_exact(document, exact)
    _add_words(document, words)
    _add_custom(document, custom, package)
    document.add_integer("id_order", id_order(package.id))
    for name in DATE_FIELDS:
        document.add_integer(name, micros(getattr(package, name)))
    for name in [*exact, *words, *custom, *DATE_FIELDS]:
        if exact.get(name) or words.get(name) or name in custom or name in DATE_FIELDS:
            document.add_text("filled", name)
    return document


def _add_exact(document: tantivy.Document, exact: dict[str, list[str]]) -> None:
    for name, values in exact.items():
        for value in values:
            if len(value) <= _LONGEST_VALUE:
                document.add_text(name, value)
        if not values and name in SORTED_TEXTS:
            document.add_text(name, "")
    document.add_text("title_order", title_order(exact["title_string"][0] if exact["title_string"] else ""))


def _add_words(document: tantivy.Document, words: dict[str, list[str]]) -> None:
    for name, values in words.items():
        for value in values:
            document.add_text(name, value)
            if name in WORD_FIELDS:
                document.add_text(f"{name}_exact", value)


def _add_custom(document: tantivy.Document, custom: dict[str, str], package: Package) -> None:
    for key, value in custom.items():
        if len(value) <= _LONGEST_VALUE:
            document.add_text("pairs", f"{key}{PAIR_SEPARATOR}{value}")
    short = {json_key(key): value for key, value in custom.items() if len(value) <= _LONGEST_VALUE}
    document.add_json("facets", {key: value for key, value in short.items() if len(value) <= 200})
    document.add_json("extras", short)
    document.add_json("res_extras", _resource_extras(package))


def _kept(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(composed(value) for value in values if value))


def _custom_values(package: Package) -> Iterator[tuple[str, str]]:
    for key, value in (package.extras or {}).items():
        if value not in (None, ""):
            yield composed(str(key)), composed(value if isinstance(value, str) else json.dumps(value))


def _resource_extras(package: Package) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for resource in package.resources:
        for key, value in (resource.extras or {}).items():
            if isinstance(value, str | int | float) and str(value):
                found.setdefault(json_key(str(key)), []).append(composed(str(value)))
    return found


def _exact_values(package: Package) -> dict[str, list[str | None]]:
    license_ = LICENSE_BY_ID.get(package.license_id or "")
    return {
        "id": [package.id],
        "name": [package.name],
        "title_string": [package.title],
        "organization": [package.organization.name if package.organization else None],
        "owner_org": [package.owner_org],
        "license_id": [package.license_id],
        "license": [license_.title if license_ else None],
        "version": [package.version],
        "tags": [tag.name for tag in package.tags],
        "groups": [group.name for group in package.groups],
        "res_format": [resource.format for resource in package.resources],
        "res_url": [resource.url for resource in package.resources],
        "res_type": [resource.resource_type for resource in package.resources],
        "state": [package.state],
        "capacity": ["private" if package.private else "public"],
        "dataset_type": [package.type],
        "entity_type": ["package"],
        "url": [package.url],
        "creator_user_id": [package.creator_user_id],
    }


def _word_values(package: Package) -> dict[str, list[str | None]]:
    organization = [package.organization.title, package.organization.name] if package.organization else []
    named: list[str | None] = [package.name, *(tag.name for tag in package.tags)]
    named += [part for group in package.groups for part in (group.name, group.title)]
    resources = [(resource.name, resource.description) for resource in package.resources]
    people = [package.author, package.maintainer]
    described = [text for pair in resources for text in pair]
    extras = [text for key, text in _custom_values(package) if not text.startswith(("{", "["))]
    return {
        "title": [package.title],
        "notes": [package.notes],
        "names": [*named, *organization],
        "author": [package.author],
        "author_email": [package.author_email],
        "maintainer": [package.maintainer],
        "maintainer_email": [package.maintainer_email],
        "res_name": [name for name, _ in resources],
        "res_description": [text for _, text in resources],
        "text": [package.title, package.notes, *named, *organization, *described, *people, *extras],
    }
