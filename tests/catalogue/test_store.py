"""What follows a commit: done once and only when everything around it is committed."""

from __future__ import annotations

import pytest
from samples.served_catalogue import catalogue_on

from catalogue.store import afterwards


@pytest.fixture
def store(tmp_path):
    with catalogue_on(tmp_path) as portal:
        yield portal.store


def test_it_waits_for_the_whole_transaction(store):
    done = []
    with store.write() as session:
        with session.begin_nested():
            afterwards(session, lambda: done.append("inner"), undone=lambda: done.append("undone"))
        afterwards(session, lambda: done.append("outer"))
        assert done == []
    assert done == ["inner", "outer"]


def test_a_savepoint_that_is_rolled_back_takes_its_own_along(store):
    done = []
    with store.write() as session:
        afterwards(session, lambda: done.append("outer"))
        with session.begin_nested() as trial:
            with session.begin_nested():
                afterwards(session, lambda: done.append("inner"), undone=lambda: done.append("undone"))
            trial.rollback()
        assert done == ["undone"]
    assert done == ["undone", "outer"]


def test_nothing_follows_a_transaction_that_fails(store):
    done = []
    with pytest.raises(ZeroDivisionError), store.write() as session:
        with session.begin_nested():
            afterwards(session, lambda: done.append("done"), undone=lambda: done.append("undone"))
        raise ZeroDivisionError
    assert done == ["undone"]


def test_what_fails_afterwards_stops_neither_the_caller_nor_the_rest(store, caplog):
    done = []
    with store.write() as session:
        afterwards(session, lambda: 1 / 0)
        afterwards(session, lambda: done.append("second"))
    assert done == ["second"]
    assert "follows a commit failed" in caplog.text
