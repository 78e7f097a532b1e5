"""What SOURCE means: a file, a query or a service, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter, ValidationError

from publisher.errors import DescriptorError, SourceError
from publisher.proposal.delimited import guess_csv
from publisher.proposal.workbooks import guess_excel
from publisher.secrets import Secrets
from publisher.sources.files.archives import payloads_of
from publisher.sources.files.payload import Allowance, Payload
from publisher.sources.spec import SourceSpec
from publisher.table_schema import FieldDefinition

_ADAPTER: TypeAdapter[Any] = TypeAdapter(SourceSpec)
_LARGEST_JSON = 400_000_000
_UNPACKED = 20_000_000_000
_ROWS_PATHS = ("", "items", "data", "results", "rows", "records", "value", "features", "result.records")


@dataclass(frozen=True)
class Guessed:
    """A source and how it was understood.

    Attributes:
        spec: as the definition will hold it.
        stem: what its table is called: a file's or a database table's name.
        columns: names for the columns of a file without a header; empty when the source names them itself.
        alternatives: other ways to read it, to be tried in this order when the first one fails.
    """

    spec: Any
    stem: str
    columns: tuple[str, ...] = ()
    alternatives: tuple[Any, ...] = field(default=())

    def fields(self) -> list[FieldDefinition]:
        """Return fields that name the columns of a file without a header."""
        return [FieldDefinition.model_validate({"name": name, "title": name}) for name in self.columns]


def guess_source(source: str, *, query: str | None, table: str | None, secrets: Secrets) -> Guessed:
    """Return what the source is: `env:NAME` or `file:PATH` of an address, an `https://` address, or a file.

    Raises:
        DescriptorError: it is none of these, or a database without `--query` or `--table`.
        SourceError: the file is not what its name says.
    """
    address = secrets.resolve(source) if source.startswith(("env:", "file:")) else source
    if address.startswith(("http://", "https://")):
        return _service(source)
    if "://" in address and not address.startswith(("s3://", "sftp://")):
        return _database(source, query=query, table=table)
    path = Path(address)
    if not path.is_file():
        raise DescriptorError(
            "The source is neither a file, nor `env:NAME` of a database's or a service's address.",
            cure="name a file, or put the address into the environment and give `env:NAME`",
        )
    return guess_file(path)


def guess_file(path: Path) -> Guessed:
    """Return how a file is written, by its ending and its bytes."""
    (payload,) = payloads_of(path, name=path.name, member=None, allowance=Allowance(_UNPACKED))
    inner = Path(payload.member or path.name)
    ending = Path(inner.stem).suffix.lower() if inner.suffix.lower() == ".gz" else inner.suffix.lower()
    columns: tuple[str, ...] = ()
    form: Mapping[str, Any]
    if ending == ".parquet":
        form = {"kind": "parquet"}
    elif ending in {".xls", ".xlsx", ".ods"}:
        with TemporaryDirectory() as scratch:
            form = guess_excel(payload.as_file(Path(scratch)), path.name).model_dump(exclude_defaults=True)
    elif ending in {".json", ".ndjson", ".jsonl", ".geojson"}:
        form = _json_format(payload)
    else:
        found, width = guess_csv(payload)
        form = found.model_dump(exclude_defaults=True)
        columns = tuple(f"cot_{place}" for place in range(1, width + 1)) if not found.header else ()
    said = {"kind": "file", "location": str(path.parent.resolve()), "pattern": _literal(path.name), "format": form}
    return Guessed(_ADAPTER.validate_python(said), _stem(path.name), columns)


def _literal(name: str) -> str:
    """Return a glob that only this name matches."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _stem(name: str) -> str:
    while (path := Path(name)).suffix and len(path.suffix) <= 8:
        name = path.stem
    return name


def _json_format(payload: Payload) -> dict[str, Any]:
    with payload.open() as stream:
        first, _, rest = stream.read(1 << 24).partition(b"\n")
    try:
        line = json.loads(first)
    except ValueError:
        line = None
    if isinstance(line, dict) and line.get("type") in {"Feature", "FeatureCollection"} and "rows" not in line:
        return {"kind": "geojson"}
    if isinstance(line, dict) and rest.strip():
        return {"kind": "ndjson"}
    with payload.open() as stream:
        data = stream.read(_LARGEST_JSON + 1)
    if len(data) > _LARGEST_JSON:
        raise SourceError(
            f"{payload.name} is too large a JSON document.", cure="have it delivered as NDJSON, one row a line"
        )
    try:
        document = json.loads(data)
    except ValueError:
        raise SourceError(f"{payload.name} is no JSON document.", cure="have it delivered again") from None
    if isinstance(document, dict) and document.get("type") == "FeatureCollection":
        return {"kind": "geojson"}
    rows = _rows_path(document)
    if rows is None:
        raise SourceError(f"{payload.name} holds no list of objects.", cure="have it delivered as a list of rows")
    return {"kind": "json", "rows": rows} if rows else {"kind": "json"}


def _rows_path(document: Any, path: str = "") -> str | None:
    """Return the dotted path to the longest list of objects; null when there is none."""
    if isinstance(document, list):
        return path if any(isinstance(entry, dict) for entry in document) else None
    if not isinstance(document, dict):
        return None
    lists = [
        (len(value), key)
        for key, value in document.items()
        if isinstance(value, list) and _rows_path(value) is not None
    ]
    if lists:
        return f"{path}.{max(lists)[1]}".lstrip(".")
    inner = (
        _rows_path(value, f"{path}.{key}".lstrip(".")) for key, value in document.items() if isinstance(value, dict)
    )
    return next((found for found in inner if found is not None), None)


def _service(source: str) -> Guessed:
    try:
        specs = [_ADAPTER.validate_python({"kind": "rest", "url": source, "rows": path}) for path in _ROWS_PATHS]
    except ValidationError:
        raise DescriptorError(
            "The service's address cannot be used.", cure="give `env:NAME` or an https address"
        ) from None
    stem = source.removeprefix("env:").split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    return Guessed(specs[0], stem, alternatives=tuple(specs[1:]))


def _database(source: str, *, query: str | None, table: str | None) -> Guessed:
    if (query is None) == (table is None):
        raise DescriptorError("A database needs either `--query` or `--table`.", cure="say which rows are meant")
    if not source.startswith(("env:", "file:")):
        raise DescriptorError(
            "The address of a database holds a password.", cure="put it into the environment and give `env:NAME`"
        )
    if table is not None:
        quoted = ".".join(
            '"' + part.replace('"', '""') + '"' if not part.isidentifier() else part for part in table.split(".")
        )
        query = f"SELECT * FROM {quoted}"  # noqa: S608  typed by the person who holds the address
    spec = _ADAPTER.validate_python({"kind": "sql", "url": source, "query": query})
    return Guessed(spec, (table or source.removeprefix("env:")).rsplit(".", 1)[-1])
