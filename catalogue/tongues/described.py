"""A dataset as every tongue of the catalogue tells it: one record, read from a shown package, written by many serialisers.

Pure mappings. Texts come in the portal's language and, where they were told, in English. URIs are made of ids, never of
names, so that they outlive a renaming; pages, which people read, go by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any


@dataclass(frozen=True)
class Portal:
    """What the descriptions say about the portal itself; `url` has no slash at its end."""

    url: str
    title: str
    description: str = ""
    locale: str = "vi"
    contact: str = ""


@dataclass(frozen=True)
class Words:
    """A text in the portal's language and in English; either may be empty."""

    local: str = ""
    english: str = ""

    def __bool__(self) -> bool:
        """Tell whether there is any text."""
        return bool(self.local or self.english)

    def tagged(self, locale: str) -> Iterator[tuple[str, str]]:
        """Yield language and text, the portal's language first; nothing is said twice."""
        if self.local:
            yield locale, self.local
        if self.english and (locale != "en" or not self.local):
            yield "en", self.english

    def written_in(self, language: str) -> str:
        """Return the text in English where that is asked for and known, else in the portal's language."""
        return (self.english or self.local) if language == "en" else (self.local or self.english)


NO_WORDS = Words()


@dataclass(frozen=True)
class Party:
    """An organization that publishes, with the URI that names it."""

    id: str
    name: str
    uri: str
    title: Words


@dataclass(frozen=True)
class Theme:
    """One theme: a group of the portal, or a term of somebody's vocabulary, whose title is empty."""

    uri: str
    title: Words = NO_WORDS
    name: str = ""


@dataclass(frozen=True)
class Licence:
    """The licence of all files of a dataset; `url` is empty for those without a text on the web."""

    id: str = ""
    title: str = ""
    url: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class Period:
    """The days that the data speaks of; null: open."""

    start: date | None = None
    end: date | None = None

    def __bool__(self) -> bool:
        """Tell whether any end is known."""
        return bool(self.start or self.end)


@dataclass(frozen=True)
class Place:
    """Where the data is about: a name, a URI, or the box around its shape (west, south, east, north)."""

    name: Words = NO_WORDS
    uri: str = ""
    box: tuple[float, float, float, float] | None = None

    def __bool__(self) -> bool:
        """Tell whether anything is known."""
        return bool(self.name or self.uri or self.box)


@dataclass(frozen=True)
class Column:
    """One column of a released table; `type` is Table Schema's."""

    name: str
    type: str
    title: Words = NO_WORDS
    description: Words = NO_WORDS
    unit: str = ""


@dataclass(frozen=True)
class Table:
    """One released table; `row` says what a row is."""

    name: str
    title: Words = NO_WORDS
    row: Words = NO_WORDS
    columns: tuple[Column, ...] = ()
    primary_key: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checksum:
    """A hash of the bytes; `algorithm` is md5, sha1, sha256 or sha512, `value` lower-case hex."""

    algorithm: str
    value: str


@dataclass(frozen=True)
class File:
    """One distribution: `access_url` always leads somewhere, `download_url` to the bytes, where that is certain."""

    id: str
    uri: str
    title: Words
    description: Words
    format: str
    media_type: str
    is_gzip: bool
    access_url: str
    download_url: str
    size_bytes: int | None
    checksum: Checksum | None
    issued: str
    modified: str
    table: str
    rows: int | None
    is_queryable: bool

    @property
    def name(self) -> str:
        """Return the file's name in its address; empty when the address is not one of a file."""
        return (self.download_url or self.access_url).partition("?")[0].rpartition("/")[2]


@dataclass(frozen=True)
class Release:
    """One release that the public may have; `notes` say what changed since the one before."""

    id: str
    uri: str
    page: str
    issued: str
    notes: Words = NO_WORDS
    parent: str = ""


@dataclass(frozen=True)
class Series:
    """A series that the dataset belongs to: a dataset of type `dataset_series`."""

    uri: str
    title: Words
    description: Words = NO_WORDS


@dataclass(frozen=True)
class DescribedDataset:
    """A dataset, complete with what its surroundings know; times are naive UTC as the catalogue shows them.

    Who may have it is told by the URI `access_rights`, or where that is empty by the words of `rights`.
    """

    id: str
    name: str
    uri: str
    page: str
    is_series: bool
    is_private: bool
    identifier: str
    title: Words
    description: Words
    issued: str
    modified: str
    source_page: str
    keywords: tuple[str, ...]
    themes: tuple[Theme, ...]
    languages: tuple[str, ...]
    publisher: Party | None
    contact: str
    contact_email: str
    licence: Licence
    access_rights: str
    rights: str
    frequency: str
    place: Place
    period: Period
    conforms_to: tuple[str, ...]
    provenance: Words
    schema_version: str
    release: str
    notes: Words
    query_url: str
    files: tuple[File, ...]
    series: tuple[Series, ...] = ()
    releases: tuple[Release, ...] = ()
    tables: tuple[Table, ...] = ()

    def table(self, name: str) -> Table | None:
        """Return a released table by name, null when nobody described it."""
        return next((table for table in self.tables if table.name == name), None)


@dataclass(frozen=True)
class Surroundings:
    """What a package dict does not say of itself: English titles by group id, releases, series, tables.

    `withdrawn` are the releases of this dataset that nobody may have; files of these are not told.
    """

    english: Mapping[str, str] = field(default_factory=dict)
    withdrawn: frozenset[str] = frozenset()
    releases: Sequence[Release] = ()
    series: Sequence[Series] = ()
    tables: Sequence[Table] = ()


def tables_from_datapackage(datapackage: Mapping[str, Any] | None) -> tuple[Table, ...]:
    """Return the tables of a release's data package: its resources with a schema, each name once."""
    tables: dict[str, Table] = {}
    for resource in (datapackage or {}).get("resources") or []:
        schema = resource.get("schema") if isinstance(resource, Mapping) else None
        fields = schema.get("fields") if isinstance(schema, Mapping) else None
        name = str(resource.get("name") or "") if fields else ""
        if not (name and schema and fields) or name in tables:
            continue
        key = schema.get("primaryKey") or ()
        tables[name] = Table(
            name=name,
            title=words_of_descriptor(resource, "title"),
            row=words_of_descriptor(resource, "description"),
            columns=tuple(_column(one) for one in fields),
            primary_key=(key,) if isinstance(key, str) else tuple(key),
        )
    return tuple(tables.values())


def words_of_descriptor(descriptor: Mapping[str, Any], key: str) -> Words:
    """Return a text of a data package with its translations."""
    translated = descriptor.get(f"{key}_translated")
    told = translated if isinstance(translated, Mapping) else {}
    return Words(str(descriptor.get(key) or told.get("vi") or ""), str(told.get("en") or ""))


def _column(told: Mapping[str, Any]) -> Column:
    return Column(
        name=str(told["name"]),
        type=str(told.get("type") or "any"),
        title=words_of_descriptor(told, "title"),
        description=words_of_descriptor(told, "description"),
        unit=str(told.get("unit") or ""),
    )
