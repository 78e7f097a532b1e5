"""What CKAN's download addresses hand out: to whom, with which headers, in which parts; and CKAN's other pages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from samples.served_catalogue import ServedCatalogue, catalogue_on
from servers.radosgw import ACCESS_KEY, SECRET_KEY, RadosGateway, radosgw  # noqa: F401  a fixture
from sqlalchemy import select
from urllib3 import encode_multipart_formdata

from catalogue.files.released_files import s3_client
from catalogue.model import Package, Resource, User
from catalogue.people.passwords import hash_password
from catalogue.web.action_api import action_api_blueprint
from cityportal.chrome import init_site
from cityportal.languages import Text
from cityportal.public import public_blueprint

CITY = "so-gtvt"
CSV = "phường,số\nBến Thành,1\n".encode()
PASSWORD = "phu-sa-2026"


class Site(SimpleNamespace):
    """A catalogue behind its pages and its API: sysadmin `boss`, editor `lan`, stranger `binh`, dataset `bus`."""

    portal: ServedCatalogue
    client: FlaskClient
    tokens: dict[str, str]

    def upload(self, action="resource_create", user="lan", *, name="Trạm.csv", content=CSV, field="upload", **fields):
        fields = fields or {"package_id": "bus"}
        body, kind = encode_multipart_formdata({**fields, field: (name, content)})
        headers = {"Authorization": self.tokens[user]}
        answer = self.client.post(f"/api/action/{action}", data=body, content_type=kind, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json["result"]

    def path(self, resource, name="bus") -> str:
        return f"/dataset/{name}/resource/{resource['id']}/download"

    def set_url(self, resource, url) -> None:
        with self.portal.store.write() as session:
            session.scalars(select(Resource).where(Resource.id == resource["id"])).one().url = url

    def page_of(self, user: str) -> FlaskClient:
        """Return a browser in which the user is signed in."""
        with self.portal.store.write() as session:
            session.scalars(select(User).where(User.name == user)).one().password_hash = hash_password(PASSWORD)
        browser = self.client.application.test_client()
        html = browser.get("/user/login").get_data(as_text=True)
        token = html.partition('name="form_token" value="')[2].partition('"')[0]
        form = {"name": user, "password": PASSWORD, "form_token": token}
        assert browser.post("/user/login", data=form).status_code == 303
        return browser


def open_site(portal: ServedCatalogue) -> Site:
    tokens = {name: portal.add_user(name, sysadmin=name == "boss") for name in ("boss", "lan", "binh")}
    portal.call("organization_create", {"name": CITY, "title": "Sở"}, user="boss")
    portal.call("organization_member_create", {"id": CITY, "username": "lan", "role": "editor"}, user="boss")
    app = Flask("cityportal")
    init_site(app, site_url="http://portal.example", city=Text("Thành phố"), secret_key="a secret of tests")
    app.register_blueprint(action_api_blueprint(portal.services))
    app.register_blueprint(public_blueprint(portal.services))
    return Site(portal=portal, client=app.test_client(), tokens=tokens)


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Iterator[Site]:
    with catalogue_on(tmp_path_factory.mktemp("site")) as portal:
        yield open_site(portal)


@pytest.fixture
def site(shared: Site) -> Site:
    """Return the site with one dataset that has no resources yet."""
    with shared.portal.store.read() as session:
        names = session.scalars(select(Package.name)).all()
    for name in names:
        shared.portal.call("dataset_purge", {"id": name}, user="boss")
    shared.portal.call("package_create", {"name": "bus", "title": "Xe buýt", "owner_org": CITY}, user="lan")
    return shared


def test_an_uploaded_file_comes_back_with_all_that_readers_ask(site):
    resource = site.upload()
    for path in (site.path(resource), f"{site.path(resource)}/tram.csv", f"{site.path(resource)}/any/thing"):
        with site.client.get(path) as answer:
            assert (answer.status_code, answer.data) == (200, CSV)
            assert answer.headers["Content-Disposition"] == "inline; filename=tram.csv"
            assert answer.headers["ETag"] == f'"{hashlib.sha256(CSV).hexdigest()}"'
            assert answer.headers["Accept-Ranges"] == "bytes"
            assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.last_modified is not None
    assert resource["url"] == f"http://portal.example{site.path(resource, resource['package_id'])}/tram.csv"


def test_head_parts_and_known_files(site):
    path = site.path(site.upload())
    with site.client.head(path) as answer:
        assert (answer.status_code, answer.data, answer.content_length) == (200, b"", len(CSV))
        tag = answer.headers["ETag"]
    for asked, status, content in (
        ("bytes=2-4", 206, CSV[2:5]),
        ("bytes=-3", 206, CSV[-3:]),
        ("bytes=999-", 416, None),
    ):
        with site.client.get(path, headers={"Range": asked}) as answer:
            assert answer.status_code == status
            assert content is None or answer.data == content
    with site.client.get(path, headers={"Range": "bytes=0-1", "If-Range": '"other"'}) as answer:
        assert (answer.status_code, answer.data) == (200, CSV)
    with site.client.get(path, headers={"Range": "bytes=0-1", "If-Range": tag}) as answer:
        assert (answer.status_code, answer.data) == (206, CSV[:2])
    with site.client.get(path, headers={"If-None-Match": tag}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xhtml", "x.xml", "x.js", "x"])
def test_what_a_browser_could_run_never_opens_inside_the_portal(site, name):
    path = site.path(site.upload(name=name, content=b"<!doctype html><script>alert(1)</script>"))
    with site.client.get(path) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_link_leads_on(site):
    link = {"package_id": "bus", "url": "https://files.example/bến.csv"}
    resource = site.portal.call("resource_create", link, user="lan")
    for path in (site.path(resource), f"{site.path(resource)}/x.csv", f"/en{site.path(resource)}"):
        answer = site.client.get(path)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("https://files.example/b")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "https:",
        "http://[",
        "https://x.example/a\r\nSet-Cookie: a=b",
        "http://portal.example/dataset/bus/resource/ID/download/x",
        "http://other.example/en/dataset/x/resource/ID/download",
    ],
)
def test_a_link_that_leads_nowhere_good_is_not_found(site, url):
    resource = site.portal.call("resource_create", {"package_id": "bus"}, user="lan")
    site.set_url(resource, url.replace("ID", resource["id"]))
    assert site.client.get(site.path(resource)).status_code == 404


def test_files_of_a_private_dataset_are_for_those_who_may_read_it(site):
    uploaded = site.upload()
    link = site.portal.call("resource_create", {"package_id": "bus", "url": "https://x.example/a"}, user="lan")
    site.portal.call("package_patch", {"id": "bus", "private": True}, user="lan")
    for resource, good in ((uploaded, 200), (link, 302)):
        path = site.path(resource)
        for headers in ({}, {"Authorization": "wrong"}, {"Authorization": site.tokens["binh"]}):
            assert site.client.get(path, headers=headers).status_code == 404
        for headers in ({"Authorization": site.tokens["lan"]}, {"X-CKAN-API-Key": site.tokens["boss"]}):
            with site.client.get(path, headers=headers) as answer:
                assert answer.status_code == good
                assert answer.headers["Cache-Control"].startswith("private")
                assert "Access-Control-Allow-Origin" not in answer.headers
        for user, status in (("lan", good), ("binh", 404)):
            with site.page_of(user).get(path) as answer:
                assert answer.status_code == status


def test_files_follow_their_dataset_and_their_resource(site):
    resource = site.upload()
    site.portal.call("package_patch", {"id": "bus", "name": "stops"}, user="lan")
    for name in ("bus", "stops", resource["package_id"]):
        with site.client.get(site.path(resource, name)) as answer:
            assert answer.data == CSV
    site.portal.call("package_create", {"name": "other", "owner_org": CITY}, user="lan")
    assert site.client.get(site.path(resource, "other")).status_code == 404
    replaced = site.upload("resource_patch", id=resource["id"], content=b"new")
    with site.client.get(site.path(replaced, "stops")) as answer:
        assert answer.data == b"new"
    site.portal.call("resource_delete", {"id": resource["id"]}, user="lan")
    assert site.client.get(site.path(resource, "stops")).status_code == 404


def test_images_of_organizations_may_be_kept_for_ever(site):
    png = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
    shown = site.upload("organization_patch", "boss", name="a.html", content=png, field="image_upload", id=CITY)
    path = shown["image_display_url"].removeprefix("http://portal.example")
    with site.client.get(path) as answer:
        assert (answer.status_code, answer.data, answer.mimetype) == (200, png, "image/png")
        assert "immutable" in answer.headers["Cache-Control"]
    for wrong in ("/uploads/group/none.png", "/uploads/group/..%2Fresource", "/uploads/resource/x/y"):
        assert site.client.get(wrong).status_code == 404


@pytest.mark.slow
@pytest.mark.server
def test_a_file_on_s3_comes_from_there_and_head_is_answered_here(radosgw: RadosGateway, tmp_path):  # noqa: F811
    keys = {"access_key": ACCESS_KEY, "secret_key": SECRET_KEY}
    storage = {"url": "s3://downloads", "endpoint_url": radosgw.endpoint_url, **keys}
    with catalogue_on(tmp_path, storage=storage) as portal:
        s3_client(portal.settings.storage).create_bucket(Bucket="downloads")
        site = open_site(portal)
        portal.call("package_create", {"name": "bus", "owner_org": CITY}, user="lan")
        path = site.path(site.upload())
        answer = site.client.get(path)
        assert answer.status_code == 302
        stored = requests.get(answer.headers["Location"], timeout=20)
        assert stored.content == CSV
        assert stored.headers["Content-Disposition"] == "inline; filename=tram.csv"
        part = requests.get(answer.headers["Location"], headers={"Range": "bytes=1-2"}, timeout=20)
        assert (part.status_code, part.content) == (206, CSV[1:3])
        head = site.client.head(path)
        assert (head.status_code, head.content_length) == (200, len(CSV))
        assert head.headers["Content-Disposition"] == "inline; filename=tram.csv"
        tag = {"If-None-Match": head.headers["ETag"]}
        assert site.client.get(path, headers=tag).status_code == 304
        page = site.path(site.upload(name="x.html", content=b"<html>"))
        stored = requests.get(site.client.get(page).headers["Location"], timeout=20)
        assert stored.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("path", "goal"),
    [
        ("/dataset/ID", "/dataset/stops"),
        ("/dataset/bus", "/dataset/stops"),
        ("/dataset/activity/ID", "/dataset/stops/releases"),
        ("/dataset/groups/bus", "/dataset/stops"),
        ("/dataset/stops/dictionary/RID", "/dataset/stops/dictionary"),
        ("/datastore/api_info/RID", "/dataset/stops/api"),
        ("/en/datastore/api_info/RID", "/en/dataset/stops/api"),
        ("/dataset/ID/resource/RID/view/1", "/dataset/stops/resource/RID"),
        ("/dataset/bus/resource/RID", "/dataset/stops/resource/RID"),
    ],
)
def test_addresses_of_ckan_lead_to_the_page_with_the_same_content(site, path, goal):
    resource = site.portal.call("resource_create", {"package_id": "bus"}, user="lan")
    site.portal.call("package_patch", {"id": "bus", "name": "stops"}, user="lan")

    def filled(text: str) -> str:
        return text.replace("RID", resource["id"]).replace("ID", resource["package_id"])

    answer = site.client.get(filled(path))
    assert answer.status_code in {301, 302}
    assert answer.headers["Location"] == filled(goal)
    assert site.client.get(filled(goal)).status_code == 200
    site.portal.call("package_patch", {"id": "stops", "private": True}, user="lan")
    for hidden in (path, goal):
        assert site.client.get(filled(hidden)).status_code == 404


def test_a_language_before_any_path_is_understood(site):
    for path in (
        "/vi/dataset",
        "/en/dataset",
        "/vi/dataset/bus",
        "/dataset/",
        "/en/dataset/",
        "/organization/",
        "/vi/group/",
    ):
        assert site.client.get(path).status_code == 200, path
    for prefix in ("/vi", "/en"):
        assert site.client.get(f"{prefix}/api/3/action/package_list").json["result"] == ["bus"]
        posted = site.client.post(f"{prefix}/api/action/package_show", json={"id": "bus"})
        assert posted.status_code == 200, posted.text
        assert posted.json["result"]["title"] == "Xe buýt"
    assert site.client.get("/en/nowhere").status_code == 404
    assert 'lang="en"' in site.client.get("/en/dataset/bus").get_data(as_text=True)


def test_people_are_shown_to_those_who_may_see_them(site):
    assert site.client.get("/user/lan").status_code == 404
    signed_in = site.page_of("binh")
    assert "lan" in signed_in.get("/user/lan").get_data(as_text=True)
    assert signed_in.get("/user/nobody").status_code == 404
