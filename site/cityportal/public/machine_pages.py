"""Addresses for machines: robots, health, metrics, the keys that sign releases."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cityportal.chrome import clock, public_address
from cityportal.public.reading import CatalogueReader

_ROBOTS = """User-agent: *
Disallow: /query/
Disallow: /workspace
Disallow: /en/workspace
Disallow: /user/
Disallow: /dataset?
Disallow: /en/dataset?
Sitemap: {sitemap}
"""


def add_machine_pages(blueprint: Blueprint, reader: CatalogueReader) -> None:
    """Register the addresses on the blueprint."""

    @blueprint.route("/robots.txt")
    def robots() -> Response:
        return Response(_ROBOTS.format(sitemap=public_address("/sitemap.xml")), mimetype="text/plain")

    @blueprint.route("/health")
    def health() -> tuple[Response, int]:
        is_well = _answers(reader)
        answer = jsonify({"status": "ok" if is_well else "failing", "catalogue": "ok" if is_well else "unreachable"})
        answer.headers["Cache-Control"] = "no-store"
        return answer, 200 if is_well else 503

    @blueprint.route("/metrics")
    def metrics() -> Response:
        return Response("".join(_metrics(reader)), content_type="text/plain; version=0.0.4; charset=utf-8")

    @blueprint.route("/.well-known/portal-signing-keys.json")
    def signing_keys() -> Response:
        answer = jsonify({"keys": current_app.config["SIGNING_KEYS"]()})
        answer.headers["Access-Control-Allow-Origin"] = "*"
        answer.headers["Cache-Control"] = "public, max-age=300"
        return answer


def _answers(reader: CatalogueReader) -> bool:
    try:
        with reader.store.read() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


def _metrics(reader: CatalogueReader) -> list[str]:
    totals = reader.totals()
    values = [
        ("phusa_datasets", "Public datasets with a release.", totals.datasets),
        ("phusa_datasets_on_time", "Public datasets whose current release is on time.", totals.on_time),
        ("phusa_rows", "Rows in all current releases.", totals.rows),
        ("phusa_organizations", "Organizations with a public dataset.", totals.organizations),
    ]
    if totals.last_published:
        age = int((clock() - _aware(totals.last_published)).total_seconds())
        values.append(("phusa_seconds_since_last_release", "Seconds since the newest release was published.", age))
    return [f"# HELP {name} {help_}\n# TYPE {name} gauge\n{name} {value}\n" for name, help_, value in values]


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=clock().tzinfo)
