"""What the pages know of a dataset, an organization and a theme: pure mappings from the catalogue's CKAN dictionaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from catalogue.web.alternates import Alternate, alternates_of_dataset
from cityportal.freshness import Freshness, freshness
from cityportal.languages import NO_TEXT, Text, has_message, translate

Dictionary = Mapping[str, Any]


@dataclass(frozen=True)
class Distribution:
    """One downloadable file of the current release."""

    id: str
    name: Text
    format: str
    url: str
    size_bytes: int
    sha256: str
    table: str
    rows: int | None
    is_queryable: bool

    @property
    def file(self) -> str:
        """The file's name in the release."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def plain_url(self) -> str:
        """Where a gzipped CSV file of ours is to be had as text; empty for all other files."""
        return self.url.removesuffix(".gz") if self.url.startswith("/r/") and self.url.endswith(".csv.gz") else ""


@dataclass(frozen=True)
class Place:
    """An organization or a theme that holds datasets."""

    name: str
    title: Text
    description: Text = NO_TEXT
    datasets: int = 0


@dataclass(frozen=True)
class OldMajor:
    """An older major version of a dataset: its last release stays under an address of its own until the sunset."""

    major: int
    version: str
    release: str
    deprecated_at: datetime
    sunset: datetime


@dataclass(frozen=True)
class Correction:
    """Which release another corrects, and what was wrong."""

    release: str
    note: str


@dataclass(frozen=True)
class Withdrawal:
    """Why and when a release was taken from the public.

    `failed` names the guarantees that an audit found broken, none when people decided; `under_review`: it may come back.
    """

    release: str
    at: datetime
    reason: Text
    failed: tuple[str, ...] = ()
    under_review: bool = False


@dataclass(frozen=True)
class Release:
    """One release as the catalogue remembers it; numbers may be unknown for releases written by other publishers."""

    id: str
    state: str = "published"
    as_of: date | None = None
    published_at: datetime | None = None
    checked_at: datetime | None = None
    parent: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, int] = field(default_factory=dict)
    changes: Mapping[str, int] = field(default_factory=dict)
    manifest_sha256: str = ""
    row: Text = NO_TEXT
    smallest_group: int | None = None
    suppressed_share: float | None = None
    dropped_fields: int | None = None
    version: str = ""
    version_level: str = ""
    majors: tuple[OldMajor, ...] = ()
    corrects: Correction | None = None
    score: float | None = None
    withdrawal: Withdrawal | None = None

    @property
    def major(self) -> int | None:
        """The first number of its version, null where it has none."""
        first = self.version.partition(".")[0]
        return int(first) if first.isdecimal() else None

    @property
    def row_count(self) -> int:
        """Rows of all tables together."""
        return sum(self.rows.values())

    @property
    def was_checked_later(self) -> bool:
        """Tell whether the source was looked at again after the release was made."""
        if self.checked_at is None or self.published_at is None:
            return False
        return self.checked_at - self.published_at > timedelta(minutes=1)

    @property
    def column_count(self) -> int:
        """Columns of all tables together."""
        return sum(self.columns.values())


@dataclass(frozen=True)
class Dataset:
    """A dataset as its page shows it; `release` is null while nothing is published."""

    id: str
    name: str
    title: Text
    notes: Text
    organization: Place
    themes: tuple[Place, ...]
    keywords: tuple[str, ...]
    license_id: str
    license_title: str
    license_url: str
    contact: str
    contact_email: str
    cadence: str
    version: str
    spatial: str
    legal_basis: str
    changed_at: datetime | None
    distributions: tuple[Distribution, ...]
    release: Release | None
    withdrawal: Withdrawal | None = None
    """The last release that was taken away, where none took its place."""

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats on offer, each once, in order."""
        return tuple(dict.fromkeys(d.format for d in self.distributions))

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the released tables, in order."""
        named = dict.fromkeys(d.table for d in self.distributions if d.table)
        return tuple(named) or tuple(self.release.rows if self.release else ())

    @property
    def alternates(self) -> tuple[Alternate, ...]:
        """The other forms of its page."""
        return alternates_of_dataset(self.id)

    @property
    def queryable(self) -> Distribution | None:
        """The first resource that answers datastore_search."""
        return next((d for d in self.distributions if d.is_queryable), None)

    def freshness(self, now: datetime) -> Freshness:
        """Judge how fresh the current release is."""
        as_of = self.release.as_of if self.release else None
        checked = self.release.checked_at if self.release else None
        return freshness(self.cadence, as_of=as_of, checked_at=checked, now=now)


