"""Frictionless' own report on a file, for `phusa validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frictionless import Dialect, FrictionlessException, Report, Resource, Schema

from publisher.errors import DescriptorError


def validate_file(
    path: Path, schema: dict[str, Any], *, dialect: dict[str, Any] | None = None, limit_errors: int = 1000
) -> Report:
    """Return Frictionless' report on a CSV or TSV file; above `limit_errors` the report is partial and says so.

    Raises:
        DescriptorError: the schema or the dialect is none.
    """
    try:
        resource = Resource(path=path.name, basepath=str(path.parent.absolute()), schema=Schema.from_descriptor(schema))
        if dialect:
            resource.dialect = Dialect.from_descriptor(dialect)
    except FrictionlessException as error:
        reasons = "; ".join(reason.note for reason in error.reasons) or error.error.note
        raise DescriptorError(f"The schema cannot be used: {reasons}.", cure="mend the Table Schema") from None
    return resource.validate(limit_errors=limit_errors)
