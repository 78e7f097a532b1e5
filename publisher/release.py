"""How a release is made, read top to bottom.

extract, fingerprint, validate, anonymise, write, describe, check, stage, approve, publish. Each step fails closed: the
public keeps the release it has until the one call to the catalogue that moves the pointer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from publisher.anonymise import AnonymisedTables
from publisher.attacks import attacks_on
from publisher.definition import DatasetDefinition, TableDefinition
from publisher.disclosure.guarantees import Known, check_release, check_texts
from publisher.earlier import Earlier
from publisher.earlier_files import earlier_of, remember_inside
from publisher.engines.engine import Engine
from publisher.engines.working_files import remove_table
from publisher.errors import ThresholdExceeded
from publisher.extraction import Extract, fingerprint_of, refuse_drift, refuse_volume
from publisher.facilities import Facilities
from publisher.formats.croissant import package_to_croissant
from publisher.formats.csvw import package_to_csvw
from publisher.formats.datapackage import dataset_to_datapackage
from publisher.formats.release_files import write_release_files
from publisher.ledger import Budget, budget_of
from publisher.manifest import file_entries, is_data_file
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
from publisher.quality.document import Measured, not_counted, quality_document, score_release
from publisher.quality.profile import profile_table
from publisher.rerun import rerun
from publisher.review import review_record
from publisher.run_log import RunLog
from publisher.sources.memory import remember
from publisher.validation import QualityReport, Staged
from publisher.versions.drift import column_drift, fingerprint_of_drift, refuse_retyped
from publisher.versions.history import measured_releases, version_of
from publisher.versions.release_changes import Correction, changes_since, has_changes

Written = list[tuple[PublishedTable, Path]]
"""Published tables with the anonymised Parquet file of each."""

MOST_NOTES = 100


@dataclass(frozen=True)
class Outcome:
    """How a run ended: `published`, `unchanged`, `awaiting_approval`, `embargoed` or `checked` (a dry run)."""

    state: str
    release: str | None


def make_release(
    definition: DatasetDefinition,
    facilities: Facilities,
    run: RunLog,
    *,
    dry_run: bool = False,
    correction: Correction | None = None,
) -> Outcome:
    """Make one release of a dataset, or find that nothing changed; a dry run ends after the checks.

    Raises:
        DescriptorError: the definition states a lower version than its changes need.
        ReleaseRefused: the data may not be released; the run is held and the public keeps the previous release.
        EnvironmentFault: something around us failed; the next run starts anew.
    """
    version = version_of(definition, facilities.store)
    work = facilities.work_folder(definition.name, run.id)
    extracts = extract(definition, facilities, run, work, dry_run=dry_run)
    fingerprint = fingerprint_of(definition, extracts, code_version=facilities.code_version)
    if not dry_run and (unchanged := find_unchanged(definition, facilities, run, fingerprint)):
        return unchanged
    reports = validate(definition, facilities, run, extracts, work)
    day = release_day(definition, run.started_at)
    release = next_release_id(definition, facilities, day)
    run.name_release(release)
    budget = budget_of(definition, facilities, run.started_at.date(), release, rehearse_in=work if dry_run else None)
    earlier, anonymised = anonymise(definition, facilities, run, release, work, day=day, budget=budget)
    tables = [pair for one in anonymised for pair in one.tables]
    folder, rows = write(definition, facilities.engine, run, release, tables, work=work)
    privacy = {table: report for one in anonymised for table, report in one.report.items()}
    origin = Origin(
        release=release,
        as_of=day,
        fingerprint=fingerprint,
        source_rows={extract.table.name: extract.rows for extract in extracts},
        rows=rows,
        columns={table.name: len(table.fields) for table, _ in tables},
        source_types={extract.table.name: extract.types for extract in extracts},
    )
    changes = changes_since(definition.name, facilities, tables, folder, version=version, correction=correction)
    if not dry_run and (same := keep_when_equal(definition, facilities, changes, fingerprint)):
        return same
    size_bytes = sum(file.stat().st_size for file in folder.iterdir() if is_data_file(file.name))
    this = Measured(release, day, rows, size_bytes)
    quality = measure(definition, facilities, tables, reports=reports, privacy=privacy, this=this)
    documents = {"quality.json": quality, "changes.json": changes}
    describe(definition, run, folder, tables=tables, origin=origin, documents=documents)
    review = review_record(definition, facilities.store, run.started_at.date())
    known = Known(earlier, budget.entries() if budget else None)
    valid = {report.table: report.valid_rows for report in reports}
    again = partial(rerun, definition, facilities, release, work, earlier=earlier, rows=valid)
    published = [table for table, _ in tables]
    told = {"privacy": privacy, "review": review}
    check(definition, run, folder, tables=published, told=told, rows_before=valid, known=known, make_again=again)
    if dry_run:
        return Outcome("checked", None)
    stage(definition, facilities, run, folder, origin)
    for one in anonymised:
        remember_inside(definition.name, facilities, release, one.inside)
    return Outcome(approve_and_publish(definition, facilities, run, release), release)


def extract(
    definition: DatasetDefinition, facilities: Facilities, run: RunLog, work: Path, *, dry_run: bool = False
) -> list[Extract]:
    """Stage every table, then refuse unknown columns and impossible volumes.

    Tables whose source says that it did not change have no file, when that makes the whole dataset unchanged.
    """
    with run.step("extract") as facts:
        extracts = [_extract(definition, facilities, table, work) for table in definition.resources]
        if any(one.is_recalled for one in extracts) and (dry_run or not _is_known(definition, facilities, extracts)):
            for number, one in enumerate(extracts):
                if one.is_recalled:  # its rows are needed after all
                    remember(facilities.surroundings(definition, one.table), None, {})
                    extracts[number] = _extract(definition, facilities, one.table, work)
        facts.update(rows=sum(e.rows for e in extracts), columns=sum(len(e.table.schema_.fields) for e in extracts))
        facts.update(_told_by_sources(extracts))
        current = facilities.store.current(definition.name)
        found = column_drift(extracts, current.summary.get("source_types", {}) if current else {})
        facts.update({"drift": [one.to_dict() for one in found]} if found else {})
        drift = fingerprint_of_drift(extracts, found)
        run.note_drift(drift)
        if not facilities.store.has_decided("accept_drift", definition.name, drift):
            refuse_drift(extracts, dataset=definition.name)
            refuse_retyped(found, dataset=definition.name)
        refuse_volume(extracts, current.source_rows if current else {}, definition=definition)
    return extracts


def _extract(definition: DatasetDefinition, facilities: Facilities, table: TableDefinition, work: Path) -> Extract:
    output = work / "extract" / f"{table.name}.arrow"
    surroundings = facilities.surroundings(definition, table)
    return facilities.engine.extract_table(
        table, output, definition=definition, secrets=facilities.secrets, surroundings=surroundings
    )


def _told_by_sources(extracts: Sequence[Extract]) -> dict[str, Any]:
    """Return which files the rows came from and what the sources noted, so that the run's record can be asked later."""
    files = [{"table": one.table.name, **file} for one in extracts for file in one.files]
    notes = [f"{one.table.name}: {note}" for one in extracts for note in one.notes]
    return {name: told for name, told in (("sources", files), ("notes", notes[:MOST_NOTES])) if told}


