"""The protections that can be switched off one by one, each with the attack that must then succeed.

`disable` takes a protection out of the running code; a name that is no longer there makes it fail, so the list stays true.
`succeeds` tells whether the attack gets what it wants. Where the checker stands behind a protection, the attack looks at the bytes that it would
have refused; the checker's own protections are switched off at the end of the list.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from attacks import planted
from attacks.attacker import certain_secrets, link, rank_correlation, share_below, sort_rows
from attacks.channels import needles
from attacks.definitions import FIELDS, MICRODATA, PRIVACY, QUASI, SENSITIVE, K, dataset, ward_hierarchy
from attacks.differencing import telling_cells
from attacks.knowledge import forms_of
from attacks.people import Person, make_patients
from attacks.reconstruction import Table, hidden_intervals
from attacks.road import Office, anonymised, rows_of
from samples.release_series import ReleaseSeries
from samples.small_tables import define

from publisher import release
from publisher.anonymise import anonymiser, plan
from publisher.anonymise.fields import treatments
from publisher.anonymise.releases.rows import KeptRows
from publisher.anonymise.search import microdata
from publisher.anonymise.search.groups import Groups
from publisher.anonymise.tables import protect, rounding
from publisher.errors import BatchTooSmall
from publisher.ledger import Budget
from publisher.store import Store

Patch = pytest.MonkeyPatch
LEAST, WIDTH = 5, 10
UNIT = "so_cccd"
NAME = "kham-benh"
"""Of the definition's folder, which separates keys."""
KEEP = {"action": "keep"}
N = {"name": "n", "kind": "count", "title": "n"}
BY_WARD = {"id": "dem", "group_by": ["ma_phuong", "chan_doan"], "measures": [N], "small_cell": {"min": LEAST}}


@dataclass(frozen=True)
class Mutation:
    """One protection: its name, the number of the attack that it stops, how it is switched off, and whether the attack succeeds."""

    protection: str
    attack: int
    disable: Callable[[Patch], None]
    succeeds: Callable[[Path], bool]


# ---- attacks 1 to 3, 7, 10: single rows


def people() -> list[Person]:
    return make_patients(1_500, seed=11)


def rare(folder: Path) -> bool:
    """Attack 1: somebody shares his or her class with fewer than k."""
    rows = rows_of(anonymised(folder, people(), PRIVACY))
    return max(share_below(rows, QUASI, K, unit=UNIT).values()) > 0


def rare_units(folder: Path) -> bool:
    """Attack 1 on people with many visits each: five visits are not five people."""
    often = [person for person in make_patients(6_000, seed=12) if len(person.visits) > 1]
    rows = rows_of(anonymised(folder, often, PRIVACY | {"microdata": {**MICRODATA, "suppression_limit": 0.3}}))
    return max(share_below(rows, QUASI, K, unit=UNIT).values()) > 0


def rare_nulls(folder: Path) -> bool:
    """Attack 10: of whom something is not known are few, and they stand alone for it."""
    rows = rows_of(anonymised(folder, people(), PRIVACY))
    unknown = [
        any(value is None for value in row) for row in zip(*(rows[name].to_pylist() for name in QUASI), strict=True)
    ]
    small = sort_rows(rows, QUASI, unit=UNIT).units
    keys = zip(*(rows[name].to_pylist() for name in QUASI), strict=True)
    return any(len(small[key]) < K for key, is_unknown in zip(keys, unknown, strict=True) if is_unknown)


def found(folder: Path) -> bool:
    """Attack 2: a neighbour finds somebody for sure."""
    everybody = people()
    released = sort_rows(rows_of(anonymised(folder, everybody, PRIVACY)), QUASI, unit=None)
    known = [(None, _known(person)) for person in everybody if len(person.visits) == 1]
    return link(released, known, [_known(person) for person in make_patients(100, seed=13)]).confident > 0


def told(folder: Path) -> bool:
    """Attack 3: a class gives a diagnosis away."""
    everybody = make_patients(4_000, seed=14)
    released = sort_rows(rows_of(anonymised(folder, everybody, PRIVACY)), QUASI, unit=UNIT, sensitive=SENSITIVE)
    return certain_secrets(released, [_known(person) for person in everybody])[0] > 0


