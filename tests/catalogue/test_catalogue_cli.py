"""The operator's commands."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta

import click
import pytest
from click.testing import CliRunner

from catalogue import cli, command_settings
from catalogue.actions.context import utc_now
from catalogue.model import User
from catalogue.people.accounts import find_user, sign_in
from catalogue.people.tokens import find_token
from catalogue.settings import CatalogueSettings
from catalogue.store import open_store

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tmp_path):
    return CatalogueSettings(home=tmp_path)


@pytest.fixture
def run(settings):
    @click.group()
    @click.pass_context
    def main(ctx: click.Context) -> None:
        ctx.meta[command_settings.SETTINGS] = lambda: settings

    for command in cli.COMMANDS:
        main.add_command(command)
    return lambda *words, **options: CliRunner().invoke(main, words, **options)


@pytest.fixture
def writing(settings):
    @contextmanager
    def session():
        store = open_store(settings)
        with store.write() as opened:
            yield opened
        store.close()

    return session


def test_an_account_with_a_password_signs_in(run, settings, tmp_path):
    (tmp_path / "password").write_text("correct horse\n")
    result = run(
        "user", "add", "mai", "--email", "mai@x.vn", "--password-file", str(tmp_path / "password"), "--sysadmin"
    )
    assert result.exit_code == 0, result.output
    store = open_store(settings)
    user_id = sign_in(store, "mai", "correct horse", utc_now())
    with store.read() as session:
        assert session.get(User, user_id).sysadmin
    store.close()


def test_a_token_is_printed_once_and_works(run, writing):
    assert run("token", "create", "scripts").exit_code == 2
    result = run("token", "create", "scripts", "--sysadmin")
    assert result.exit_code == 0, result.output
    with writing() as session:
        found = find_token(session, result.output.strip(), utc_now())
        assert found is not None
        assert (found.user.name, found.user.sysadmin) == ("scripts", True)


def test_a_token_may_be_for_reading_and_for_a_while(run, writing):
    run("user", "add", "mai")
    text = run("token", "create", "mai", "--read-only", "--expires-in-days", "30", "--label", "harvest").output.strip()
    with writing() as session:
        found = find_token(session, text, utc_now())
        assert (found.scope, found.name) == ("read", "harvest")
        assert find_token(session, text, utc_now() + timedelta(days=31)) is None


def test_tokens_are_listed_without_their_texts_and_revoked_by_their_ids(run, writing):
    run("user", "add", "mai")
    text = run("token", "create", "mai", "--label", "harvest").output.strip()
    run("token", "create", "boss", "--sysadmin")
    listed = run("token", "list", "mai").output
    assert "'harvest'  all  never expires  never used" in listed
    assert text not in listed
    assert "boss" not in listed
    assert "boss" in run("token", "list").output
    assert run("token", "revoke", listed.split()[0]).exit_code == 0
    assert run("token", "revoke", listed.split()[0]).exit_code == 2
    with writing() as session:
        assert find_token(session, text, utc_now()) is None


def test_nobody_gets_a_token_of_a_deleted_account(run, writing):
    run("user", "add", "mai")
    with writing() as session:
        find_user(session, "mai").state = "deleted"
    assert "deleted" in run("token", "create", "mai").output


def test_wrong_names_are_one_line_and_exit_code_2(run):
    for words in (("user", "add", "X"), ("organization", "add", "so-yt")):
        result = run(*words)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
    run("user", "add", "mai")
    assert "not available" in run("user", "add", "mai").output


def test_organizations_are_added_and_the_index_is_built(run):
    run("user", "add", "boss", "--sysadmin")
    assert run("organization", "add", "so-yt", "--title", "Sở Y tế").exit_code == 0
    assert run("organization", "add", "so-yt").exit_code == 2
    assert run("reindex").output == "The search index holds 0 datasets.\n"


def test_a_plain_token_is_not_a_sysadmins(run, writing):
    run("user", "add", "mai")
    assert run("token", "create", "mai", "--sysadmin").exit_code == 2
    assert run("token", "create", "mai").exit_code == 0
    with writing() as session:
        assert not find_user(session, "mai").sysadmin
