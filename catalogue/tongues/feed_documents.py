"""The feeds of the catalogue, drafted for a caller: of everything, of an organization, group or tag, of a search, of a dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from catalogue.actions.context import Context
from catalogue.actions.read import package_search
from catalogue.errors import NotFound
from catalogue.register.groups import get_group
from catalogue.times import read_time
from catalogue.tongues.described import Portal
from catalogue.tongues.descriptions import describe_all
from catalogue.tongues.feeds import (
    MEDIA_TYPE,
    PAGE_SIZE,
    Entry,
    Feed,
    dataset_to_entry,
    feed_to_atom,
    releases_to_entries,
)
from catalogue.tongues.words import words_of
from catalogue.web.documents import Draft, newest_change_at, program_version, read_page, shown_dataset

CUSTOM_PARAMETERS = ("q", "fq", "sort")


def feed_draft(context: Context, portal: Portal, kind: str, name: str, params: Mapping[str, str]) -> Draft:
    """Return one page of a feed of datasets, the last changed first.

    Args:
        context: of the caller.
        portal: that is described.
        kind: dataset, custom, organization, group or tag.
        name: of the organization, group (or its id) or tag; empty for the first two kinds.
        params: `page`, and for custom feeds `q`, `fq` and `sort`.

    Raises:
        NotFound: there is no such organization or group, or no such page.
        ValidationError: the page is no number.
    """
    number = read_page(params.get("page"))
    query = {key: params[key] for key in CUSTOM_PARAMETERS if params.get(key)} if kind == "custom" else {}
    search: dict[str, Any] = {"sort": "metadata_modified desc", "rows": PAGE_SIZE, "facet": "false", **query}
    search["start"] = (number - 1) * PAGE_SIZE
    title, page_path, lasting = portal.title, "/dataset", ""
    if kind in {"organization", "group"}:
        group = get_group(context.session, name, is_organization=kind == "organization")
        if group.state != "active":
            raise NotFound(f"{kind.capitalize()} was not found.")
        search["fq"] = f'{"organization" if kind == "organization" else "groups"}:"{group.name}"'
        title, page_path = f"{group.title or group.name} – {title}", f"/{kind}/{group.name}"
        lasting = f"{portal.url}/feeds/{kind}/{group.id}.atom"
    elif kind == "tag":
        search["fq"] = 'tags:"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
        title, page_path = f"{name} – {title}", f"/dataset?tags={quote(name)}"
    found = package_search(context, search)
    path = f"/feeds/{kind}/{quote(name)}.atom" if name else f"/feeds/{kind}.atom"
    feed = Feed(
        portal_url=portal.url,
        path=path,
        query=query,
        title=title,
        page_path=page_path,
        page=number,
        total=int(found["count"]),
        locale=portal.locale,
        id=lasting,
    )
    entries = [dataset_to_entry(dataset, portal) for dataset in describe_all(context, found["results"], portal)]
    return _draft(feed, entries, newest_change_at(context))


def releases_feed_draft(context: Context, portal: Portal, name_or_id: str, params: Mapping[str, str]) -> Draft:
    """Return one page of the releases of a dataset; it raises what `package_show` does, and NotFound for the page."""
    number = read_page(params.get("page"))
    dataset = shown_dataset(context, portal, name_or_id)
    feed = Feed(
        portal_url=portal.url,
        path=f"/dataset/{dataset.id}/releases.atom",
        query={},
        title=words_of("releases_feed", portal.locale, title=dataset.title).local,
        page_path=f"{dataset.page.removeprefix(portal.url)}/releases",
        page=number,
        total=len(dataset.releases),
        locale=portal.locale,
    )
    entries = releases_to_entries(dataset, portal)[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    return _draft(feed, entries, read_time(dataset.modified))


def _draft(feed: Feed, entries: list[Entry], modified: datetime | None) -> Draft:
    if feed.page > feed.last:
        raise NotFound("The feed has no such page")
    tag = hashlib.sha256(repr((program_version(), feed, entries)).encode()).hexdigest()[:32]
    return Draft(MEDIA_TYPE, tag, modified, lambda: feed_to_atom(feed, entries))