def ordered(folder: Path) -> bool:
    """Attack 7: the order of the rows is that of the register."""
    months = [row[9] for person in people() for row in person.rows()]
    by_time = sorted(people(), key=lambda person: person.visits[0][0])
    rows = rows_of(anonymised(folder, by_time, PRIVACY))["ngay_kham"].to_pylist()
    return len(months) > 0 and rank_correlation([int(month[5:7]) for month in rows], range(len(rows))) > 0.3


def linked_releases(folder: Path) -> bool:
    """Attack 7: somebody's pseudonym stands in two releases."""
    some = people()[:600]
    one, other = (
        set(rows_of(anonymised(folder / day / NAME, some, PRIVACY, release=day))[UNIT].to_pylist())
        for day in ("1", "2")
    )
    return bool(one & other)


def opened(folder: Path) -> bool:
    """Attack 7: a list of ID numbers opens a pseudonym."""
    some = people()[:600]
    pseudonyms = set(rows_of(anonymised(folder, some, PRIVACY))[UNIT].to_pylist())
    return bool(pseudonyms & {hashlib.sha256(person.so_cccd.encode()).hexdigest()[:16] for person in some})


def named(folder: Path) -> bool:
    """Attack 8: a column that no policy names leaves."""
    some = people()[:600]
    done = anonymised(folder, some, PRIVACY)
    raw = b"".join(path.read_bytes() for _, path in done.tables)
    return needles({person.ho_ten for person in some}).count_in(raw) > 0


def _known(person: Person) -> Any:
    row = {"nam_sinh": person.ngay_sinh, "gioi_tinh": person.gioi_tinh, "ma_phuong": person.ma_phuong}
    return forms_of(FIELDS, {"phuong": ward_hierarchy()}, row)


def _demand(**changed: Any) -> Callable[[Patch], None]:
    demand_of = microdata.demand_of
    return lambda patch: patch.setattr(microdata, "demand_of", lambda policy: replace(demand_of(policy), **changed))


def _leave_nobody_out(patch: Patch) -> None:
    patch.setattr(microdata.Choice, "leaving", lambda _self, batch: np.ones(batch.num_rows, bool))


def _ignore_nulls(patch: Patch) -> None:
    leaving = microdata.Choice.leaving

    def more(self: microdata.Choice, batch: pa.RecordBatch) -> Any:
        unknown = [batch.column(one.name).is_null().to_numpy(zero_copy_only=False) for one in self.leaves]
        return leaving(self, batch) | np.logical_or.reduce(unknown)

    patch.setattr(microdata.Choice, "leaving", more)


def _keep_the_order(patch: Patch) -> None:
    stage_rows = anonymiser.stage_rows
    patch.setattr(anonymiser, "stage_rows", lambda *given, **named: stage_rows(*given, **{**named, "seed": None}))


def _one_key_for_all(patch: Patch) -> None:
    separate = plan.separate_key
    patch.setattr(plan, "separate_key", lambda secret, *domain: separate(secret, *domain[:-1]))


def _plain_digests(patch: Patch) -> None:
    plain = lambda _key, text, length: hashlib.sha256(text.encode()).hexdigest()[:length]  # noqa: E731
    patch.setattr(treatments, "pseudonym", plain)


def _let_all_columns_pass(patch: Patch) -> None:
    drop, treatment_of = plan.Drop, plan.treatment_of

    def treat(field: Any, action: Any, *rest: Any) -> Any:
        return treatments.AsItIs() if isinstance(action, drop) else treatment_of(field, action, *rest)

    patch.setattr(plan, "Drop", type("Nothing", (), {}))
    patch.setattr(plan, "treatment_of", treat)
    patch.setattr("publisher.published._is_dropped", lambda *_: False)


# ---- attacks 4, 5, 9: counts

COUNTED: dict[str, Any] = {"subject": "person", "fields": {"ma_phuong": KEEP, "chan_doan": KEEP}}


def cells(folder: Path, **table: Any) -> list[dict[str, Any]]:
    known = [person for person in make_patients(700, seed=15) if person.ma_phuong]
    done = anonymised(folder, known, {**COUNTED, "tables": [{**BY_WARD, "margins": "all", **table}]})
    rows: list[dict[str, Any]] = rows_of(done, "dem").to_pylist()
    return rows


