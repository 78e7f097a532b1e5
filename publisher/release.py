"""How a release is made, read top to bottom.

extract, fingerprint, validate, anonymise, write, describe, check, stage, approve, publish. Each step fails closed: the
public keeps the release it has until the one call to the catalogue that moves the pointer.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq

from publisher.anonymise import AnonymisedTables, anonymise_table
from publisher.changes import table_changes, total_changes
from publisher.definition import DatasetDefinition
from publisher.disclosure.guarantees import check_release, check_texts
from publisher.errors import ThresholdExceeded
from publisher.extraction import Extract, drift_of, extract_table, fingerprint_of, refuse_drift, refuse_volume
from publisher.facilities import Facilities
from publisher.formats.csv import write_csv_gz
from publisher.formats.datapackage import dataset_to_datapackage
from publisher.formats.parquet import write_parquet
from publisher.formats.sqlite import write_sqlite
from publisher.manifest import file_entries
from publisher.publication import (
    Origin,
    approve_and_publish,
    keep_current,
    next_release_id,
    privacy_totals,
    refuse_unsafe,
    stage,
)
from publisher.published import PublishedTable
from publisher.run_log import RunLog
from publisher.validation import QualityReport, validate_table

Written = list[tuple[PublishedTable, Path]]
"""Published tables with the anonymised Parquet file of each."""


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `published`, `unchanged`, `awaiting_approval`, `embargoed` or `checked` (a dry run)."""

    state: str
    release: str | None


def make_release(
    definition: DatasetDefinition, facilities: Facilities, run: RunLog, *, dry_run: bool = False
) -> Outcome:
    """Make one release of a dataset, or find that nothing changed; a dry run ends after the checks.

    Raises:
        ReleaseRefused: the data may not be released; the run is held and the public keeps the previous release.
        EnvironmentFault: something around us failed; the next run starts anew.
    """
    work = facilities.work_folder(definition.name, run.id)
    extracts = extract(definition, facilities, run, work)
    fingerprint = fingerprint_of(definition, extracts, code_version=facilities.code_version)
    if not dry_run and (unchanged := find_unchanged(definition, facilities, run, fingerprint)):
        return unchanged
    reports = validate(definition, facilities, run, extracts, work)
    day = release_day(definition, run.started_at)
    release = next_release_id(definition, facilities, day)
    run.name_release(release)
    anonymised = anonymise(definition, facilities, run, release, work)
    tables = [pair for one in anonymised for pair in one.tables]
    folder, rows = write(definition, run, release, tables, work)
    privacy = {table: report for one in anonymised for table, report in one.report.items()}
    origin = Origin(
        release=release,
        as_of=day,
        fingerprint=fingerprint,
        source_rows={extract.table.name: extract.rows for extract in extracts},
        rows=rows,
        columns={table.name: len(table.fields) for table, _ in tables},
    )
    changes = changes_since(definition.name, facilities, tables, work / "previous")
    if not dry_run and (same := keep_when_equal(definition, facilities, changes, fingerprint)):
        return same
    documents = {"quality.json": {"tables": [report.to_dict() for report in reports]}, "changes.json": changes}
    describe(definition, run, folder, tables=tables, origin=origin, documents=documents)
    check(definition, run, folder, tables=[table for table, _ in tables], privacy=privacy)
    if dry_run:
        return Outcome("checked", None)
    stage(definition, facilities, run, folder, origin)
    return Outcome(approve_and_publish(definition, facilities, run, release), release)


def extract(definition: DatasetDefinition, facilities: Facilities, run: RunLog, work: Path) -> list[Extract]:
    """Stage every table, then refuse unknown columns and impossible volumes."""
    with run.step("extract") as facts:
        extracts = [
            extract_table(
                table, work / "extract" / f"{table.name}.parquet", definition=definition, secrets=facilities.secrets
            )
            for table in definition.resources
        ]
        facts.update(rows=sum(e.rows for e in extracts), columns=sum(len(e.table.schema_.fields) for e in extracts))
        drift = drift_of(extracts)
        run.note_drift(drift)
        if not facilities.store.has_decided("accept_drift", definition.name, drift):
            refuse_drift(extracts, dataset=definition.name)
        current = facilities.store.current(definition.name)
        refuse_volume(extracts, current.source_rows if current else {}, definition=definition)
    return extracts


