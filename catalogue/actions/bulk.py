"""Actions on many datasets of one organization, and on whose a dataset is. Their docstrings are `help_show`'s texts."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import or_, select

from catalogue.actions.authorize import may_read, require
from catalogue.actions.context import Context, Params
from catalogue.actions.parameters import optional_text, required_text, words
from catalogue.errors import NotFound, ValidationError
from catalogue.model import Group, Package
from catalogue.register.groups import find_group, get_group
from catalogue.register.package_changes import save_package
from catalogue.register.packages import get_package, package_to_dict
from catalogue.register.validation import MISSING


def bulk_update_private(context: Context, params: Params) -> None:
    """Make the `datasets` (a list of ids) of the organization `org_id` private; for its admins.

    Datasets of other organizations in the list are left alone.
    """

    def change(package: Package) -> None:
        package.private = True

    _change_all(context, params, change)


def bulk_update_public(context: Context, params: Params) -> None:
    """Make the `datasets` (a list of ids) of the organization `org_id` public; for its admins.

    Datasets of other organizations in the list are left alone.
    """

    def change(package: Package) -> None:
        package.private = False

    _change_all(context, params, change)


def bulk_update_delete(context: Context, params: Params) -> None:
    """Delete the `datasets` (a list of ids) of the organization `org_id`; for its admins.

    Datasets of other organizations in the list are left alone; package_patch can bring a deleted one back.
    """

    def change(package: Package) -> None:
        package.state = "deleted"

    _change_all(context, params, change)


def package_owner_org_update(context: Context, params: Params) -> None:
    """Give the dataset `id` to the organization `organization_id`; null or empty: to none; for sysadmins."""
    package = get_package(context.session, required_text(params, "id"), lock=True)
    known = package.id if may_read(context, package) else ""  # a refusal must not tell the id of a hidden one
    require(context, "package_owner_org_update", package.owner_org, subject=known)
    if "organization_id" not in params:
        raise ValidationError({"organization_id": MISSING})
    organization = _new_owner(context, optional_text(params, "organization_id"))
    if organization is None and package.private:
        raise ValidationError({"organization_id": ["Datasets with no organization can't be private."]})
    before = package_to_dict(package)
    package.organization = organization
    package.owner_org = organization.id if organization else None
    save_package(context, package, before=before)


def _new_owner(context: Context, written: str | None) -> Group | None:
    if not written:
        return None
    organization = find_group(context.session, written, is_organization=True)
    if organization is None or organization.state != "active":
        raise NotFound("Organization was not found.")
    return organization


def _change_all(context: Context, params: Params, change: Callable[[Package], None]) -> None:
    """Change the given datasets of the organization, each like any other change of it."""
    written = required_text(params, "org_id")
    organization = get_group(context.session, written, is_organization=True)
    require(context, "bulk_update", organization.id, subject=organization.id)
    required_text(params, "datasets")
    chosen = words(params, "datasets")
    owned = select(Package.id).where(Package.owner_org == organization.id)
    found: set[str] = set()
    for start in range(0, len(chosen), 500):  # databases take a limited number of values in one statement
        part = chosen[start : start + 500]
        found.update(context.session.scalars(owned.where(or_(Package.id.in_(part), Package.name.in_(part)))))
    for package_id in sorted(found):  # in one order, so that two such calls cannot block each other
        package = get_package(context.session, package_id, lock=True)
        if package.owner_org != organization.id:  # it moved while we waited
            continue
        before = package_to_dict(package)
        change(package)
        save_package(context, package, before=before)
