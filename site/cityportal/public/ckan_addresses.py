"""Addresses of CKAN's pages that people and programs have kept: each leads to our page with the same content."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, redirect, render_template, url_for

from catalogue.actions.authorize import may
from catalogue.people.accounts import find_user, package_counts
from catalogue.services import Services
from cityportal.bilingual import page
from cityportal.identity import signed_in
from cityportal.public.reading import CatalogueReader


def add_ckan_addresses(blueprint: Blueprint, reader: CatalogueReader, services: Services) -> None:
    """Register the addresses on the blueprint."""

    def lead(endpoint: str, name: str | None, **values: Any) -> Any:
        """Lead from a page about the dataset (name, id or former name) to ours; 404 when there is none for the public."""
        found = reader.dataset(name) if name else None
        if found is None:
            abort(404)
        return redirect(url_for(endpoint, name=found.name, **values))

    @page(blueprint, "/dataset/activity/<name>")
    def dataset_activity(name: str) -> Any:
        return lead(".releases", name)

    @page(blueprint, "/dataset/groups/<name>")
    def dataset_groups(name: str) -> Any:
        return lead(".dataset", name)

    @page(blueprint, "/dataset/<name>/dictionary/<resource_id>")
    def resource_dictionary(name: str, resource_id: str) -> Any:  # noqa: ARG001  one page tells all tables of a dataset
        return lead(".dictionary", name)

    @page(blueprint, "/dataset/<name>/resource/<resource_id>/view")
    @page(blueprint, "/dataset/<name>/resource/<resource_id>/view/<view_id>")
    def resource_view(name: str, resource_id: str, view_id: str = "") -> Any:  # noqa: ARG001  the page shows what a view would
        return lead(".resource", name, resource_id=resource_id)

    @page(blueprint, "/datastore/api_info/<resource_id>")
    def datastore_api_info(resource_id: str) -> Any:
        return lead(".api", reader.dataset_of_resource(resource_id))

    @page(blueprint, "/user/<name>")
    def person(name: str) -> Any:
        return render_template("person.html", person=_person(services, name))


def _person(services: Services, name: str) -> dict[str, Any]:
    """Return what a page may say of an account; 404 when there is none, or accounts are not for the caller to see."""
    asking = signed_in()
    with services.store.read() as session:
        caller = find_user(session, asking.name) if asking else None
        user = find_user(session, name)
        if user is None or user.state != "active" or not may(services.context(session, caller), "user_details"):
            abort(404)
        count = package_counts(session, [user.id]).get(user.id, 0)
        return {"title": user.fullname or user.name, "about": user.about or "", "datasets": count}
