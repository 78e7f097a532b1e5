"""Two processes never work on one dataset; a dead one frees it by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.errors import LeaseHeld
from publisher.lease import Lease
from publisher.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path / 'publisher.db'}")
    store.upgrade()
    yield store
    store.close()


def test_a_second_run_of_the_same_dataset_is_refused(store: Store) -> None:
    with Lease(store, "a", seconds=60):
        with pytest.raises(LeaseHeld) as caught, Lease(store, "a", seconds=60):
            pass
        assert "wait" in caught.value.cure
        with Lease(store, "b", seconds=60):
            pass


def test_the_lease_is_free_after_the_run(store: Store) -> None:
    with Lease(store, "a", seconds=60):
        pass
    with Lease(store, "a", seconds=60):
        pass


def test_the_lease_of_a_dead_process_runs_out(store: Store) -> None:
    assert store.take_lease("a", "a process that dies now", 0)
    time.sleep(0.01)
    with Lease(store, "a", seconds=60):
        pass


@pytest.mark.slow
def test_a_heartbeat_keeps_the_lease(store: Store) -> None:
    with Lease(store, "a", seconds=1) as lease:
        time.sleep(1.5)
        assert not store.take_lease("a", "another", 60)
        lease.check()


def test_a_lease_that_another_took_and_gave_back_is_still_lost(store: Store) -> None:
    with Lease(store, "a", seconds=60) as lease:
        store.drop_lease("a", lease.holder)
        assert store.take_lease("a", "another", 60)
        store.drop_lease("a", "another")
        with pytest.raises(LeaseHeld):
            lease.check()


def test_a_stalled_run_learns_that_it_lost_the_lease(store: Store) -> None:
    with Lease(store, "a", seconds=1) as lease:
        store.drop_lease("a", lease.holder)
        assert store.take_lease("a", "another", 60)
        time.sleep(0.6)
        with pytest.raises(LeaseHeld):
            lease.check()
    assert not store.take_lease("a", "a third", 60), "leaving must not drop the other's lease"
