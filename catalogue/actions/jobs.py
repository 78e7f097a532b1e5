"""Actions on background jobs: this catalogue does its work in the call itself, so its queues are always empty."""

from __future__ import annotations

from typing import Any

from catalogue.actions.authorize import require
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.errors import NotFound


def job_list(context: Context, _params: Params) -> list[dict[str, Any]]:
    """Return the waiting background jobs: none, because this catalogue keeps no queue; for sysadmins."""
    require(context, "portal")
    return []


def job_show(context: Context, params: Params) -> None:
    """Answer that the background job `id` was not found: this catalogue keeps no queue; for sysadmins."""
    _refuse(context, params)


def job_cancel(context: Context, params: Params) -> None:
    """Answer that the background job `id` was not found: this catalogue keeps no queue; for sysadmins."""
    _refuse(context, params)


def job_clear(context: Context, _params: Params) -> list[str]:
    """Return the queues that were emptied: none, because this catalogue keeps no queue; for sysadmins."""
    require(context, "portal")
    return []


def _refuse(context: Context, params: Params) -> None:
    require(context, "portal")
    required_text(params, "id")
    raise NotFound("There is no such job: this catalogue keeps no queue")
