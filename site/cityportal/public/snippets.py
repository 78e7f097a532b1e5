"""Snippets for the API page: each works when pasted, against the dataset that the page is about."""

from __future__ import annotations

from dataclasses import dataclass

from flask import render_template

from cityportal.chrome import public_address
from cityportal.public.dataset import Dataset

_SNIPPETS = (
    ("curl", "datastore"),
    ("curl", "query"),
    ("python", "query"),
    ("r", "parquet"),
    ("duckdb", "parquet"),
    ("javascript", "query"),
)
ROWS = 5


@dataclass(frozen=True)
class Snippet:
    """A piece of code in one language, for one of the ways to the data: datastore, query or parquet."""

    language: str
    way: str
    code: str


def snippets(dataset: Dataset) -> list[Snippet]:
    """Return the snippets that this dataset's forms allow, for its first table."""
    addresses = addresses_of(dataset)
    return [
        Snippet(language, way, render_template(f"snippets/{language}.txt", url=addresses[way], rows=ROWS).strip())
        for language, way in _SNIPPETS
        if way in addresses
    ]


def addresses_of(dataset: Dataset) -> dict[str, str]:
    """Return the full address of each way to the data of the first table."""
    addresses = {}
    if dataset.queryable:
        addresses["datastore"] = public_address(
            f"/api/3/action/datastore_search?resource_id={dataset.queryable.id}&limit={ROWS}"
        )
    if dataset.release and dataset.tables:
        addresses["query"] = public_address(
            f"/query/{dataset.name}/{dataset.tables[0]}.json?_size={ROWS}&_shape=objects"
        )
    parquet = next((d for d in dataset.distributions if d.format.lower() == "parquet"), None)
    if parquet:
        addresses["parquet"] = public_address(f"/latest/{dataset.name}/{parquet.file}")
    return addresses
