"""The attacks that our tests make on what the anonymiser gives out, as data for reports: which tables each is about, and what stops it.

The tests lie in `tests/attacks/`; each must succeed against an unprotected release and fail against ours. Here nothing is tried: a
release's report names the attacks that concern it and the guarantees against them that were verified on its bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from publisher.disclosure.guarantees import Check
from publisher.published import PublishedTable


@dataclass(frozen=True)
class Attack:
    """One attack: its number in the list of attacks, its name in reports, and the guarantees that must make it fail.

    `rows`, `cells`: whether it is made on single records, on aggregates, or on both.
    """

    number: int
    name: str
    guarantees: tuple[str, ...]
    rows: bool = True
    cells: bool = True


NEWLY_HIDDEN_CELLS = "newly_hidden_cells"
"""That a cell is hidden now and was not before tells that something changed there (docs/attacks.md)."""

ATTACKS = (
    Attack(1, "uniqueness", ("G3",), cells=False),
    Attack(2, "linkage", ("G3",), cells=False),
    Attack(3, "homogeneity", ("G4", "G6")),
    Attack(4, "differencing", ("G7",)),
    Attack(5, "reconstruction", ("G6",), rows=False),
    Attack(6, "minimality", ("G3",), cells=False),
    Attack(7, "order", ("G3", "G8"), cells=False),
    Attack(8, "formats", ("G1", "G2")),
    Attack(9, "averaging", ("G9", "G10"), rows=False),
    Attack(10, "odd_values", ("G3", "G5", "G6")),
)


def attacks_on(tables: Iterable[PublishedTable], checks: Sequence[Check]) -> list[dict[str, Any]]:
    """Return the attacks that concern a release about people, with the guarantees against each that were verified on its bytes.

    A release about nobody has none: there is nobody to find. Rows count where the policy promises groups (`microdata`); those that a law
    makes public one by one, such as a register of enterprises, hide nobody. `remains` names what an attack may still learn.
    """
    about = [table for table in tables if table.source.privacy.subject != "none"]
    has_rows = any(table.aggregate is None and table.source.privacy.microdata for table in about)
    has_cells = any(table.aggregate is not None for table in about)
    verified = {check.id for check in checks if check.passed} - {check.id for check in checks if not check.passed}
    remains = (
        {"differencing": NEWLY_HIDDEN_CELLS} if any(_shows_newly_hidden_cells(table, about) for table in about) else {}
    )
    return [
        {
            "number": attack.number,
            "name": attack.name,
            "verified": [guarantee for guarantee in attack.guarantees if guarantee in verified],
            **({"remains": remains[attack.name]} if attack.name in remains else {}),
        }
        for attack in ATTACKS
        if (has_rows and attack.rows) or (has_cells and attack.cells)
    ]


def _shows_newly_hidden_cells(table: PublishedTable, about: Sequence[PublishedTable]) -> bool:
    """Tell whether a cell that few people changed is hidden from then on, because its old number would contradict a total.

    So it is where totals stand beside cells or tables of one source can be added up, unless newcomers leave only in batches, and counts are
    neither rounded nor noisy.
    """
    if table.aggregate is None or table.aggregate.or_round:
        return False
    privacy = table.source.privacy
    beside = [other for other in about if other.aggregate is not None and other.source.name == table.source.name]
    adds_up = table.aggregate.has_margins or len(beside) > 1
    return adds_up and privacy.dp is None and privacy.releases.min_batch is None