def _is_known(definition: DatasetDefinition, facilities: Facilities, extracts: Sequence[Extract]) -> bool:
    """Return whether these extracts made the release that is current, or one that waits."""
    fingerprint = fingerprint_of(definition, extracts, code_version=facilities.code_version)
    current = facilities.store.current(definition.name)
    known = current is not None and current.fingerprint == fingerprint
    return known or bool(facilities.store.waits_with(definition.name, fingerprint))


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
        staged = {one.table.name: Staged(one.path, one.table) for one in extracts}
        for place, one in enumerate(extracts, start=1):
            valid = work / "valid" / f"{one.table.name}.arrow"
            valid.parent.mkdir(exist_ok=True)
            quarantine = facilities.quarantine_file(definition.name, run.id, one.table.name)
            check = facilities.engine.validate_table
            reports.append(check(one.path, one.table, valid=valid, quarantine=quarantine, others=staged))
            still_asked = {
                key.reference.resource for later in extracts[place:] for key in later.table.schema_.foreignKeys
            }
            for done in extracts[:place]:
                if done.table.name not in still_asked:
                    remove_table(done.path)
        facts.update(rows_in=sum(r.rows for r in reports), rows_out=sum(r.valid_rows for r in reports))
        facts["invalid"] = sum(r.invalid_rows for r in reports)
        for report in reports:
            if report.breaches:
                cure = "look at the failing rows in quarantine with the agency; mend the source or the rule, then run again"
                details = f" Found: {errors}." if (errors := report.leading_errors()) else ""
                message = f"`{report.table}`: {'; '.join(report.breaches)}.{details}"
                raise ThresholdExceeded(message, dataset=definition.name, step="validate", cure=cure)
    return reports


def anonymise(  # noqa: PLR0913  what the step needs, each by its name
    definition: DatasetDefinition,
    facilities: Facilities,
    run: RunLog,
    release: str,
    work: Path,
    *,
    day: str,
    budget: Budget | None,
) -> tuple[Earlier, list[AnonymisedTables]]:
    """Fetch what the public holds already, and apply the policy of every table beside it; noise is paid for from the budget.

    Returns:
        The earlier releases, as of the release's day, and the anonymised tables of each source.
    """
    with run.step("anonymise") as facts:
        earlier = earlier_of(definition, facilities, day=day)
        done = [
            facilities.engine.anonymise_table(
                work / "valid" / f"{table.name}.arrow",
                table,
                folder=definition.folder,
                output=work / "anonymised",
                secrets=facilities.secrets,
                release=release,
                seed=facilities.shuffle_seed(definition.id, release, table.name),
                earlier=earlier,
                budget=budget,
            )
            for table in definition.resources
        ]
        facts.update(privacy_totals({table: report for one in done for table, report in one.report.items()}))
    return earlier, done


