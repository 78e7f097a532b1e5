"""Files in multipart bodies: kept with the call that names them, gone with the one that fails, never in memory."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from samples.served_catalogue import ServedCatalogue, catalogue_on
from sqlalchemy import event, select
from urllib3 import encode_multipart_formdata

from catalogue.actions.context import utc_now
from catalogue.files.uploads import sweep_uploads
from catalogue.model import Upload
from catalogue.services import Services
from catalogue.web.action_api import create_app

pytestmark = pytest.mark.slow

CITY = "so-gtvt"
CSV = "phường,số\nBến Thành,1\n".encode()
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
SITE = "http://portal.example"


class Caller:
    """Sends multipart calls as one user."""

    def __init__(self, portal: ServedCatalogue, client: FlaskClient) -> None:
        self.portal, self.client = portal, client
        self.tokens = {name: portal.add_user(name, sysadmin=name == "boss") for name in ("boss", "lan", "binh")}

    def __call__(self, action, fields=None, *, user="lan", status=200, **files):
        headers = {"Authorization": self.tokens[user]} if user else {}
        body, kind = encode_multipart_formdata(
            {**(fields or {}), **{name: (title, content) for name, (content, title) in files.items()}}
        )
        answer = self.client.post(f"/api/3/action/{action}", data=body, headers=headers, content_type=kind)
        assert answer.status_code == status, answer.text
        return answer.json["result"] if status == 200 else answer.json["error"]

    def objects(self) -> list[str]:
        folder = self.portal.settings.home / "storage" / "uploads"
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    def rows(self) -> list[Upload]:
        with self.portal.store.read() as session:
            return list(session.scalars(select(Upload).order_by(Upload.created)))


@pytest.fixture
def call(tmp_path):
    with catalogue_on(tmp_path, max_resource_size_mb=1, max_image_size_mb=1) as portal:
        caller = Caller(portal, create_app(portal.services).test_client())
        portal.call("organization_create", {"name": CITY, "title": "Sở"}, user="boss")
        portal.call("organization_member_create", {"id": CITY, "username": "lan", "role": "editor"}, user="boss")
        portal.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")
        yield caller


@pytest.fixture
def stops(call):
    return call("resource_create", {"package_id": "bus", "name": "Trạm"}, upload=(CSV, "Trạm dừng Đường số 1.CSV"))


def test_an_uploaded_file_becomes_a_resource(call, stops):
    package = call.portal.call("package_show", {"id": "bus"})
    assert package["resources"] == [stops]
    assert stops["url"] == f"{SITE}/dataset/{package['id']}/resource/{stops['id']}/download/tram-dung-duong-so-1.csv"
    assert {key: stops[key] for key in ("url_type", "format", "mimetype", "size", "hash", "original_name")} == {
        "url_type": "upload",
        "format": "CSV",
        "mimetype": "text/csv",
        "size": len(CSV),
        "hash": hashlib.sha256(CSV).hexdigest(),
        "original_name": "Trạm dừng Đường số 1.CSV",
    }
    assert stops["last_modified"] == stops["created"]
    (row,) = call.rows()
    assert (row.resource_id, row.sha256, row.size) == (stops["id"], stops["hash"], len(CSV))
    assert (call.portal.settings.home / "storage" / row.key).read_bytes() == CSV


def test_a_new_file_replaces_the_old_one_only_with_the_commit(call, stops):
    old = call.objects()
    denied = call("resource_patch", {"id": stops["id"], "created": "soon"}, status=409, upload=(b"a;b", "neu.txt"))
    assert list(denied) == ["created", "__type"]
    assert call.objects() == old
    after = call("resource_patch", {"id": stops["id"]}, upload=(b"PAR1", "neu.parquet"))
    assert (after["format"], after["size"], after["name"]) == ("Parquet", 4, "Trạm")
    assert after["hash"] != stops["hash"]
    assert after["url"].endswith("/neu.parquet")
    (only,) = call.objects()
    assert only not in old
    assert [row.key for row in call.rows()] == [f"uploads/{only}"]


def test_metadata_can_change_while_the_file_stays(call, stops):
    patched = call("resource_patch", {"id": stops["id"], "description": "mới"})
    assert (patched["url"], patched["url_type"], patched["hash"]) == (stops["url"], "upload", stops["hash"])
    updated = call("resource_update", {"id": stops["id"], "url": stops["url"], "name": "x"})
    assert (updated["url"], updated["url_type"], updated["size"]) == (stops["url"], "upload", len(CSV))
    named = call("resource_update", {"id": stops["id"], "url": stops["url"].rsplit("/", 1)[1], "url_type": "upload"})
    assert named["url"] == stops["url"]
    package = call.portal.call("package_show", {"id": "bus"})
    assert call.portal.call("package_update", package, user="lan")["resources"] == package["resources"]
    assert len(call.objects()) == 1


@pytest.mark.parametrize(
    "end",
    [
        ("resource_update", {"id": "RESOURCE", "url": "https://x.example/a.csv"}),
        ("resource_update", {"id": "RESOURCE"}),
        ("resource_patch", {"id": "RESOURCE", "url": "https://x.example/a.csv"}),
        ("resource_delete", {"id": "RESOURCE"}),
        ("package_patch", {"id": "bus", "resources": []}),
        ("package_revise", {"match__name": "bus", "filter": "-resources"}),
        ("dataset_purge", {"id": "bus"}),
    ],
)
def test_a_file_goes_with_what_it_belonged_to(call, stops, end):
    action, params = end
    params = {name: stops["id"] if value == "RESOURCE" else value for name, value in params.items()}
    call.portal.call(action, params, user="boss")
    assert (call.objects(), call.rows()) == ([], [])


def test_a_deleted_dataset_keeps_its_files(call, stops):
    call.portal.call("package_delete", {"id": "bus"}, user="lan")
    assert len(call.objects()) == len(call.rows()) == 1


def test_package_revise_uploads_into_the_resource_that_a_path_names(call, stops):
    fields = {"match": '{"name": "bus"}', "update__resources__extend": '[{"name": "two"}, {"name": "three"}]'}
    files = {
        "update__resources__-1__upload": (b"3", "ba.csv"),
        f"update__resources__{stops['id'][:8]}__upload": (b"1", "một.csv"),
    }
    revised = call("package_revise", fields, **files)["package"]["resources"]
    assert [resource["url"].rpartition("/")[2] for resource in revised] == ["mot.csv", "", "ba.csv"]
    assert [resource["size"] for resource in revised] == [1, None, 1]
    assert len(call.objects()) == 2
    wrong = call("package_revise", {"match__name": "bus"}, status=409, update__resources__9__upload=(b"x", "x.csv"))
    assert wrong["resources__9__upload"] == ["Unmatched key 9"]
    assert len(call.objects()) == 2


def test_a_file_above_the_limit_is_refused_and_nothing_of_it_stays(call):
    big = b"x" * (2**20 + 1)
    error = call("resource_create", {"package_id": "bus"}, status=409, upload=(big, "big.csv"))
    assert error == {"upload": ["File upload too large"], "__type": "Validation Error"}
    fields = {"match__name": "bus", "update__resources__extend": "[{}]"}
    error = call("package_revise", fields, status=409, **{"update__resources__-1__upload": (big, "big.csv")})
    assert error["resources"] == [{"upload": ["File upload too large"]}]
    exact = call("resource_create", {"package_id": "bus"}, upload=(big[1:], "fits.csv"))
    assert exact["size"] == 2**20
    assert len(call.objects()) == 1


@pytest.mark.parametrize("user", [None, "binh"])
def test_who_may_not_upload_leaves_nothing_behind(call, user):
    error = call("resource_create", {"package_id": "bus"}, user=user, status=403, upload=(CSV, "a.csv"))
    assert error["__type"] == "Authorization Error"
    assert not (call.portal.settings.home / "storage" / "uploads").exists()


def test_bytes_of_strangers_are_read_past_and_not_stored(call):
    more_than_is_read_past = b"x" * (65 * 2**20)
    error = call("resource_create", {"package_id": "bus"}, user=None, status=403, upload=(more_than_is_read_past, "a"))
    assert "requires an authenticated user" in error["message"]
    assert not (call.portal.settings.home / "storage" / "uploads").exists()


def test_an_editor_of_elsewhere_leaves_nothing_behind(call):
    call.portal.call("organization_create", {"name": "so-yt"}, user="boss")
    call.portal.call("organization_member_create", {"id": "so-yt", "username": "binh", "role": "editor"}, user="boss")
    call("resource_create", {"package_id": "bus"}, user="binh", status=403, upload=(CSV, "a.csv"))
    call("resource_create", {"package_id": "nope"}, user="binh", status=404, upload=(CSV, "a.csv"))
    call("resource_create", {}, user="binh", status=409, upload=(CSV, "a.csv"))
    assert call.objects() == []


@pytest.mark.parametrize(
    ("action", "field"),
    [
        ("package_create", "resources__0__upload"),
        ("package_create", "upload"),
        ("resource_create", "name"),
        ("package_revise", "update__title"),
        ("package_revise", "update__resources__0__a__upload"),
        ("package_search", "q"),
        ("user_create", "image_upload"),
    ],
)
def test_a_file_where_none_belongs_is_a_fault_of_its_field(call, action, field):
    error = call(action, {"name": "x"}, user="boss", status=409, **{field: (b"x", "x.csv")})
    assert error == {field: ["A file cannot be the value of this field"], "__type": "Validation Error"}
    assert call.objects() == []


def test_a_text_where_a_file_belongs_is_a_fault_of_its_field(call):
    error = call("resource_create", {"package_id": "bus", "upload": "C:/a.csv"}, status=409)
    assert error["upload"] == ["Send the file as a part of a multipart/form-data body"]
    assert call("resource_create", {"package_id": "bus", "upload": ""})["url_type"] is None


def test_a_form_without_a_chosen_file_is_a_link(call):
    body = b'--b\r\nContent-Disposition: form-data; name="package_id"\r\n\r\nbus\r\n'
    body += b'--b\r\nContent-Disposition: form-data; name="upload"; filename=""\r\n\r\n\r\n--b--\r\n'
    headers = {"Authorization": call.tokens["lan"]}
    answer = call.client.post(
        "/api/action/resource_create", data=body, headers=headers, content_type="multipart/form-data; boundary=b"
    )
    assert answer.json["result"]["url_type"] is None


def test_an_image_of_an_organization_is_known_by_its_content(call):
    made = call("organization_create", {"name": "so-yt"}, user="boss", image_upload=(PNG, "Huy hiệu.PNG"))
    assert made["image_display_url"].startswith(f"{SITE}/uploads/group/")
    assert made["image_display_url"].endswith("-huy-hieu.png")
    for content, name in ((b"<svg onload=alert(1)>", "a.png"), (b"<html>", "a.gif"), (b"", "a.png"), (CSV, "a.webp")):
        error = call("organization_patch", {"id": "so-yt"}, user="boss", status=409, image_upload=(content, name))
        assert error["image_upload"] == ["Only images may be uploaded here: PNG, JPEG, GIF or WebP"]
    big = call("group_create", {"name": "t"}, user="boss", status=409, image_upload=(PNG + b"x" * 2**20, "a.png"))
    assert big["image_upload"] == ["File upload too large"]
    kept = call("organization_patch", {"id": "so-yt", "title": "Y tế"}, user="boss")
    assert kept["image_url"] == made["image_url"]
    call("organization_patch", {"id": "so-yt"}, user="boss", image_upload=(b"GIF89a...", "b.gif"))
    assert [row.media_type for row in call.rows()] == ["image/gif"]
    assert len(call.objects()) == 1
    call.portal.call("organization_purge", {"id": "so-yt"}, user="boss")
    assert call.objects() == []


@contextmanager
def failing(engine, moment, condition=lambda *_: True):
    def fail(*happening):
        if condition(*happening):
            raise OSError("the line to the database broke")

    event.listen(engine, moment, fail)
    try:
        yield
    finally:
        event.remove(engine, moment, fail)


def test_a_failure_before_the_commit_leaves_no_object(call):
    engine = call.portal.store.engine
    with failing(engine, "before_cursor_execute", lambda *happening: "INSERT INTO resources" in happening[2]):
        call("resource_create", {"package_id": "bus"}, status=500, upload=(CSV, "a.csv"))
    assert call.objects() == []


def test_when_the_end_of_a_commit_is_not_known_its_object_waits_for_the_sweep(call):
    with failing(call.portal.store.engine, "commit"):
        call("resource_create", {"package_id": "bus"}, status=500, upload=(CSV, "a.csv"))
    assert (len(call.objects()), call.rows()) == (1, [])


def test_the_sweep_takes_what_no_row_names_and_nothing_else(call, stops):
    uploads = call.portal.settings.home / "storage" / "uploads"
    (kept,) = call.objects()
    for name in ("resource/1/lost.csv", "group/0-lost.png", ".incoming/half", "resource/2/fresh.csv"):
        (uploads / name).parent.mkdir(parents=True, exist_ok=True)
        (uploads / name).write_bytes(b"x")
    for name in (kept, "resource/1/lost.csv", "group/0-lost.png", ".incoming/half"):
        os.utime(uploads / name, (0, 0))
    assert sweep_uploads(call.portal.services) == 2
    assert call.objects() == sorted([kept, "resource/2/fresh.csv"])
    later = call.portal.services
    later = Services(later.settings, later.store, later.search, later.files, now=lambda: utc_now() + timedelta(days=2))
    assert sweep_uploads(later) == 1
    assert call.objects() == [kept]


def test_files_of_the_same_name_do_not_meet(call):
    for content in (b"1", b"2"):
        call("resource_create", {"package_id": "bus"}, upload=(content, "a.csv"))
    folder = call.portal.settings.home / "storage"
    assert [Path(folder, row.key).read_bytes() for row in call.rows()] == [b"1", b"2"]
    assert datetime.now(UTC).replace(tzinfo=None) - call.rows()[0].created < timedelta(minutes=5)
