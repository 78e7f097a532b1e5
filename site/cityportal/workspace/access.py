"""Which datasets and runs a signed-in person may see; everything else is answered as if it did not exist."""

from __future__ import annotations

from flask import abort

from cityportal.identity import Identity, signed_in
from cityportal.workspace.facade import DatasetOverview, RunRecord, Workspace
from publisher.errors import PublisherError


def person() -> Identity:
    """Return who is signed in; the blueprint lets nobody else in."""
    identity = signed_in()
    if identity is None:
        abort(403)
    return identity


def own_datasets(workspace: Workspace) -> list[DatasetOverview]:
    """Return the datasets of the person's organizations."""
    identity = person()
    return [dataset for dataset in workspace.datasets() if identity.is_steward(dataset.organization)]


def own_dataset(workspace: Workspace, name: str) -> DatasetOverview:
    """Return one dataset, 404 when there is none for this person."""
    try:
        dataset = workspace.dataset(name)
    except PublisherError:
        abort(404)
    if not person().is_steward(dataset.organization):
        abort(404)
    return dataset


def own_run(workspace: Workspace, run_id: str) -> tuple[RunRecord, DatasetOverview]:
    """Return one run with its dataset, 404 when there is none for this person."""
    try:
        run = workspace.run(run_id)
    except (PublisherError, LookupError):
        abort(404)
    return run, own_dataset(workspace, run.dataset)