def small_shown(folder: Path) -> bool:
    """A cell of fewer than `min` people is published."""
    return any(0 < (row["n"] or 0) < LEAST for row in cells(folder))


def computed(folder: Path) -> bool:
    """Attack 5: a hidden cell is computed, or narrowed down."""
    rows = cells(folder, secondary={"protect_width": WIDTH})
    intervals = hidden_intervals([Table(("ma_phuong", "chan_doan"), "n", rows)])
    return any(one.width < WIDTH for one in intervals or ())


def unrounded(folder: Path) -> bool:
    """Attack 9: a rounded table shows a count that is not rounded."""
    return any((row["n"] or 0) % 5 for row in cells(folder, or_round={"base": 5, "key": "env:CELL_KEY"}))


def averaged(folder: Path) -> bool:
    """Attack 9: who asks again gets another number, and in the end the true one."""
    first, second = (cells(folder / part / NAME, or_round={"base": 5, "key": "env:CELL_KEY"}) for part in "ab")
    return first != second


def noise_averaged(folder: Path) -> bool:
    """Attack 9: the same question to the same data gets other noise."""
    folder.mkdir()
    store = Store(f"sqlite:///{folder}/publisher.db")
    store.upgrade()
    ledger = {"name": "so-thu", "epsilon_cap": 9}
    dp = {"max_rows_per_unit": 2, "epsilon": 0.5, "ledger": ledger}
    privacy = {**COUNTED, "unit_key": [UNIT], "tables": [{**BY_WARD, "small_cell": {"min": 5}}], "dp": dp}
    some = [person for person in people() if person.ma_phuong]
    seen = []
    for day in ("2026-11-22.1", "2026-11-23.1"):
        budget = Budget(store, b"s" * 32, "kham-benh", day, date(2026, 11, 22), frozenset({"so-thu"}))
        done = anonymised(folder / day / NAME, some, privacy, release=day, budget=budget)
        seen.append(rows_of(done, "dem").to_pylist())
    return bool(seen[0] != seen[1])


def _counts_series(folder: Path, **more: Any) -> ReleaseSeries:
    privacy = {
        "subject": "person",
        "fields": {"phuong": KEEP, "benh": KEEP},
        "tables": [{"id": "dem", "group_by": ["phuong", "benh"], "measures": [N], "small_cell": {"min": LEAST}}],
        **more,
    }
    return ReleaseSeries(folder, define({"phuong": "string", "benh": "string"}, privacy))


def _ward(**counts: int) -> list[dict[str, str]]:
    return [{"phuong": "P", "benh": illness} for illness, number in counts.items() for _ in range(number)]


def arrival_counted(folder: Path) -> bool:
    """Attack 4: two releases differ by one person."""
    series = _counts_series(folder)
    made = [series.make(rows) for rows in (_ward(a=20, b=9), _ward(a=21, b=9))]
    return telling_cells(made, {"dem": "n"}, LEAST) != []


def arrival_in_rows(folder: Path) -> bool:
    """Attack 4: the classes of two releases of single rows differ by one person."""
    privacy = {
        "subject": "person",
        "fields": {"phuong": {**KEEP, "role": "quasi"}, "benh": {**KEEP, "role": "quasi"}},
        "microdata": {"k": K},
    }
    series = ReleaseSeries(folder, define({"phuong": "string", "benh": "string"}, privacy))
    made = [series.make(rows) for rows in (_ward(a=20, b=9), _ward(a=21, b=9))]
    return telling_cells(made, {"ho_so": ""}, K) != []


def shown_again(folder: Path) -> bool:
    """Attack 4: a cell that was hidden shows its number a little later."""
    series = _counts_series(folder)
    made = [series.make(rows)["dem"] for rows in (_ward(a=20, b=4), _ward(a=20, b=6))]
    hidden, later = ({row["benh"]: row["n"] for row in rows}.get("b") for rows in made)
    return hidden is None and later is not None


