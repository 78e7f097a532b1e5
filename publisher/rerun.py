"""A table about people made a second time in the same run, so that the checker can see that it comes out the same (G10).

Large tables are not made twice: the procedure has no path that only they take, and a run would take twice as long. Noisy tables are
not either, for their noise is drawn once and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from publisher.definition import DatasetDefinition
from publisher.earlier import Earlier, is_compared
from publisher.facilities import Facilities
from publisher.published import published_tables

MOST_ROWS = 100_000


def rerun(
    definition: DatasetDefinition,
    facilities: Facilities,
    release: str,
    work: Path,
    *,
    earlier: Earlier,
    rows: Mapping[str, int],
) -> dict[str, Path]:
    """Return the anonymised Parquet files of a second time, by published table.

    Args:
        definition: the dataset.
        facilities: the publisher's.
        release: the id of the release that is being made.
        work: the run's working folder, which still holds the valid rows.
        earlier: what is public already.
        rows: valid rows of each source table.
    """
    again: dict[str, Path] = {}
    for table in definition.resources:
        is_noisy = table.privacy.dp is not None
        about_people = any(is_compared(published) for published in published_tables(table))
        if not is_noisy and about_people and rows.get(table.name, MOST_ROWS + 1) <= MOST_ROWS:
            done = facilities.engine.anonymise_table(
                work / "valid" / f"{table.name}.arrow",
                table,
                folder=definition.folder,
                output=work / "again",
                secrets=facilities.secrets,
                release=release,
                seed=facilities.shuffle_seed(definition.id, release, table.name),
                earlier=earlier,
            )
            again |= {published.name: path for published, path in done.tables}
    return again
