"""The retention rules: all releases for a while, then the last of each month, then the last of each year. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from publisher.definition import Retention

Rule = Literal["month_end", "year_end"]


@dataclass(frozen=True)
class Candidate:
    """A release whose data files still lie in storage; one that was rolled back stands for no month and no year."""

    release: str
    as_of: date
    was_rolled_back: bool = False

    @property
    def age(self) -> tuple[date, int]:
        """What releases are sorted by: the day, then the number within the day."""
        counter = self.release.rpartition(".")[2]
        return self.as_of, int(counter) if counter.isdecimal() else 0


@dataclass(frozen=True)
class Expiry:
    """A release that the rules let go: by which rule, why in a sentence, and which release stands for its month or year."""

    release: str
    rule: Rule
    reason: str
    kept_instead: str | None


def expired(
    candidates: Sequence[Candidate], retention: Retention, *, today: date, protected: Mapping[str, str]
) -> list[Expiry]:
    """Return the releases whose data files may go, the oldest first.

    Args:
        candidates: every release of one dataset that still has its data files, the current one too.
        retention: of the definition.
        today: in the dataset's time zone.
        protected: releases that stay whatever the rules say, with the reason.
    """
    ends = {rule: _last_of_each(candidates, rule) for rule in ("month_end", "year_end")}
    found = []
    for one in sorted(candidates, key=lambda candidate: candidate.age):
        days = (today - one.as_of).days
        if days <= retention.all_days or one.release in protected:
            continue
        rule: Rule = "month_end" if days <= retention.month_end_days else "year_end"
        limit = retention.all_days if rule == "month_end" else retention.month_end_days
        period = _period(one.as_of, rule)
        last = ends[rule].get(period)
        if last != one.release:
            reason = f"{days} days old, more than {limit}, and not the last release of {period}"
            found.append(Expiry(one.release, rule, reason, last))
    return found


def _last_of_each(candidates: Sequence[Candidate], rule: str) -> dict[str, str]:
    good = sorted((one for one in candidates if not one.was_rolled_back), key=lambda candidate: candidate.age)
    return {_period(one.as_of, rule): one.release for one in good}


def _period(day: date, rule: str) -> str:
    return f"{day:%Y-%m}" if rule == "month_end" else f"{day:%Y}"
