"""The review record: on what grounds a release is public, under which rulebook, and when people look at its policy again."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from publisher.definition import DatasetDefinition
from publisher.rulebook import rulebook_in_force
from publisher.store import Store

REVIEW = "review"
"""The decision of a person who looked at a dataset's policy and at what became of it."""


def next_audit(definition: DatasetDefinition, store: Store, today: date) -> date:
    """Return the day by which people look at a dataset's policy again.

    What the policy states counts until a review was recorded; else the rulebook's interval, from the last review, the approval of the
    policy, or the first release.
    """
    grounds = [table.privacy.legal for table in definition.resources]
    reviewed = store.last_decision(REVIEW, definition.name)
    if reviewed is None and (stated := [legal.next_audit for legal in grounds if legal.next_audit]):
        return min(stated)
    approved = [legal.approved_on for legal in grounds if legal.approved_on]
    released = [row.created_at.date() for row in store.releases(definition.name)]
    begun = reviewed.date() if reviewed else min(approved, default=None) or min(released, default=today)
    return begun + timedelta(days=rulebook_in_force().review.every_days)


def review_record(definition: DatasetDefinition, store: Store, today: date) -> dict[str, Any]:
    """Return the record as `privacy.json` holds it; times are days."""
    book = rulebook_in_force()
    reviewed = store.last_decision(REVIEW, definition.name)
    return {
        "legal": {
            table.name: table.privacy.legal.model_dump(mode="json", exclude_defaults=True)
            for table in definition.resources
        },
        "approval": definition.release.approval,
        "made_on": today.isoformat(),
        "reviewed_on": reviewed.date().isoformat() if reviewed else None,
        "next_audit": next_audit(definition, store, today).isoformat(),
        "rulebook": {"version": book.version, "sha256": book.digest(today)},
    }
