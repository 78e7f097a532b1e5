"""What the workspace shows: today, datasets, one dataset, one run."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template

from cityportal.bilingual import language, page
from cityportal.chrome import clock
from cityportal.languages import Text
from cityportal.score import score_from_report
from cityportal.sparkline import sparkline
from cityportal.workspace.access import own_dataset, own_datasets, own_run, person
from cityportal.workspace.facade import DatasetOverview, RunRecord, Workspace
from cityportal.workspace.sentences import seconds_of, tell_drift, tell_reason, tell_run

_NEEDS_SOMEBODY = ("awaiting_approval", "held", "failed")
_RUNS_SHOWN = 30
_RUNS_LOOKED_AT = 200
_COUNTED = ("published", "superseded", "deleted")


def add_workspace_pages(blueprint: Blueprint, workspace: Workspace) -> None:
    """Register the pages on the blueprint."""

    @page(blueprint, "/workspace")
    def today() -> str:
        datasets = own_datasets(workspace)
        names = {dataset.name: dataset for dataset in datasets}
        runs = [run for run in workspace.runs(limit=_RUNS_LOOKED_AT) if run.dataset in names]
        return render_template(
            "workspace/today.html",
            waiting=[(run, names[run.dataset], tell_reason(run, language())) for run in needing_somebody(runs)],
            datasets=datasets,
            quarantined=[dataset for dataset in datasets if dataset.quarantined],
            due=[dataset for dataset in datasets if dataset.audit_is_due],
            runs=runs[:10],
            titles={dataset.name: title_of(dataset) for dataset in datasets},
            title_of=title_of,
        )

    @page(blueprint, "/workspace/datasets/<name>")
    def dataset(name: str) -> str:
        found = own_dataset(workspace, name)
        releases = workspace.releases(name)
        current = next((one for one in releases if one.release == found.current_release), None)
        return render_template(
            "workspace/dataset.html",
            dataset=found,
            title=title_of(found),
            runs=workspace.runs(name, limit=_RUNS_SHOWN),
            releases=releases,
            score=score_from_report(current.score) if current else None,
            series=sparkline([float(sum(one.rows.values())) for one in reversed(releases) if one.state in _COUNTED]),
            may_roll_back=person().may_roll_back(found.organization),
            is_approver=person().is_approver(found.organization),
            hidden=[one for one in releases if one.release in found.quarantined],
            seconds_of=lambda run: seconds_of(run, clock()),
        )

    @page(blueprint, "/workspace/runs/<run_id>")
    def run(run_id: str) -> str:
        found, owner = own_run(workspace, run_id)
        identity = person()
        return render_template(
            "workspace/run.html",
            run=found,
            dataset=owner,
            title=title_of(owner),
            steps=tell_run(found, language()),
            reason=tell_reason(found, language()),
            drift=tell_drift(found, language()),
            seconds=seconds_of(found, clock()),
            is_approver=identity.is_approver(owner.organization),
            is_own_run=found.actor == identity.name,
            may_decide=identity.may_roll_back(owner.organization),
        )


def needing_somebody(runs: Sequence[RunRecord]) -> list[RunRecord]:
    """Return, of runs newest first, those that wait for a person: each dataset's newest, and all that await approval."""
    seen: set[str] = set()
    waiting = []
    for run in runs:
        is_newest = run.dataset not in seen
        seen.add(run.dataset)
        if run.state == "awaiting_approval" or (is_newest and run.state in _NEEDS_SOMEBODY):
            waiting.append(run)
    return sorted(waiting, key=lambda run: _NEEDS_SOMEBODY.index(run.state))


def title_of(dataset: DatasetOverview) -> Text:
    """Return the dataset's title in the languages it has."""
    return Text(dataset.title_translated.get("vi") or dataset.title, dataset.title_translated.get("en") or "")