def write(
    definition: DatasetDefinition, engine: Engine, run: RunLog, release: str, tables: Written, *, work: Path
) -> tuple[Path, dict[str, int]]:
    """Write every format of every table into the folder that will be uploaded; return it with each table's rows."""
    folder = work / "release"
    folder.mkdir()
    with run.step("write") as facts:
        rows = write_release_files(
            tables,
            folder,
            dataset=definition.name,
            release=release,
            formats=definition.release.formats,
            engine=engine,
        )
        files = list(folder.iterdir())
        facts.update(files=len(files), bytes=sum(file.stat().st_size for file in files))
    return folder, rows


def describe(
    definition: DatasetDefinition,
    run: RunLog,
    folder: Path,
    *,
    tables: Written,
    origin: Origin,
    documents: dict[str, dict[str, Any]],
) -> None:
    """Write datapackage.json, its two translations and the documents given (quality, changes) beside the data."""
    with run.step("describe") as facts:
        changes = documents["changes.json"]
        package = dataset_to_datapackage(
            definition.model_copy(update={"version": changes["version"]["to"]}),
            [table for table, _ in tables],
            release=origin.release,
            as_of=date.fromisoformat(origin.as_of),
            files=file_entries(folder, origin.rows),
        )
        described = {
            "datapackage.json": package,
            "csv-metadata.json": package_to_csvw(package),
            "croissant.json": package_to_croissant(package),
        }
        for name, content in {**described, **documents}.items():
            _write_json(folder / name, content)
        facts.update({name: changes.get(name, 0) for name in ("added", "removed", "changed")})
        facts["version"] = changes["version"]["to"]


def measure(
    definition: DatasetDefinition,
    facilities: Facilities,
    tables: Written,
    *,
    reports: Sequence[QualityReport],
    privacy: dict[str, dict[str, Any]],
    this: Measured,
) -> dict[str, Any]:
    """Return quality.json: the score with its parts, the profile of every released column, the series of releases."""
    profiles = [profile_table(path, table, spill=path.parent) for table, path in tables]
    past = measured_releases(facilities.store.releases(definition.name))
    published = [table for table, _ in tables]
    score = score_release(definition, reports, published, profiles, privacy=privacy, past=past)
    series = [*past, replace(this, q=score.to_dict()["q"])]
    return quality_document(reports, profiles, score, series, countless=not_counted(definition))


def keep_when_equal(
    definition: DatasetDefinition, facilities: Facilities, changes: dict[str, Any], fingerprint: str
) -> Outcome | None:
    """Return an outcome when other input gave the very rows that are public, such as a call that changed no count.

    Nobody gains from a release that differs in nothing; its fingerprint is remembered, so that the next run ends sooner.
    """
    current = facilities.store.current(definition.name)
    if current is None or current.summary["definition_sha256"] != definition.digest or has_changes(changes):
        return None
    facilities.store.note_fingerprint(definition.name, current.release, fingerprint)
    keep_current(definition, facilities, current)
    return Outcome("unchanged", current.release)


def check(  # noqa: PLR0913  what is checked, and what is told of it
    definition: DatasetDefinition,
    run: RunLog,
    folder: Path,
    *,
    tables: Sequence[PublishedTable],
    told: dict[str, dict[str, Any]],
    rows_before: Mapping[str, int],
    known: Known,
    make_again: Callable[[], dict[str, Path]],
) -> None:
    """Let the checker re-read the bytes beside tables that are made again, write its verdict into privacy.json, and refuse when any check failed.

    Args:
        definition: the dataset.
        run: records the step.
        folder: the files that will be uploaded.
        tables: what the policy publishes.
        told: the anonymiser's report (`privacy`) and the review record (`review`), for privacy.json; the checker does not read them.
        rows_before: valid rows of each source table, as they were counted before anything was anonymised.
        known: what is known besides the bytes.
        make_again: makes the tables a second time.

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
            rows_before=rows_before,
            formats=definition.release.formats,
            known=replace(known, again=make_again()),
        )
        facts["checks"] = len(verdict.checks)
        policy = {
            table.name: table.privacy.model_dump(mode="json", exclude_none=True) for table in definition.resources
        }
        attacks = attacks_on(tables, verdict.checks)
        report = {"tables": told["privacy"], "policy": policy, "verdict": verdict.to_dict()}
        _write_json(folder / "privacy.json", {**report, "attacks": attacks, "review": told["review"]})
        refuse_unsafe(definition.name, [*verdict.failures, *check_texts(folder, tables).failures])


def release_day(definition: DatasetDefinition, moment: datetime) -> str:
    """Return the day a release is as of, in the dataset's own time zone, as an ISO date; the moment is naive UTC."""
    return moment.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(definition.release.time_zone)).date().isoformat()


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(
        json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n", encoding="utf-8"
    )
