"""Frictionless' report on a file, at the speed of Arrow where rows are clean."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from publisher.errors import DescriptorError
from publisher.validation.files.summary import ProofSummary

if TYPE_CHECKING:
    from frictionless import Report

SMALL_FILE = 256 << 10
"""Smaller files, in bytes, go to Frictionless as they are: it is done with them before Arrow is loaded."""

_TEXT_FORMATS = {"csv", "tsv"}
_PARQUET_FORMATS = {"parq", "parquet"}


def validate_file(
    path: Path | str,
    schema: dict[str, Any],
    *,
    dialect: dict[str, Any] | None = None,
    limit_errors: int = 1000,
    extended: bool = False,
) -> Report:
    """Return the report that Frictionless 5.21 gives on a CSV, TSV or Parquet file; only `seconds` differ.

    The reference is `Resource(path=…, schema=…, dialect=…).validate(limit_errors=…)`: without a dialect its delimiter and quotes are
    sniffed from the first hundred lines, as there. A path that Frictionless refuses as unsafe (an absolute one) is taken relative to
    its folder. Above `limit_errors` the report is partial and says so; 0 is no limit. Files of other formats go to Frictionless.

    Args:
        path: the file; one that is missing, empty or unreadable gives a report too.
        schema: a Table Schema descriptor.
        dialect: a Table Dialect descriptor; null to sniff it.
        limit_errors: stop behind the row with this error.
        extended: also report `categories` and `uniqueKeys`, which Frictionless does not know, as constraint and unique errors.

    Raises:
        DescriptorError: the schema or the dialect is none, or bounds and cells cannot be compared (Frictionless raises there).
    """
    return prove_file(path, schema, dialect=dialect, limit_errors=limit_errors, extended=extended)[0]


def prove_file(
    path: Path | str,
    schema: dict[str, Any],
    *,
    dialect: dict[str, Any] | None = None,
    limit_errors: int = 1000,
    extended: bool = False,
) -> tuple[Report, ProofSummary]:
    """Return what `validate_file` does, and what was proven on the way."""
    from frictionless import FrictionlessException

    try:
        resource = _resource(Path(path), schema, dialect, extended=extended, smallest=SMALL_FILE)
    except FrictionlessException as error:
        reasons = "; ".join(reason.note for reason in error.reasons) or error.error.note
        raise DescriptorError(f"The schema cannot be used: {reasons}.", cure="mend the Table Schema") from None
    try:
        return _validated(resource, limit_errors=limit_errors, extended=extended)
    except DescriptorError:
        if hasattr(resource, "proving"):
            raise
        resource = _resource(Path(path), schema, dialect, extended=extended, smallest=0)  # which knows row and field
        return _validated(resource, limit_errors=limit_errors, extended=extended)


def _resource(
    path: Path, schema: dict[str, Any], dialect: dict[str, Any] | None, *, extended: bool, smallest: int
) -> Any:
    """Return Frictionless' resource, or ours in its place where rows can be proven."""
    from frictionless import Dialect, Resource, Schema, helpers, system
    from frictionless.resources import TableResource

    def options() -> dict[str, Any]:
        made: dict[str, Any] = dict(place)
        made["schema"] = Schema.from_descriptor(schema)
        if dialect is not None:
            made["dialect"] = Dialect.from_descriptor(dialect)
        return made

    if system.trusted or helpers.is_safe_path(str(path)):
        place = {"path": str(path)}
    else:
        place = {"path": path.name, "basepath": str(path.parent.absolute())}
    plain = Resource(**options())
    if type(plain) is not TableResource or plain.compression or _size(str(plain.normpath)) < smallest:
        return plain
    from publisher.validation.files.resource import PARQUET, ProvenDialect, ProvenTable, Proving, prove

    own: dict[str, Any] = {"dialect": ProvenDialect.from_descriptor(dialect or {})}
    table = None
    if plain.format in _PARQUET_FORMATS and not own["dialect"].has_control("parquet") and not plain.schema.foreign_keys:
        from publisher.validation.files.parquet import parquet_table

        table = parquet_table(str(plain.normpath))
        own["format"] = PARQUET
    if table is None and plain.format not in _TEXT_FORMATS:
        return plain
    resource = ProvenTable(**options() | own)
    resource.proving = Proving(options, extended, table)
    prove(resource)
    return resource


