"""A workspace in memory that keeps the rules of the facade: what the pages need, without sources or schedules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from publisher.errors import EnvironmentFault

START = datetime(2026, 11, 22, 2, 0, tzinfo=UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class Step:
    name: str
    state: str = "done"
    started_at: datetime = START
    seconds: float = 1.5
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    id: str
    dataset: str
    trigger: str = "schedule"
    actor: str = ""
    state: str = "published"
    reason_code: str = ""
    message: str = ""
    cure: str = ""
    release: str | None = None
    started_at: datetime = START
    finished_at: datetime | None = START + timedelta(seconds=20)
    steps: list[Step] = field(default_factory=list)


@dataclass(frozen=True)
class Release:
    dataset: str
    release: str
    as_of: str = "2026-11-21"
    published_at: datetime | None = START
    state: str = "published"
    rows: dict[str, int] = field(default_factory=lambda: {"phan_anh": 812_440})
    manifest_sha256: str = "ab" * 32
    run_id: str = "run-1"
    version: str = "1.0.0"
    score: dict[str, float | None] = field(default_factory=lambda: {"q": 0.9, "validity": 0.9})
    failed: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Dataset:
    name: str
    title: str
    organization: str
    organization_title: str
    title_translated: dict[str, str] = field(default_factory=dict)
    cadence: str = "daily"
    schedule: str | None = "5 2 * * *"
    time_zone: str = "Asia/Ho_Chi_Minh"
    approval: str = "four_eyes"
    next_run_at: datetime | None = START + timedelta(hours=24)
    held: bool = False
    hold_reason: str = ""
    current_release: str | None = "2026-11-22.1"
    checked_at: datetime | None = START
    last_run: Run | None = None
    next_audit: date | None = date(2027, 11, 20)
    audit_is_due: bool = False
    quarantined: tuple[str, ...] = ()


@dataclass
class MemoryWorkspace:
    """Holds datasets, runs and releases, and remembers who decided what."""

    known: dict[str, Dataset]
    all_runs: dict[str, Run] = field(default_factory=dict)
    all_releases: list[Release] = field(default_factory=list)
    decisions: list[tuple[str, ...]] = field(default_factory=list)

    def datasets(self) -> list[Dataset]:
        return [self.dataset(name) for name in self.known]

    def dataset(self, name: str) -> Dataset:
        if name not in self.known:
            raise EnvironmentFault("There is no such dataset.", cure="choose another")
        return replace(self.known[name], last_run=next(iter(self.runs(name)), None))

    def runs(self, dataset: str | None = None, limit: int = 50) -> list[Run]:
        chosen = [run for run in self.all_runs.values() if dataset in {None, run.dataset}]
        return sorted(chosen, key=lambda run: run.started_at, reverse=True)[:limit]

    def run(self, run_id: str) -> Run:
        if run_id not in self.all_runs:
            raise EnvironmentFault("There is no such run.", cure="choose another")
        return self.all_runs[run_id]

    def releases(self, dataset: str) -> list[Release]:
        return [one for one in self.all_releases if one.dataset == dataset]

    def run_now(self, dataset: str, actor: str) -> str:
        if self.known[dataset].held:
            raise EnvironmentFault("The dataset is on hold.", cure="resume it first")
        self.decisions.append(("run_now", dataset, actor))
        return "run-new"

    def hold(self, dataset: str, actor: str, reason: str) -> None:
        if not reason:
            raise EnvironmentFault("A hold needs a reason.", cure="say why")
        self.known[dataset] = replace(self.known[dataset], held=True, hold_reason=reason)
        self.decisions.append(("hold", dataset, actor, reason))

    def resume(self, dataset: str, actor: str) -> None:
        self.known[dataset] = replace(self.known[dataset], held=False)
        self.decisions.append(("resume", dataset, actor))

    def approve(self, run_id: str, actor: str) -> None:
        self._end(run_id, "published")
        self.decisions.append(("approve", run_id, actor))

    def reject(self, run_id: str, actor: str, reason: str) -> None:
        self._end(run_id, "cancelled")
        self.decisions.append(("reject", run_id, actor, reason))

    def accept_drift(self, run_id: str, actor: str) -> None:
        self.decisions.append(("accept_drift", run_id, actor))

    def roll_back(self, dataset: str, release: str, actor: str, reason: str) -> None:
        self.decisions.append(("roll_back", dataset, release, actor, reason))

    def withdraw(self, dataset: str, release: str, actor: str, *, reason: str, reason_en: str = "") -> None:
        self.decisions.append(("withdraw", dataset, release, actor, reason, reason_en))

    def review(self, dataset: str, actor: str, note: str) -> None:
        self.decisions.append(("review", dataset, actor, note))

    def _end(self, run_id: str, state: str) -> None:
        self.all_runs[run_id] = replace(self.all_runs[run_id], state=state)
