"""The list of actions by name, and the one way to call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.errors import BadRequest, NotFound

ActionFunction = Callable[[Context, Params], Any]


@dataclass(frozen=True)
class Action:
    """One action: its function is loaded when it is first needed; `reads` tells that it has no side effects."""

    name: str
    module: str
    reads: bool

    @property
    def function(self) -> ActionFunction:
        """Return the function."""
        found: ActionFunction = getattr(import_module(self.module), self.name)
        return found


def _actions(module: str, names: str, *, reads: bool) -> dict[str, Action]:
    return {name: Action(name, f"catalogue.actions.{module}", reads) for name in names.split()}


ACTIONS: dict[str, Action] = {
    **_actions(
        "read",
        """status_show site_read package_list current_package_list_with_resources package_show package_search
        package_autocomplete format_autocomplete resource_show tag_list tag_autocomplete tag_show license_list""",
        reads=True,
    ),
    **_actions(
        "read_groups",
        """organization_list group_list organization_show group_show organization_autocomplete group_autocomplete
        organization_list_for_user group_list_authz group_package_show member_list member_roles_list""",
        reads=True,
    ),
    **_actions("history", "package_activity_list organization_activity_list group_activity_list", reads=True),
    **_actions("accounts", "user_show user_list user_autocomplete api_token_list", reads=True),
    **_actions("accounts", "user_create api_token_create api_token_revoke", reads=False),
    **_actions("datastore", "datastore_search datastore_info", reads=True),
    **_actions("registry", "help_show", reads=True),
    **_actions(
        "create",
        """package_create resource_create organization_create group_create organization_member_create
        group_member_create member_create""",
        reads=False,
    ),
    **_actions(
        "update",
        """package_update package_patch package_resource_reorder resource_update resource_patch organization_update
        organization_patch group_update group_patch""",
        reads=False,
    ),
    **_actions("revise", "package_revise", reads=False),
    **_actions(
        "delete",
        """package_delete dataset_purge resource_delete organization_delete organization_purge group_delete group_purge
        organization_member_delete group_member_delete member_delete""",
        reads=False,
    ),
}


def get_action(name: str) -> Action:
    """Return the action with this name.

    Raises:
        BadRequest: there is none.
    """
    action = ACTIONS.get(name)
    if action is None:
        raise BadRequest(f"Bad request: Action name not known: {name}")
    return action


def call_action(context: Context, name: str, params: Params | None = None) -> Any:
    """Call the action; a writing one needs a context whose session writes."""
    return get_action(name).function(context, dict(params or {}))


def help_show(_context: Context, params: Params) -> str:
    """Return the help text of the action `name`."""
    action = ACTIONS.get(required_text(params, "name"))
    if action is None:
        raise NotFound("Action function not found")
    return inspect.getdoc(action.function) or ""
