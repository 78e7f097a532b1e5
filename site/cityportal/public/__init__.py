"""Pages for everyone: what the catalogue holds, as people read it."""

from __future__ import annotations

from flask import Blueprint

from catalogue.services import Services
from cityportal.bilingual import follow_language
from cityportal.chrome import clock
from cityportal.public.catalogue_pages import add_catalogue_pages
from cityportal.public.dataset_pages import add_dataset_pages
from cityportal.public.file_pages import add_file_pages
from cityportal.public.machine_pages import add_machine_pages
from cityportal.public.reading import CatalogueReader
from cityportal.public.sign_in_pages import add_sign_in_pages


def public_blueprint(services: Services) -> Blueprint:
    """Return the public pages, sign-in included; the application must have gone through `init_site`."""
    reader = CatalogueReader(services, now=clock)
    blueprint = Blueprint("public", "cityportal")
    follow_language(blueprint)
    add_catalogue_pages(blueprint, reader)
    add_dataset_pages(blueprint, reader)
    add_file_pages(blueprint, reader)
    add_machine_pages(blueprint, reader)
    add_sign_in_pages(blueprint, services)
    return blueprint
