"""Where rows lie, checked with the other rules: coordinates that are half missing, unreadable, swapped or outside of the bounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from publisher.definition import TableDefinition
from publisher.validation.rows import CheckedBatch, Fault


def check_places(checked: CheckedBatch, table: TableDefinition) -> CheckedBatch:
    """Return the batch with the faults of its geometry; the batch itself where the table has none."""
    if table.geometry is None:
        return checked
    from publisher.geometry.faults import geometry_faults

    found = geometry_faults(checked.typed, table.geometry)
    # A coordinate that could not be read is one error, not two.
    readable = np.ones(checked.typed.num_rows, np.bool_)
    for fault in checked.faults:
        if fault.field in table.geometry.fields:
            readable &= ~fault.rows
    faults = [Fault(kind, table.geometry.field, rows & readable) for kind, rows in found.items()]
    return replace(checked, faults=(*checked.faults, *(fault for fault in faults if fault.rows.any())))
