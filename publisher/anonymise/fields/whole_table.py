"""Actions that need to see more than one value: other fields of the row, or the whole column first.

Such an action looks at every row that will leave, and then rewrites its fields, before the others are treated.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Flags = npt.NDArray[np.bool_]


class TableAction(Protocol):
    """One action on one field, or on the two fields of a place."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that it rewrites."""
        ...

    def look(self, batch: pa.RecordBatch) -> None:
        """Take note of rows that leave; called before the first row is rewritten, for all of them."""
        ...

    def decide(self) -> None:
        """Draw the conclusions, once every row was looked at.

        Raises:
            DisclosureRisk: the rows do not allow what the policy asks for.
        """
        ...

    def rewrite(self, batch: pa.RecordBatch) -> dict[str, pa.Array]:
        """Return the fields' published values, in their own Arrow types."""
        ...


def units_of(batch: pa.RecordBatch, names: tuple[str, ...]) -> pa.Array:
    """Return one text for the unit of each row, empty texts when each row is a unit of its own."""
    if not names:
        return pa.nulls(batch.num_rows, pa.string())
    texts = [pc.fill_null(pc.cast(batch.column(name), pa.string()), "\x00") for name in names]
    return texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, "\x1f")


def nulls_of(values: pa.Array) -> Flags:
    """Return which values are null."""
    return np.asarray(pc.is_null(values, nan_is_null=True).to_numpy(zero_copy_only=False), np.bool_)
