"""Rows of a JSON service. Pages are spooled to disk first, so that all batches share one schema whatever the rows omit."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.rest_client import RestClient
from publisher.sources.rest_paging import Page, pages
from publisher.sources.spec import RestSource
from publisher.sources.stream import SourceStream
from publisher.sources.text import text_batch, text_schema

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

SPOOL_ROWS = 5_000


class JsonNumber(str):
    """A number exactly as the service wrote it; inside nested values it must not gain quotes."""

    __slots__ = ()


@contextmanager
def open_rest(spec: RestSource, *, fields: Sequence[FieldDefinition], secrets: Secrets) -> Iterator[SourceStream]:
    """Open the service; nothing is asked before the first batch is read.

    Raises:
        DescriptorError: a reference in the spec names nothing.
        SourceError: while batches are read: the service fails, refuses, or answers other than agreed.
    """
    with RestClient(spec, secrets) as client, tempfile.TemporaryFile() as spool:
        yield RestStream(client, spec, [field.at_source for field in fields], spool)


class RestStream:
    """One walk through all pages, then one through the spool."""

    def __init__(self, client: RestClient, spec: RestSource, declared: Sequence[str], spool: IO[bytes]) -> None:
        self.expected_rows: int | None = None
        self.notes: list[str] = []
        self._client = client
        self._spec = spec
        self._declared = declared
        self._spool = spool
        self._seen: dict[str, None] = {}

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows: declared names in the definition's order, then whatever else the service sent.

        A declared name that no row has is left out, so that its absence is seen as drift; an answer without rows
        shows all declared names.
        """
        self._fill_spool()
        names = [name for name in self._declared if name in self._seen or not self._seen]
        names += [name for name in self._seen if name not in set(names)]
        schema = text_schema(names)
        if not self._seen:
            yield pa.RecordBatch.from_pylist([], schema)
        for batch in _read_spool(self._spool):
            missing = pa.nulls(batch.num_rows, pa.string())
            columns = [batch[name] if name in batch.schema.names else missing for name in names]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    def _fill_spool(self) -> None:
        waiting: list[dict[str, Any]] = []
        for page in pages(self._spec, self._ask):
            if page.total is not None:
                self.expected_rows = page.total
            waiting += page.rows
            if len(waiting) >= SPOOL_ROWS:
                self._write(waiting)
                waiting = []
        if waiting:
            self._write(waiting)

    def _write(self, rows: list[dict[str, Any]]) -> None:
        names = list(dict.fromkeys(name for row in rows for name in row))
        self._seen.update(dict.fromkeys(names))
        batch = text_batch(names, ([_cell_text(row.get(name)) for row in rows] for name in names))
        with pa.ipc.new_stream(self._spool, batch.schema) as writer:
            writer.write_batch(batch)

    def _ask(self, url: str, parameters: dict[str, str]) -> Page:
        answer = self._client.get(url, parameters)
        try:
            document = json.loads(answer.body, parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=JsonNumber)
        except (ValueError, RecursionError):
            raise SourceError(
                f"The service behind {self._spec.url} answered with something that is not JSON.",
                cure="open the address in a browser; a login page or an error page often stands there",
            ) from None
        rows = _at(document, self._spec.rows, self._spec)
        if not isinstance(rows, list) or not all(isinstance(row, dict) and row for row in rows):
            raise SourceError(
                f"The answer of {self._spec.url} has no list of objects with keys at `{self._spec.rows or 'its top'}`.",
                cure="correct `rows` in the source, a dotted path to the list",
            )
        return Page(rows, self._total(document), document, answer.next_url)

    def _total(self, document: Any) -> int | None:
        if self._spec.total is None:
            return None
        total = str(_at(document, self._spec.total, self._spec))
        if not total.isdecimal():
            raise SourceError(
                f"The answer of {self._spec.url} has no number at `{self._spec.total}`.",
                cure="correct `total` in the source, a dotted path to the number of rows",
            )
        return int(total)


def _at(document: Any, path: str, spec: RestSource) -> Any:
    for step in path.split(".") if path else ():
        if not isinstance(document, dict) or step not in document:
            raise SourceError(
                f"The answer of {spec.url} has nothing at `{path}`.",
                cure="compare the path in the source with the service's description",
            )
        document = document[step]
    return document


def _cell_text(value: Any) -> str | None:
    """Return text as it is, numbers as written, true and false as words, and nested values as compact JSON."""
    if value is None or isinstance(value, str):
        return value
    return _compact(value)


def _compact(value: Any) -> str:
    if isinstance(value, JsonNumber):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_compact(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _read_spool(spool: IO[bytes]) -> Iterator[pa.RecordBatch]:
    """Yield the spooled batches; they lie one after the other, each as an Arrow stream with its own schema."""
    end = spool.tell()
    spool.seek(0)
    while spool.tell() < end:
        with pa.ipc.open_stream(spool) as reader:
            yield from reader