def small_batch(folder: Path) -> bool:
    """Attack 4: one newcomer is released alone."""
    series = _counts_series(folder, releases={"min_batch": 50})
    series.make(_ward(a=200))
    try:
        series.make(_ward(a=201))
    except BatchTooSmall:
        return False
    return True


def total_told(folder: Path) -> bool:
    """Attack 5: some document tells how many rows there are, and the shown cells how many of them are not in the hidden one."""
    office = Office(folder)
    people = ["a"] * 733 + ["b"] * 481 + ["c"] * (LEAST - 1)
    (office.drops / "dem.csv").write_text("\n".join(["benh", *people]) + "\n", encoding="utf-8")
    table = {"id": "theo_benh", "group_by": ["benh"], "measures": [N], "small_cell": {"min": LEAST}}
    privacy = {"subject": "person", "fields": {"benh": KEEP}, "tables": [table]}
    made = office.make(office.define(dataset("dem", "dem", [{"name": "benh", "title": "benh"}], privacy)))
    assert made.rows("theo_benh")["n"].null_count == 1
    documents = [path.read_text(encoding="utf-8") for path in made.folder.glob("*.json")]
    return any(re.search(rf"\b{len(people)}\b", document) for document in documents)


def _forget_cells(patch: Patch) -> None:
    patch.setattr(anonymiser.CellHistories, "hide", lambda _self: None)
    patch.setattr(anonymiser.CellHistories, "settle", lambda _self, _output: ({}, {}))


def _forget_rows(patch: Patch) -> None:
    patch.setattr(anonymiser, "settle_rows", lambda *_, **__: KeptRows())


def _hide_nothing_small(patch: Patch) -> None:
    patch.setattr(protect, "hide_small", lambda _cells: None)


def _hide_no_companions(patch: Patch) -> None:
    patch.setattr(protect, "hide_companions", lambda *_: None)


def _draw_anew(patch: Patch) -> None:
    patch.setattr(rounding, "_draws", lambda _tables, linked, _key: np.random.default_rng().random(len(linked)))


def _forget_answers(patch: Patch) -> None:
    key_of = Budget._key
    patch.setattr(Budget, "_key", lambda self, *question: key_of(self, *question) + self.release)


MUTATIONS = [
    Mutation("k", 1, _demand(k=1, diversity=None), rare),
    Mutation(
        "units and not rows",
        1,
        lambda patch: patch.setattr(Groups, "units", lambda self: self.classes.rows),
        rare_units,
    ),
    Mutation("suppression of small classes", 2, _leave_nobody_out, found),
    Mutation("null is a value", 10, _ignore_nulls, rare_nulls),
    Mutation("l-diversity", 3, _demand(diversity=None), told),
    Mutation("shuffled rows", 7, _keep_the_order, ordered),
    Mutation("pseudonyms change with each release", 7, _one_key_for_all, linked_releases),
    Mutation("pseudonyms are keyed", 7, _plain_digests, opened),
    Mutation("what no policy names is dropped", 8, _let_all_columns_pass, named),
    Mutation("small cells are hidden", 5, _hide_nothing_small, small_shown),
    Mutation("secondary suppression", 5, _hide_no_companions, computed),
    Mutation(
        "rows behind cells are not counted",
        5,
        lambda patch: patch.setattr(release, "not_counted", lambda _: set()),
        total_told,
    ),
    Mutation("rounding", 9, lambda patch: patch.setattr(protect, "round_cells", lambda *_: None), unrounded),
    Mutation("the key that rounds", 9, _draw_anew, averaged),
    Mutation("stored noise", 9, _forget_answers, noise_averaged),
    Mutation("cells compared with earlier releases", 4, _forget_cells, arrival_counted),
    Mutation("inherited suppression", 4, _forget_cells, shown_again),
    Mutation("classes compared with earlier releases", 4, _forget_rows, arrival_in_rows),
    Mutation(
        "the least batch", 4, lambda patch: patch.setattr(anonymiser, "hold_small_batch", lambda *_: {}), small_batch
    ),
    *(Mutation(f"gate: {one.kind}", 8, one.disable, one.succeeds) for one in planted.COLUMNS),
    *(Mutation(f"checker: {one.name}", 8, one.disable, one.succeeds) for one in planted.FILES),
]
