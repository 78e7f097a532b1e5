"""Looks at a running portal from outside, as its clients would: pages, CKAN API, Datasette, files, signatures."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import requests

from publisher.verify import verify_release

_TIMEOUT_SECONDS = 30
_FOLLOWS_WITHIN_SECONDS = 5
"""How much later than the catalogue Datasette may show a release."""
_PAGES = (
    "/",
    "/en/",
    "/dataset",
    "/organization",
    "/about",
    "/catalog.ttl",
    "/feeds/dataset.atom",
    "/health",
    "/robots.txt",
)


def check_portal(
    site_url: str, datasets: Sequence[str], *, personal_values: Iterable[str], say: Callable[[str], None]
) -> list[str]:
    """Return what is wrong with the portal, one sentence each; empty when everything answers as it should.

    Args:
        site_url: where the portal answers.
        datasets: names that must be there, each with a release.
        personal_values: values that must not stand in any cell of any released file.
        say: told each thing that was checked.
    """
    problems: list[str] = []
    try:
        problems.extend(_all_problems(requests.Session(), site_url, datasets, set(personal_values), say))
    except (requests.RequestException, LookupError, ValueError, StopIteration) as error:
        problems.append(f"an answer is missing or is not what it should be ({type(error).__name__})")
    return problems


def _all_problems(
    client: requests.Session, site_url: str, datasets: Sequence[str], forbidden: set[str], say: Callable[[str], None]
) -> Iterator[str]:
    for path in _PAGES:
        yield from _page_problems(client, site_url, path)
    say(f"  pages and feeds: {len(_PAGES)}")
    found = _action(client, site_url, "package_search", rows=1000)
    missing = set(datasets) - {package["name"] for package in found["results"]}
    yield from (f"{name} is not in the catalogue" for name in sorted(missing))
    for package in found["results"]:
        if package["name"] in datasets:
            yield from _dataset_problems(client, site_url, package, forbidden)
            say(
                f"  {package['name']}: page, CKAN API, Datasette, files, signature, and no cell among {len(forbidden):,} personal values"
            )


def _dataset_problems(
    client: requests.Session, site_url: str, package: dict[str, Any], forbidden: set[str]
) -> Iterator[str]:
    name = package["name"]
    for path in (f"/dataset/{name}", f"/en/dataset/{name}"):
        yield from _page_problems(client, site_url, path)
    release = next(extra["value"] for extra in package["extras"] if extra["key"] == "release")
    report = verify_release(f"{site_url}/r/{name}/{release}/")
    yield from (f"{name}: {problem}" for problem in report.problems)
    for resource in package["resources"]:
        if resource.get("datastore_active"):
            yield from _table_problems(client, site_url, name, resource)
        if resource["format"] == "Parquet":
            table = pq.read_table(io.BytesIO(client.get(resource["url"], timeout=_TIMEOUT_SECONDS).content))
            if table.num_rows != int(resource["rows"]):
                yield f"{name}: {resource['table']} has {table.num_rows} rows in Parquet, the catalogue says {resource['rows']}"
            leaked = _values(table) & forbidden
            if leaked:
                yield f"{name}: {resource['table']} holds {len(leaked)} personal values"


def _table_problems(client: requests.Session, site_url: str, name: str, resource: dict[str, Any]) -> Iterator[str]:
    rows, table = int(resource["rows"]), resource["table"]
    total = _action(client, site_url, "datastore_search", resource_id=resource["id"], limit=1)["total"]
    if total != rows:
        yield f"{name}: datastore_search counts {total} rows of {table}, the catalogue says {rows}"
    counted = _count_in_datasette(client, f"{site_url}/query/{name}/{table}.json")
    deadline = time.monotonic() + _FOLLOWS_WITHIN_SECONDS
    while counted != rows and time.monotonic() < deadline:
        time.sleep(0.2)
        counted = _count_in_datasette(client, f"{site_url}/query/{name}/{table}.json")
    if counted != rows:
        yield f"{name}: Datasette counts {counted} rows of {table}, the catalogue says {rows}"


def _count_in_datasette(client: requests.Session, url: str) -> int | str:
    answer = client.get(url, params={"_size": "1", "_extra": "count"}, timeout=_TIMEOUT_SECONDS)
    return int(answer.json()["count"]) if answer.ok else f"HTTP {answer.status_code}"


def _page_problems(client: requests.Session, site_url: str, path: str) -> Iterator[str]:
    answer = client.get(site_url + path, timeout=_TIMEOUT_SECONDS)
    if answer.status_code != requests.codes.ok:
        yield f"{path} answers {answer.status_code}"


def _action(client: requests.Session, site_url: str, name: str, **parameters: object) -> dict[str, Any]:
    answer = client.post(f"{site_url}/api/3/action/{name}", json=parameters, timeout=_TIMEOUT_SECONDS).json()
    result: dict[str, Any] = answer["result"]
    return result


def _values(table: pa.Table) -> set[str]:
    texts = [column for column in table.columns if pa.types.is_string(column.type)]
    return {value for column in texts for value in column.unique().to_pylist() if value is not None}
