"""The privacy report of a run: what was done to which field, and what it cost. Numbers and field names, never a value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from publisher.anonymise.plan import Plan
from publisher.anonymise.releases.rows import NOTHING_KEPT, KeptRows
from publisher.anonymise.search.microdata import Choice
from publisher.anonymise.staging import Left
from publisher.anonymise.tables.cells import Cells

NOTHING_SETTLED = {"held_cells": 0, "inherited_hidden_cells": 0}
"""Of a table that no earlier release bears on."""


def rows_report(plan: Plan, choice: Choice | None, counts: Left, kept: KeptRows = NOTHING_KEPT) -> dict[str, Any]:
    """Return the report of a table whose rows leave; the part on k only where the policy asks for it.

    `kept` tells which classes stand as an earlier release published them; they count as published.
    """
    counts = kept.counted(counts)
    rows, left = counts.came, counts.leave
    report = {
        "kind": "rows",
        **policy_report(plan, list(plan.treatments)),
        "rows": rows,
        "published_rows": left,
        "suppressed_rows": rows - left,
        "suppressed_share": round((rows - left) / rows, 6) if rows else 0.0,
        **kept.to_report(),
    }
    microdata = plan.table.privacy.microdata
    if choice is None or microdata is None:
        return report
    outcome = choice.outcome
    diversity, closeness = microdata.l_diversity, microdata.t_closeness
    return report | {
        "quasi_identifiers": list(plan.quasi),
        "k": microdata.k,
        "l": diversity.l if diversity else None,
        "l_diversity": diversity.model_dump(exclude_none=True) if diversity else None,
        "t_closeness": closeness.model_dump() if closeness else None,
        "suppression_limit": microdata.suppression_limit,
        "smallest_class": outcome.smallest_class,
        "classes": outcome.classes,
        "average_class_size": round(outcome.average_class_size, 2),
        "c_avg": round(outcome.average_class_size / microdata.k, 4),
        "discernibility": outcome.discernibility,
        "loss": round(outcome.loss, 6),
        "levels": {name: plan.treatments[name].levels[level] for name, level in choice.levels.items()},
        "level_numbers": dict(choice.levels),
        "nodes_checked": choice.nodes_checked,
        "shuffled": microdata.shuffle_rows,
    }


def cells_report(plan: Plan, cells: Cells, settled: Mapping[str, Any] = NOTHING_SETTLED) -> dict[str, Any]:
    """Return the report of an aggregated table; `settled` tells what was done for its earlier releases' sake."""
    hidden = int(cells.hidden.sum())
    return {
        "kind": "aggregate",
        **policy_report(plan, cells.aggregate.group_by),
        "cells": len(cells.hidden),
        "min_units": cells.aggregate.small_cell.min,
        "counted_units": "unit_key" if plan.table.privacy.unit_key else "rows",
        "hidden_cells": hidden,
        "hidden_small": hidden - cells.complementary,
        "hidden_complementary": cells.complementary,
        "protect_width": None if cells.aggregate.or_round else cells.aggregate.secondary.protect_width,
        "rounded_to": cells.aggregate.or_round.base if cells.aggregate.or_round else None,
        **settled,
    }


def policy_report(plan: Plan, published: list[str]) -> dict[str, Any]:
    """Return the part that every report has: what the policy does to which field, on what grounds, with which waivers."""
    privacy = plan.table.privacy
    actions = {name: privacy.action_of(name) for name in published}
    return {
        "subject": privacy.subject,
        "legal": privacy.legal.model_dump(mode="json", exclude_defaults=True),
        "treatments": {name: str(getattr(action, "action", "drop")) for name, action in actions.items()},
        "roles": {name: action.role for name, action in actions.items() if action.role},
        "dropped": [field.name for field in plan.table.schema_.fields if field.name not in published],
        "waivers": [
            {"field": name, "kind": w.kind, "reason": w.reason, "by": w.by, "until": w.until.isoformat()}
            for name, action in actions.items()
            if (w := action.waive)
        ],
    }
