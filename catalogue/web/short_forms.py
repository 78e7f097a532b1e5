"""`/api/util/...`: the addresses that forms of CKAN's own pages and some clients call, each the short form of an action."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Run = Callable[..., Any]  # run(action, **parameters) -> result
ShortForm = Callable[[Run, str, str, str | None], Any]  # (run, `incomplete`, `q`, `limit`) -> what is answered


def _result_set(rows: list[Any]) -> dict[str, Any]:
    return {"ResultSet": {"Result": rows}}


def _datasets(run: Run, incomplete: str, _q: str, limit: str | None) -> Any:
    return _result_set(run("package_autocomplete", q=incomplete, limit=limit or "10") if incomplete else [])


def _tags(run: Run, incomplete: str, _q: str, limit: str | None) -> Any:
    names = run("tag_autocomplete", q=incomplete, limit=limit or "10") if incomplete else []
    return _result_set([{"Name": name} for name in names])


def _formats(run: Run, incomplete: str, _q: str, limit: str | None) -> Any:
    names = run("format_autocomplete", q=incomplete, limit=limit or "5") if incomplete else []
    return _result_set([{"Format": name} for name in names])


def _users(run: Run, _incomplete: str, q: str, limit: str | None) -> Any:
    return run("user_autocomplete", q=q, limit=limit or "20") if q else []


def _groups(run: Run, _incomplete: str, q: str, limit: str | None) -> Any:
    return run("group_autocomplete", q=q, limit=limit or "20")


def _organizations(run: Run, _incomplete: str, q: str, limit: str | None) -> Any:
    return run("organization_autocomplete", q=q, limit=limit or "20")


def _status(run: Run, _incomplete: str, _q: str, _limit: str | None) -> Any:
    return run("status_show")


SHORT_FORMS: dict[str, ShortForm] = {
    "dataset/autocomplete": _datasets,
    "tag/autocomplete": _tags,
    "resource/format_autocomplete": _formats,
    "user/autocomplete": _users,
    "group/autocomplete": _groups,
    "organization/autocomplete": _organizations,
    "status": _status,
}
