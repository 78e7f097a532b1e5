"""The pointer of a dataset and the rows that follow it."""

from __future__ import annotations

import json

import pytest

from catalogue.errors import ValidationError
from catalogue.register.releases import dataset_releases

CITY = "so-gtvt"


@pytest.fixture
def publish(catalogue):
    package_id = catalogue.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")["id"]

    def move(release: str | None, published_at: str | None = None, **summary) -> list[tuple[str, str]]:
        facts = {"release": release, "published_at": published_at, **summary}
        extras = [{"key": "release", "value": release}, {"key": "release_summary", "value": json.dumps(facts)}]
        catalogue.call("package_patch", {"id": "bus", "extras": extras if release else []}, user="lan")
        with catalogue.store.read() as session:
            return [(row.release, row.state) for row in dataset_releases(session, package_id)]

    return move


def test_a_new_release_supersedes_the_current_one(publish):
    assert publish("2026-11-21.1", "2026-11-21T08:00:00") == [("2026-11-21.1", "published")]
    assert publish("2026-11-22.1", "2026-11-22T08:00:00Z") == [
        ("2026-11-22.1", "published"),
        ("2026-11-21.1", "superseded"),
    ]


def test_rolling_back_and_forth(publish):
    publish("2026-11-20.1", "2026-11-20T08:00:00")
    publish("2026-11-21.1", "2026-11-21T08:00:00")
    publish("2026-11-21.2", "2026-11-21T09:00:00")
    assert publish("2026-11-20.1", "2026-11-20T08:00:00") == [
        ("2026-11-21.2", "rolled_back"),
        ("2026-11-21.1", "rolled_back"),
        ("2026-11-20.1", "published"),
    ]
    assert publish("2026-11-23.1", "2026-11-23T08:00:00") == [
        ("2026-11-23.1", "published"),
        ("2026-11-21.2", "rolled_back"),
        ("2026-11-21.1", "rolled_back"),
        ("2026-11-20.1", "superseded"),
    ]


def test_a_checked_release_stays_current_with_a_newer_summary(publish, catalogue):
    publish("2026-11-21.1", "2026-11-21T08:00:00", checked_at="2026-11-21T08:00:00")
    publish("2026-11-21.1", "2026-11-21T08:00:00", checked_at="2026-11-22T08:00:00")
    with catalogue.store.read() as session:
        package_id = catalogue.call("package_show", {"id": "bus"})["id"]
        (row,) = dataset_releases(session, package_id)
    assert (row.state, row.summary["checked_at"]) == ("published", "2026-11-22T08:00:00")


def test_a_dataset_without_pointer_has_no_public_release(publish):
    publish("2026-11-21.1", "2026-11-21T08:00:00")
    assert publish(None) == [("2026-11-21.1", "withdrawn")]


def test_releases_whose_files_went_are_deleted_for_ever_but_never_the_current_one(catalogue, publish):
    publish("2026-11-20.1", "2026-11-20T08:00:00")
    publish("2026-11-21.1", "2026-11-21T08:00:00")
    shown = catalogue.call("package_show", {"id": "bus"}, user="lan")
    told = json.dumps({"2026-11-20.1": {"rule": "month_end"}, "2026-11-21.1": {}, "2020-01-01.1": {}})
    extras = [*shown["extras"], {"key": "releases_deleted", "value": told}]
    catalogue.call("package_patch", {"id": "bus", "extras": extras}, user="lan")
    assert publish("2026-11-22.1", "2026-11-22T08:00:00") == [
        ("2026-11-22.1", "published"),
        ("2026-11-21.1", "superseded"),
        ("2026-11-20.1", "deleted"),
    ]


REASON = {
    "reason": "Lộ số điện thoại.",
    "reason_translated": {"en": "Telephone numbers."},
    "at": "2026-11-22T02:00:00Z",
}


def tell(catalogue, told, *, without_pointer=False):
    shown = catalogue.call("package_show", {"id": "bus"}, user="lan")
    gone = {"releases_withdrawn", *({"release", "release_summary"} if without_pointer else ())}
    extras = [extra for extra in shown["extras"] if extra["key"] not in gone]
    extras.append({"key": "releases_withdrawn", "value": json.dumps(told)})
    catalogue.call("package_patch", {"id": "bus", "extras": extras}, user="lan")


def states(catalogue):
    with catalogue.store.read() as session:
        rows = dataset_releases(session, catalogue.call("package_show", {"id": "bus"})["id"])
    return {row.release: (row.state, row.summary.get("withdrawal")) for row in rows}


def test_a_withdrawn_release_keeps_its_reason_and_stays_withdrawn_when_others_come(catalogue, publish):
    publish("2026-11-20.1", "2026-11-20T08:00:00")
    publish("2026-11-21.1", "2026-11-21T08:00:00")
    tell(catalogue, {"2026-11-20.1": REASON, "2020-01-01.1": REASON})
    assert states(catalogue)["2026-11-20.1"] == ("withdrawn", REASON)
    assert publish("2026-11-22.1", "2026-11-22T08:00:00") == [
        ("2026-11-22.1", "published"),
        ("2026-11-21.1", "superseded"),
        ("2026-11-20.1", "withdrawn"),
    ]
    assert states(catalogue)["2026-11-20.1"] == ("withdrawn", REASON)


def test_the_pointer_cannot_lead_to_what_was_withdrawn(catalogue, publish):
    publish("2026-11-20.1", "2026-11-20T08:00:00")
    with pytest.raises(ValidationError, match="withdrawn"):
        tell(catalogue, {"2026-11-20.1": REASON})
    assert states(catalogue)["2026-11-20.1"][0] == "published"
    tell(catalogue, {"2026-11-20.1": REASON}, without_pointer=True)
    assert states(catalogue)["2026-11-20.1"][0] == "withdrawn"
    with pytest.raises(ValidationError, match="withdrawn"):
        publish("2026-11-20.1", "2026-11-20T08:00:00")


def test_what_was_under_review_comes_back(catalogue, publish):
    publish("2026-11-20.1", "2026-11-20T08:00:00")
    publish("2026-11-21.1", "2026-11-21T08:00:00")
    tell(catalogue, {"2026-11-20.1": {**REASON, "under_review": True}})
    tell(catalogue, {"2026-11-20.1": None})
    assert states(catalogue)["2026-11-20.1"] == ("superseded", None)
