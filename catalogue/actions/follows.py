"""Actions on following datasets, organizations and groups. Their docstrings are `help_show`'s texts.

Anybody may know how many follow something; who they are is told to sysadmins only.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import IntegrityError

from catalogue.actions.authorize import require, require_group_read, require_read
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import required_text
from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.model import Follow, Group, Package, User
from catalogue.people.accounts import user_to_dict
from catalogue.register.follows import Kind, follow_to_dict, follower_count, followers_of
from catalogue.register.groups import get_group
from catalogue.register.packages import get_package


def follow_dataset(context: Context, params: Params) -> dict[str, Any]:
    """Follow the dataset `id`: it counts among what you want to hear of."""
    return _follow(context, _package(context, params), "dataset")


def unfollow_dataset(context: Context, params: Params) -> None:
    """Stop following the dataset `id`, also when you may not see it any more."""
    package = get_package(context.session, required_text(params, "id"))
    if not _has_ended(context, package):
        require_read(context, package)
        raise NotFound(f"You are not following {package.name}.")


def am_following_dataset(context: Context, params: Params) -> bool:
    """Tell whether you follow the dataset `id`."""
    return _am_following(context, _package(context, params))


def dataset_follower_count(context: Context, params: Params) -> int:
    """Return how many people follow the dataset `id`."""
    return _count(context, _package(context, params))


def dataset_follower_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the people who follow the dataset `id`; for sysadmins."""
    require(context, "follower_list")
    return _list(context, _package(context, params))


def follow_group(context: Context, params: Params) -> dict[str, Any]:
    """Follow the organization or group `id`: it counts among what you want to hear of."""
    return _follow(context, _group(context, params), "group")


def unfollow_group(context: Context, params: Params) -> None:
    """Stop following the organization or group `id`, also when it was deleted."""
    group = get_group(context.session, required_text(params, "id"))
    if not _has_ended(context, group):
        require_group_read(context, group)
        raise NotFound(f"You are not following {group.name}.")


def am_following_group(context: Context, params: Params) -> bool:
    """Tell whether you follow the organization or group `id`."""
    return _am_following(context, _group(context, params))


def group_follower_count(context: Context, params: Params) -> int:
    """Return how many people follow the group `id`."""
    return _count(context, _group(context, params))


def group_follower_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the people who follow the group `id`; for sysadmins."""
    require(context, "follower_list")
    return _list(context, _group(context, params))


def organization_follower_count(context: Context, params: Params) -> int:
    """Return how many people follow the organization `id`."""
    return _count(context, _group(context, params, is_organization=True))


def organization_follower_list(context: Context, params: Params) -> list[dict[str, Any]]:
    """Return the people who follow the organization `id`; for sysadmins."""
    require(context, "follower_list")
    return _list(context, _group(context, params, is_organization=True))


def _package(context: Context, params: Params) -> Package:
    package = get_package(context.session, required_text(params, "id"))
    require_read(context, package)
    return package


def _group(context: Context, params: Params, *, is_organization: bool | None = None) -> Group:
    group = get_group(context.session, required_text(params, "id"), is_organization=is_organization)
    require_group_read(context, group)
    return group


def _caller(context: Context) -> User:
    if context.user is None:
        raise NotAuthorized("You must be logged in to follow something")
    return context.user


def _follow(context: Context, subject: Package | Group, kind: Kind) -> dict[str, Any]:
    user = _caller(context)
    already = ValidationError(f"You are already following {subject.name}")
    if context.session.get(Follow, (user.id, subject.id)) is not None:
        raise already
    follow = Follow(follower_id=user.id, object_id=subject.id, kind=kind, at=context.now())
    context.session.add(follow)
    try:
        context.session.flush()
    except IntegrityError as error:  # a second click was faster
        raise already from error
    return follow_to_dict(follow)


def _has_ended(context: Context, subject: Package | Group) -> bool:
    """End the following of the caller; tell whether there was any."""
    follow = context.session.get(Follow, (_caller(context).id, subject.id))
    if follow is not None:
        context.session.delete(follow)
    return follow is not None


def _am_following(context: Context, subject: Package | Group) -> bool:
    return context.session.get(Follow, (_caller(context).id, subject.id)) is not None


def _count(context: Context, subject: Package | Group) -> int:
    return follower_count(context.session, subject.id)


def _list(context: Context, subject: Package | Group) -> list[dict[str, Any]]:
    return [user_to_dict(user) for user in followers_of(context.session, subject.id)]
