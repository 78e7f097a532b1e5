"""Views of resources: which kinds there are, which a resource gets by itself, and how they are shown."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from catalogue.model import Resource, ResourceView, new_id


@dataclass(frozen=True)
class ViewType:
    """A kind of view: what it is called where nobody gave it a title, and the formats it is made for by itself."""

    title_vi: str
    title_en: str
    formats: frozenset[str] = frozenset()


def _formats(written: str) -> frozenset[str]:
    return frozenset(written.lower().split("|"))


# CKAN's own kinds first, then those of its extensions that portals carry with them when they move.
VIEW_TYPES: dict[str, ViewType] = {
    "image_view": ViewType("Hình ảnh", "Image", _formats("PNG|JPEG|JPG|GIF|SVG|WebP|BMP|AVIF")),
    "datatables_view": ViewType("Bảng", "Table", _formats("CSV|TSV|XLS|XLSX|ODS|Parquet")),
    "text_view": ViewType("Văn bản", "Text", _formats("TXT|MD|JSON|JSON Lines|JSON-LD|XML|YAML|RDF|TTL|Atom|RSS")),
    "geojson_view": ViewType("Bản đồ", "Map", _formats("GeoJSON|TopoJSON")),
    "pdf_view": ViewType("Tài liệu PDF", "PDF", _formats("PDF")),
    "webpage_view": ViewType("Trang web", "Web page"),
    "video_view": ViewType("Phim", "Video", _formats("MP4|WebM")),
    "audio_view": ViewType("Âm thanh", "Audio", _formats("MP3|OGG|WAV")),
    "geo_view": ViewType("Bản đồ", "Map"),
    "shp_view": ViewType("Bản đồ", "Map"),
    "wmts_view": ViewType("Bản đồ", "Map"),
    "recline_view": ViewType("Bảng", "Table"),
    "recline_grid_view": ViewType("Bảng", "Table"),
    "recline_graph_view": ViewType("Biểu đồ", "Chart"),
    "recline_map_view": ViewType("Bản đồ", "Map"),
}


def title_of_type(view_type: str, locale: str) -> str:
    """Return what a view of this kind is called in the portal's language."""
    kind = VIEW_TYPES[view_type]
    return kind.title_vi if locale == "vi" else kind.title_en


def missing_views(resource: Resource, present: Collection[str] = (), *, locale: str) -> list[ResourceView]:
    """Return the views that a resource should have by itself, for what its format or its rows can show, and lacks.

    Args:
        resource: a stored one.
        present: the kinds of view that it has.
        locale: the language of the portal, in which the views are titled.
    """
    if not resource.url and not resource.datastore_active:
        return []
    written = (resource.format or "").lower()
    types = [name for name, kind in VIEW_TYPES.items() if written in kind.formats]
    if resource.datastore_active and "datatables_view" not in types:
        types.append("datatables_view")
    return [
        ResourceView(
            id=new_id(),
            resource_id=resource.id,
            title=title_of_type(view_type, locale),
            description="",
            view_type=view_type,
            position=len(present) + number,
            config={},
        )
        for number, view_type in enumerate(name for name in types if name not in present)
    ]


def add_missing_views(session: Session, resources: Sequence[Resource], *, locale: str) -> list[ResourceView]:
    """Add to each of the stored resources the views it should have by itself and lacks; return the new ones."""
    present: dict[str, list[str]] = {}
    statement = select(ResourceView.resource_id, ResourceView.view_type)
    for resource_id, view_type in session.execute(
        statement.where(ResourceView.resource_id.in_([resource.id for resource in resources]))
    ):
        present.setdefault(resource_id, []).append(view_type)
    added = [view for one in resources for view in missing_views(one, present.get(one.id, ()), locale=locale)]
    session.add_all(added)
    return added


def view_to_dict(view: ResourceView, package_id: str) -> dict[str, Any]:
    """Return the view as CKAN shows it: the settings of its kind stand at the top level."""
    return {
        **view.config,
        "id": view.id,
        "resource_id": view.resource_id,
        "package_id": package_id,
        "title": view.title,
        "description": view.description,
        "view_type": view.view_type,
    }
