"""What an answer holds: rows into the spool, and what stands around them for paging and totals."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from publisher.errors import SourceError
from publisher.sources.files.formats import CsvFormat
from publisher.sources.json_paths import RowsAt, WrongShapeError
from publisher.sources.json_reader import JsonReader, NotJsonError
from publisher.sources.rest.page_rows import PageRows
from publisher.sources.rest.spec import RestSource

if TYPE_CHECKING:
    from publisher.table_schema import FieldDefinition

FEATURES = "features"
PROPERTIES = "properties"
LONGEST_VALUE = 64 << 20
"""Letters of one row, or of anything else in an answer that is not the list of rows."""


class Bodies:
    """Reads the answers of one service.

    Args:
        spec: what the answers are.
        fields: the declared fields, which a delimited text is compared with.
        label: how messages call the service.
        rows: takes them.
    """

    def __init__(self, spec: RestSource, fields: Sequence[FieldDefinition], *, label: str, rows: PageRows) -> None:
        self._spec = spec
        self._fields = fields
        self._label = label
        self._rows = rows
        self._path = spec.rows or (FEATURES if spec.body == "geojson" else "")

    def read(self, body: IO[bytes]) -> Any:
        """Put an answer's rows into the spool; return the document around them, empty for texts that have none.

        Raises:
            SourceError: the answer is something else than the definition says.
        """
        if isinstance(self._spec.body, CsvFormat):
            return self._read_csv(body, self._spec.body)
        try:
            reader = JsonReader(body, longest=LONGEST_VALUE)
            if self._spec.body != "ndjson":
                rows = RowsAt(reader, self._path, keep=True)
                for row in rows:
                    self._add(row)
                return rows.document
            for row in reader.values():
                self._add(row)
        except NotJsonError:
            name = "NDJSON" if self._spec.body == "ndjson" else "JSON"
            raise SourceError(
                f"{self._label} answered with something that is not {name}.",
                cure="open the address in a browser; a login page or an error page often stands there",
            ) from None
        except WrongShapeError as wrong:
            raise self._absent() if wrong.is_absent else self._no_rows() from None
        return {}

    def _add(self, row: Any) -> None:
        if not isinstance(row, dict) or not row:
            raise self._no_rows()
        if self._spec.body == "geojson":
            if row.pop("type", None) != "Feature" or not isinstance(row.get(PROPERTIES, {}), dict | None):
                raise self._no_rows()
            if not row:
                raise self._no_rows()
        try:
            self._rows.add(row)
        except UnicodeError:
            raise SourceError(
                f"{self._label} answered with half a letter (a lone surrogate).",
                cure="have the agency write its texts in whole letters",
            ) from None

    def _read_csv(self, body: IO[bytes], format_: CsvFormat) -> Any:
        from publisher.sources.files.csv_files import CsvFile

        with TemporaryDirectory() as folder:
            path = Path(folder) / "answer.csv"
            with path.open("wb") as file:
                shutil.copyfileobj(body, file, 1 << 20)
            if path.stat().st_size == 0:
                return {}  # some services answer so beyond the last page
            for batch in CsvFile(path, format_, self._fields).batches():
                self._rows.add_batch(batch)
        return {}

    def _absent(self) -> SourceError:
        return SourceError(
            f"{self._label} answered with nothing at `{self._path}`.",
            cure="compare the path in the source with the service's description",
        )

    def _no_rows(self) -> SourceError:
        place = {"ndjson": "every line", "geojson": f"`{self._path}`, each of type Feature"}.get(
            str(self._spec.body), f"`{self._path or 'its top'}`"
        )
        return SourceError(
            f"{self._label} answered with no list of objects with keys at {place}.",
            cure="correct `rows` and `body` in the source; `rows` is a dotted path to the list",
        )
