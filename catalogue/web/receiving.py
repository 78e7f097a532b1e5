"""Takes the files of one request straight into the storage while the request is being read, holding little of them.

Nothing is kept for a caller who could not use it anyway: who may upload at all is decided when a file begins, what exactly
it is for by the action, after all fields are known. Whatever no committed row names when the call ends is removed.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from types import TracebackType
from typing import Any, Self

from sqlalchemy import select

from catalogue.actions.authorize import Role
from catalogue.actions.context import Context
from catalogue.errors import CatalogueError, NotAuthorized, ValidationError
from catalogue.files.upload_names import (
    HEAD_BYTES,
    IMAGE_TYPES,
    safe_file_name,
    served_media_type,
    shown_media_type,
    sniffed_media_type,
)
from catalogue.files.upload_storage import Sink
from catalogue.files.uploads import FILES, IMAGES, ReceivedFile, remove_objects
from catalogue.model import Collaborator
from catalogue.people.tokens import find_token
from catalogue.services import Services

TOO_LARGE = "File upload too large"
NO_IMAGE = "Only images may be uploaded here: PNG, JPEG, GIF or WebP"
MOST_FILES = 100
MOST_DRAINED_BYTES = 64 * 2**20  # read and dropped, so that a refused caller gets to see the answer
_MIB = 2**20
_REVISED_RESOURCE = re.compile(r"update__resources__(?:(?!__).)+__upload")
_RESOURCE_ACTIONS = {"resource_create", "resource_update", "resource_patch"}
_GROUP_ACTIONS = {f"{kind}_{verb}" for kind in ("organization", "group") for verb in ("create", "update", "patch")}


def takes_file(action: str, field: str) -> bool:
    """Tell whether the action takes a file in this field."""
    if action == "package_revise":
        return bool(_REVISED_RESOURCE.fullmatch(field))
    return (action in _RESOURCE_ACTIONS and field == "upload") or (action in _GROUP_ACTIONS and field == "image_upload")


class Receiver:
    """The files of one call; a context manager, at whose end everything goes that no committed row names."""

    def __init__(self, services: Services, action: str, token: str) -> None:
        self.services = services
        self.action = action
        self.token = token
        self.files: list[ReceivedFile] = []
        self.misplaced: dict[str, list[str]] = {}  # fields that take no file, with what to say about it
        self._refusal: CatalogueError | None = None
        self._is_admitted = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        remove_objects(self.services, [file.key for file in self.files if file.named == "no" and not file.fault])

    def knows_caller(self) -> bool:
        """Tell whether the call comes with a valid token."""
        if not self.token:
            return False
        with self.services.store.read() as session:
            return find_token(session, self.token, self.services.now()) is not None

    def take(self, field: str, name: str) -> FileSink:
        """Return where to write the file of a field.

        Raises:
            ValidationError: there are too many files.
        """
        if len(self.files) >= MOST_FILES:
            raise ValidationError({field: [f"More than {MOST_FILES} files in one call"]})
        is_image = field == "image_upload"
        safe = safe_file_name(name)
        key = f"{IMAGES}{uuid.uuid4().hex[:16]}-{safe}" if is_image else f"{FILES}{uuid.uuid4()}/{safe}"
        file = ReceivedFile(key=key, original_name=name, file_name=safe)
        self.files.append(file)
        if not takes_file(self.action, field):
            self.misplaced[field] = ["A file cannot be the value of this field"]
            return FileSink(self, file, field=field, most_bytes=0, refusal=ValidationError(self.misplaced))
        self._admit()
        settings = self.services.settings
        most = (settings.max_image_size_mb if is_image else settings.max_resource_size_mb) * _MIB
        return FileSink(self, file, field=field, most_bytes=most, refusal=self._refusal)

    def _admit(self) -> None:
        if self._is_admitted or self._refusal:
            return
        with self.services.store.read() as session:
            found = find_token(session, self.token, self.services.now()) if self.token else None
            if found is None:
                self._refusal = NotAuthorized(f"Action {self.action} requires an authenticated user")
            elif found.scope != "all":
                self._refusal = NotAuthorized(f"Action {self.action} requires a token that may write")
            elif not may_upload_somewhere(self.services.context(session, found.user)):
                self._refusal = NotAuthorized(f"User {found.user.name} not authorized to upload files")
        self._is_admitted = self._refusal is None


def may_upload_somewhere(context: Context) -> bool:
    """Tell whether there can be a dataset, organization or group for which the caller may upload."""
    settings = context.settings
    opened = settings.create_unowned_dataset or settings.user_create_groups or settings.user_create_organizations
    if context.user is None:
        return False
    if opened or context.is_sysadmin or max(context.roles.values(), default=Role.USER) >= Role.EDITOR:
        return True
    own = select(Collaborator.package_id).where(Collaborator.user_id == context.user.id)
    return settings.allow_dataset_collaborators and context.session.scalar(own.limit(1)) is not None


class FileSink:
    """Writes one file into the storage, or reads past one that is refused."""

    def __init__(
        self, receiver: Receiver, file: ReceivedFile, *, field: str, most_bytes: int, refusal: CatalogueError | None
    ) -> None:
        self.file = file
        self._field = field
        self._most_bytes = most_bytes
        self._refusal = refusal
        self._head = b""
        self._sha256 = hashlib.sha256()
        self._drained = 0
        self._sink: Sink | None = None
        if refusal is None:
            self._sink = receiver.services.uploads.begin(file.key, most_bytes=most_bytes)
        else:
            file.fault = refusal.message or "refused"

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            CatalogueError: the file is refused and too much of it has been read past.
        """
        if self._sink is None:
            self._drained += len(chunk)
            if self._drained > MOST_DRAINED_BYTES:
                raise self._refusal or ValidationError({self._field.rpartition("__")[2]: [self.file.fault]})
            return
        self.file.size += len(chunk)
        if self.file.size > self._most_bytes:
            self._refuse(TOO_LARGE)
            return
        if len(self._head) < HEAD_BYTES:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
        self._sha256.update(chunk)
        self._sink.write(chunk)

    def finish(self) -> Any:
        """Close the object and return what the action gets as the value of the field."""
        file = self.file
        if self._sink is not None and file.key.startswith(IMAGES) and sniffed_media_type(self._head) not in IMAGE_TYPES:
            self._refuse(NO_IMAGE)
        if self._sink is None:
            return file
        self._sink.finish()
        self._sink = None
        file.sha256 = self._sha256.hexdigest()
        if file.key.startswith(IMAGES):
            file.shown_media_type = file.served_media_type = sniffed_media_type(self._head) or ""
        else:
            file.shown_media_type = shown_media_type(file.file_name, self._head)
            file.served_media_type = served_media_type(file.file_name, self._head)
        return file

    def abort(self) -> None:
        """Forget a file of which the rest never came."""
        if self._sink is not None:
            self._refuse("The file is not whole")

    def _refuse(self, fault: str) -> None:
        self.file.fault = fault
        sink, self._sink = self._sink, None
        if sink is not None:
            sink.abort()
