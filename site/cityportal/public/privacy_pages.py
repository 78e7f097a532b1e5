"""How a dataset's current release, and each earlier one, keeps people unrecognised, in plain words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for

from catalogue.register.releases import WITHDRAWN
from cityportal.bilingual import page
from cityportal.public.dataset import Dataset, Release
from cityportal.public.dataset_address import find_dataset
from cityportal.public.dictionary import tables_from_datapackage
from cityportal.public.privacy_report import privacy_from_report, titles_of
from cityportal.public.reading import CatalogueReader


def add_privacy_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the pages on the blueprint."""

    @page(blueprint, "/dataset/<name>/privacy")
    def privacy(name: str) -> Any:
        found = find_dataset(reader, name)
        if not isinstance(found, Dataset):
            return found
        if found.release is None:
            abort(404)
        return _told(reader, found, found.release)

    @page(blueprint, "/r/<dataset>/<release>/privacy")
    def release_privacy(dataset: str, release: str) -> Any:
        found = reader.dataset(dataset)
        record = reader.release(found, release) if found is not None and found.name == dataset else None
        if found is None or record is None:
            abort(404)
        if record.state == WITHDRAWN:
            return redirect(url_for(".release_page", dataset=dataset, release=release))
        return _told(reader, found, record)


def _told(reader: CatalogueReader, dataset: Dataset, release: Release) -> str:
    described = tables_from_datapackage(reader.document_of(dataset.name, release.id, "datapackage.json"))
    return render_template(
        "dataset/privacy.html",
        dataset=dataset,
        release=release,
        is_current=dataset.release is not None and dataset.release.id == release.id,
        privacy=privacy_from_report(reader.document_of(dataset.name, release.id, "privacy.json")),
        titles={table.name: table.title for table in described},
        columns=titles_of(described),
    )
