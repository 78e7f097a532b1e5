"""Writes the records of another portal into this catalogue: organizations and groups first, then datasets in batches.

Ids, names and times are kept. Where a name is taken, the dataset that changed last keeps it; the other gets its id's first
letters behind it. A record that was taken in before and did not change is not touched, so that a run can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from catalogue.actions.context import Context
from catalogue.actions.registry import call_action
from catalogue.errors import CatalogueError, ValidationError
from catalogue.importing.dumps import Record, is_group, is_package
from catalogue.importing.mending import (
    TAKEN_ELSEWHERE,
    acceptable_name,
    another_name,
    as_extras_list,
    mend_faults,
    mend_package,
    short_id,
)
from catalogue.importing.report import Outcome, Report
from catalogue.model import Group, NameRedirect, Package, User
from catalogue.register.groups import find_group
from catalogue.register.names import is_taken
from catalogue.register.packages import packages_by_ids
from catalogue.register.validation import name_faults
from catalogue.services import Services
from catalogue.times import read_time

BATCH = 50
_GROUP_FIELDS = ("id", "name", "title", "description", "image_url", "approval_status", "extras", "type")

Records = Callable[[], Iterable[Record]]


@dataclass
class _Plan:
    """What a first reading of all records tells: groups by id, and which dataset keeps which name."""

    groups: dict[str, Record] = field(default_factory=dict)
    newest: dict[str, tuple[str, str]] = field(default_factory=dict)

    def note(self, record: Record) -> None:
        if is_group(record):
            self.groups[record["id"]] = {**self.groups.get(record["id"], {}), **record}
        if not is_package(record):
            return
        organization = record.get("organization")
        for group in [organization, *(record.get("groups") or [])]:
            if group and group.get("id"):
                self.groups.setdefault(group["id"], {**group, "is_organization": group is organization})
        claim = (str(record.get("metadata_modified") or ""), record["id"])
        self.newest[record["name"]] = max(claim, self.newest.get(record["name"], claim))


class Takeover:
    """One run over the records of one portal; a sysadmin's account writes them."""

    def __init__(self, services: Services, user_id: str, report: Report, *, organization: str | None = None) -> None:
        self._services = services
        self._user_id = user_id
        self._report = report
        self._organization = organization
        self._local_ids: dict[str, str] = {}
        self._plan = _Plan()
        self._stored: dict[str, Package] = {}

    def run(self, records: Records) -> None:
        """Take in all records; they are read twice."""
        for record in records():
            self._plan.note(record)
        self._take_groups(list(self._plan.groups.values()))
        packages = (record for record in records() if is_package(record))
        while batch := list(islice(packages, BATCH)):
            self._take_packages(batch)

    # ---- organizations and groups

    def _take_groups(self, groups: Sequence[Record]) -> None:
        with self._writing() as context:
            outcomes = [(record, self._guarded(context, record, self._take_group)) for record in groups]
            for record in groups:
                self._place_under_parents(context, record)
        self._report.add(outcomes)

    def _take_group(self, context: Context, record: Record) -> Outcome:
        kind = "organization" if record.get("is_organization") else "group"
        found = context.session.get(Group, record["id"]) or find_group(context.session, record["name"])
        if found is not None and found.is_organization == (kind == "organization"):
            self._local_ids[record["id"]] = found.id
            told = "unchanged" if found.id == record["id"] else "matched"
            return Outcome(kind, record["id"], found.name, told)
        changes = []
        name = record["name"]
        if name_faults(name) or is_taken(context.session, "group", name, by_other_than=None):
            name = acceptable_name(f"{name}-{short_id(record['id'])}", record["id"])
            changes.append("its name is taken here or not allowed; it got another one")
        given = {key: record[key] for key in _GROUP_FIELDS if record.get(key) is not None}
        given |= {"name": name, "extras": [_extra(item) for item in record.get("extras") or []]}
        shown = call_action(context, f"{kind}_create", given)
        group = context.session.get_one(Group, shown["id"])
        group.created = _moment(record.get("created")) or group.created
        self._local_ids[record["id"]] = group.id
        return Outcome(kind, record["id"], name, "created", tuple(changes))

    def _place_under_parents(self, context: Context, record: Record) -> None:
        """Put the group under its parents, which all exist by now; it leaves those it has."""
        group = context.session.get(Group, self._local_ids.get(record["id"], ""))
        named = [parent.get("name") for parent in record.get("groups") or [] if isinstance(parent, dict)]
        found = [parent for name in named if name and (parent := find_group(context.session, name))]
        if group is None or not found or {parent.id for parent in found} <= {parent.id for parent in group.parents}:
            return
        kind = "organization" if group.is_organization else "group"
        parents = [{"name": parent.name} for parent in (*group.parents, *found)]
        call_action(context, f"{kind}_patch", {"id": group.id, "groups": parents})

    # ---- datasets

    def _take_packages(self, records: Iterable[Record]) -> None:
        outcomes = []
        with self._writing() as context:
            ids = [record["id"] for record in records]
            self._stored = {package.id: package for package in packages_by_ids(context.session, ids)}
            for record in records:
                if self._report.is_done("dataset", record):
                    outcomes.append((record, Outcome("dataset", record["id"], record["name"], "unchanged")))
                elif record.get("state") == "deleted":
                    outcomes.append((record, Outcome("dataset", record["id"], record["name"], "skipped")))
                else:
                    outcomes.append((record, self._guarded(context, record, self._take_package)))
        self._report.add(outcomes)

    def _take_package(self, context: Context, record: Record) -> Outcome:
        package, changes = mend_package(record)
        if modified := _moment(record.get("metadata_modified")):
            context = replace(context, now=lambda: modified)  # what the portal knows as the time of change stays it
        stored = self._stored.get(record["id"])
        package["name"], told = self._name_of(record, stored)
        changes += told
        package["owner_org"] = self._owner_of(record)
        package["groups"] = [
            {"id": self._local_ids[group["id"]]}
            for group in record.get("groups") or []
            if group.get("id") in self._local_ids
        ]
        action = "package_update" if stored else "package_create"
        try:
            shown = call_action(context, action, as_extras_list(package))
        except ValidationError as error:  # raised before anything is written
            mended = mend_faults(package, error.error_dict)
            if not mended:
                raise
            changes += mended
            shown = call_action(context, action, as_extras_list(package))
        self._lead_on(context, record, shown)
        return Outcome(
            "dataset", record["id"], shown["name"], "updated" if stored else "created", tuple(dict.fromkeys(changes))
        )

    def _name_of(self, record: Record, stored: Package | None) -> tuple[str, list[str]]:
        written = record["name"]
        if stored is not None and stored.name.startswith(written):
            return stored.name, []
        name = written if not name_faults(written) else acceptable_name(written, record["id"])
        if self._plan.newest[written][1] != record["id"]:
            return another_name(name, record["id"]), [TAKEN_ELSEWHERE]
        return name, [] if name == written else ["its name is not allowed here; it got another one"]

    def _owner_of(self, record: Record) -> str | None:
        organization = record.get("organization") or {}
        source = record.get("owner_org") or organization.get("id") or ""
        return self._local_ids.get(source) or self._organization

    def _lead_on(self, context: Context, record: Record, shown: Record) -> None:
        """Let the names under which the portal knew the dataset lead to it, where nobody has them."""
        for name in (record["name"], *record.get("former_names", ())):
            claimed = self._plan.newest.get(name, ("", record["id"]))[1] != record["id"]
            if name == shown["name"] or claimed:
                continue
            if not is_taken(context.session, "package", name, by_other_than=shown["id"]):
                redirect = NameRedirect(kind="package", name=name, target_id=shown["id"], at=context.now())
                context.session.merge(redirect)

    # ---- one record

    def _guarded(self, context: Context, record: Record, take: Callable[[Context, Record], Outcome]) -> Outcome:
        """Take in one record; one that cannot be taken in leaves nothing behind and does not stop the others."""
        try:
            with context.session.begin_nested():
                return take(context, record)
        except CatalogueError as error:
            kind = "dataset" if is_package(record) else "organization" if record.get("is_organization") else "group"
            return Outcome(kind, record["id"], record["name"], "failed", _in_words(error))

    @contextmanager
    def _writing(self) -> Iterator[Context]:
        with self._services.store.write() as session:
            yield self._services.context(session, session.get_one(User, self._user_id))


def _moment(written: object) -> datetime | None:
    try:
        return read_time(str(written)) if written else None
    except (ValueError, OverflowError):
        return None


def _extra(item: Record) -> Record:
    return {"key": item.get("key"), "value": item.get("value")}


def _in_words(error: CatalogueError) -> tuple[str, ...]:
    if not isinstance(error, ValidationError):
        return (error.message,)
    return tuple(f"{field}: {told}" for field, told in error.error_dict.items())
