"""What agencies decide, one form each; the role is checked here, the state of the run by the publisher."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from cityportal.bilingual import page
from cityportal.chrome import t
from cityportal.workspace.access import own_dataset, own_run, person
from cityportal.workspace.facade import Workspace
from cityportal.workspace.pages import title_of
from publisher.errors import PublisherError

_POST = ("POST",)


def add_decisions(blueprint: Blueprint, workspace: Workspace) -> None:
    """Register the forms on the blueprint."""
    _add_for_datasets(blueprint, workspace)
    _add_for_runs(blueprint, workspace)
    _add_roll_back(blueprint, workspace)
    _add_withdrawal(blueprint, workspace)


def _add_for_datasets(blueprint: Blueprint, workspace: Workspace) -> None:
    @page(blueprint, "/workspace/datasets/<name>/run", methods=_POST)
    def run_now(name: str) -> Any:
        own_dataset(workspace, name)
        return _done("run_now", lambda: workspace.run_now(name, person().name), _dataset(name))

    @page(blueprint, "/workspace/datasets/<name>/hold", methods=_POST)
    def hold(name: str) -> Any:
        own_dataset(workspace, name)
        return _done("hold", lambda: workspace.hold(name, person().name, _reason()), _dataset(name))

    @page(blueprint, "/workspace/datasets/<name>/resume", methods=_POST)
    def resume(name: str) -> Any:
        own_dataset(workspace, name)
        return _done("resume", lambda: workspace.resume(name, person().name), _dataset(name))


def _add_for_runs(blueprint: Blueprint, workspace: Workspace) -> None:
    @page(blueprint, "/workspace/runs/<run_id>/approve", methods=_POST)
    def approve(run_id: str) -> Any:
        run, dataset = own_run(workspace, run_id)
        if not person().is_approver(dataset.organization) or run.actor == person().name:
            abort(403)
        return _done("approve", lambda: workspace.approve(run_id, person().name), _run(run_id))

    @page(blueprint, "/workspace/runs/<run_id>/reject", methods=_POST)
    def reject(run_id: str) -> Any:
        _, dataset = own_run(workspace, run_id)
        if not person().may_roll_back(dataset.organization):
            abort(403)
        return _done("reject", lambda: workspace.reject(run_id, person().name, _reason()), _run(run_id))

    @page(blueprint, "/workspace/runs/<run_id>/accept-drift", methods=_POST)
    def accept_drift(run_id: str) -> Any:
        _, dataset = own_run(workspace, run_id)
        if not person().may_roll_back(dataset.organization):
            abort(403)
        return _done("accept_drift", lambda: workspace.accept_drift(run_id, person().name), _dataset(dataset.name))


def _add_roll_back(blueprint: Blueprint, workspace: Workspace) -> None:
    @page(blueprint, "/workspace/datasets/<name>/roll-back/<release>", methods=("GET", "POST"))
    def roll_back(name: str, release: str) -> Any:
        dataset = own_dataset(workspace, name)
        if not person().may_roll_back(dataset.organization):
            abort(403)
        chosen = next((one for one in workspace.releases(name) if one.release == release), None)
        if chosen is None or chosen.state not in {"superseded", "rolled_back"} or release == dataset.current_release:
            abort(404)
        if request.method != "POST":
            return render_template("workspace/roll_back.html", dataset=dataset, title=title_of(dataset), chosen=chosen)
        return _done("roll_back", lambda: workspace.roll_back(name, release, person().name, _reason()), _dataset(name))


def _add_withdrawal(blueprint: Blueprint, workspace: Workspace) -> None:
    @page(blueprint, "/workspace/datasets/<name>/withdraw/<release>", methods=("GET", "POST"))
    def withdraw(name: str, release: str) -> Any:
        dataset = own_dataset(workspace, name)
        if not person().may_roll_back(dataset.organization):
            abort(403)
        chosen = next((one for one in workspace.releases(name) if one.release == release), None)
        if chosen is None or chosen.state == "withdrawn":
            abort(404)
        if request.method != "POST":
            return render_template("workspace/withdraw.html", dataset=dataset, title=title_of(dataset), chosen=chosen)
        english = request.form.get("reason_en", "").strip()[:500]
        act = partial(workspace.withdraw, name, release, person().name, reason=_reason(), reason_en=english)
        return _done("withdraw", act, _dataset(name))

    @page(blueprint, "/workspace/datasets/<name>/review", methods=_POST)
    def review(name: str) -> Any:
        dataset = own_dataset(workspace, name)
        if not person().is_approver(dataset.organization):
            abort(403)
        return _done("review", lambda: workspace.review(name, person().name, _reason()), _dataset(name))


def _done(decision: str, act: Callable[[], object], goal: str) -> Any:
    """Carry a decision out and go back to the page with the answer: done, or why not."""
    try:
        act()
    except PublisherError as error:
        flash(t(f"decisions.{decision}.refused"), "wrong")
        flash(" ".join(part for part in (error.message, error.cure) if part), "technical")
    else:
        flash(t(f"decisions.{decision}.done"), "done")
    return redirect(goal, 303)


def _reason() -> str:
    return request.form.get("reason", "").strip()[:500]


def _dataset(name: str) -> str:
    return url_for(".dataset", name=name)


def _run(run_id: str) -> str:
    return url_for(".run", run_id=run_id)