def find_unchanged(
    definition: DatasetDefinition, facilities: Facilities, run: RunLog, fingerprint: str
) -> Outcome | None:
    """Return an outcome when the same input, definition and code made the current release, or one that waits for approval.

    Only the checked-at clock moves; a catalogue that forgot the release is told again.
    """
    with run.step("fingerprint") as facts:
        current = facilities.store.current(definition.name)
        waits = facilities.store.waits_with(definition.name, fingerprint)
        facts["unchanged"] = int(waits or (current is not None and current.fingerprint == fingerprint))
        if waits:
            return Outcome("unchanged", None)
        if current is None or current.fingerprint != fingerprint:
            return None
        keep_current(definition, facilities, current)
        return Outcome("unchanged", current.release)


def validate(
    definition: DatasetDefinition, facilities: Facilities, run: RunLog, extracts: Sequence[Extract], work: Path
) -> list[QualityReport]:
    """Keep valid rows, put failing rows into quarantine, hold the run when more fail than a threshold allows."""
    with run.step("validate") as facts:
        reports = []
        for one in extracts:
            valid = work / "valid" / f"{one.table.name}.parquet"
            valid.parent.mkdir(exist_ok=True)
            quarantine = facilities.quarantine_file(definition.name, run.id, one.table.name)
            reports.append(validate_table(one.path, one.table, valid=valid, quarantine=quarantine))
            one.path.unlink()
        facts.update(rows_in=sum(r.rows for r in reports), rows_out=sum(r.valid_rows for r in reports))
        facts["invalid"] = sum(r.invalid_rows for r in reports)
        for report in reports:
            if report.breaches:
                cure = "look at the failing rows in quarantine with the agency; mend the source or the rule, then run again"
                message = f"`{report.table}`: {'; '.join(report.breaches)}."
                raise ThresholdExceeded(message, dataset=definition.name, step="validate", cure=cure)
    return reports


def anonymise(
    definition: DatasetDefinition, facilities: Facilities, run: RunLog, release: str, work: Path
) -> list[AnonymisedTables]:
    """Apply the policy of every table."""
    with run.step("anonymise") as facts:
        done = [
            anonymise_table(
                work / "valid" / f"{table.name}.parquet",
                table,
                folder=definition.folder,
                output=work / "anonymised",
                secrets=facilities.secrets,
                release=release,
                seed=facilities.shuffle_seed(f"{definition.id} {release} {table.name}"),
            )
            for table in definition.resources
        ]
        facts.update(privacy_totals({table: report for one in done for table, report in one.report.items()}))
    return done


def write(
    definition: DatasetDefinition, run: RunLog, release: str, tables: Written, work: Path
) -> tuple[Path, dict[str, int]]:
    """Write every format of every table into the folder that will be uploaded; return it with each table's rows."""
    folder = work / "release"
    folder.mkdir()
    with run.step("write") as facts:
        for table, path in tables:
            if "parquet" in definition.release.formats:
                write_parquet(path, table, folder / f"{table.name}.parquet", release=release)
            if "csv" in definition.release.formats:
                write_csv_gz(path, table, folder / f"{table.name}.csv.gz")
        if "sqlite" in definition.release.formats:
            write_sqlite(tables, folder / f"{definition.name}.sqlite", release=release)
        files = list(folder.iterdir())
        facts.update(files=len(files), bytes=sum(file.stat().st_size for file in files))
    return folder, {table.name: pq.read_metadata(path).num_rows for table, path in tables}


