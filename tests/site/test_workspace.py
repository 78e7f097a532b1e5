from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from samples.sample_city import City
from samples.sample_workspace import START, Dataset, MemoryWorkspace, Release, Run, Step

from cityportal.identity import Identity, know_people

REQUESTS, AIR = "phan-anh-1022", "quan-trac-khong-khi"
STEPS = [
    Step("extract", facts={"rows": 100_000, "columns": 14}),
    Step("fingerprint", facts={"unchanged": 0}),
    Step("validate", facts={"rows_in": 100_000, "rows_out": 99_620, "invalid": 380}),
    Step("anonymise", facts={"dropped": 6, "suppressed": 1_800, "hidden_cells": 0}),
    Step("stage", facts={"files": 8, "bytes": 9_123_456}),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    city = City(tmp_path_factory.mktemp("workspace"))
    yield city
    city.search.close()
    city.store.close()


@pytest.fixture
def workspace():
    titles = {"vi": "Phản ánh 1022", "en": "Requests to 1022"}
    return MemoryWorkspace(
        {
            REQUESTS: Dataset(REQUESTS, "Phản ánh 1022", "tong-dai-1022", "Tổng đài 1022", titles),
            AIR: Dataset(AIR, "Không khí", "so-moi-truong", "Sở Môi trường", cadence="hourly"),
        },
        {
            "done": Run("done", REQUESTS, steps=STEPS, started_at=START - timedelta(days=1)),
            "waiting": Run(
                "waiting",
                REQUESTS,
                trigger="manual",
                actor="steward",
                state="awaiting_approval",
                release="2026-11-22.1",
            ),
            "drift": Run(
                "drift",
                AIR,
                state="held",
                reason_code="drift",
                message="unknown column",
                steps=[Step("extract", "held")],
            ),
        },
        [Release(REQUESTS, "2026-11-22.1"), Release(REQUESTS, "2026-11-21.1", state="superseded")],
    )


@pytest.fixture
def enter(city, workspace):
    app, people = city.app(workspace), {}
    know_people(app, people.get)

    def as_(name="steward", *, sysadmin=False, **roles):
        client = app.test_client()
        with client.session_transaction() as session:
            named = {organization.replace("_", "-"): role for organization, role in roles.items()}
            session["key"] = f"{name}, {sysadmin}, {named}"
            people[session["key"]] = Identity(name, sysadmin=sysadmin, roles=named)
            session["form_token"] = "token"
        return client

    return as_


def post(client, path, **form):
    return client.post(path, data={"form_token": "token", **form})


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


@pytest.mark.parametrize("path", ["/workspace", f"/workspace/datasets/{REQUESTS}", "/en/workspace/runs/done"])
def test_nobody_comes_in_without_signing_in(city, workspace, path):
    answer = city.app(workspace).test_client().get(path)
    assert answer.status_code == 302
    assert "/user/login?next=" in answer.headers["Location"]


def test_a_form_without_its_token_changes_nothing(enter, workspace):
    client = enter(tong_dai_1022="editor")
    assert client.post(f"/workspace/datasets/{REQUESTS}/run").status_code == 400
    assert workspace.decisions == []


def test_today_shows_what_needs_somebody_and_only_what_is_ones_own(enter):
    text = text_of(enter(tong_dai_1022="admin").get("/workspace"))
    assert "Có 1 việc cần bạn" in text
    assert "Phản ánh 1022" in text
    assert "Không khí" not in text
    everything = text_of(enter(sysadmin=True).get("/en/workspace"))
    assert "2 things need you" in everything


def test_a_calm_day_is_said(enter, workspace):
    workspace.all_runs = {"done": workspace.all_runs["done"]}
    assert "Không có việc nào cần bạn" in text_of(enter(tong_dai_1022="editor").get("/workspace"))


def test_a_failure_that_a_later_run_healed_needs_nobody(enter, workspace):
    failed = Run("failed", REQUESTS, state="failed", reason_code="source", started_at=START - timedelta(days=2))
    workspace.all_runs = {"failed": failed, "done": workspace.all_runs["done"]}
    assert "Không có việc nào cần bạn" in text_of(enter(tong_dai_1022="editor").get("/workspace"))


@pytest.mark.parametrize(
    ("prefix", "words"),
    [("", ["Tệp đã đọc (1)", "Bảng phan_anh", "9,1 MB"]), ("/en", ["Files read (1)", "Table phan_anh", "9.1 MB"])],
)
def test_files_and_notes_of_the_source_are_shown(enter, workspace, prefix, words):
    file = {"table": "phan_anh", "name": "1022 <tháng 11>.csv", "bytes": "9123456", "sha256": "ab" * 32}
    notes = ["phan_anh: File taken: 1022 <tháng 11>.csv", "phan_anh: 1022.csv lacks 2 columns that other files have"]
    step = Step("extract", facts={"rows": 1, "sources": [file], "notes": notes})
    workspace.all_runs["done"] = Run("done", REQUESTS, steps=[step])
    text = text_of(enter(tong_dai_1022="editor").get(f"{prefix}/workspace/runs/done")).replace("\u00a0", " ")
    for word in (*words, "1022 <tháng 11>.csv", "ab" * 32, "lacks 2 columns", "(1"):
        assert word in text
    assert "File taken" not in text


@pytest.mark.parametrize(
    ("prefix", "sentences"),
    [
        ("", ["Đã đọc 100.000 dòng từ hệ thống nguồn.", "380 dòng được giữ lại", "Bỏ 6 cột.", "9,1 MB"]),
        ("/en", ["100,000 rows were read", "380 were kept back", "Columns removed: 6.", "9.1 MB"]),
    ],
)
def test_a_run_is_told_in_plain_sentences(enter, prefix, sentences):
    text = text_of(enter(tong_dai_1022="editor").get(f"{prefix}/workspace/runs/done")).replace("\u00a0", " ")
    for sentence in sentences:
        assert sentence in text
    assert "0 ô" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "code",
    [
        "drift",
        "volume",
        "threshold",
        "privacy",
        "source",
        "storage",
        "catalogue",
        "definition",
        "lease",
        "unknown",
        "new-code",
        "",
    ],
)
@pytest.mark.parametrize("state", ["held", "failed"])
def test_every_reason_has_a_cure(enter, workspace, code, state):
    workspace.all_runs["x"] = Run("x", REQUESTS, state=state, reason_code=code, steps=[Step("check", state)])
    html = enter(tong_dai_1022="editor").get("/workspace/runs/x").get_data(as_text=True)
    assert re.search(r'<div class="says[^>]*>\s*<p><strong>[^<]+</strong></p>\s*<p>[^<]+</p>', html)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "extract",
        "fingerprint",
        "validate",
        "anonymise",
        "write",
        "check",
        "describe",
        "stage",
        "approve",
        "publish",
        "new-step",
    ],
)
@pytest.mark.parametrize("state", ["done", "running", "failed", "held"])
def test_every_step_in_every_state_can_be_told_without_facts(enter, workspace, name, state):
    workspace.all_runs["x"] = Run("x", REQUESTS, state="running", finished_at=None, steps=[Step(name, state)])
    for prefix in ("", "/en"):
        assert enter(tong_dai_1022="editor").get(f"{prefix}/workspace/runs/x").status_code == 200


