"""What is public is looked at again when policy, waivers or bytes change; what fails is hidden, what passes stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from samples.small_series import NAME, Series, numbered, running_series

from publisher import rulebook
from publisher.cli import SETTINGS, audit, withdraw
from publisher.command_withdraw import audit_datasets
from publisher.definition import dataset_paths, load_dataset
from publisher.errors import DescriptorError, ReleaseRefused
from publisher.review import next_audit
from publisher.rulebook import use_rulebook
from publisher.withdrawal import examination
from publisher.withdrawal.audit import Audited, audit_dataset, audit_quietly
from publisher.workflow import Workspace

pytestmark = pytest.mark.slow
NOW = datetime.now(UTC)
KEEP, DROP = "tram: {action: keep}", "tram: {action: drop}"
EXTRA = {"fields": "{name: ghi_chu, type: string, title: Ghi chú}", "actions": ", ghi_chu: {action: keep}"}
WIDE = "ma INTEGER, tram TEXT, gia_tri REAL, ghi_chu TEXT"


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Series]:
    with running_series(tmp_path) as series:
        yield series


def rewrite(series: Series, old: str, new: str) -> None:
    path = series.root / "definitions" / "so-thu" / NAME / "dataset.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def publish(series: Series, count: int, **more: Any) -> str:
    series.fill(numbered(count=count), **more)
    return series.published()


def run_audit(series: Series, **more: Any) -> dict[str, Audited]:
    found = audit_dataset(series.definition, series.portal.facilities, now=more.pop("now", NOW), **more)
    return {one.release: one for one in found}


def states(series: Series) -> dict[str, str]:
    return {row.release: row.state for row in series.portal.facilities.store.releases(NAME)}


def current(series: Series) -> str | None:
    row = series.portal.facilities.store.current(NAME)
    return row.release if row else None


def test_a_stricter_policy_hides_what_shows_more_and_a_person_gives_it_back(series: Series) -> None:
    old, new = publish(series, 20), publish(series, 21)
    assert not any(one.failures for one in run_audit(series).values())
    rewrite(series, KEEP, DROP)
    tried = run_audit(series, dry_run=True)
    assert {check.id for check in tried[new].failures} == {"G5"}
    assert "tram" in tried[new].failures[0].detail
    assert states(series) == {old: "superseded", new: "published"}
    found = run_audit(series)
    assert {one.state for one in found.values()} == {"quarantined"}
    assert current(series) is None
    for path in (f"/r/{NAME}/{new}/do_dac.parquet", f"/r/{NAME}/{old}/privacy.json", f"/en/r/{NAME}/{old}/"):
        assert series.portal.get(path).status_code == 410
    assert "G5" in series.portal.get(f"/en/r/{NAME}/{old}/").text
    assert "being reviewed" in series.portal.get(f"/en/dataset/{NAME}").text
    assert (series.storage / new / "do_dac.parquet").exists()
    assert Workspace(series.portal.facilities).dataset(NAME).quarantined == (new, old)
    assert Workspace(series.portal.facilities).releases(NAME)[0].failed
    assert not any(one.state != "quarantined" for one in run_audit(series, reinstate=True).values())
    rewrite(series, DROP, KEEP)
    assert {one.state for one in run_audit(series).values()} == {"quarantined"}
    assert {one.state for one in run_audit(series, reinstate=True).values()} == {"superseded"}
    assert series.portal.get(f"/r/{NAME}/{old}/do_dac.parquet").status_code == 200
    Workspace(series.portal.facilities).roll_back(NAME, new, "ba", "Đã xem lại.")
    assert current(series) == new
    assert series.portal.get(f"/latest/{NAME}/do_dac.parquet").status_code == 200


def test_the_last_release_that_passes_takes_the_place_of_one_that_fails(series: Series) -> None:
    old = publish(series, 20)
    series.define(**EXTRA)
    new = publish(series, 21, columns=WIDE)
    rewrite(series, "ghi_chu: {action: keep}", "ghi_chu: {action: drop}")
    found = run_audit(series)
    assert (found[old].state, found[new].state) == ("published", "quarantined")
    assert current(series) == old
    assert series.portal.action("package_show", id=NAME)["resources"][0]["release"] == old


def test_what_the_definition_never_knew_or_forgot_is_no_leak(series: Series) -> None:
    old = publish(series, 20)
    series.define(**EXTRA)
    assert not run_audit(series)[old].failures
    newer = publish(series, 21, columns=WIDE)
    series.define()
    found = run_audit(series)
    assert [one.failures for one in found.values()] == [(), ()], found[newer].failures


def test_a_waiver_that_ended_hides_what_it_let_out(series: Series) -> None:
    until = date.today() + timedelta(days=2)
    waiver = f"waive: {{kind: phone, reason: Số của các trạm đo tự động, by: so-thu/ba, until: {until}}}"
    rewrite(series, KEEP, f"tram: {{action: keep, {waiver}}}")
    rewrite(series, "title: Trạm,", "title: Điện thoại,")
    series.fill({number: (f"09{10_000_000 + 7919 * number}", 1.0) for number in range(1, 40)})
    release = series.published()
    assert not run_audit(series, only_changed=True)[release].failures
    assert not run_audit(series, only_changed=True)[release].looked_at
    found = run_audit(series, only_changed=True, now=NOW + timedelta(days=4))[release]
    assert ({check.id for check in found.failures}, found.state) == ({"G2"}, "quarantined")
    report = series.portal.get(f"/r/{NAME}/{release}/").text
    assert "0910" not in report


def test_a_waiver_past_its_day_hides_the_release_from_every_reader(series: Series) -> None:
    """By the command, with the clock of the machine: what the waiver let out is reached by nobody and stands first in the workspace."""
    release = waived(series, until=date.today() + timedelta(days=1))
    settings = series.portal.facilities.settings
    assert audit_datasets(settings, NAME, dry_run=False, reinstate=False) == 0
    rewrite(series, str(date.today() + timedelta(days=1)), str(date.today() - timedelta(days=1)))
    assert audit_datasets(settings, NAME, dry_run=False, reinstate=False) == ReleaseRefused.exit_code
    assert states(series) == {release: "quarantined"}
    assert hidden_for(series, release) == {"G2"}


def test_a_kind_that_the_rulebook_no_longer_lets_be_waived_hides_the_release(series: Series, tmp_path: Path) -> None:
    """The definition still holds the waiver, which makes it one that nothing may be released by; it can be judged by all the same."""
    release = waived(series, until=date.today() + timedelta(days=9))
    said = yaml.safe_load(Path(rulebook.__file__).with_name("rulebook.yaml").read_text(encoding="utf-8"))
    said["kinds"]["phone"]["may_be_waived"] = False
    (tmp_path / "rulebook.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    settings = series.portal.facilities.settings.model_copy(update={"rulebook": tmp_path / "rulebook.yaml"})
    try:
        assert audit_datasets(settings, NAME, dry_run=False, reinstate=False) == ReleaseRefused.exit_code
        with pytest.raises(DescriptorError, match="cannot be waived"):
            load_dataset(dataset_paths(settings.definitions)[NAME])
    finally:
        use_rulebook(None)
    assert states(series) == {release: "quarantined"}
    assert hidden_for(series, release) == {"G2"}


def waived(series: Series, *, until: date) -> str:
    """Publish telephone numbers under a waiver until a day."""
    waiver = f"waive: {{kind: phone, reason: Số của các trạm đo tự động, by: so-thu/ba, until: {until}}}"
    rewrite(series, KEEP, f"tram: {{action: keep, {waiver}}}")
    rewrite(series, "title: Trạm,", "title: Điện thoại,")
    series.fill({number: (f"09{10_000_000 + 7919 * number}", 1.0) for number in range(1, 40)})
    return series.published()


def hidden_for(series: Series, release: str) -> set[str]:
    """Return the guarantees for whose sake a release is hidden, after a look at everything that led to it."""
    for path in (f"/r/{NAME}/{release}/do_dac.parquet", f"/r/{NAME}/{release}/do_dac.csv", f"/en/r/{NAME}/{release}/"):
        assert series.portal.get(path).status_code == 410, path
    assert series.portal.get(f"/latest/{NAME}/do_dac.parquet").status_code == 404
    assert "0910" not in series.portal.get(f"/dataset/{NAME}").text
    [record] = Workspace(series.portal.facilities).releases(NAME)
    return {guarantee for guarantee, _, _ in record.failed}


def test_a_night_in_which_nothing_changed_reads_nothing(series: Series, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(series, 20)
    audit_quietly(series.definition, series.portal.facilities, NOW)

    def refused(*_: Any) -> None:
        raise AssertionError("a release was fetched again")

    with monkeypatch.context() as patch:
        patch.setattr(examination, "release_folder", refused)
        audit_quietly(series.definition, series.portal.facilities, NOW)
        patch.setattr(examination, "_checker_digest", lambda: "detectors that learned something")
        with pytest.raises(AssertionError, match="fetched again"):
            audit_quietly(series.definition, series.portal.facilities, NOW)


def test_bytes_that_are_not_what_was_published_fail(series: Series) -> None:
    release = publish(series, 20)
    path = series.storage / release / "do_dac.csv.gz"
    path.write_bytes(path.read_bytes() + b" ")
    [check] = run_audit(series)[release].failures
    assert (check.id, "do_dac.csv.gz" in check.detail) == ("G1", True)
    assert states(series)[release] == "quarantined"


def test_the_commands_say_what_they_did(series: Series) -> None:
    release = publish(series, 20)
    runner = CliRunner()
    settings = series.portal.facilities.settings

    def run(command: Any, *arguments: str) -> tuple[int, str]:
        with command.make_context(command.name, list(arguments)) as context:
            context.meta[SETTINGS] = lambda: settings
            with runner.isolation() as (out, _, _):
                code = 0
                try:
                    command.invoke(context)
                except SystemExit as ended:
                    code = int(ended.code or 0)
                return code, out.getvalue().decode()

    assert run(audit, NAME) == (0, f"{NAME}: 1 of 1 releases pass.\n")
    rewrite(series, KEEP, DROP)
    code, text = run(audit, NAME)
    assert (code, "quarantined" in text, "tram" in text) == (1, True, True)
    code, text = run(withdraw, NAME, release, "--reason", "Cột trạm không được phép công bố.")
    assert (code, f"{NAME} {release}: withdrawn" in text) == (0, True)
    assert "no release of it" in text
    assert {path.name for path in (series.storage / release).iterdir()} == {
        "manifest.json",
        "manifest.sig",
        "withdrawn.json",
        "withdrawn.sig",
    }


def test_a_review_moves_the_day_of_the_next_one(series: Series) -> None:
    rewrite(series, "subject: none\n", "subject: none\n      legal: {basis: Luật thử, approved_on: 2020-01-01}\n")
    publish(series, 20)
    said = series.document("privacy.json")["review"]
    assert said["next_audit"] == "2020-12-31"
    workspace = Workspace(series.portal.facilities)
    assert workspace.dataset(NAME).audit_is_due
    workspace.review(NAME, "ba", "Đã xem chính sách và hai phiên bản.")
    assert not workspace.dataset(NAME).audit_is_due
    due = next_audit(series.definition, series.portal.facilities.store, date.today())
    assert due - datetime.now(UTC).date() >= timedelta(days=364)
    page = series.portal.get(f"/dataset/{NAME}/privacy").text
    assert "Luật thử" in page
    assert "31/12/2020" in page


def test_a_larger_k_hides_people_whose_groups_are_too_small_now(series: Series) -> None:
    old = "subject: none\n      fields: {ma: {action: keep}, tram: {action: keep}, gia_tri: {action: keep}}"
    new = (
        "subject: person\n      microdata: {k: 4}\n"
        "      fields: {ma: {action: drop}, tram: {action: keep, role: quasi}, gia_tri: {action: drop}}"
    )
    rewrite(series, old, new)
    rewrite(series, "sort_by: [ma]", "sort_by: [tram]")
    release = publish(series, 20)
    assert not run_audit(series)[release].failures
    rewrite(series, "{k: 4}", "{k: 9}")
    found = run_audit(series)[release]
    assert ({check.id for check in found.failures}, found.state) == ({"G3"}, "quarantined")
    page = series.portal.get(f"/r/{NAME}/{release}/privacy", allow_redirects=False)
    assert page.status_code == 302
