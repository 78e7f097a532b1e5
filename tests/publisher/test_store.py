"""The publisher's memory: states move forward only, one release is current, migrations equal the model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from publisher.errors import EnvironmentFault
from publisher.store import RUN_TRANSITIONS, ReleaseRow, Row, Run, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'publisher.db'}")
    store.upgrade()
    yield store
    store.close()


def add_run(store: Store, state: str = "running") -> str:
    run = Run(dataset="a", trigger="manual", actor="someone", state=state)
    with store.session() as session:
        session.add(run)
    return run.id


def add_release(store: Store, release: str) -> None:
    run_id = add_run(store, "published")
    with store.session() as session:
        session.add(ReleaseRow(dataset="a", release=release, state="staged", run_id=run_id, fingerprint="0" * 64))


def test_the_migrations_make_the_tables_of_the_model(store: Store) -> None:
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Row.metadata) == []


def test_upgrading_twice_changes_nothing(store: Store) -> None:
    run_id = add_run(store)
    store.upgrade()
    assert store.run(run_id).state == "running"


@pytest.mark.parametrize("state", RUN_TRANSITIONS)
def test_a_run_moves_forward_only(store: Store, state: str) -> None:
    for target in RUN_TRANSITIONS:
        run_id = add_run(store, state)
        if target in RUN_TRANSITIONS[state]:
            store.move(run_id, target)
            assert store.run(run_id).state == target
        else:
            with pytest.raises(EnvironmentFault, match=f"cannot become {target}"):
                store.move(run_id, target)


def test_the_public_sees_one_release(store: Store) -> None:
    for release in ("2026-11-21.1", "2026-11-22.1"):
        add_release(store, release)
        store.point_at("a", release)
    current = store.current("a")
    assert current is not None
    assert current.release == "2026-11-22.1"
    assert {row.release: row.state for row in store.releases("a")} == {
        "2026-11-21.1": "superseded",
        "2026-11-22.1": "published",
    }


def test_rolling_back_moves_the_pointer_and_keeps_both(store: Store) -> None:
    for release in ("2026-11-21.1", "2026-11-22.1"):
        add_release(store, release)
        store.point_at("a", release)
    store.point_at("a", "2026-11-21.1", rolled_back=True)
    assert {row.release: row.state for row in store.releases("a")} == {
        "2026-11-21.1": "published",
        "2026-11-22.1": "rolled_back",
    }


def test_a_staged_release_is_not_listed(store: Store) -> None:
    add_release(store, "2026-11-22.1")
    assert store.releases("a") == []
