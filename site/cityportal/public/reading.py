"""What the public pages ask of the catalogue: anonymous, read only, in the pages' own words."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from catalogue.actions import read, read_groups
from catalogue.actions.context import Context
from catalogue.config_options import settings_in_force
from catalogue.errors import CatalogueError, NotAuthorized, NotFound
from catalogue.files.released_files import FilesUnavailable, ReleasedFile
from catalogue.model import ChangeLog, DatasetRelease, Group, NameRedirect, Package, Resource
from catalogue.register.hierarchy import all_below
from catalogue.services import Services
from catalogue.tongues.described import DescribedDataset, Portal
from catalogue.tongues.descriptions import portal_of
from catalogue.web.documents import shown_dataset
from cityportal.freshness import freshness
from cityportal.languages import Text
from cityportal.public.dataset import (
    Dataset,
    Place,
    Release,
    dataset_from_package,
    place_from_group,
    release_from_summary,
)
from cityportal.public.organization_tree import Surroundings, counted_below, surroundings_of

FACETS = ("organization", "groups", "res_format", "license_id", "frequency")
PAGE_SIZE = 20
PREVIEW_ROWS = 20
RELEASES_PER_PAGE = 50
_TOTALS_LAST = timedelta(seconds=60)
_SORTS = {"relevance": "score desc, metadata_modified desc", "newest": "metadata_modified desc", "title": "title asc"}


@dataclass(frozen=True)
class Search:
    """What a reader looks for; facets map a word of FACETS to the chosen values; any of `organizations` may own a hit."""

    text: str = ""
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = "relevance"
    page: int = 1
    organizations: tuple[str, ...] = ()


@dataclass(frozen=True)
class FacetValue:
    """One value to narrow a search by."""

    value: str
    title: Text
    count: int


@dataclass(frozen=True)
class Found:
    """One page of hits with the facets of all hits."""

    count: int
    datasets: tuple[Dataset, ...]
    facets: Mapping[str, tuple[FacetValue, ...]]

    @property
    def pages(self) -> int:
        """How many pages the hits fill."""
        return max(1, -(-self.count // PAGE_SIZE))


@dataclass(frozen=True)
class Preview:
    """Twenty rows of a released table, as the SQLite file holds them."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def has_empty_cells(self) -> bool:
        """Tell whether any cell is empty, by itself or because it was hidden."""
        return any(value is None for row in self.rows for value in row)

    @property
    def decimals(self) -> tuple[int | None, ...]:
        """How many decimals each column of fractions shows, so that its points stand under each other; else null."""
        return tuple(_decimals(values) for values in zip(*self.rows, strict=True)) or (None,) * len(self.columns)


@dataclass(frozen=True)
class Totals:
    """The numbers of the home page, over all public datasets with a release."""

    datasets: int = 0
    on_time: int = 0
    rows: int = 0
    organizations: int = 0
    last_published: datetime | None = None


