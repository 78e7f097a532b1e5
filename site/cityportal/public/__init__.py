"""Pages for everyone: what the catalogue holds, as people read it."""

from __future__ import annotations

from flask import Blueprint

from catalogue.services import Services
from cityportal.bilingual import follow_language
from cityportal.chrome import clock
from cityportal.identity import know_people
from cityportal.public.account_pages import add_account_pages
from cityportal.public.catalogue_pages import add_catalogue_pages
from cityportal.public.ckan_addresses import add_ckan_addresses
from cityportal.public.dataset_pages import add_dataset_pages
from cityportal.public.download_pages import add_download_pages
from cityportal.public.file_pages import add_file_pages
from cityportal.public.machine_pages import add_machine_pages
from cityportal.public.people import People
from cityportal.public.reading import CatalogueReader
from cityportal.public.sign_in_pages import add_sign_in_pages
from cityportal.public.sitemap import add_sitemap


def public_blueprint(services: Services) -> Blueprint:
    """Return the public pages, sign-in included; the application must have gone through `init_site`."""
    reader = CatalogueReader(services, now=clock)
    blueprint = Blueprint("public", "cityportal")
    follow_language(blueprint)
    add_catalogue_pages(blueprint, reader)
    add_dataset_pages(blueprint, reader)
    add_download_pages(blueprint, services)
    add_ckan_addresses(blueprint, reader, services)
    add_file_pages(blueprint, reader)
    add_machine_pages(blueprint, reader)
    add_sitemap(blueprint, services)
    people = People(services)
    blueprint.record_once(lambda state: know_people(state.app, people.find))
    add_sign_in_pages(blueprint, people)
    if services.settings.oidc.issuer:
        from cityportal.public.oidc_pages import add_oidc_pages  # its libraries take half a second to load

        add_oidc_pages(blueprint, people)
    add_account_pages(blueprint, people)
    return blueprint
