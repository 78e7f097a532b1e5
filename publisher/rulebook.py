"""The rulebook: what counts as personal, defaults where a policy says nothing, retention, with legal basis and dates.

The law's texts change, so they are configuration: `rulebook.yaml` beside this file, or the file that the setting `rulebook` names. It is
read once a process. Gate, waivers, defaults of policies, retention and reviews ask it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from publisher.errors import DescriptorError

_OWN = Path(__file__).with_name("rulebook.yaml")
_in_force: list[Path] = []


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class LegalSource(_Part):
    """A law, decree or rule, and the days between which it holds; `to` is the last one, null for none."""

    title: str
    title_en: str
    valid_from: date = Field(alias="from")
    valid_to: date | None = Field(None, alias="to")

    def holds(self, day: date) -> bool:
        """Tell whether it holds on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


class Basis(_Part):
    """Where something is written: one of the sources, and the place in it."""

    source: str
    place: str = ""


class Kind(_Part):
    """A kind of personal data; `basis` holds every text that ever named it, of which those in force count."""

    class_: Literal["basic", "sensitive"] = Field(alias="class")
    may_be_waived: bool
    basis: list[Basis] = Field(min_length=1)


class Defaults(_Part):
    """Thresholds where a policy says nothing."""

    k: int = Field(ge=2)
    k_with_sensitive: int = Field(ge=2)
    min_cell: int = Field(ge=2)
    basis: Basis


class Domain(_Part):
    """A field of administration with thresholds of its own."""

    title: str
    title_en: str
    k: int = Field(ge=2)
    min_cell: int = Field(ge=2)
    basis: Basis


class WaiverRule(_Part):
    """How far a waiver may reach into the future."""

    longest_days: int = Field(ge=1)
    basis: Basis


class RetentionRule(_Part):
    """How long data files of older releases are kept where a definition says nothing."""

    all_days: int = Field(ge=30)
    month_end_days: int = Field(ge=30)
    basis: Basis


class ReviewRule(_Part):
    """How often people look at a policy again."""

    every_days: int = Field(ge=1)
    basis: Basis


class Rulebook(_Part):
    """Everything that the law decides and we only carry out."""

    version: str
    sources: dict[str, LegalSource]
    kinds: dict[str, Kind]
    defaults: Defaults
    domains: dict[str, Domain]
    waivers: WaiverRule
    retention: RetentionRule
    review: ReviewRule

    @model_validator(mode="after")
    def _sources_exist(self) -> Rulebook:
        bases = [self.defaults.basis, self.waivers.basis, self.retention.basis, self.review.basis]
        bases += [domain.basis for domain in self.domains.values()]
        bases += [basis for kind in self.kinds.values() for basis in kind.basis]
        if unknown := sorted({basis.source for basis in bases} - self.sources.keys()):
            raise ValueError(f"sources that nobody describes: {', '.join(unknown)}")
        return self

    def may_be_waived(self, kind: str, *, day: date) -> bool:
        """Tell whether a named person may answer for a kind of finding on a day; never for a kind without a basis in force."""
        found = self.kinds.get(kind)
        return found is not None and found.may_be_waived and bool(self.bases_of(kind, day=day))

    def bases_of(self, kind: str, *, day: date) -> list[Basis]:
        """Return where a kind is written, as far as it is in force on a day."""
        found = self.kinds.get(kind)
        return [basis for basis in found.basis if self.sources[basis.source].holds(day)] if found else []

    def reaches_too_far(self, until: date, *, day: date) -> bool:
        """Tell whether a waiver until a day is longer than any may be, as of another."""
        return until > day + timedelta(days=self.waivers.longest_days)

    def default_k(self, domain: str | None, *, has_sensitive: bool) -> int:
        """Return the least size of classes where a policy names none."""
        least = self.defaults.k_with_sensitive if has_sensitive else self.defaults.k
        return max(least, self.domains[domain].k) if isinstance(domain, str) and domain in self.domains else least

    def default_min_cell(self, domain: str | None) -> int:
        """Return the least number of units of a cell where a policy names none."""
        if isinstance(domain, str) and domain in self.domains:  # a policy's defaults are asked for before it is checked
            return self.domains[domain].min_cell
        return self.defaults.min_cell

    def digest(self, day: date) -> str:
        """Return a hash of what the rulebook asks on a day; it changes when a text comes into force or ends."""
        in_force = sorted(name for name, source in self.sources.items() if source.holds(day))
        said = json.dumps([self.model_dump(mode="json"), in_force], sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def use_rulebook(path: Path | None) -> None:
    """Let another file be the rulebook of this process from now on; null: the one that comes with the publisher.

    Raises:
        DescriptorError: the file cannot be read, or has mistakes.
    """
    read_rulebook(path or _OWN)
    _in_force[:] = [path] if path else []


def rulebook_in_force() -> Rulebook:
    """Return the rulebook of this process."""
    return read_rulebook(_in_force[0] if _in_force else _OWN)


@cache
def read_rulebook(path: Path) -> Rulebook:
    """Return the rulebook in a file.

    Raises:
        DescriptorError: names the file, every wrong key and the cure.
    """
    cure = "mend it, or take the setting `rulebook` away; `publisher/rulebook.yaml` is an example"
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise DescriptorError(f"The rulebook {path} cannot be read ({type(error).__name__}).", cure=cure) from None
    try:
        return Rulebook.model_validate(said)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
        lines = [f"{'.'.join(str(step) for step in fault['loc']) or 'rulebook'}: {fault['msg']}" for fault in faults]
        raise DescriptorError(f"The rulebook {path}: {'; '.join(lines)}.", cure=cure) from None


def with_defaults(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return a policy as it was written, with the thresholds of the rulebook in the places where it names none."""
    book, domain = rulebook_in_force(), policy.get("domain")
    filled = dict(policy)
    microdata = policy.get("microdata")
    if isinstance(microdata, Mapping) and microdata.get("k") is None:
        fields = policy.get("fields")
        has_sensitive = any(map(_leaves_sensitive, fields.values())) if isinstance(fields, Mapping) else False
        filled["microdata"] = {**microdata, "k": book.default_k(domain, has_sensitive=has_sensitive)}
    if isinstance(policy.get("tables"), list):
        least = book.default_min_cell(domain)
        filled["tables"] = [_with_min_cell(table, least) for table in policy["tables"]]
    return filled


def _leaves_sensitive(action: Any) -> bool:
    if not isinstance(action, Mapping) or action.get("action") == "drop":
        return False
    return "sensitive" in {action.get("role"), action.get("class"), action.get("class_")}


def _with_min_cell(table: Any, least: int) -> Any:
    if not isinstance(table, Mapping):
        return table
    cell = table.get("small_cell", {})
    if not isinstance(cell, Mapping) or "min" in cell:
        return table
    return {**table, "small_cell": {**cell, "min": least}}
