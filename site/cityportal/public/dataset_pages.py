"""The pages of one dataset: overview, data, API, dictionary, releases, quality, and its resources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from markupsafe import Markup

from catalogue.web.alternates import croissant_path
from cityportal.bilingual import page
from cityportal.public.dataset import Dataset, Distribution
from cityportal.public.dataset_address import find_dataset
from cityportal.public.dictionary import Column, Table, tables_from_datapackage
from cityportal.public.map_pictures import add_map_pictures, picture_of
from cityportal.public.measures import measures_from_report
from cityportal.public.paging import page_number
from cityportal.public.privacy_pages import add_privacy_pages
from cityportal.public.reading import RELEASES_PER_PAGE, CatalogueReader
from cityportal.public.reports import quality_from_report
from cityportal.public.snippets import snippets
from cityportal.public.structured_data import schema_org_dataset, schema_org_trail

Answer = str | Any


def add_dataset_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the pages on the blueprint."""
    _add_overview(blueprint, reader)
    _add_details(blueprint, reader)
    _add_resources(blueprint, reader)
    add_privacy_pages(blueprint, reader)
    add_map_pictures(blueprint, reader)


def _add_overview(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/dataset/<name>")
    def dataset(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        tables = _tables(reader, found)
        shown = next(
            (table for table in tables if table.name == request.args.get("table")), tables[0] if tables else None
        )
        answer = Response(
            render_template(
                "dataset/overview.html",
                dataset=found,
                tables=tables,
                shown=shown,
                preview=reader.preview(found, shown.name, newest_first=shown.is_series) if shown else None,
                measures=measures_from_report(reader.document(found, "quality.json")),
                has_map=picture_of(reader, found, shown.name) is not None if shown else False,
                structured=_structured(reader, found),
            )
        )
        return _with_links(answer, found)

    @page(blueprint, "/dataset/<name>/data")
    def data(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        if found.release is None:
            abort(404)
        tables = found.tables
        return redirect(f"/query/{found.name}/{tables[0]}" if len(tables) == 1 else f"/query/{found.name}")


def _add_details(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/dataset/<name>/api")
    def api(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        return render_template("dataset/api.html", dataset=found, snippets=snippets(found))

    @page(blueprint, "/dataset/<name>/dictionary")
    def dictionary(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        return render_template("dataset/dictionary.html", dataset=found, tables=_tables(reader, found))

    @page(blueprint, "/dataset/<name>/releases")
    def releases(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        number = page_number()
        pages = max(1, -(-reader.count_releases(found) // RELEASES_PER_PAGE))
        if number > pages:
            abort(404)
        return render_template(
            "dataset/releases.html",
            dataset=found,
            releases=reader.releases(found, number),
            number=number,
            pages=pages,
            page_url=lambda target: url_for(".releases", name=found.name, page=target if target > 1 else None),
        )

    @page(blueprint, "/dataset/<name>/quality")
    def quality(name: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        report, tables = reader.document(found, "quality.json"), _tables(reader, found)
        return render_template(
            "dataset/quality.html",
            dataset=found,
            quality=quality_from_report(report),
            measures=measures_from_report(report),
            titles={table.name: table.title for table in tables},
            columns={(table.name, column.name): column for table in tables for column in table.columns},
        )


def _add_resources(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/dataset/<name>/resource/<resource_id>")
    def resource(name: str, resource_id: str) -> Answer:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        distribution = _distribution(found, resource_id)
        return render_template("dataset/resource.html", dataset=found, distribution=distribution)


def _structured(reader: CatalogueReader, dataset: Dataset) -> list[Markup]:
    """Return what search engines read of a dataset."""
    described, portal = reader.described(dataset)
    return [schema_org_dataset(described, portal), schema_org_trail(dataset)]


def _distribution(dataset: Dataset, resource_id: str) -> Distribution:
    found = next((d for d in dataset.distributions if d.id == resource_id), None)
    if found is None:
        abort(404)
    return found


def _tables(reader: CatalogueReader, dataset: Dataset) -> list[Table]:
    """Return the released tables with their columns; without a data package only what the catalogue knows of them."""
    described = tables_from_datapackage(reader.document(dataset, "datapackage.json"))
    return described or [Table(name, columns=tuple(_columns(reader, dataset, name))) for name in dataset.tables]


def _columns(reader: CatalogueReader, dataset: Dataset, table: str) -> Iterator[Column]:
    preview = reader.preview(dataset, table)
    for name in preview.columns if preview else ():
        yield Column(name, "")


def _with_links(answer: Response, dataset: Dataset) -> Response:
    """Signpost the machine-readable forms of the page."""
    links = [
        f'<{one.path}>; rel="{relation}"; type="{one.media_type}"'
        for one in dataset.alternates
        for relation in ("alternate", *(["describedby"] if one.media_type == "text/turtle" else []))
    ]
    links.append(f'<{croissant_path(dataset.id)}>; rel="describedby"; type="application/ld+json"')
    if dataset.license_url:
        links.append(f'<{dataset.license_url}>; rel="license"')
    links += [f'<{d.url}>; rel="item"' for d in dataset.distributions if d.url]
    answer.headers["Link"] = ", ".join(links)
    return answer
