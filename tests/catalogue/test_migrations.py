"""Models and migrations tell the same story, on both databases, also when two processes start at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import ckanapi
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from samples.served_catalogue import catalogue_on, served
from sqlalchemy import inspect, text

from catalogue.model import CatalogueTable
from catalogue.settings import CatalogueSettings
from catalogue.store import Store, migration_config, open_store

pytest_plugins = ["servers.postgres"]


def differences(store: Store) -> list[object]:
    with store.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), CatalogueTable.metadata))


def test_models_and_migrations_agree_on_sqlite(tmp_path):
    with catalogue_on(tmp_path) as portal:
        assert differences(portal.store) == []


@pytest.mark.slow
@pytest.mark.server
def test_models_and_migrations_agree_on_postgresql(tmp_path, postgres):
    with catalogue_on(tmp_path, database_url=postgres.url(postgres.new_database())) as portal:
        assert differences(portal.store) == []


def test_the_tables_can_be_taken_back(tmp_path):
    with catalogue_on(tmp_path) as portal:
        with portal.store.engine.begin() as connection:
            command.downgrade(migration_config(connection), "base")
        assert inspect(portal.store.engine).get_table_names() == ["alembic_version"]
        portal.store.upgrade()
        assert differences(portal.store) == []


def open_at_once(settings: CatalogueSettings) -> None:
    with ThreadPoolExecutor(4) as pool:
        for store in pool.map(open_store, [settings] * 4):
            assert differences(store) == []
            store.close()


@pytest.mark.slow
def test_processes_that_start_at_once_upgrade_once_on_sqlite(tmp_path):
    open_at_once(CatalogueSettings(home=tmp_path))


@pytest.mark.slow
@pytest.mark.server
def test_processes_that_start_at_once_upgrade_once_on_postgresql(tmp_path, postgres):
    open_at_once(CatalogueSettings(home=tmp_path, database_url=postgres.url(postgres.new_database())))


@pytest.mark.slow
@pytest.mark.server
def test_postgresql_serves_a_client_as_sqlite_does(tmp_path, postgres):
    database = postgres.url(postgres.new_database())
    with (
        catalogue_on(tmp_path, database_url=database) as portal,
        served(portal),
        portal.as_user(portal.add_user("boss", sysadmin=True)) as client,
    ):
        client.action.organization_create(name="so-yt", title="Sở Y tế", extras=[{"key": "k", "value": "v"}])
        client.action.group_create(name="theme")
        params = {"name": "clinics", "owner_org": "so-yt", "tag_string": "y tế,khám", "groups": [{"name": "theme"}]}
        created = client.action.package_create(**params, resources=[{"url": "http://x.example/a.csv", "n": {"a": 1}}])
        assert client.action.package_show(id="clinics") == created
        assert client.action.package_patch(id="clinics", name="phong-kham")["name"] == "phong-kham"
        assert client.action.package_show(id="clinics")["id"] == created["id"]
        assert client.action.package_search(q="phong kham")["count"] == 1
        assert len(client.action.organization_list(all_fields=True)) == 1
        with pytest.raises(ckanapi.ValidationError):
            client.action.package_create(name="clinics", owner_org="so-yt")
        client.action.dataset_purge(id="phong-kham")
        assert client.action.package_list() == []


def test_what_is_there_survives_new_tables(tmp_path):
    with catalogue_on(tmp_path) as portal:
        with portal.store.engine.begin() as connection:
            command.downgrade(migration_config(connection), "0001")
            connection.execute(
                text(
                    "INSERT INTO users (id, name, sysadmin, state, created, failed_sign_ins) "
                    "VALUES ('u', 'lan', 0, 'active', '2026-01-01', 0)"
                )
            )
            connection.execute(
                text(
                    "INSERT INTO api_tokens (id, user_id, name, token_sha256, created_at) "
                    "VALUES ('t', 'u', 'old', 'x', '2026-01-01')"
                )
            )
        portal.store.upgrade()
        with portal.store.read() as session:
            assert session.execute(text("SELECT id, scope FROM api_tokens")).all() == [("t", "all")]