class CatalogueReader:
    """Answers the public pages' questions; holds no state but the totals of the last minute."""

    def __init__(self, services: Services, *, now: Callable[[], datetime]) -> None:
        self.store = services.store
        self.files = services.files
        self._services = services
        self._now = now
        self._totals: tuple[int | None, datetime, Totals] | None = None

    def dataset(self, name_or_id: str) -> Dataset | None:
        """Return a public dataset by name, former name or id; null when there is none for the public."""
        with self._context() as context:
            package = _shown(context, name_or_id)
            if package is None:
                target = context.session.get(NameRedirect, ("package", name_or_id))
                package = _shown(context, target.target_id) if target else None
            if package is None or package.get("state", "active") != "active":
                return None
            return self._dataset(context, package)

    def dataset_of_resource(self, resource_id: str) -> str | None:
        """Return the name of the public dataset that a resource belongs to, or null."""
        with self.store.read() as session:
            statement = select(Package.name).join(Resource, Resource.package_id == Package.id)
            public = (Resource.id == resource_id, Package.state == "active", Package.private.is_(False))
            return session.scalar(statement.where(*public))

    def described(self, dataset: Dataset) -> tuple[DescribedDataset, Portal]:
        """Return a public dataset as the catalogue's other tongues tell it, and the portal that tells it."""
        with self._context() as context:
            portal = portal_of(settings_in_force(context.session, self._services.settings))
            return shown_dataset(context, portal, dataset.id), portal

    def portal(self) -> Portal:
        """Return the portal as its settings describe it at this moment."""
        with self.store.read() as session:
            return portal_of(settings_in_force(session, self._services.settings))

    def search(self, wanted: Search) -> Found:
        """Find public datasets; a query that the search cannot read finds nothing."""
        params = {
            "q": wanted.text or "*:*",
            "fq": " ".join([*_filters(wanted.facets), *_owned_by(wanted.organizations)]),
            "sort": _SORTS[wanted.sort],
            "rows": PAGE_SIZE,
            "start": (wanted.page - 1) * PAGE_SIZE,
            "facet.field": json.dumps(FACETS),
            "facet.limit": 30,
        }
        with self._context() as context:
            try:
                answer = read.package_search(context, params)
            except CatalogueError:
                return Found(0, (), {})
            known = _known_places(context)
        datasets = tuple(
            dataset_from_package(package, places=known, site_url=self._services.settings.site_url)
            for package in answer["results"]
        )
        return Found(int(answer["count"]), datasets, _facets(answer.get("search_facets") or {}, known))

    def organizations(self) -> list[Place]:
        """Return the organizations with datasets of their own or of those below them, by title."""
        with self._context() as context:
            groups = read_groups.organization_list(context, _ALL_FIELDS)
            counts = {group["id"]: group["package_count"] for group in groups}
            tree = all_below(context.session)
        return _places([{**one, "package_count": counted_below(one["id"], counts, tree)} for one in groups])

    def themes(self) -> list[Place]:
        """Return the themes, by title."""
        with self._context() as context:
            return _places(read_groups.group_list(context, _ALL_FIELDS))

    def organization(self, name: str) -> Place | None:
        """Return one organization, null when there is none."""
        return self._place(read_groups.organization_show, name)

    def surroundings(self, name: str) -> Surroundings:
        """Return what stands around an organization; nothing when there is none of this name."""
        with self._context() as context:
            try:
                shown = read_groups.organization_show(context, {"id": name})
            except (NotFound, NotAuthorized):
                return Surroundings()
            return surroundings_of(context.session, shown)

    def theme(self, name: str) -> Place | None:
        """Return one theme, null when there is none."""
        return self._place(read_groups.group_show, name)

    def release(self, dataset: Dataset, release: str) -> Release | None:
        """Return one release of a dataset, null when the catalogue knows none of that id."""
        with self.store.read() as session:
            row = session.get(DatasetRelease, (dataset.id, release))
            return release_from_summary(row.release, row.summary, state=row.state) if row else None

    def count_releases(self, dataset: Dataset) -> int:
        """Return how many releases a dataset has had."""
        with self.store.read() as session:
            counted = select(func.count()).select_from(DatasetRelease).where(DatasetRelease.dataset_id == dataset.id)
            return session.scalar(counted) or 0

    def releases(self, dataset: Dataset, page: int = 1) -> list[Release]:
        """Return one page of the releases of a dataset, newest first."""
        with self.store.read() as session:
            rows = session.scalars(
                select(DatasetRelease)
                .where(DatasetRelease.dataset_id == dataset.id)
                .order_by(DatasetRelease.published_at.desc(), DatasetRelease.release.desc())
                .limit(RELEASES_PER_PAGE)
                .offset((page - 1) * RELEASES_PER_PAGE)
            )
            return [release_from_summary(row.release, row.summary, state=row.state) for row in rows]

    def released_files(self, dataset: str, release: str) -> list[ReleasedFile]:
        """Return the files of a release as its manifest lists them, the manifest and its signature last."""
        names = [str(file["path"]) for file in self.files.manifest(dataset, release).get("files", [])]
        return [self.files.info(dataset, release, name) for name in [*names, "manifest.json", "manifest.sig"]]

    def document(self, dataset: Dataset, name: str) -> dict[str, Any] | None:
        """Return a JSON document of the current release, null when it has none or the storage does not answer."""
        return self.document_of(dataset.name, dataset.release.id, name) if dataset.release else None

    def document_of(self, dataset: str, release: str, name: str) -> dict[str, Any] | None:
        """Return a JSON document of any release, null when it has none or the storage does not answer."""
        try:
            document = self.files.read_json(dataset, release, name)
        except (CatalogueError, FilesUnavailable):
            return None
        return document if isinstance(document, dict) else None

    def preview(self, dataset: Dataset, table: str, *, newest_first: bool = False) -> Preview | None:
        """Return the first rows of a released table, or its last ones from the end; null when they cannot be read now."""
        if dataset.release is None or table not in dataset.tables:
            return None
        release = dataset.release
        order = "DESC" if newest_first else "ASC"
        quoted = '"' + table.replace('"', '""') + '"'
        try:
            tables, digest = self.files.tables, release.manifest_sha256 or None
            with tables.lease(tables.path(dataset.name, release.id, manifest_sha256=digest)) as connection:
                cursor = connection.execute(f"SELECT * FROM {quoted} ORDER BY rowid {order} LIMIT ?", (PREVIEW_ROWS,))  # noqa: S608  quoted
                columns = tuple(column[0] for column in cursor.description)
                return Preview(table, columns, tuple(tuple(row) for row in cursor.fetchall()))
        except (CatalogueError, FilesUnavailable, sqlite3.Error):
            return None

    def about(self) -> list[str]:
        """Return the paragraphs in which the portal's people tell about it; none when they wrote nothing."""
        with self._context() as context:
            told = settings_in_force(context.session, self._services.settings).about
        return [paragraph.strip() for paragraph in told.split("\n\n") if paragraph.strip()]

    def totals(self) -> Totals:
        """Return the numbers of the home page; counted anew when the catalogue changed or a minute passed."""
        now = self._now()
        with self.store.read() as session:
            change = session.scalar(select(func.max(ChangeLog.seq)))
        if self._totals is None or self._totals[0] != change or now - self._totals[1] > _TOTALS_LAST:
            self._totals = (change, now, self._counted(now))
        return self._totals[2]

    def _dataset(self, context: Context, package: Mapping[str, Any]) -> Dataset:
        return dataset_from_package(package, places=_known_places(context), site_url=self._services.settings.site_url)

    def _counted(self, now: datetime) -> Totals:
        with self.store.read() as session:
            found = session.execute(
                select(Package.extras, Package.owner_org, DatasetRelease.release, DatasetRelease.summary)
                .join(Package, Package.id == DatasetRelease.dataset_id)
                .where(DatasetRelease.state == "published", Package.state == "active", Package.private.is_(False))
            ).all()
        releases = [(extras.get("frequency", ""), release_from_summary(name, data)) for extras, _, name, data in found]
        judged = [freshness(cadence, as_of=r.as_of, checked_at=r.checked_at, now=now) for cadence, r in releases]
        published = [r.published_at for _, r in releases if r.published_at]
        return Totals(
            datasets=len(releases),
            on_time=sum(fresh.is_on_time for fresh in judged),
            rows=sum(r.row_count for _, r in releases),
            organizations=len({owner for _, owner, _, _ in found if owner}),
            last_published=max(published, key=_in_utc) if published else None,
        )

    def _place(self, show: Callable[[Context, dict[str, Any]], Mapping[str, Any]], name: str) -> Place | None:
        with self._context() as context:
            try:
                return place_from_group(show(context, {"id": name, "include_datasets": False}))
            except (NotFound, NotAuthorized):
                return None

    @contextmanager
    def _context(self) -> Iterator[Context]:
        with self.store.read() as session:
            yield self._services.context(session)


