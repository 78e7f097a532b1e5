"""Commands for the operator of the catalogue; the site's command line hangs `COMMANDS` into its own.

Each expects a function in the click context under `SETTINGS` that returns `CatalogueSettings`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from catalogue.command_settings import current_settings, first_line
from catalogue.importing.commands import import_portal

if TYPE_CHECKING:  # each command opens the catalogue itself; who runs another one does not wait for SQLAlchemy
    from sqlalchemy.orm import Session

    from catalogue.actions.context import Context
    from catalogue.model import User
    from catalogue.services import Services


@click.group()
def user() -> None:
    """Manage the accounts of the catalogue."""


@user.command("add")
@click.argument("name")
@click.option("--email", help="Address of the person.")
@click.option("--fullname", help="Name to show.")
@click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="File with the password in its first line; without one, nobody can sign in with a password.",
)
@click.option("--sysadmin", is_flag=True, help="May do everything.")
def add_account(
    name: str, email: str | None, fullname: str | None, password_file: Path | None, *, sysadmin: bool
) -> None:
    """Create the account NAME."""
    from catalogue.actions.user_input import add_user

    password = first_line(password_file) if password_file else None
    params = {"name": name, "email": email, "fullname": fullname, "password": password}
    with _writing() as context:
        add_user(context, params, with_password=False).sysadmin = sysadmin
    click.echo(f"The account {name} is there.")


@click.group()
def token() -> None:
    """Manage API tokens."""


@token.command("create")
@click.argument("name")
@click.option("--label", default="command line", show_default=True, help="What the token is for.")
@click.option("--sysadmin", is_flag=True, help="Create the account NAME as a sysadmin when there is none.")
@click.option("--read-only", is_flag=True, help="The token can call no writing action.")
@click.option("--expires-in-days", type=click.IntRange(1, 36500), help="Without it the token never expires.")
def create_api_token(name: str, label: str, *, sysadmin: bool, read_only: bool, expires_in_days: int | None) -> None:
    """Print a new API token of the account NAME; it cannot be read again."""
    from catalogue.actions.user_input import add_user
    from catalogue.people.accounts import find_user
    from catalogue.people.tokens import create_token

    with _writing() as context:
        owner = find_user(context.session, name)
        if owner is None and sysadmin:
            owner = add_user(context, {"name": name}, with_password=False)
            owner.sysadmin = True
        if owner is None:
            raise click.UsageError(f"There is no account {name}. Cure: `phusa user add {name}`, or --sysadmin here.")
        if sysadmin and not owner.sysadmin:
            raise click.UsageError(
                f"The account {name} is no sysadmin. Cure: use another name, or leave --sysadmin out."
            )
        if owner.state != "active":
            raise click.UsageError(f"The account {name} is {owner.state}; its tokens would not count.")
        now, scope = context.now(), "read" if read_only else "all"
        expires_at = now + timedelta(days=expires_in_days) if expires_in_days else None
        _, text = create_token(context.session, owner, name=label, now=now, expires_at=expires_at, scope=scope)
    click.echo(text)


@token.command("list")
@click.argument("name", required=False)
def list_api_tokens(name: str | None) -> None:
    """Print the API tokens, of the account NAME alone when it is given: id, account, label, scope, expiry, last use."""
    from sqlalchemy import select

    from catalogue.model import ApiToken, User

    statement = select(ApiToken).join(ApiToken.user).order_by(User.name, ApiToken.created_at)
    with _opened() as services, services.store.read() as session:
        if name:
            statement = statement.where(User.name == name)
        for row in session.scalars(statement):
            expires = f"expires {row.expires_at:%Y-%m-%d}" if row.expires_at else "never expires"
            used = f"last used {row.last_access:%Y-%m-%d}" if row.last_access else "never used"
            click.echo(f"{row.id}  {row.user.name}  {row.name!r}  {row.scope}  {expires}  {used}")


@token.command("revoke")
@click.argument("token_id")
def revoke_api_token(token_id: str) -> None:
    """End the API token with the id TOKEN_ID, as `phusa token list` prints it."""
    from catalogue.model import ApiToken

    with _writing() as context:
        row = context.session.get(ApiToken, token_id)
        if row is None:
            raise click.UsageError(f"There is no token {token_id}. Cure: take the id from `phusa token list`.")
        context.session.delete(row)
    click.echo(f"The token {token_id} has ended.")


@click.group()
def organization() -> None:
    """Manage the organizations that own datasets."""


@organization.command("add")
@click.argument("name")
@click.option("--title", help="Name to show.")
@click.option("--description", help="What it does.")
def add_organization(name: str, title: str | None, description: str | None) -> None:
    """Create the organization NAME."""
    from catalogue.actions.registry import call_action

    with _writing() as context:
        params = {"name": name, "title": title, "description": description}
        call_action(_as_operator(context), "organization_create", params)
    click.echo(f"The organization {name} is there.")


@click.command()
def reindex() -> None:
    """Build the search index from the database alone, and the stored answers of datasets that are missing."""
    from catalogue.register.shown_packages import put_all_back

    with _opened() as services:
        put_all_back(services)
        count = services.search.rebuild()
    click.echo(f"The search index holds {count} datasets.")


COMMANDS = (user, token, organization, import_portal, reindex)


@contextmanager
def _opened() -> Iterator[Services]:
    from catalogue.services import open_services

    services = open_services(current_settings())
    try:
        yield services
    finally:
        services.close()


@contextmanager
def _writing() -> Iterator[Context]:
    """Yield the context of an anonymous writing call; refused values become one line of text and exit code 2."""
    from catalogue.errors import CatalogueError, ValidationError

    with _opened() as services:
        try:
            with services.store.write() as session:
                yield services.context(session)
        except ValidationError as error:
            told = (f"{field}: {fault}" for field, faults in error.error_dict.items() for fault in _listed(faults))
            raise click.UsageError(" ".join(told)) from error
        except CatalogueError as error:
            raise click.UsageError(error.message) from error


def _listed(faults: object) -> list[object]:
    return faults if isinstance(faults, list) else [faults]


def _as_operator(context: Context) -> Context:
    """Let the call come from the first sysadmin: whoever may run commands here may do what sysadmins may.

    Raises:
        click.UsageError: there is no sysadmin yet.
    """
    context.user = _first_sysadmin(context.session)
    if context.user is None:
        raise click.UsageError("There is no sysadmin yet. Cure: `phusa user add NAME --sysadmin`.")
    return context


def _first_sysadmin(session: Session) -> User | None:
    from sqlalchemy import select

    from catalogue.model import User

    statement = select(User).where(User.sysadmin, User.state == "active").order_by(User.created, User.name)
    return session.scalars(statement).first()
