"""Reading actions on organizations, groups and their members. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from catalogue.actions.authorize import Role, lowest_role, may, may_read, require_group_read, roles_of
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import boolean, contains, natural, optional_text, required_text, words
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Group, Member, Package, User
from catalogue.people.accounts import find_user
from catalogue.register.groups import (
    follower_counts,
    get_group,
    group_extras,
    group_to_dict,
    members_to_list,
    packages_of,
    parents_to_list,
)
from catalogue.register.public_counts import public_package_counts
from catalogue.register.shown_packages import shown_list
from catalogue.register.successions import validity_to_dict
from catalogue.register.translations import ENDING, portal_language, translated
from catalogue.register.validation import as_text

MOST_DATASETS = 1000
DATASETS_SHOWN = 10
CAPACITY_LABELS = {"admin": "Admin", "editor": "Editor", "member": "Member"}
# permission that a client asks for: the role that has it
PERMISSIONS = {
    "read": Role.MEMBER,
    "manage_group": Role.MEMBER,
    "create_dataset": Role.EDITOR,
    "update_dataset": Role.EDITOR,
    "delete_dataset": Role.EDITOR,
    "edit_group": Role.ADMIN,
    "admin": Role.ADMIN,
}


def organization_list(context: Context, params: Params) -> list[Any]:
    """Return the organizations, as names, or as dicts with `all_fields` (then at most 25 unless `limit` says more)."""
    return _group_list(context, params, is_organization=True)


def group_list(context: Context, params: Params) -> list[Any]:
    """Return the groups, as names, or as dicts with `all_fields` (then at most 25 unless `limit` says more)."""
    return _group_list(context, params, is_organization=False)


def organization_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the organization whose id or name is `id`."""
    return _group_show(context, params, is_organization=True)


def group_show(context: Context, params: Params) -> dict[str, Any]:
    """Return the group whose id or name is `id`."""
    return _group_show(context, params, is_organization=False)


def organization_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return organizations whose name or title contains `q`."""
    return _group_autocomplete(context, params, is_organization=True)


def group_autocomplete(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return groups whose name or title contains `q`."""
    return _group_autocomplete(context, params, is_organization=False)