def _size(path: str) -> int:
    """Return the bytes of a file, -1 for one that Frictionless has to miss itself."""
    try:
        return os.path.getsize(path)  # noqa: PTH202  frictionless' paths are strings
    except OSError:
        return -1


def _validated(resource: Any, *, limit_errors: int, extended: bool) -> tuple[Report, ProofSummary]:
    proving = getattr(resource, "proving", None)
    if proving is None:
        return _plain_report(resource, limit_errors, extended=extended), ProofSummary(
            fallback="the file is small, or of a format that is not proven"
        )
    try:
        report: Report = resource.validate(_checklist(extended=extended), limit_errors=limit_errors)
    except Exception as error:  # noqa: BLE001  whatever it is: what Frictionless does with the whole file counts
        report = _after_exception(resource, error, limit_errors=limit_errors, extended=extended)
        proving.summary.fallback = f"{type(error).__name__} while proving"
        return report, proving.summary
    finally:
        if proving.numbered is not None:
            proving.numbered.close()
    if proving.parquet is None and any(
        warning.startswith("reached error limit") for warning in report.tasks[0].warnings
    ):
        _count_what_was_read(report, resource)
    return report, proving.summary


def _checklist(*, extended: bool) -> Any:
    if not extended:
        return None
    from frictionless import Checklist

    from publisher.validation.files.extended import ExtendedCheck

    return Checklist(checks=[ExtendedCheck()])


def _plain_report(resource: Any, limit_errors: int, *, extended: bool) -> Report:
    try:
        report: Report = resource.validate(_checklist(extended=extended), limit_errors=limit_errors)
    except Exception as error:  # noqa: BLE001  Frictionless gives no report where it raises
        raise _descriptor_error(resource, error) from None  # its own message may quote a cell
    return report


def _after_exception(resource: Any, error: Exception, *, limit_errors: int, extended: bool) -> Report:
    """Return what Frictionless says about the whole file; a definition is at fault where it raises as well."""
    from publisher.validation.files.resource import fresh_copy

    try:
        report: Report = fresh_copy(resource).validate(_checklist(extended=extended), limit_errors=limit_errors)
    except Exception:  # noqa: BLE001  Frictionless gives no report where it raises
        raise _descriptor_error(resource, error) from None
    return report


def _descriptor_error(resource: Any, error: Exception) -> DescriptorError:
    """Return the mistake of the schema that made Frictionless raise, without the cell."""
    from publisher.validation.files.resource import raising_field

    found = raising_field(resource)
    if found is None:
        return DescriptorError(
            f"Frictionless cannot use the schema on {Path(resource.path).name}: it raises {type(error).__name__} instead of reporting.",
            cure="check the patterns, bounds and keys of the Table Schema",
        )
    name, number = found
    if number is None:
        return DescriptorError(
            f"Field {name}: its constraints cannot be read ({type(error).__name__}).",
            cure="mend its pattern, bounds or enum",
        )
    return DescriptorError(
        f"Field {name}, row {number}: the cell cannot be compared with the field's constraints or with other keys"
        f" ({type(error).__name__}).",
        cure="write bounds and enum as values of the field's type, with a time zone exactly when the cells have one, and use"
        " no lists or objects in keys",
    )


def _count_what_was_read(report: Report, resource: Any) -> None:
    """Set what Frictionless had read of the file when it stopped at the limit of errors."""
    from publisher.validation.files.resource import stats_up_to

    stats: dict[str, Any] = report.tasks[0].stats  # type: ignore[assignment]
    read = stats_up_to(resource)
    ordered = {name: value for name, value in stats.items() if name not in {"md5", "sha256", "bytes", "fields", "rows"}}
    ordered |= {name: value for name, value in read.items() if value}
    ordered |= {name: stats[name] for name in ("fields", "rows") if name in stats}
    stats.clear()
    stats.update(ordered)