@pytest.mark.parametrize(
    "state",
    ["running", "published", "unchanged", "held", "awaiting_approval", "embargoed", "failed", "cancelled", "checked"],
)
def test_every_state_of_a_run_has_its_words(enter, workspace, state):
    workspace.all_runs["x"] = Run("x", REQUESTS, state=state)
    assert enter(tong_dai_1022="admin").get("/en/workspace/runs/x").status_code == 200


@pytest.mark.parametrize(
    "path", [f"/workspace/datasets/{AIR}", "/workspace/runs/drift", "/workspace/datasets/none", "/workspace/runs/none"]
)
def test_what_is_not_ones_own_is_not_there(enter, path):
    assert enter(tong_dai_1022="admin").get(path).status_code == 404


def test_a_member_without_a_task_sees_no_dataset(enter):
    assert "chưa được giao bộ dữ liệu nào" in text_of(enter(tong_dai_1022="member").get("/workspace"))


def test_a_steward_runs_holds_and_resumes(enter, workspace):
    client = enter(tong_dai_1022="editor")
    assert post(client, f"/workspace/datasets/{REQUESTS}/run").status_code == 303
    post(client, f"/workspace/datasets/{REQUESTS}/hold", reason=" source moves ")
    assert "source moves" in text_of(client.get(f"/workspace/datasets/{REQUESTS}"))
    post(client, f"/workspace/datasets/{REQUESTS}/resume")
    assert workspace.decisions == [
        ("run_now", REQUESTS, "steward"),
        ("hold", REQUESTS, "steward", "source moves"),
        ("resume", REQUESTS, "steward"),
    ]


def test_a_refusal_is_explained_with_its_technical_words(enter):
    client = enter(tong_dai_1022="editor")
    post(client, f"/workspace/datasets/{REQUESTS}/hold", reason="  ")
    text = text_of(client.get(f"/workspace/datasets/{REQUESTS}"))
    assert "Chưa tạm giữ được." in text
    assert "A hold needs a reason. say why" in text


def test_an_approver_approves_what_somebody_else_started(enter, workspace):
    client = enter("approver", tong_dai_1022="admin")
    assert "Phê duyệt và phát hành" in text_of(client.get("/workspace/runs/waiting"))
    assert post(client, "/workspace/runs/waiting/approve").status_code == 303
    assert workspace.decisions == [("approve", "waiting", "approver")]


