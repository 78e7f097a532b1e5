"""Rows of one SQL query: within the load window, in one snapshot, whole, in slices or only what changed, and counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pyarrow as pa
import sqlalchemy as sa

from publisher.errors import DescriptorError, SourceError
from publisher.secrets import Secrets
from publisher.sources.load_window import LoadWindow
from publisher.sources.sql.alchemy import open_alchemy
from publisher.sources.sql.control_totals import checked, claims_of, with_count
from publisher.sources.sql.incremental import Base, IncrementalReading, drop_base
from publisher.sources.sql.refusals import count_from
from publisher.sources.sql.session import SqlSession
from publisher.sources.sql.slices import whole_batches
from publisher.sources.sql.spec import SqlSource
from publisher.sources.stream import PlainStream, SourceStream
from publisher.sources.surroundings import Surroundings


@contextmanager
def open_sql(spec: SqlSource, *, secrets: Secrets, folder: Path, surroundings: Surroundings) -> Iterator[SourceStream]:
    """Open the query; plain `postgresql://` goes through ADBC, `postgresql+driver://` and all others through SQLAlchemy.

    Raises:
        DescriptorError: the address is none.
        SourceError: the load window is closed, the database cannot be reached or refuses; also while batches are read.
    """
    window = LoadWindow(spec.load_window, surroundings.time_zone)
    window.refuse_outside()
    url = address_of(spec, secrets)
    seconds = min(spec.statement_timeout_seconds, window.seconds_left() or spec.statement_timeout_seconds)
    with _open_session(spec, url, folder, seconds) as session:
        notes: list[str] = []
        with explained_by(window):
            expected = None if spec.count_query is None else count_from(session.rows(spec.count_query))
            claims = claims_of(session, spec)
        if spec.incremental is None or surroundings.memory is None:
            drop_base(surroundings)
            batches = checked(whole_batches(session, spec), claims)
        else:
            base = Base.of(spec, surroundings, database=url.set(password=None).render_as_string())
            claims = with_count(claims, expected)
            batches = IncrementalReading(session, spec, spec.incremental, base, claims, notes).batches()
        yield PlainStream(within(window, batches), expected, notes)


def address_of(spec: SqlSource, secrets: Secrets) -> sa.URL:
    """Return the address of the database with its password.

    Raises:
        DescriptorError: the secret is absent, or no address.
    """
    try:
        return sa.make_url(secrets.resolve(spec.url))
    except sa.exc.ArgumentError:
        raise DescriptorError(
            f"What {spec.url} names is no database address.", cure="write it as dialect://user:password@host/database"
        ) from None


def _open_session(spec: SqlSource, url: sa.URL, folder: Path, seconds: int) -> AbstractContextManager[SqlSession]:
    if url.drivername in {"postgresql", "postgres"}:
        from publisher.sources.sql.postgres import open_postgres  # an optional extra

        return open_postgres(spec, url, seconds=seconds)
    return open_alchemy(spec, url, folder, seconds=seconds)


def within(window: LoadWindow, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Break off when the window closes."""
    while True:
        with explained_by(window):
            batch = next(batches, None)
        if batch is None:
            return
        window.refuse_outside()
        yield batch


@contextmanager
def explained_by(window: LoadWindow) -> Iterator[None]:
    """Let a closed window explain what failed: a query is given no more time than the window leaves it."""
    try:
        yield
    except SourceError:
        window.refuse_outside()
        raise
