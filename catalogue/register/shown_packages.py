"""The dataset dicts that are ready to be sent: each is stored as JSON text, by the write that changed it, in its transaction.

A text is absent when something that it shows was changed by a write to something else, such as the title of its organization;
then it is made from the tables when it is read, and put back afterwards. All that take texts away or put them back hold the
lock of the change log until their transaction ends, so that no text can be older than the tables. A text that was made by
another version of this code, or for another address or language of the portal, is no text of ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from catalogue.actions.authorize import may_read, require_read
from catalogue.actions.context import Context
from catalogue.errors import NotFound
from catalogue.model import Package, ShownPackage
from catalogue.register.change_log import take_log_lock
from catalogue.register.packages import everything, find_package_id, package_to_dict, packages_by_ids
from catalogue.services import Services
from catalogue.settings import CatalogueSettings
from catalogue.web.json_text import JsonText, json_list

BATCH = 500
_FOLDER = Path(__file__).parent.parent
_OURS = and_(ShownPackage.package_id == Package.id, ShownPackage.made_by == bindparam("made_by"))
_COLUMNS = (
    Package.id,
    Package.state,
    Package.private,
    Package.owner_org,
    Package.creator_user_id,
    ShownPackage.body,
)
_ASKED = Package.id == bindparam("asked"), Package.name == bindparam("asked")
_BY_NAME_OR_ID = select(*_COLUMNS).outerjoin(ShownPackage, _OURS).where(or_(*_ASKED)).order_by(_ASKED[0].desc())
_BY_IDS = select(*_COLUMNS).outerjoin(ShownPackage, _OURS).where(Package.id.in_(bindparam("ids", expanding=True)))


class PackageHead(NamedTuple):
    """What decides who may read a dataset, and its text when there is one."""

    id: str
    state: str
    private: bool
    owner_org: str | None
    creator_user_id: str | None
    body: str | None


def shown_package(context: Context, name_or_id: str) -> Any:
    """Return the dataset dict of `package_show`, as text when the context wants texts.

    Raises:
        NotFound: there is no dataset with this id, name or former name.
        NotAuthorized: the caller may not read it.
    """
    head = _head(context, name_or_id)
    require_read(context, head)
    text = head.body if head.body is not None else _made_anew(context, [head.id])[head.id]
    return JsonText(text) if context.wants_texts else json.loads(text)


def shown_list(context: Context, ids: Sequence[str]) -> Any:
    """Return the dataset dicts with these ids, in this order, as one text when the context wants texts.

    Datasets that do not exist any more, or that the caller may not read, are left out.
    """
    texts = shown_texts(context, ids)
    return json_list(texts) if context.wants_texts else [json.loads(text) for text in texts]


def shown_texts(context: Context, ids: Sequence[str]) -> list[str]:
    """Return what `shown_list` returns as one text for each dataset."""
    if not ids:
        return []
    values = {"ids": list(ids), "made_by": made_by(context.settings)}
    heads = [PackageHead(*row) for row in context.session.connection().execute(_BY_IDS, values)]
    texts = {head.id: head.body for head in heads if may_read(context, head)}
    texts |= _made_anew(context, [package_id for package_id, text in texts.items() if text is None])
    return [text for package_id in ids if (text := texts.get(package_id)) is not None]


def keep_shown(context: Context, package: Package, shown: dict[str, Any]) -> None:
    """Store the text of a dataset in the transaction of its write, right after `log_change` took away the older one."""
    session = context.session
    if session.get_bind().dialect.name == "postgresql":
        # Until the lock of the log was got, others could still change what this transaction had read of its organization.
        statement = select(Package).where(Package.id == package.id).options(*everything())
        shown = package_to_dict(session.scalars(statement.execution_options(populate_existing=True)).one())
    row = {"package_id": package.id, "made_by": made_by(context.settings), "body": _text(shown)}
    session.execute(insert(ShownPackage), row)


def put_back(context: Context) -> None:
    """Store the texts that a read had to make, unless somebody is writing at this moment: then a later read will do it."""
    with context.services.store.write_if_free() as session:
        if session is None or not take_log_lock(session, wait=False):
            return
        _store_missing(session, context.settings, sorted(context.made_anew))


def put_all_back(services: Services) -> int:
    """Store all texts that are missing, such as after an update of this code; return how many these were."""
    count, last = 0, ""
    ours = and_(ShownPackage.package_id == Package.id, ShownPackage.made_by == made_by(services.settings))
    missing = select(Package.id).where(~exists().where(ours)).order_by(Package.id).limit(BATCH)
    while True:
        with services.store.read() as session:
            ids = session.scalars(missing.where(Package.id > last)).all()
        if not ids:
            return count
        with services.store.write() as session:
            take_log_lock(session)
            count += _store_missing(session, services.settings, ids)
        last = ids[-1]


def _store_missing(session: Session, settings: CatalogueSettings, ids: Sequence[str]) -> int:
    # A dataset that is being written is left alone, because its writer may already wait for the lock of the log.
    free = select(Package.id).where(Package.id.in_(ids)).with_for_update(skip_locked=True, key_share=True)
    ours = select(ShownPackage.package_id).where(ShownPackage.made_by == made_by(settings))
    done = set(session.scalars(ours.where(ShownPackage.package_id.in_(ids))))
    rows = [
        {"package_id": package.id, "made_by": made_by(settings), "body": _text(package_to_dict(package))}
        for package in packages_by_ids(session, [one for one in session.scalars(free) if one not in done])
    ]
    if rows:
        older = ShownPackage.package_id.in_([row["package_id"] for row in rows])
        session.execute(delete(ShownPackage).where(older), execution_options={"synchronize_session": False})
        session.execute(insert(ShownPackage), rows)
    return len(rows)


def made_by(settings: CatalogueSettings) -> str:
    """Return what tells our texts from those of other versions of the catalogue and of other settings."""
    return _made_by(f"{settings.site_url} {settings.locale}")


@cache
def _made_by(shown_settings: str) -> str:
    digest = hashlib.sha256(shown_settings.encode())
    for path in sorted([*_FOLDER.rglob("*.py"), *_FOLDER.rglob("*.yaml")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _head(context: Context, name_or_id: str) -> PackageHead:
    values = {"asked": name_or_id, "made_by": made_by(context.settings)}
    connection = context.session.connection()
    row = connection.execute(_BY_NAME_OR_ID, values).first()
    if row is None and (former := find_package_id(context.session, name_or_id)):
        row = connection.execute(_BY_NAME_OR_ID, {**values, "asked": former}).first()
    if row is None:
        raise NotFound("Package was not found.")
    return PackageHead(*row)


def _made_anew(context: Context, ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    made = {package.id: _text(package_to_dict(package)) for package in packages_by_ids(context.session, ids)}
    context.made_anew.update(made)
    return made


def _text(shown: dict[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
