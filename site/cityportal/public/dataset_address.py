"""The dataset that the address of a page names, or the way to its page."""

from __future__ import annotations

from typing import Any

from flask import abort, redirect, request, url_for

from cityportal.public.dataset import Dataset
from cityportal.public.reading import CatalogueReader


def find_dataset(reader: CatalogueReader, name: str) -> Dataset | Any:
    """Return the dataset, or the answer that leads from a former name (301) or an id (302) to the same page of it."""
    found = reader.dataset(name)
    if found is None:
        abort(404)
    if found.name == name:
        return found
    values = {**(request.view_args or {}), **request.args.to_dict(flat=False), "name": found.name}
    return redirect(url_for(request.endpoint or "", **values), 302 if name == found.id else 301)
