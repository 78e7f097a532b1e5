"""What a source may use of the installation it is read by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """The installation around one table's source; without any, nothing is remembered and nothing inside is allowed.

    Attributes:
        time_zone: IANA name of the dataset's time zone, in which load windows are.
        key: source names of the columns that tell the table's rows apart.
        memory: private folder of this table that outlives runs; null: every reading is a first one.
        recipe: changes whenever definition or code do, so that what was remembered under another one is not believed.
        allowed_hosts: host names, addresses and networks inside that written-out addresses may lead to.
    """

    time_zone: str = "Asia/Ho_Chi_Minh"
    key: tuple[str, ...] = ()
    memory: Path | None = None
    recipe: str = ""
    allowed_hosts: tuple[str, ...] = ()
