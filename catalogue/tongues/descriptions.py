"""Describes shown packages with what the catalogue knows around them; the number of queries does not depend on theirs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.actions.context import Context
from catalogue.errors import CatalogueError
from catalogue.files.released_files import FilesUnavailable
from catalogue.model import DatasetRelease, Group, Package
from catalogue.register.packages import package_to_dict, packages_by_ids
from catalogue.register.releases import WITHDRAWN
from catalogue.settings import CatalogueSettings
from catalogue.times import show_time
from catalogue.tongues.described import (
    DescribedDataset,
    Portal,
    Release,
    Series,
    Surroundings,
    Table,
    tables_from_datapackage,
)
from catalogue.tongues.description import (
    SERIES_TYPE,
    change_notes,
    dataset_uri,
    extras_of,
    listed,
    package_to_description,
    release_summary,
)

Dictionary = Mapping[str, Any]


def portal_of(settings: CatalogueSettings) -> Portal:
    """Return the portal of these settings."""
    return Portal(
        url=settings.site_url.rstrip("/"),
        title=settings.title,
        description=settings.description,
        locale=settings.locale,
        contact=settings.contact,
    )


def describe_all(context: Context, packages: Sequence[Dictionary], portal: Portal) -> list[DescribedDataset]:
    """Return the records of many datasets: without tables, and of their releases only the current and the one before."""
    session = context.session
    english = _english_titles(session, packages)
    withdrawn, releases = _releases(session, packages, portal)
    series = _series(session, packages, portal)
    around = {
        str(package["id"]): Surroundings(
            english=english,
            withdrawn=frozenset(withdrawn[str(package["id"])]),
            releases=releases[str(package["id"])],
            series=[series[key] for key in _series_keys(package) if key in series],
        )
        for package in packages
    }
    return [package_to_description(package, portal, around[str(package["id"])]) for package in packages]


def describe_one(context: Context, package: Dictionary, portal: Portal) -> DescribedDataset:
    """Return the record of a dataset, with the tables of its release and all releases that the public may have."""
    session = context.session
    rows = session.scalars(
        select(DatasetRelease)
        .where(DatasetRelease.dataset_id == package["id"])
        .order_by(DatasetRelease.published_at.desc(), DatasetRelease.release.desc())
    ).all()
    series = _series(session, [package], portal)
    around = Surroundings(
        english=_english_titles(session, [package]),
        withdrawn=frozenset(row.release for row in rows if row.state == WITHDRAWN),
        releases=[_release(row, package, portal) for row in rows if row.state != WITHDRAWN],
        series=[series[key] for key in _series_keys(package) if key in series],
        tables=_tables(context, package),
    )
    return package_to_description(package, portal, around)


def _release(row: DatasetRelease, package: Dictionary, portal: Portal) -> Release:
    return Release(
        id=row.release,
        uri=f"{portal.url}/dataset/{package['id']}/release/{row.release}",
        page=f"{portal.url}/r/{package['name']}/{row.release}/",
        issued=show_time(row.published_at) or "",
        notes=change_notes(row.summary, portal.locale, latest=f"{portal.url}/latest/{package['name']}/"),
        parent=str(row.summary.get("parent") or ""),
    )


def _releases(
    session: Session, packages: Sequence[Dictionary], portal: Portal
) -> tuple[dict[str, list[str]], dict[str, list[Release]]]:
    """Return by dataset the withdrawn releases, and the current one with the one before it."""
    by_id = {str(package["id"]): package for package in packages if "release" in extras_of(package)}
    wanted: dict[str, set[str]] = {}
    for package_id, package in by_id.items():
        extras = extras_of(package)
        wanted[package_id] = {extras["release"], str(release_summary(extras).get("parent") or "")}
    named = {release for releases in wanted.values() for release in releases}
    ids = [str(package["id"]) for package in packages]
    statement = select(DatasetRelease).where(
        DatasetRelease.dataset_id.in_(ids),
        DatasetRelease.release.in_(named) | (DatasetRelease.state == WITHDRAWN),
    )
    withdrawn: dict[str, list[str]] = defaultdict(list)
    releases: dict[str, list[Release]] = defaultdict(list)
    for row in session.scalars(statement):
        if row.state == WITHDRAWN:
            withdrawn[row.dataset_id].append(row.release)
        elif row.release in wanted.get(row.dataset_id, ()):
            releases[row.dataset_id].append(_release(row, by_id[row.dataset_id], portal))
    return withdrawn, releases


def _english_titles(session: Session, packages: Iterable[Dictionary]) -> dict[str, str]:
    """Return by id what organizations and groups of the datasets are called in English, where somebody told."""
    ids = {str(package["organization"]["id"]) for package in packages if package.get("organization")}
    ids |= {str(group["id"]) for package in packages for group in package.get("groups") or []}
    rows = session.execute(select(Group.id, Group.extras).where(Group.id.in_(ids)))
    return {group_id: title for group_id, extras in rows if (title := _english_title(extras or {}))}


def _english_title(extras: Mapping[str, Any]) -> str:
    translated = extras.get("title_translated")
    if isinstance(translated, str):
        try:
            translated = json.loads(translated)
        except (ValueError, RecursionError):
            translated = None
    told = translated.get("en") if isinstance(translated, Mapping) else None
    return str(told or extras.get("title_en") or "")


def _series_keys(package: Dictionary) -> list[str]:
    return listed(extras_of(package).get("in_series"))


def _series(session: Session, packages: Iterable[Dictionary], portal: Portal) -> dict[str, Series]:
    """Return the public series that the datasets name, by id and by name."""
    keys = {key for package in packages for key in _series_keys(package)}
    if not keys:
        return {}
    statement = select(Package.id).where(
        Package.id.in_(keys) | Package.name.in_(keys),
        Package.type == SERIES_TYPE,
        Package.state == "active",
        Package.private.is_(False),
    )
    found: dict[str, Series] = {}
    for package in packages_by_ids(session, session.scalars(statement).all()):
        shown = package_to_dict(package)
        told = package_to_description(shown, portal)
        found[package.id] = found[package.name] = Series(dataset_uri(shown, portal), told.title, told.description)
    return found


def _tables(context: Context, package: Dictionary) -> tuple[Table, ...]:
    """Return the tables of the current release; none when there is no release or the storage does not answer."""
    release = extras_of(package).get("release")
    if not release:
        return ()
    try:
        document = context.files.read_json(str(package["name"]), release, "datapackage.json")
    except (CatalogueError, FilesUnavailable):
        return ()
    return tables_from_datapackage(document if isinstance(document, dict) else None)