def describe(
    definition: DatasetDefinition,
    run: RunLog,
    folder: Path,
    *,
    tables: Written,
    origin: Origin,
    documents: dict[str, dict[str, Any]],
) -> None:
    """Write datapackage.json and the documents given (quality, changes) beside the data."""
    with run.step("describe") as facts:
        package = dataset_to_datapackage(
            definition,
            [table for table, _ in tables],
            release=origin.release,
            as_of=date.fromisoformat(origin.as_of),
            files=file_entries(folder, origin.rows),
        )
        for name, content in {"datapackage.json": package, **documents}.items():
            _write_json(folder / name, content)
        changes = documents["changes.json"]
        facts.update({name: changes.get(name, 0) for name in ("added", "removed", "changed")})


def changes_since(dataset: str, facilities: Facilities, tables: Written, previous: Path) -> dict[str, Any]:
    """Count the rows added, removed and changed since the release that the public has now; none for the first one."""
    current = facilities.store.current(dataset)
    if current is None:
        return {"since": None, "tables": []}
    previous.mkdir()
    compared = []
    for table, path in tables:
        before = previous / f"{table.name}.parquet"
        key = f"releases/{dataset}/{current.release}/{before.name}"
        if facilities.storage.info(key) is None:
            compared.append(table_changes(None, path, table, spill=previous))
            continue
        with facilities.storage.open(key) as stored, before.open("wb") as file:
            shutil.copyfileobj(stored, file, 1 << 20)
        compared.append(table_changes(before, path, table, spill=previous))
        before.unlink()
    return {"since": current.release, "tables": [one.to_dict() for one in compared], **total_changes(compared)}


def keep_when_equal(
    definition: DatasetDefinition, facilities: Facilities, changes: dict[str, Any], fingerprint: str
) -> Outcome | None:
    """Return an outcome when other input gave the very rows that are public, such as a call that changed no count.

    Nobody gains from a release that differs in nothing; its fingerprint is remembered, so that the next run ends sooner.
    """
    current = facilities.store.current(definition.name)
    if current is None or current.summary["definition_sha256"] != definition.digest or any_change(changes):
        return None
    facilities.store.note_fingerprint(definition.name, current.release, fingerprint)
    keep_current(definition, facilities, current)
    return Outcome("unchanged", current.release)


def any_change(changes: dict[str, Any]) -> bool:
    """Tell whether rows or columns of any table differ from the release before."""
    parts = ("added", "removed", "changed", "columns_added", "columns_removed", "columns_retyped")
    return changes["since"] is None or any(table[part] for table in changes["tables"] for part in parts)


def check(
    definition: DatasetDefinition,
    run: RunLog,
    folder: Path,
    *,
    tables: Sequence[PublishedTable],
    privacy: dict[str, dict[str, Any]],
) -> None:
    """Let the checker re-read the bytes, write its verdict into privacy.json, and refuse when any check failed.

    Raises:
        DisclosureRisk: names the checks that failed, the tables and columns; never a value.
    """
    with run.step("check") as facts:
        verdict = check_release(
            folder,
            tables,
            dataset=definition.name,
            today=run.started_at.date(),
            definitions=definition.folder,
            rows_before={table: report["rows"] for table, report in privacy.items() if report["kind"] == "rows"},
            formats=definition.release.formats,
        )
        facts["checks"] = len(verdict.checks)
        policy = {
            table.name: table.privacy.model_dump(mode="json", exclude_none=True) for table in definition.resources
        }
        _write_json(folder / "privacy.json", {"tables": privacy, "policy": policy, "verdict": verdict.to_dict()})
        refuse_unsafe(definition.name, [*verdict.failures, *check_texts(folder, tables).failures])


def release_day(definition: DatasetDefinition, moment: datetime) -> str:
    """Return the day a release is as of, in the dataset's own time zone, as an ISO date; the moment is naive UTC."""
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(definition.release.time_zone)).date().isoformat()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8"
    )
