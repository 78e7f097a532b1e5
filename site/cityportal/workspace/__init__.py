"""Pages for agencies: what needs them, their datasets, runs and releases, and what they decide."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for

from cityportal.bilingual import follow_language
from cityportal.identity import signed_in
from cityportal.workspace.decisions import add_decisions
from cityportal.workspace.facade import Workspace
from cityportal.workspace.pages import add_workspace_pages


def workspace_blueprint(workspace: Workspace) -> Blueprint:
    """Return the pages of the agencies; all of them need a signed-in person."""
    blueprint = Blueprint("workspace", "cityportal")
    follow_language(blueprint)

    @blueprint.before_request
    def _let_in() -> Any:
        if signed_in() is None:
            goal = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("public.login", next=goal))
        return None

    add_workspace_pages(blueprint, workspace)
    add_decisions(blueprint, workspace)
    return blueprint