def organization_list_for_user(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the organizations in which the caller has `permission`, with the caller's capacity; all to a sysadmin."""
    user = _user_asked_for(context, optional_text(params, "id"))
    if user is None:
        return []
    needed = PERMISSIONS.get(optional_text(params, "permission") or "manage_group", Role.ADMIN)
    roles = context.roles if user is context.user else roles_of(context.session, user)
    statement = select(Group).where(Group.is_organization, Group.state == "active").order_by(Group.title, Group.name)
    if not user.sysadmin:
        statement = statement.where(Group.id.in_([group_id for group_id, role in roles.items() if role >= needed]))
    organizations = list(context.session.scalars(statement))
    followers = follower_counts(context.session, organizations)
    counted = boolean(params, "include_dataset_count", default=False)
    counts = public_package_counts(context.session, organizations) if counted else {}
    return [
        {
            **group_to_dict(
                group,
                package_count=counts.get(group.id, 0) if counted else None,
                followers=followers.get(group.id, 0),
            ),
            "capacity": "admin" if user.sysadmin else roles[group.id].name.lower(),
        }
        for group in organizations
    ]


def _user_asked_for(context: Context, written: str | None) -> User | None:
    """Return the user with this id or name, without one the caller; nobody where people are hidden from the caller."""
    if not written or not may(context, "user_details"):
        return context.user
    user = find_user(context.session, written)
    if user is None or user.state != "active":
        raise NotFound("User not found")
    return user


def group_list_authz(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the groups that the caller may put datasets into; with `am_member` only those they are a member of."""
    statement = select(Group).where(~Group.is_organization, Group.state == "active").order_by(Group.title, Group.name)
    if context.user is None:
        return []
    if boolean(params, "am_member", default=False) or not context.is_sysadmin:
        lowest = lowest_role(context, "dataset_into_group")
        statement = statement.where(Group.id.in_([one for one, role in context.roles.items() if role >= lowest]))
    groups = list(context.session.scalars(statement))
    followers = follower_counts(context.session, groups)
    return [group_to_dict(group, followers=followers.get(group.id, 0)) for group in groups]


def group_package_show(context: Context, params: Params) -> Any:
    """Return the datasets in the group `id`; 10 unless `limit` says more. An organization has none in this sense."""
    group = get_group(context.session, required_text(params, "id"))
    require_group_read(context, group)
    limit = natural(params, "limit", default=DATASETS_SHOWN, maximum=MOST_DATASETS) or 0
    return [] if group.is_organization else _packages_for(context, group, limit)


def member_list(context: Context, params: Params) -> list[list[str]]:
    """Return the members of the organization or group `id` as triples of id, type and capacity.

    `object_type` (user, package or group) and `capacity` narrow them down; users are shown to signed-in callers only.
    """
    group = get_group(context.session, required_text(params, "id"))
    require_group_read(context, group)
    wanted = optional_text(params, "object_type")
    triples: list[list[str]] = []
    if wanted in {None, "user"} and may(context, "user_details"):
        triples += _user_members(context, group)
    if wanted in {None, "package"}:
        packages = context.session.scalars(select(Package).where(packages_of(group)).order_by(Package.name))
        shown_as = "organization" if group.is_organization else "public"
        triples += [[package.id, "package", shown_as] for package in packages if may_read(context, package)]
    if wanted in {None, "group"}:
        triples += [[parent["id"], "group", parent["capacity"]] for parent in parents_to_list(group)]
    capacity = (optional_text(params, "capacity") or "").lower()
    return [triple for triple in triples if not capacity or triple[2].lower() == capacity]


def member_roles_list(_context: Context, params: Params) -> list[dict[str, str]]:
    """Return the capacities that members of organizations can have; with `group_type` group, those of groups.

    An editor of a group could do no more than a member of it, so it is not offered there.
    """
    of_groups = optional_text(params, "group_type") == "group"
    labels = CAPACITY_LABELS.items()
    return [{"text": text, "value": value} for value, text in labels if not (of_groups and value == "editor")]


def _user_members(context: Context, group: Group) -> list[list[str]]:
    statement = select(User.id, Member.capacity).join(Member, Member.user_id == User.id).order_by(User.name)
    rows = context.session.execute(statement.where(Member.group_id == group.id, User.state == "active"))
    return [[user_id, "user", CAPACITY_LABELS.get(capacity, capacity)] for user_id, capacity in rows]


def _group_list(context: Context, params: Params, *, is_organization: bool) -> list[Any]:
    all_fields = boolean(params, "all_fields", default=False)
    most, usual_dicts = _limits(context)
    limit = natural(params, "limit", default=usual_dicts if all_fields else most, maximum=most)
    offset = natural(params, "offset", default=0) or 0
    statement = select(Group).where(Group.is_organization == is_organization, Group.state == "active")
    if kind := optional_text(params, "type"):
        statement = statement.where(Group.type == kind)
    if names := words(params, "organizations" if is_organization else "groups"):
        statement = statement.where(Group.name.in_(names) | Group.id.in_(names))
    if query := optional_text(params, "q"):
        matches = contains(Group.name, query) | contains(Group.title, query)
        statement = statement.where(matches | contains(Group.description, query))
    if all_fields:
        statement = statement.options(selectinload(Group.parents))
    groups = list(context.session.scalars(statement.order_by(Group.name)))
    field, downwards = _sorting(params)
    counts: dict[str, int] = {}
    if field == "package_count" or (all_fields and boolean(params, "include_dataset_count", default=True)):
        counts = public_package_counts(context.session, groups)
    groups.sort(key=lambda group: _sort_value(group, field, counts), reverse=downwards)
    page = groups[offset : offset + (limit or 0)]
    if not all_fields:
        return [group.name for group in page]
    followers = follower_counts(context.session, page)
    return [_listed(context, params, group, (counts.get(group.id, 0), followers.get(group.id, 0))) for group in page]


def _limits(context: Context) -> tuple[int, int]:
    """Return the most entries of one answer, and how many a list of dicts has when nobody asks for a number."""
    settings = context.settings
    most = settings.group_and_organization_list_max
    return most, min(most, settings.group_and_organization_list_all_fields_max)


def _listed(context: Context, params: Params, group: Group, counts: tuple[int, int]) -> dict[str, Any]:
    packages, followers = counts
    counted = boolean(params, "include_dataset_count", default=True)
    shown = group_to_dict(group, package_count=packages if counted else None, followers=followers)
    if boolean(params, "include_extras", default=False):
        shown["extras"] = group_extras(group)
        shown |= _translations(group)
    if boolean(params, "include_groups", default=False):
        shown["groups"] = parents_to_list(group)
    if boolean(params, "include_users", default=False):
        shown["users"] = _members_for(context, group)
    return shown


def _sorting(params: Params) -> tuple[str, bool]:
    written = optional_text(params, "sort") or optional_text(params, "order_by") or "title asc"
    field, _, direction = written.strip().partition(" ")
    if field == "packages":
        field = "package_count"
    if field not in {"name", "title", "package_count"} or "," in written:
        raise ValidationError(f"Cannot sort by field `{field}`")
    direction = direction.strip().lower()
    if direction not in {"", "asc", "desc"}:
        raise ValidationError(f"Invalid sort direction `{direction}`")
    return field, direction == "desc"


def _sort_value(group: Group, field: str, counts: dict[str, int]) -> tuple[int, str, str]:
    if field == "package_count":
        return counts.get(group.id, 0), group.name, ""
    return 0, (group.title or group.name).casefold() if field == "title" else group.name, group.name


def _group_show(context: Context, params: Params, *, is_organization: bool) -> dict[str, Any]:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization)
    require_group_read(context, group)
    return group_as_shown(context, group, params)


def group_as_shown(context: Context, group: Group, params: Params) -> dict[str, Any]:
    """Return the organization or group as its show action shows it, with what the include flags ask for."""
    count = None
    if boolean(params, "include_dataset_count", default=True):
        count = _count_for(context, group)
    followers = follower_counts(context.session, [group]).get(group.id, 0)
    shown = group_to_dict(group, package_count=count, followers=followers) | _translations(group)
    if group.is_organization:
        shown |= validity_to_dict(context.session, group)
    if not boolean(params, "include_followers", default=True):
        del shown["num_followers"]
    if boolean(params, "include_extras", default=True):
        shown["extras"] = group_extras(group)
    shown["tags"] = []
    if boolean(params, "include_groups", default=True):
        shown["groups"] = parents_to_list(group)
    if boolean(params, "include_users", default=True):
        shown["users"] = _members_for(context, group)
    if boolean(params, "include_member_count", default=False):
        members = select(func.count()).select_from(Member).where(Member.group_id == group.id)
        shown["member_count"] = context.session.scalar(members)
    if boolean(params, "include_datasets", default=False):
        shown["packages"] = _packages_for(context, group, DATASETS_SHOWN)
    return shown


def _translations(group: Group) -> dict[str, Any]:
    language = portal_language(group)
    return {
        field + ENDING: translated(field, getattr(group, field), group.extras, language)
        for field in ("title", "description")
    }


def _members_for(context: Context, group: Group) -> list[dict[str, Any]]:
    """Return the members as far as the caller may see them: nobody's names go to anonymous callers."""
    if not may(context, "user_details"):
        return []
    return members_to_list(context.session, group, private=context.is_sysadmin)


def _counts_private(context: Context, group: Group) -> bool:
    """Tell whether the private datasets of the organization belong to what the caller is shown of it: to its members."""
    return group.is_organization and may(context, "read_hidden_dataset", group.id)


def _count_for(context: Context, group: Group) -> int:
    if not _counts_private(context, group):
        return public_package_counts(context.session, [group]).get(group.id, 0)
    statement = select(func.count()).select_from(Package).where(packages_of(group), Package.state == "active")
    return context.session.scalar(statement) or 0


def _packages_for(context: Context, group: Group, limit: int) -> Any:
    statement = select(Package.id).where(packages_of(group), Package.state == "active")
    if not _counts_private(context, group):
        statement = statement.where(Package.private.is_(False))
    ids = context.session.scalars(statement.order_by(Package.metadata_modified.desc(), Package.id).limit(limit)).all()
    return shown_list(context, ids)


def _group_autocomplete(context: Context, params: Params, *, is_organization: bool) -> list[dict[str, Any]]:
    query = as_text(params.get("q") or "")
    limit = natural(params, "limit", default=20, maximum=MOST_DATASETS)
    statement = select(Group).where(Group.is_organization == is_organization, Group.state == "active")
    matches = contains(Group.name, query) | contains(Group.title, query)
    groups = context.session.scalars(statement.where(matches).order_by(Group.title, Group.name).limit(limit))
    return [{"id": group.id, "name": group.name, "title": group.title} for group in groups]
