"""What a release needs around it: quarantine that does not stay for ever, seeds that nobody can guess."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from publisher.errors import DescriptorError
from publisher.facilities import open_facilities
from publisher.settings import PublisherSettings
from publisher.store import utc_now


def test_quarantine_goes_after_the_days_that_the_settings_keep_it(tmp_path: Path) -> None:
    facilities = open_facilities(PublisherSettings(home=tmp_path, keep_work_days=7), {})
    for run in ("old", "young"):
        facilities.quarantine_file("a", run, "t").write_bytes(b"rows")
    eight_days_ago = (utc_now() - timedelta(days=8)).timestamp()
    os.utime(tmp_path / "quarantine" / "a" / "old", (eight_days_ago, eight_days_ago))
    facilities.sweep(utc_now())
    assert [path.name for path in (tmp_path / "quarantine" / "a").iterdir()] == ["young"]
    facilities.store.close()


def test_seeds_differ_by_table_release_and_key_and_repeat(tmp_path: Path) -> None:
    here = open_facilities(PublisherSettings(home=tmp_path / "here"), {})
    there = open_facilities(PublisherSettings(home=tmp_path / "there"), {})
    one = ("id", "2026-11-22.1", "a")
    assert here.shuffle_seed(*one) == here.shuffle_seed(*one)
    others = [("id", "2026-11-22.1", "b"), ("id", "2026-11-22.2", "a"), ("other", "2026-11-22.1", "a")]
    assert len({there.shuffle_seed(*one), *(here.shuffle_seed(*which) for which in (one, *others))}) == 5
    here.store.close()
    there.store.close()


def test_where_the_publisher_has_no_token_yet_the_message_says_what_makes_one(tmp_path: Path) -> None:
    facilities = open_facilities(PublisherSettings(home=tmp_path), {})
    with pytest.raises(DescriptorError, match=r"publisher\.token.*Cure: start the portal once"):
        _ = facilities.register
    facilities.store.close()