def dataset_from_package(
    package: Dictionary, *, places: Mapping[str, Place] | None = None, site_url: str = ""
) -> Dataset:
    """Read a CKAN package dictionary; unknown and missing parts become empty.

    Args:
        package: the dictionary as `package_show` gives it.
        places: organizations and themes by name, which know more of themselves than the package does.
        site_url: our own address; files under it become paths, so that they are found wherever the portal is read.
    """
    known = places or {}
    extras = {extra["key"]: extra["value"] for extra in package.get("extras") or []}
    organization = package.get("organization") or {"name": package.get("owner_org") or ""}
    return Dataset(
        id=str(package.get("id", "")),
        name=str(package["name"]),
        title=Text(package.get("title") or package["name"], extras.get("title_en", "")),
        notes=Text(package.get("notes") or "", extras.get("notes_en", "")),
        organization=_place(organization, known),
        themes=tuple(_place(group, known) for group in package.get("groups") or []),
        keywords=tuple(tag["name"] for tag in package.get("tags") or []),
        license_id=package.get("license_id") or "",
        license_title=package.get("license_title") or package.get("license_id") or "",
        license_url=_web_address(package.get("license_url")),
        contact=package.get("maintainer") or "",
        contact_email=package.get("maintainer_email") or "",
        cadence=extras.get("frequency", ""),
        version=package.get("version") or "",
        spatial=extras.get("spatial_text", ""),
        legal_basis=extras.get("legal_basis", ""),
        changed_at=_moment(package.get("metadata_modified")),
        distributions=tuple(distribution_from_resource(r, site_url=site_url) for r in package.get("resources") or []),
        release=_current_release(extras),
        withdrawal=_last_withdrawal(extras),
    )


def distribution_from_resource(resource: Dictionary, *, site_url: str = "") -> Distribution:
    """Read a CKAN resource dictionary."""
    size, rows = resource.get("size"), resource.get("rows")
    return Distribution(
        id=str(resource.get("id", "")),
        name=Text(resource.get("name") or resource.get("format") or "", resource.get("name_en") or ""),
        format=resource.get("format") or "",
        url=_web_address(_as_path(str(resource.get("url") or ""), site_url)),
        size_bytes=int(size) if size else 0,
        sha256=str(resource.get("hash") or "").removeprefix("sha256:"),
        table=resource.get("table") or "",
        rows=int(rows) if rows not in (None, "") else None,
        is_queryable=bool(resource.get("datastore_active")),
    )


def place_from_group(group: Dictionary) -> Place:
    """Read a CKAN organization or group dictionary."""
    extras = {extra["key"]: extra["value"] for extra in group.get("extras") or []}
    return Place(
        name=str(group.get("name") or ""),
        title=_title_of(group, group.get("title_en") or extras.get("title_en", "")),
        description=Text(
            group.get("description") or "", group.get("description_en") or extras.get("description_en", "")
        ),
        datasets=int(group.get("package_count") or 0),
    )


