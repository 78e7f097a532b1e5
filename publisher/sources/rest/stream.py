"""Rows of a web service: asked after for changes, walked page by page, spooled, and walked anew when they move meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.json_paths import at
from publisher.sources.load_window import LoadWindow
from publisher.sources.memory import Revision, recall
from publisher.sources.rest.bodies import PROPERTIES, Bodies
from publisher.sources.rest.client import Answer, RestClient
from publisher.sources.rest.page_rows import PageRows
from publisher.sources.rest.paging import Page, pages
from publisher.sources.rest.spec import LinkPaging, RestSource
from publisher.sources.stream import SourceStream, Unchanged
from publisher.sources.surroundings import Surroundings

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

VALIDATORS = {"etag", "last_modified"}
MOST_WALKS = 3
"""A service whose rows move whenever we walk through them is not walked through for ever."""


@contextmanager
def open_rest(
    spec: RestSource, *, fields: Sequence[FieldDefinition], secrets: Secrets, surroundings: Surroundings
) -> Iterator[SourceStream]:
    """Open the service; nothing is asked before the first batch is read.

    Raises:
        DescriptorError: a reference in the spec names nothing.
        SourceError: the load window is closed; while batches are read: the service fails, refuses, or answers other
            than agreed.
    """
    window = LoadWindow(spec.load_window, surroundings.time_zone)
    window.refuse_outside()
    with (
        RestClient(spec, secrets, allowed_hosts=surroundings.allowed_hosts) as client,
        TemporaryDirectory() as scratch,
    ):
        declared = [field.at_source for field in fields]
        rows = PageRows(
            Path(scratch) / "rows.arrow", declared, always_open=[PROPERTIES] if spec.body == "geojson" else []
        )
        bodies = Bodies(spec, fields, label=client.label, rows=rows)
        remembered = recall(surroundings)
        yield RestStream(
            client, spec, bodies=bodies, rows=rows, window=window, before=remembered[0] if remembered else []
        )


class _Moved(Exception):  # noqa: N818  not an error before it happened several times
    """The total changed between two pages."""


class RestStream:
    """One walk through all pages, then one through the spool."""

    def __init__(
        self,
        client: RestClient,
        spec: RestSource,
        *,
        bodies: Bodies,
        rows: PageRows,
        window: LoadWindow,
        before: Revision,
    ) -> None:
        self.expected_rows: int | None = None
        self.notes: list[str] = []
        self._client = client
        self._spec = spec
        self._bodies = bodies
        self._rows = rows
        self._window = window
        self._before = before
        self._asked: Revision = []

    @property
    def revision(self) -> Revision | None:
        """The requests of the walk with their validators; null when an answer had none."""
        asked = self._asked[:1] if self._spec.unchanged == "first_page" else self._asked
        return asked if all(VALIDATORS & one.keys() for one in asked) else None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows: declared names in the definition's order, then whatever else the service sent.

        Raises:
            Unchanged: every answer of the last walk is the same.
        """
        if self._before and self._nothing_changed():
            raise Unchanged
        for walk in range(1, MOST_WALKS + 1):
            try:
                self._walk()
                break
            except _Moved:
                self.notes.append("Rows came or went while the pages were read; they were read anew.")
                if walk == MOST_WALKS:
                    raise SourceError(
                        f"{self._client.label} changed its total while its pages were read, {walk} times.",
                        cure="run at a quieter hour, or have the agency offer a cursor over a fixed state",
                    ) from None
        yield from self._rows.batches()

    def _nothing_changed(self) -> bool:
        for request in self._before:
            self._window.refuse_outside()
            validators = {name: value for name, value in request.items() if name in VALIDATORS}
            try:
                answer = self._client.get(request["url"], json.loads(request["parameters"]), validators)
            except SourceError:  # such as a page that is gone; the walk will say more
                return False
            if answer.body is not None:
                answer.body.close()
                return False
        return True

    def _walk(self) -> None:
        self._rows.clear()
        self._asked = []
        self.expected_rows = None
        for page in pages(self._spec, self._ask, label=self._client.label):
            if self.expected_rows is not None and page.total != self.expected_rows:
                raise _Moved
            self.expected_rows = page.total

    def _ask(self, url: str, parameters: dict[str, str]) -> Page:
        self._window.refuse_outside()
        answer = self._client.get(url, parameters)
        self._asked.append({"url": url, "parameters": json.dumps(parameters), **answer.validators})
        self._rows.start_page()
        if answer.body is None:
            raise AssertionError("only a request with validators can be answered so")
        with answer.body:
            document = self._bodies.read(answer.body)
        return Page(
            self._rows.page_rows,
            self._rows.page_digest,
            self._total(document),
            document,
            self._link(document, answer),
        )

    def _total(self, document: Any) -> int | None:
        if self._spec.total is None:
            return None
        try:
            total = str(at(document, self._spec.total))
        except KeyError:
            raise SourceError(
                f"{self._client.label} answered with nothing at `{self._spec.total}`.",
                cure="compare the path in the source with the service's description",
            ) from None
        if not total.isdecimal():
            raise SourceError(
                f"{self._client.label} answered with no number at `{self._spec.total}`.",
                cure="correct `total` in the source, a dotted path to the number of rows",
            )
        return int(total)

    def _link(self, document: Any, answer: Answer) -> str | None:
        path = self._spec.paging.next_path if isinstance(self._spec.paging, LinkPaging) else None
        if path is None:
            return answer.next_url
        try:
            link = at(document, path)
        except KeyError:
            return None
        return self._client.checked_next(answer.url, str(link)) if link else None
