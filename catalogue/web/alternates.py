"""The other forms of a page, as links in its head and in its header `Link` name them."""

from __future__ import annotations

from dataclasses import dataclass

from catalogue.web.negotiation import RDF_TYPES


@dataclass(frozen=True)
class Alternate:
    """The same in another form: where, and as what."""

    path: str
    media_type: str


def alternates_of_catalog() -> tuple[Alternate, ...]:
    """Return the forms of the whole catalogue."""
    return tuple(Alternate(f"/catalog.{extension}", media_type) for media_type, extension in RDF_TYPES.items())


def alternates_of_dataset(dataset_id: str) -> tuple[Alternate, ...]:
    """Return the forms of one dataset: RDF, its data package, and the feed of its releases."""
    place = f"/dataset/{dataset_id}"
    rdf = (Alternate(f"{place}.{extension}", media_type) for media_type, extension in RDF_TYPES.items())
    return (
        *rdf,
        Alternate(f"{place}/datapackage.json", "application/json"),
        Alternate(f"{place}/releases.atom", "application/atom+xml"),
    )


def croissant_path(dataset_id: str) -> str:
    """Return where a dataset's Croissant is, which shares its media type with the first form of RDF."""
    return f"/dataset/{dataset_id}/croissant.jsonld"
