"""Uploaded files and the rows that name them: kept by a commit, removed after a commit, swept up when nothing names them.

An object is in the storage before its row is committed, and is removed only after the commit that forgot its row. What a
crash leaves in between is an object without a row, which `sweep_uploads` removes when it is a day old; so nothing that a
committed row names is ever removed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import ColumnElement, delete, event, select
from sqlalchemy.orm import Session

from catalogue.actions.context import Context
from catalogue.files.released_files import FilesUnavailable
from catalogue.files.upload_storage import PREFIX
from catalogue.model import Upload
from catalogue.register.validation import FieldReader
from catalogue.store import afterwards

if TYPE_CHECKING:  # it leads to all faces of the catalogue
    from catalogue.services import Services

IMAGES = f"{PREFIX}group/"
FILES = f"{PREFIX}resource/"
UNNAMED_FOR = timedelta(days=1)  # no request takes longer, so an object without a row is nobody's by then

_log = logging.getLogger(__name__)


@dataclass
class ReceivedFile:
    """A file of the current request; it lies in the storage unless `fault` says why it was not kept.

    `named` tells whether a committed row names it: no, yes, or perhaps, when a commit began and its end is not known.
    """

    key: str
    original_name: str
    file_name: str = ""
    shown_media_type: str = ""
    served_media_type: str = ""
    size: int = 0
    sha256: str = ""
    fault: str = ""
    named: Literal["no", "perhaps", "yes"] = "no"


def read_file(reader: FieldReader, field: str) -> ReceivedFile | None:
    """Return the file that a field holds, null when it holds none; one that was not kept is a fault of the field."""
    value = reader.raw.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, ReceivedFile):
        reader.fault(field, "Send the file as a part of a multipart/form-data body")
        return None
    if value.fault:
        reader.fault(field, value.fault)
        return None
    return value


def upload_url(context: Context, file: ReceivedFile, *, package_id: str, resource_id: str) -> str:
    """Return the address of an uploaded file of a resource."""
    site = context.settings.site_url
    return f"{site}/dataset/{package_id}/resource/{resource_id}/download/{file.file_name}"


def image_url(context: Context, file: ReceivedFile) -> str:
    """Return the address of an uploaded image."""
    return f"{context.settings.site_url}/{file.key}"


def keep_upload(
    context: Context, file: ReceivedFile, *, resource_id: str | None = None, group_id: str | None = None
) -> None:
    """Name a received file in this transaction as the one of a stored resource or group; an earlier one goes."""
    owner = Upload.resource_id == resource_id if resource_id else Upload.group_id == group_id
    drop_uploads(context, owner)
    session = context.session
    session.add(
        Upload(
            key=file.key,
            resource_id=resource_id,
            group_id=group_id,
            file_name=file.file_name,
            original_name=file.original_name,
            media_type=file.served_media_type,
            size=file.size,
            sha256=file.sha256,
            created=context.now(),
        )
    )
    session.flush()
    event.listen(session, "before_commit", lambda _session: setattr(file, "named", "perhaps"), once=True)
    afterwards(session, lambda: setattr(file, "named", "yes"))


def drop_uploads(context: Context, condition: ColumnElement[bool]) -> None:
    """Forget the uploads that fit the condition; their objects go after the commit."""
    keys = list(context.session.scalars(select(Upload.key).where(condition)))
    if keys:
        context.session.execute(delete(Upload).where(Upload.key.in_(keys)))
        afterwards(context.session, lambda: remove_objects(context.services, keys))


def drop_lost_uploads(context: Context, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Forget the files of resources that a changed dataset no longer has, or has as links now.

    Must run before the change is flushed: the database takes the owner out of the rows of deleted resources.
    """
    lost = _uploaded(before) - _uploaded(after)
    if lost:
        drop_uploads(context, Upload.resource_id.in_(lost))


def _uploaded(shown: dict[str, Any]) -> set[str]:
    return {resource["id"] for resource in shown["resources"] if resource["url_type"] == "upload"}


def remove_objects(services: Services, keys: list[str]) -> None:
    """Remove objects that no row names; what the storage refuses now is left to the sweep."""
    for key in keys:
        try:
            services.uploads.delete(key)
        except (FilesUnavailable, OSError):
            _log.warning("an uploaded object could not be removed now; the sweep will try again: %s", key)


def upload_of_resource(session: Session, resource_id: str) -> Upload | None:
    """Return the file of a resource, null when it is a link."""
    return session.scalar(select(Upload).where(Upload.resource_id == resource_id))


def sweep_uploads(services: Services, *, unnamed_for: timedelta = UNNAMED_FOR) -> int:
    """Remove objects that no row names and rows that no resource or group owns; return how many objects went.

    Raises:
        FilesUnavailable: the storage does not answer.
    """
    limit = services.now() - unnamed_for
    services.uploads.abort_before(limit)
    with services.store.write() as session:
        unowned = Upload.resource_id.is_(None) & Upload.group_id.is_(None)
        session.execute(delete(Upload).where(unowned))
    unnamed = list(services.uploads.keys_before(limit))  # before the rows are read: a row is younger than its object
    with services.store.read() as session:
        named = set(session.scalars(select(Upload.key)))
    lost = [key for key in unnamed if key not in named]
    remove_objects(services, lost)
    return len(lost)
