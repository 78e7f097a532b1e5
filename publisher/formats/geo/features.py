"""Released rows as features: their properties and their geometry, read from the published fields alone."""

from __future__ import annotations

import pyarrow as pa

from publisher.errors import ReleaseRefused
from publisher.geometry.reading import Shapes, read_geometries
from publisher.geometry.spec import GeometrySpec
from publisher.published import PublishedField, PublishedTable


def spec_of(table: PublishedTable) -> GeometrySpec:
    """Return where the rows of a table lie; only tables with a geometry have map forms."""
    if table.geometry is None:
        raise ValueError(f"table {table.name} has no geometry")
    return table.geometry


def property_fields(table: PublishedTable) -> tuple[PublishedField, ...]:
    """Return the published fields without the one that holds the geometry itself."""
    return tuple(field for field in table.fields if field.name != spec_of(table).field)


def read_features(batch: pa.RecordBatch, table: PublishedTable) -> tuple[pa.RecordBatch, Shapes]:
    """Return the properties and the geometry of each row, in step; null where a row lies nowhere.

    Raises:
        ReleaseRefused: a field holds what is no geometry, though validation let it through.
    """
    spec = spec_of(table)
    read = read_geometries(batch, spec)
    # A treatment may leave one coordinate of two; such a row lies nowhere. A whole geometry is there or not.
    if spec.field is not None and read.unreadable.any():
        raise ReleaseRefused(
            f"Field `{spec.field}` of table `{table.name}` holds {int(read.unreadable.sum())} texts that are no geometry.",
            step="write",
            cure="run the release again; if it recurs, the validation and the writer disagree: report it",
        )
    return batch.select([field.name for field in property_fields(table)]), read.shapes
