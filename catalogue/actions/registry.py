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
        package_autocomplete format_autocomplete resource_show license_list""",
        reads=True,
    ),
    **_actions("tags", "tag_list tag_show tag_autocomplete tag_search", reads=True),
    **_actions("tags", "tag_create tag_delete", reads=False),
    **_actions("views", "resource_view_list resource_view_show", reads=True),
    **_actions(
        "views",
        """resource_view_create resource_view_update resource_view_delete resource_view_reorder resource_view_clear
        resource_create_default_resource_views package_create_default_resource_views""",
        reads=False,
    ),
    **_actions("vocabularies", "vocabulary_list vocabulary_show", reads=True),
    **_actions("vocabularies", "vocabulary_create vocabulary_update vocabulary_delete", reads=False),
    **_actions(
        "read_groups",
        """organization_list group_list organization_show group_show organization_autocomplete group_autocomplete
        organization_list_for_user group_list_authz group_package_show member_list member_roles_list""",
        reads=True,
    ),
    **_actions(
        "history",
        """package_activity_list organization_activity_list group_activity_list user_activity_list
        recently_changed_packages_activity_list""",
        reads=True,
    ),
    **_actions("activity", "activity_show activity_data_show activity_diff", reads=True),
    **_actions(
        "follows",
        """am_following_dataset dataset_follower_count dataset_follower_list am_following_group group_follower_count
        group_follower_list organization_follower_count organization_follower_list""",
        reads=True,
    ),
    **_actions("follows", "follow_dataset unfollow_dataset follow_group unfollow_group", reads=False),
    **_actions("resource_search", "resource_search", reads=True),
    **_actions(
        "bulk", "bulk_update_private bulk_update_public bulk_update_delete package_owner_org_update", reads=False
    ),
    **_actions("config_options", "config_option_list config_option_show", reads=True),
    **_actions("config_options", "config_option_update", reads=False),
    **_actions("jobs", "job_list job_show", reads=True),
    **_actions("jobs", "job_cancel job_clear", reads=False),
    **_actions("accounts", "user_show user_list user_autocomplete", reads=True),
    **_actions("accounts", "user_create user_update user_patch user_delete user_invite", reads=False),
    **_actions("api_tokens", "api_token_list", reads=True),
    **_actions("api_tokens", "api_token_create api_token_revoke", reads=False),
    **_actions("datastore", "datastore_search datastore_info", reads=True),
    **_actions("datastore_sql", "datastore_search_sql", reads=True),
    **_actions(
        "datastore_write",
        "datastore_create datastore_upsert datastore_delete datastore_records_delete",
        reads=False,
    ),
    **_actions("registry", "help_show", reads=True),
    **_actions("dcat", "dcat_dataset_show dcat_catalog_show dcat_catalog_search dcat_datasets_list", reads=True),
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
    **_actions("relationships", "package_relationships_list", reads=True),
    **_actions(
        "relationships",
        "package_relationship_create package_relationship_update package_relationship_delete",
        reads=False,
    ),
    **_actions("collaborators", "package_collaborator_list package_collaborator_list_for_user", reads=True),
    **_actions("collaborators", "package_collaborator_create package_collaborator_delete", reads=False),
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
