"""Pages over the whole catalogue: home, search, organizations, themes, about, developers."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from catalogue.web.alternates import alternates_of_catalog
from cityportal.bilingual import page
from cityportal.languages import Text, has_message, translate
from cityportal.public.dataset import Place
from cityportal.public.organization_tree import Surroundings
from cityportal.public.paging import page_number
from cityportal.public.reading import FACETS, CatalogueReader, FacetValue, Found, Search
from cityportal.public.structured_data import schema_org_catalog
from cityportal.score import SCORE_PARTS

_NEW_ON_HOME = 6


def add_catalogue_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the pages on the blueprint."""
    _add_home(blueprint, reader)
    _add_search(blueprint, reader)
    _add_lists_of_places(blueprint, reader)
    _add_places(blueprint, reader)

    @page(blueprint, "/about")
    def about() -> str:
        return render_template("about.html", told=reader.about())

    @page(blueprint, "/method")
    def method() -> str:
        return render_template("method.html", parts=SCORE_PARTS)

    @page(blueprint, "/developers")
    def developers() -> str:
        example = next((d for d in reader.search(Search(sort="newest")).datasets if d.queryable), None)
        return render_template("developers.html", example=example)


def _add_home(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/")
    def home() -> str:
        newest = reader.search(Search(sort="newest")).datasets
        with_release = [dataset for dataset in newest if dataset.release]
        return render_template(
            "home.html",
            totals=reader.totals(),
            newest=with_release[:_NEW_ON_HOME],
            themes=reader.themes(),
            structured=schema_org_catalog(reader.portal()),
            alternates=alternates_of_catalog(),
        )


def _add_search(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/dataset")
    def search() -> str:
        wanted = _asked()
        found = reader.search(wanted)
        if wanted.page > found.pages:
            abort(404)
        return render_template(
            "search.html",
            wanted=wanted,
            found=found,
            facets=[(name, _choices(wanted, name, found.facets.get(name, ()))) for name in FACETS],
            chosen=[
                {"label": _label(found, name, value), "url": _search_url(wanted, drop=(name, value))}
                for name, values in wanted.facets.items()
                for value in values
            ],
            page_url=lambda number: _search_url(wanted, number=number),
            sort_url=lambda sort: _search_url(wanted, sort=sort),
        )

    @page(blueprint, "/dataset/")
    def search_with_slash() -> str:
        return str(search())


def _add_lists_of_places(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/organization")
    def organizations() -> str:
        return render_template("places.html", kind="organization", places=reader.organizations())

    @page(blueprint, "/organization/")
    def organizations_with_slash() -> str:
        return str(organizations())

    @page(blueprint, "/group")
    def themes() -> str:
        return render_template("places.html", kind="group", places=reader.themes())

    @page(blueprint, "/group/")
    def themes_with_slash() -> str:
        return str(themes())


def _add_places(blueprint: Blueprint, reader: CatalogueReader) -> None:
    @page(blueprint, "/organization/<name>")
    def organization(name: str) -> str | Response:
        around = reader.surroundings(name)
        return _place("organization", reader.organization(name), around, name=name)

    @page(blueprint, "/group/<name>")
    def theme(name: str) -> str | Response:
        return _place("group", reader.theme(name), None, name=name)

    def _place(kind: str, place: Place | None, around: Surroundings | None, *, name: str) -> str | Response:
        if place is None:
            abort(404)
        if place.name != name:  # a former name, or the id
            return redirect(url_for(request.endpoint or "", name=place.name), 301)
        number = page_number()
        if around is None:
            wanted = Search(facets={"groups": (place.name,)}, sort="newest", page=number)
        else:
            wanted = Search(organizations=(place.name, *around.below), sort="newest", page=number)
        found = reader.search(wanted)
        if number > found.pages:
            abort(404)
        return render_template(
            "place.html",
            kind=kind,
            place=place,
            around=around,
            found=found,
            number=number,
            page_url=lambda target: url_for(
                request.endpoint or "", name=place.name, page=target if target > 1 else None
            ),
        )


def facet_title(name: str, value: str, title: Text) -> Text:
    """Return a facet value in words: our own texts where we have them, else what the catalogue calls it."""
    key = f"facet_values.{name}.{value}"
    return Text(translate("vi", key), translate("en", key)) if has_message(key) else title


def _label(found: Found, name: str, value: str) -> Text:
    titles = {one.value: one.title for one in found.facets.get(name, ())}
    return facet_title(name, value, titles.get(value, Text(value)))


def _asked() -> Search:
    facets = {name: tuple(dict.fromkeys(request.args.getlist(name))) for name in FACETS}
    sort = request.args.get("sort", "")
    text = request.args.get("q", "").strip()[:200]
    return Search(
        text=text,
        facets={name: values for name, values in facets.items() if any(values)},
        sort=sort if sort in {"relevance", "newest", "title"} else ("relevance" if text else "newest"),
        page=page_number(),
    )


def _choices(wanted: Search, name: str, values: tuple[FacetValue, ...]) -> list[dict[str, Any]]:
    taken = wanted.facets.get(name, ())
    return [
        {
            "label": facet_title(name, value.value, value.title),
            "count": value.count,
            "taken": value.value in taken,
            "url": _search_url(wanted, drop=(name, value.value))
            if value.value in taken
            else _search_url(wanted, add=(name, value.value)),
        }
        for value in values
    ]


def _search_url(
    wanted: Search,
    *,
    add: tuple[str, str] | None = None,
    drop: tuple[str, str] | None = None,
    number: int = 1,
    sort: str | None = None,
) -> str:
    chosen = {name: [v for v in values if (name, v) != drop] for name, values in wanted.facets.items()}
    if add:
        chosen.setdefault(add[0], []).append(add[1])
    kept_sort = sort or wanted.sort
    asked: dict[str, Any] = {
        "q": wanted.text or None,
        "sort": None if kept_sort == ("relevance" if wanted.text else "newest") else kept_sort,
        "page": number if number > 1 else None,
        **chosen,
    }
    return url_for(".search", **asked)
