"""The last steps of a release: files into object storage, approval, and the one call that moves the public's pointer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from publisher.definition import DatasetDefinition
from publisher.disclosure.guarantees import Check
from publisher.errors import DisclosureRisk, ReleaseRefused, StorageError
from publisher.facilities import Facilities
from publisher.manifest import MANIFEST, SIGNATURE, ReleaseIdentity, build_manifest, media_type_of, write_signed
from publisher.published import ReleaseSummary
from publisher.run_log import RunLog
from publisher.signing import public_key_text
from publisher.store import ReleaseRow, utc_now
from publisher.upload import Upload
from publisher.versions.contract import contract_of
from publisher.versions.majors import older_majors


def next_release_id(definition: DatasetDefinition, facilities: Facilities, day: str) -> str:
    """Return the next free id of a day, such as `2026-11-22.1`; the object storage is asked too, it outlives the database."""
    prefix = f"releases/{definition.name}/{day}."
    with facilities.store.reading() as session:
        query = select(ReleaseRow.release).where(
            ReleaseRow.dataset == definition.name, ReleaseRow.release.startswith(f"{day}.")
        )
        taken = set(session.scalars(query))
    taken |= {info.key.split("/")[2] for info in facilities.storage.list(prefix)}
    return f"{day}.{1 + max((int(release.rpartition('.')[2]) for release in taken), default=0)}"


@dataclass(frozen=True)
class Origin:
    """What a release is and comes from: its id and day, the fingerprint of its input, rows at the source and rows out."""

    release: str
    as_of: str
    fingerprint: str
    source_rows: dict[str, int]
    rows: dict[str, int]
    columns: dict[str, int]
    source_types: dict[str, dict[str, str]] = field(default_factory=dict)


def stage(definition: DatasetDefinition, facilities: Facilities, run: RunLog, folder: Path, origin: Origin) -> None:
    """Upload the files, read them back, and put the manifest last, which nobody can put twice.

    Raises:
        StorageError: the storage failed, or gave back other bytes than it was given.
    """
    with run.step("stage") as facts:
        current = facilities.store.current(definition.name)
        identity = ReleaseIdentity(
            release=origin.release,
            as_of=date.fromisoformat(origin.as_of),
            created_at=run.started_at.replace(tzinfo=UTC),
            parent=current.release if current else None,
            code_version=facilities.code_version,
        )
        key = facilities.signing_key
        manifest = build_manifest(
            folder, definition, identity=identity, public_key=public_key_text(key), rows=origin.rows
        )
        manifest_sha256 = write_signed(folder, manifest, key)
        made_at = identity.created_at
        summary = _summary(folder, manifest, origin=origin, manifest_sha256=manifest_sha256, made_at=made_at)
        summary = replace(summary, stated_version=definition.version, contract=contract_of(definition))
        _remember(facilities, run, definition.name, summary, origin)
        _upload(facilities, definition.name, origin.release, folder, manifest)
        facts.update(files=len(manifest["files"]) + 2, bytes=sum(file["bytes"] for file in manifest["files"]))


def approve_and_publish(definition: DatasetDefinition, facilities: Facilities, run: RunLog, release: str) -> str:
    """Publish at once where a standing approval covers the release; otherwise say what it waits for."""
    with run.step("approve") as facts:
        facts["standing"] = int(definition.release.approval == "standing")
    if definition.release.approval != "standing":
        return "awaiting_approval"
    return publish_when_due(definition, facilities, run, release)


def publish_when_due(definition: DatasetDefinition, facilities: Facilities, run: RunLog, release: str) -> str:
    """Publish an approved release, or leave it embargoed until its time."""
    if is_embargoed(definition, utc_now()):
        return "embargoed"
    publish(definition, facilities, run, release)
    return "published"


def is_embargoed(definition: DatasetDefinition, now: datetime) -> bool:
    """Tell whether a dataset's embargo still holds; `now` is naive UTC."""
    until = definition.release.embargo_until
    return until is not None and datetime.fromisoformat(until).astimezone(UTC).replace(tzinfo=None) > now


def publish(definition: DatasetDefinition, facilities: Facilities, run: RunLog, release: str) -> None:
    """Tell the catalogue, which moves the pointer in one transaction; pages, API and Datasette follow it."""
    with run.step("publish") as facts:
        row = facilities.store.release(definition.name, release)
        if row is None:
            raise ReleaseRefused("The release was removed meanwhile.", dataset=definition.name, cure="run again")
        if row.summary["definition_sha256"] != definition.digest:
            message = "The definition changed since the release was made and checked."
            raise ReleaseRefused(message, dataset=definition.name, cure="run again; the new release is checked anew")
        now = utc_now().replace(tzinfo=UTC)
        summary = replace(summary_from_dict(row.summary), published_at=now)
        current = facilities.store.current(definition.name)
        before = summary_from_dict(current.summary) if current else None
        sunset_days = definition.release.sunset_days
        summary = replace(summary, majors=older_majors(summary, before, now=now, sunset_days=sunset_days))
        register = facilities.register
        register.ensure_organization(definition.organization)
        if definition.theme:
            register.ensure_theme(definition.theme)
        register.publish(definition, summary)
        facilities.store.note_summary(definition.name, release, summary_to_dict(summary))
        facilities.store.point_at(definition.name, release)
        facts["rows"] = sum(summary.rows.values())


