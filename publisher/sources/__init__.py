"""Agency systems as streams of Arrow record batches: SQL databases, REST services, files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from publisher.secrets import Secrets
from publisher.sources.stream import SourceStream
from publisher.sources.surroundings import Surroundings

if TYPE_CHECKING:  # a definition holds source specs, so this package cannot import it back
    from publisher.sources.spec import SourceSpec
    from publisher.table_schema import FieldDefinition

__all__ = ["SourceStream", "Surroundings", "open_source"]

NOWHERE = Surroundings()


def open_source(
    spec: SourceSpec,
    *,
    fields: Sequence[FieldDefinition],
    secrets: Secrets,
    folder: Path,
    surroundings: Surroundings = NOWHERE,
) -> AbstractContextManager[SourceStream]:
    """Open the source of one table; connections and temporary files are gone when the context ends.

    Args:
        spec: where the rows come from.
        fields: the table's fields as the source delivers them; they name the columns of a file without a header.
        secrets: resolves every reference in the spec.
        folder: the definition's folder, to which relative folders belong.
        surroundings: the installation around; by default one that remembers and allows nothing.

    Raises:
        SourceError: the agency system did not answer as agreed; also while batches are read.
        DescriptorError: the spec names something that is not there.
    """
    # Each kind brings its own libraries; a run loads only those it needs, a process that reads one file none of them.
    from publisher.sources.spec import FileSource, RestSource, SqlSource

    match spec:
        case SqlSource():
            from publisher.sources.sql.reading import open_sql

            return open_sql(spec, secrets=secrets, folder=folder, surroundings=surroundings)
        case RestSource():
            from publisher.sources.rest.stream import open_rest

            return open_rest(spec, fields=fields, secrets=secrets, surroundings=surroundings)
        case FileSource():
            from publisher.sources.files.drops import open_files

            return open_files(spec, fields=fields, secrets=secrets, folder=folder, surroundings=surroundings)
