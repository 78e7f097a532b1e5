"""Built-in hierarchies: what each is called, its levels from the leaf on, and its file of facts in this folder.

Nothing here applies a hierarchy: the anonymiser and the checker read the same facts, each with code of its own. README.md names sources.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BuiltIn:
    """One built-in hierarchy.

    Attributes:
        levels: their names, fine to coarse; `*` comes after them.
        file: its facts; empty for codes whose digits are their levels.
        written: for lists of units, the columns by which a table may name the leaf.
    """

    levels: tuple[str, ...]
    file: str
    written: tuple[str, ...] = ()

    @property
    def path(self) -> Path:
        """Where the facts lie."""
        return Path(__file__).parent / self.file


BUILT_IN: dict[str, BuiltIn] = {
    "ethnicity": BuiltIn(("ethnicity", "group", "majority"), "ethnicity.csv", ("ethnicity", "also")),
    "hcmc_admin_2025": BuiltIn(("ward", "area", "region"), "hcmc_admin_2025.csv", ("code", "ward")),
    "icd10": BuiltIn(("code", "category", "block", "chapter"), "icd10.csv"),
    "isco08": BuiltIn(("unit", "minor", "sub_major", "major"), ""),
    "vn_admin_2025": BuiltIn(("ward", "province"), "vn_admin_2025.csv", ("ward",)),
    "vn_admin_old": BuiltIn(("commune", "district", "province"), "vn_admin_old.csv", ("commune",)),
    "vsic": BuiltIn(("subclass", "class", "group", "division", "section"), "vsic.csv"),
}
