"""A PostgreSQL table whose slices are read by others: here the snapshot that all of them see, there one slice after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
import sqlalchemy as sa

from publisher.secrets import Secrets
from publisher.sources.load_window import LoadWindow
from publisher.sources.sql.control_totals import Claim, Tally, claims_of
from publisher.sources.sql.postgres import open_postgres
from publisher.sources.sql.reading import address_of, explained_by, within
from publisher.sources.sql.refusals import count_from
from publisher.sources.sql.slices import slice_queries
from publisher.sources.sql.spec import SqlSource
from publisher.sources.surroundings import Surroundings

Ask = Callable[[str], Iterator[pa.RecordBatch]]
"""Streams the rows of a query."""


@dataclass(frozen=True, repr=False)
class Slices:
    """The queries of all slices in order, and how to ask them; the address holds the password, so it is never printed.

    `expected` is what `count_query` gave, `claims` are the control totals.
    """

    spec: SqlSource
    address: str
    seconds: int
    snapshot: str
    time_zone: str
    queries: Sequence[str]
    expected: int | None
    claims: Sequence[Claim]


def can_be_sliced(spec: SqlSource, secrets: Secrets) -> bool:
    """Return whether several may read the query at the same time and see the same rows.

    The definition must ask for several connections, for the agency knows what its database bears.
    """
    if spec.partition is None or spec.partition.connections == 1 or spec.incremental is not None:
        return False
    return address_of(spec, secrets).drivername in {"postgresql", "postgres"}


@contextmanager
def open_slices(spec: SqlSource, *, secrets: Secrets, surroundings: Surroundings) -> Iterator[Slices]:
    """Hold a snapshot open while others read slices of it.

    Raises:
        SourceError: the load window is closed, the database cannot be reached or refuses.
    """
    window = LoadWindow(spec.load_window, surroundings.time_zone)
    window.refuse_outside()
    url = address_of(spec, secrets)
    seconds = min(spec.statement_timeout_seconds, window.seconds_left() or spec.statement_timeout_seconds)
    with open_postgres(spec, url, seconds=seconds) as session:
        with explained_by(window):
            expected = None if spec.count_query is None else count_from(session.rows(spec.count_query))
            claims = claims_of(session, spec)
            assert spec.partition is not None  # noqa: S101  the caller has asked `can_be_sliced`
            queries = slice_queries(session, spec, spec.partition)
            [(snapshot,)] = session.rows("SELECT pg_export_snapshot()")
        address = url.render_as_string(hide_password=False)
        yield Slices(spec, address, seconds, snapshot, surroundings.time_zone, queries, expected, claims)


@contextmanager
def open_share(slices: Slices) -> Iterator[Share]:
    """Open a connection that sees the snapshot.

    Raises:
        SourceError: the load window is closed, or the database cannot be reached.
    """
    window = LoadWindow(slices.spec.load_window, slices.time_zone)
    window.refuse_outside()
    url = sa.make_url(slices.address)
    with open_postgres(slices.spec, url, seconds=slices.seconds, snapshot=slices.snapshot) as session:
        yield Share(session.batches, window, Tally(slices.claims))


class Share:
    """One reader of some slices; `tally` adds up what it read."""

    def __init__(self, ask: Ask, window: LoadWindow, tally: Tally) -> None:
        self._ask = ask
        self._window = window
        self.tally = tally

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the rows of one slice.

        Raises:
            SourceError: the database refuses, or the load window closes.
        """
        for batch in within(self._window, self._ask(query)):
            self.tally.add(batch)
            yield batch