def keep_current(definition: DatasetDefinition, facilities: Facilities, current: ReleaseRow) -> None:
    """Move the public checked-at clock; a catalogue that points elsewhere, such as one set up anew, is told the release again."""
    register = facilities.register
    if register.current_release(definition.name) != current.release:
        register.ensure_organization(definition.organization)
        if definition.theme:
            register.ensure_theme(definition.theme)
        register.publish(definition, summary_from_dict(current.summary))
    register.checked(definition, datetime.now(UTC), current.release)


def summary_to_dict(summary: ReleaseSummary) -> dict[str, Any]:
    """Return a summary as plain JSON values."""
    plain = asdict(summary)
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in plain.items()}


def summary_from_dict(plain: dict[str, Any]) -> ReleaseSummary:
    """Return the summary that `summary_to_dict` wrote."""
    moments = {key: datetime.fromisoformat(plain[key]) for key in ("published_at", "checked_at")}
    plain = {name: value for name, value in plain.items() if name in ReleaseSummary.__dataclass_fields__}
    return ReleaseSummary(**{**plain, **moments, "as_of": date.fromisoformat(plain["as_of"])})


def _summary(
    folder: Path, manifest: dict[str, Any], *, origin: Origin, manifest_sha256: str, made_at: datetime
) -> ReleaseSummary:
    documents = {name: json.loads((folder / f"{name}.json").read_bytes()) for name in ("privacy", "quality", "changes")}
    changes, quality = documents["changes"], documents["quality"]
    return ReleaseSummary(
        release=manifest["release"],
        as_of=date.fromisoformat(manifest["as_of"]),
        published_at=made_at,
        checked_at=made_at,
        parent=manifest["parent"],
        rows=origin.rows,
        columns=origin.columns,
        files=manifest["files"],
        manifest_sha256=manifest_sha256,
        definition_sha256=manifest["definition_sha256"],
        changes=changes,
        privacy=privacy_totals(documents["privacy"]["tables"]),
        version=changes["version"]["to"],
        source_types=origin.source_types,
        score=quality["score"],
        totals={
            table["table"]: {column["name"]: column["total"] for column in table["columns"] if "total" in column}
            for table in quality["profiles"]
        },
        corrects=changes.get("corrects"),
    )


def privacy_totals(reports: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what the reports of all published tables say together; `k` and `smallest_class` only where a table has them."""
    totals: dict[str, Any] = {
        "suppressed": sum(report.get("suppressed_rows", 0) for report in reports.values()),
        "suppressed_share": max((report.get("suppressed_share", 0.0) for report in reports.values()), default=0.0),
        "hidden_cells": sum(report.get("hidden_cells", 0) for report in reports.values()),
        "dropped": len({name for report in reports.values() for name in report["dropped"]}),
    }
    for name, choose in (("k", max), ("smallest_class", min)):
        known = [report[name] for report in reports.values() if report.get(name)]
        totals |= {name: choose(known)} if known else {}
    return totals


def refuse_unsafe(dataset: str, failures: Sequence[Check], *, what: str = "") -> None:
    """Stop when any check failed.

    Raises:
        DisclosureRisk: names the checks that failed, the tables and columns; never a value.
    """
    if failures:
        said = [f"{check.id}{f' {check.table}' if check.table else ''}: {check.detail}" for check in failures]
        failed = "; ".join(dict.fromkeys(said))  # texts are looked at twice, before and after they were written
        cure = "make the policy of the columns named stronger, or mend the texts named, then make a new release"
        raise DisclosureRisk(f"{what}{failed}", dataset=dataset, step="check", cure=cure)


def _remember(facilities: Facilities, run: RunLog, dataset: str, summary: ReleaseSummary, origin: Origin) -> None:
    with facilities.store.session() as session:
        session.add(
            ReleaseRow(
                dataset=dataset,
                release=summary.release,
                state="staged",
                run_id=run.id,
                fingerprint=origin.fingerprint,
                source_rows=origin.source_rows,
                summary=summary_to_dict(summary),
            )
        )


def _refuse_taken(facilities: Facilities, dataset: str, release: str) -> None:
    """Stop, and forget our row, when another publisher on the same storage took the id; its files are not ours to remove."""
    if facilities.storage.info(f"releases/{dataset}/{release}/{MANIFEST}") is not None:
        facilities.store.forget(dataset, release)
        cure = "run again; the next free release id is taken"
        raise StorageError(f"Release {release} exists already.", dataset=dataset, step="stage", cure=cure)


def _upload(facilities: Facilities, dataset: str, release: str, folder: Path, manifest: dict[str, Any]) -> None:
    storage, prefix = facilities.storage, f"releases/{dataset}/{release}/"
    _refuse_taken(facilities, dataset, release)
    files = [
        Upload(folder / file["path"], prefix + file["path"], file["media_type"], file["sha256"])
        for file in manifest["files"]
    ]
    settings = facilities.settings.storage
    facilities.engine.upload(files, storage, settings=settings, secrets=facilities.secrets)
    storage.put_new(prefix + SIGNATURE, (folder / SIGNATURE).read_bytes(), media_type=media_type_of(SIGNATURE))
    if not storage.put_new(prefix + MANIFEST, (folder / MANIFEST).read_bytes(), media_type=media_type_of(MANIFEST)):
        _refuse_taken(facilities, dataset, release)