def release_from_summary(release: str, summary: Dictionary, *, state: str = "published") -> Release:
    """Read a release summary as the publisher sent it."""
    changes = summary.get("changes") or {}
    return Release(
        id=release,
        state=state,
        as_of=_day(summary.get("as_of")),
        published_at=_moment(summary.get("published_at")),
        checked_at=_moment(summary.get("checked_at")),
        parent=summary.get("parent"),
        rows=dict(summary.get("rows") or {}),
        columns=dict(summary.get("columns") or {}),
        changes={name: changes[name] for name in ("added", "removed", "changed") if isinstance(changes.get(name), int)},
        manifest_sha256=summary.get("manifest_sha256") or "",
        row=_text(summary.get("row"), summary.get("row_en")),
        smallest_group=_positive(summary.get("k")),
        suppressed_share=summary.get("suppressed_share"),
        dropped_fields=summary.get("dropped_fields"),
        version=str(summary.get("version") or ""),
        version_level=str(summary.get("version_level") or ""),
        majors=tuple(one for told in summary.get("majors") or () if (one := _old_major(told))),
        corrects=_correction(summary.get("corrects")),
        score=summary.get("q"),
        withdrawal=_withdrawal(release, summary.get("withdrawal")),
    )


def _old_major(told: Dictionary) -> OldMajor | None:
    deprecated_at, sunset = _moment(told.get("deprecated_at")), _moment(told.get("sunset"))
    if deprecated_at is None or sunset is None:
        return None
    return OldMajor(int(told["major"]), str(told["version"]), str(told["release"]), deprecated_at, sunset)


def _withdrawal(release: str, told: object) -> Withdrawal | None:
    moment = _moment(told.get("at")) if isinstance(told, Mapping) else None
    if moment is None or not isinstance(told, Mapping):
        return None
    english = (told.get("reason_translated") or {}).get("en", "")
    return Withdrawal(
        release=release,
        at=moment,
        reason=Text(str(told.get("reason") or ""), str(english)),
        failed=tuple(str(one) for one in told.get("failed") or ()),
        under_review=bool(told.get("under_review")),
    )


def _last_withdrawal(extras: Mapping[str, str]) -> Withdrawal | None:
    """Return the last withdrawal of a dataset without a release; null where it has one, or never had any."""
    if extras.get("release"):
        return None
    told = json.loads(extras.get("releases_withdrawn") or "{}")
    found = [one for release, said in told.items() if (one := _withdrawal(release, said))]
    return max(found, key=lambda one: (one.at, one.release), default=None)


def _correction(told: object) -> Correction | None:
    return Correction(str(told.get("release")), str(told.get("note"))) if isinstance(told, Mapping) else None


def _current_release(extras: Mapping[str, str]) -> Release | None:
    if not extras.get("release"):
        return None
    return release_from_summary(extras["release"], json.loads(extras.get("release_summary") or "{}"))


def _text(value: object, english: object = None) -> Text:
    if isinstance(value, Mapping):
        return Text(str(value.get("vi") or ""), str(value.get("en") or english or ""))
    return Text(str(value or ""), str(english or ""))


def _web_address(value: object) -> str:
    """Keep an address only when it is one a link may carry: http, https or a path of ours."""
    address = str(value or "")
    return address if address.startswith(("http://", "https://", "/")) else ""


def _as_path(address: str, site_url: str) -> str:
    return address.removeprefix(site_url) if site_url and address.startswith(f"{site_url}/") else address


def _place(group: Dictionary, known: Mapping[str, Place]) -> Place:
    return known.get(str(group.get("name"))) or place_from_group(group)


def _title_of(group: Dictionary, english: str) -> Text:
    """Return the title; a theme that was registered with its name alone is called what our texts call it."""
    name, title = str(group.get("name") or ""), str(group.get("title") or "")
    if title in {"", name} and has_message(f"themes.{name}"):
        return Text(translate("vi", f"themes.{name}"), translate("en", f"themes.{name}"))
    return Text(title or name, english)


def _positive(value: object) -> int | None:
    return value if isinstance(value, int) and value > 1 else None


def _day(value: object) -> date | None:
    return date.fromisoformat(str(value)[:10]) if value else None


def _moment(value: object) -> datetime | None:
    if not value:
        return None
    moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
