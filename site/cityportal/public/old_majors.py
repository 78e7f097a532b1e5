"""Older major versions: the last release of each under an address of its own, with the headers that announce its end.

`Deprecation` is RFC 9745, `Sunset` RFC 8594; both stand on every file and page of an older major.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from werkzeug.http import http_date

from cityportal.public.dataset import Dataset, OldMajor, Release

_MAJOR = re.compile(r"v(\d{1,6})")


def number_of(major: str) -> int | None:
    """Return the number in `v2`, null for anything else."""
    found = _MAJOR.fullmatch(major)
    return int(found.group(1)) if found else None


def old_major_of(dataset: Dataset, release: Release) -> OldMajor | None:
    """Return the older major that a release belongs to, null for releases of the current major and of unknown version."""
    current = dataset.release
    if current is None or release.major is None or release.major == current.major:
        return None
    return next((one for one in current.majors if one.major == release.major), None)


def is_over(old: OldMajor, now: datetime) -> bool:
    """Tell whether the sunset has passed, after which nothing leads to the old major any more."""
    return old.sunset <= now


def announce(answer: Any, dataset: Dataset, old: OldMajor, *, file: str = "") -> Any:
    """Put the headers of an old major on an answer; `file` names the one that has a successor in the current release."""
    answer.headers["Deprecation"] = f"@{int(old.deprecated_at.timestamp())}"
    answer.headers["Sunset"] = http_date(old.sunset)
    links = [f'</dataset/{dataset.name}/releases>; rel="deprecation"; type="text/html"']
    if file:
        links.append(f'</latest/{dataset.name}/{file}>; rel="successor-version"')
    known = answer.headers.get("Link")
    answer.headers["Link"] = ", ".join([known, *links] if known else links)
    return answer
