"""`/data.json`: all public datasets in one document, written dataset by dataset, so that its size costs no memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from sqlalchemy import func, select

from catalogue.actions.context import Context
from catalogue.model import ChangeLog, Group, Package
from catalogue.register.packages import package_to_dict, packages_by_ids
from catalogue.services import Services
from catalogue.tongues.dcat_us import catalog_head, dataset_to_dcat_us
from catalogue.tongues.described import Portal
from catalogue.tongues.descriptions import describe_all
from catalogue.web.documents import program_version

_AT_ONCE = 200


def data_json_tag(context: Context, portal: Portal, organization: Group | None) -> str:
    """Return the ETag: it changes with every change of the catalogue."""
    seq = context.session.scalar(select(func.max(ChangeLog.seq)))
    parts = (program_version(), portal, organization.id if organization else "", seq)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def write_data_json(services: Services, portal: Portal, organization: Group | None) -> Iterator[bytes]:
    """Yield the document, of one organization or of all; it reads one state of the database to its end."""
    part = f"/organization/{organization.id}" if organization else ""
    head = json.dumps(catalog_head(portal, f"{portal.url}{part}/data.json"), ensure_ascii=False)
    yield f'{head[:-1]}, "dataset": ['.encode()
    with services.store.read() as session:
        context, last, separator = services.context(session), "", "\n"
        while ids := _next_ids(context, last, organization):
            packages = [package_to_dict(package) for package in packages_by_ids(session, ids)]
            told = (dataset_to_dcat_us(dataset, portal) for dataset in describe_all(context, packages, portal))
            for dataset in told:
                yield f"{separator}{json.dumps(dataset, ensure_ascii=False)}".encode()
                separator = ",\n"
            last = ids[-1]
            session.expunge_all()
    yield b"\n]}\n"


def _next_ids(context: Context, last: str, organization: Group | None) -> list[str]:
    statement = select(Package.id).where(Package.state == "active", Package.private.is_(False), Package.id > last)
    if organization is not None:
        statement = statement.where(Package.owner_org == organization.id)
    return list(context.session.scalars(statement.order_by(Package.id).limit(_AT_ONCE)))
