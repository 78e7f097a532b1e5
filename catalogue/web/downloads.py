"""What lies behind the download address of a resource: an uploaded file, or a link that leads on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from catalogue.actions.authorize import is_public, may_read
from catalogue.actions.context import Context
from catalogue.errors import NotFound
from catalogue.files.uploads import IMAGES, upload_of_resource
from catalogue.model import Package, Resource, Upload
from catalogue.register.packages import find_package_id

_LEADS_ON = {"http", "https", "ftp"}
_UNSENDABLE = re.compile(r"[\x00-\x20\x7f]")


@dataclass(frozen=True)
class Download:
    """Either a file in the storage (`upload`) or the address of one elsewhere; `is_public`: everybody may have it."""

    upload: Upload | None
    url: str
    is_public: bool


def find_download(context: Context, dataset: str, resource_id: str) -> Download:
    """Return what the resource of the dataset (id, name or former name) hands out.

    Raises:
        NotFound: there is no such resource, it is not for the caller, or it has no address that a browser should follow.
    """
    package_id = find_package_id(context.session, dataset)
    package = context.session.get(Package, package_id) if package_id else None
    resource = context.session.get(Resource, resource_id)
    if package is None or resource is None or resource.package_id != package.id or not may_read(context, package):
        raise NotFound("Resource was not found.")
    upload = upload_of_resource(context.session, resource.id) if resource.url_type == "upload" else None
    if upload is None and not _leads_on(resource):
        raise NotFound("The resource has no address that leads on.")
    return Download(upload, resource.url, is_public(package))


def find_image(context: Context, file: str) -> Upload:
    """Return the uploaded image of this name.

    Raises:
        NotFound: there is none.
    """
    upload = context.session.get(Upload, IMAGES + file)
    if upload is None:
        raise NotFound("Image was not found.")
    return upload


def _leads_on(resource: Resource) -> bool:
    """Tell whether the link leads somewhere that is not this very download address, with a scheme that only fetches."""
    try:
        parts = urlsplit(resource.url)
    except ValueError:
        return False
    if parts.scheme.lower() not in _LEADS_ON or not parts.netloc or _UNSENDABLE.search(resource.url):
        return False
    return f"/resource/{resource.id}/download" not in parts.path