def test_nobody_approves_a_run_they_started(enter, workspace):
    client = enter("steward", tong_dai_1022="admin")
    text = text_of(client.get("/workspace/runs/waiting"))
    assert "Phê duyệt và phát hành" not in text
    assert "cần một người khác phê duyệt" in text
    assert post(client, "/workspace/runs/waiting/approve").status_code == 403
    assert workspace.decisions == []


@pytest.mark.parametrize("decision", ["approve", "reject", "accept-drift"])
def test_a_steward_decides_nothing_about_a_run(enter, workspace, decision):
    assert (
        post(enter("other", tong_dai_1022="editor"), f"/workspace/runs/waiting/{decision}", reason="x").status_code
        == 403
    )
    assert workspace.decisions == []


def test_an_operator_does_all_but_approve(enter, workspace):
    client = enter("operator", sysadmin=True)
    assert post(client, "/workspace/runs/waiting/approve").status_code == 403
    assert post(client, "/workspace/runs/drift/accept-drift").status_code == 303
    assert post(client, "/workspace/runs/waiting/reject", reason="wrong month").status_code == 303
    assert workspace.decisions == [
        ("accept_drift", "drift", "operator"),
        ("reject", "waiting", "operator", "wrong month"),
    ]


def test_going_back_is_confirmed_first(enter, workspace):
    client = enter("approver", tong_dai_1022="admin")
    path = f"/workspace/datasets/{REQUESTS}/roll-back/2026-11-21.1"
    assert path in client.get(f"/workspace/datasets/{REQUESTS}").get_data(as_text=True)
    assert "Trở về phiên bản 2026-11-21.1" in text_of(client.get(path))
    assert client.head(path).status_code == 200
    assert workspace.decisions == []
    post(client, path, reason="wrong totals")
    assert workspace.decisions == [("roll_back", REQUESTS, "2026-11-21.1", "approver", "wrong totals")]


def test_a_steward_cannot_go_back_and_nobody_to_the_current_release(enter):
    path = f"/workspace/datasets/{REQUESTS}/roll-back"
    assert enter(tong_dai_1022="editor").get(f"{path}/2026-11-21.1").status_code == 403
    assert enter(tong_dai_1022="admin").get(f"{path}/2026-11-22.1").status_code == 404


def test_withdrawing_is_confirmed_first_and_tells_everybody_why(enter, workspace):
    client = enter("approver", tong_dai_1022="admin")
    path = f"/workspace/datasets/{REQUESTS}/withdraw/2026-11-22.1"
    assert path in client.get(f"/workspace/datasets/{REQUESTS}").get_data(as_text=True)
    assert "Đây là phiên bản đang dùng" in text_of(client.get(path))
    assert workspace.decisions == []
    post(client, path, reason="Lộ cột ghi chú", reason_en="A column of notes")
    said = ("withdraw", REQUESTS, "2026-11-22.1", "approver", "Lộ cột ghi chú", "A column of notes")
    assert workspace.decisions == [said]
    assert enter(tong_dai_1022="editor").get(path).status_code == 403


def test_what_an_audit_hid_and_a_review_that_is_due_need_somebody(enter, workspace):
    known = replace(workspace.known[REQUESTS], quarantined=("2026-11-21.1",), audit_is_due=True)
    workspace.known[REQUESTS] = known
    found = (("G2", "phan_anh", "columns: the column ghi_chu looks like phone"),)
    workspace.all_releases[1] = replace(workspace.all_releases[1], state="quarantined", failed=found)
    client = enter("approver", tong_dai_1022="admin")
    text = text_of(client.get("/workspace"))
    assert "Có 3 việc cần bạn" in text
    assert "đã được ẩn" in text
    assert "20/11/2027" in text
    text = text_of(client.get(f"/en/workspace/datasets/{REQUESTS}"))
    assert "Release 2026-11-21.1 was hidden" in text
    assert "the column ghi_chu looks like phone" in text
    post(client, f"/workspace/datasets/{REQUESTS}/review", reason="Đã xem")
    assert workspace.decisions == [("review", REQUESTS, "approver", "Đã xem")]
    assert post(enter(tong_dai_1022="editor"), f"/workspace/datasets/{REQUESTS}/review").status_code == 403


def test_pages_of_the_workspace_stay_out_of_search_engines(enter, workspace):
    workspace.known[REQUESTS] = replace(workspace.known[REQUESTS], next_run_at=None, current_release=None)
    client = enter(tong_dai_1022="editor")
    for path in ("/workspace", f"/en/workspace/datasets/{REQUESTS}", "/workspace/runs/done"):
        assert 'name="robots" content="noindex"' in client.get(path).get_data(as_text=True)