_ALL_FIELDS = {"all_fields": True, "include_extras": True, "include_dataset_count": True, "limit": 1000}


def _shown(context: Context, name_or_id: str) -> Mapping[str, Any] | None:
    try:
        shown: Mapping[str, Any] = read.package_show(context, {"id": name_or_id})
    except (NotFound, NotAuthorized):
        return None
    return shown


def _places(groups: list[Any]) -> list[Place]:
    places = (place_from_group(group) for group in groups)
    return sorted((place for place in places if place.datasets), key=lambda place: place.title.vi.casefold())


def _filters(facets: Mapping[str, tuple[str, ...]]) -> list[str]:
    return [f'+{name}:"{_escaped(value)}"' for name, values in facets.items() for value in values if value]


def _owned_by(names: tuple[str, ...]) -> list[str]:
    return [f"+organization:({' OR '.join(_quoted(name) for name in names)})"] if names else []


def _quoted(value: str) -> str:
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _facets(found: Mapping[str, Any], places: Mapping[str, Place]) -> dict[str, tuple[FacetValue, ...]]:
    facets = {}
    for name in FACETS:
        items = (found.get(name) or {}).get("items") or []
        values = [FacetValue(item["name"], _facet_title(name, item, places), int(item["count"])) for item in items]
        facets[name] = tuple(sorted(values, key=lambda value: (-value.count, value.title.vi)))
    return facets


def _facet_title(name: str, item: Mapping[str, Any], places: Mapping[str, Place]) -> Text:
    if name in {"organization", "groups"} and item["name"] in places:
        return places[item["name"]].title
    return Text(item.get("display_name") or item["name"])


def _known_places(context: Context) -> dict[str, Place]:
    """Return what organizations and themes are called in both languages; there are hundreds, not millions."""
    rows = context.session.execute(select(Group.name, Group.title, Group.extras).where(Group.state == "active"))
    return {
        name: place_from_group({"name": name, "title": title, "title_en": (extras or {}).get("title_en")})
        for name, title, extras in rows
    }


def _decimals(values: tuple[Any, ...]) -> int | None:
    fractions = [f"{value:.4f}".rstrip("0").partition(".")[2] for value in values if isinstance(value, float)]
    return max((len(digits) for digits in fractions), default=None)


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
