"""A person's own account: tokens shown once, passwords by letter and by hand."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from email import message_from_bytes, policy
from html import unescape

import pytest
from samples.sample_city import NOW, PASSWORD, City

from catalogue.actions.accounts import user_invite, user_patch
from catalogue.model import ApiToken
from catalogue.people.accounts import find_user
from catalogue.people.tokens import find_token

NEW = "một câu dài dễ nhớ"
TODAY = NOW.replace(tzinfo=None)


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    city = City(tmp_path_factory.mktemp("accounts"))
    city.add_user("steward", roles={"tong-dai-1022": "editor"})
    city.add_user("other")
    yield city
    city.search.close()
    city.store.close()


@pytest.fixture(scope="module")
def app(city):
    return city.app()


@pytest.fixture
def visitor(app):
    return app.test_client()


def token_of(client, path):
    found = re.search(r'name="form_token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found
    return found[1]


def post(client, path, *, seen_on="/", **form):
    return client.post(path, data={"form_token": token_of(client, seen_on), **form})


def enter(client, name="steward", password=PASSWORD):
    return post(client, "/user/login", seen_on="/user/login", name=name, password=password)


def text_of(answer):
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def letter_path(city):
    """Return the path and query in the newest letter, after waiting for those being written."""
    for thread in threading.enumerate():
        if thread.name == "reset":
            thread.join(timeout=30)
    newest = max((city.home / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    found = re.search(r"http://portal\.test(/user/password\?key=\S+)", _text(newest))
    assert found
    return found[1]


def _text(path):
    return message_from_bytes(path.read_bytes(), policy=policy.default).get_content()


def letters(city):
    for thread in threading.enumerate():
        if thread.name == "reset":
            thread.join(timeout=30)
    return len(list((city.home / "outbox").glob("*.eml")))


@pytest.mark.parametrize("path", ["/account", "/en/account"])
def test_a_visitor_is_asked_to_sign_in_first(visitor, path):
    answer = visitor.get(path)
    assert answer.status_code == 302
    assert f"/user/login?next={path}" in answer.headers["Location"]


def test_a_token_is_shown_once_works_and_can_be_ended(city, visitor):
    enter(visitor)
    made = post(visitor, "/account/tokens", label="Báo cáo tuần", scope="read", expires="90")
    text = re.search(r"phusa_[\w-]+", made.get_data(as_text=True))[0]
    assert made.headers["Cache-Control"] == "private, no-store"
    with city.store.read() as session:
        row = find_token(session, text, TODAY)
        assert (row.user.name, row.name, row.scope) == ("steward", "Báo cáo tuần", "read")
        assert row.expires_at == TODAY + timedelta(days=90)
        token_id = row.id
    page = visitor.get("/account").get_data(as_text=True)
    assert "Báo cáo tuần" in page
    assert text not in page
    assert post(visitor, f"/account/tokens/{token_id}/end").status_code == 303
    assert "Báo cáo tuần" not in text_of(visitor.get("/account"))
    with city.store.read() as session:
        assert find_token(session, text, TODAY) is None


@pytest.mark.parametrize(
    "form",
    [
        {"label": "", "scope": "read", "expires": "90"},
        {"label": "x" * 81, "scope": "read", "expires": "90"},
        {"label": "x", "scope": "read", "expires": "10000"},
        {"label": "x", "scope": "read"},
    ],
)
def test_a_token_without_a_purpose_or_an_end_is_not_made(city, visitor, form):
    enter(visitor)
    answer = post(visitor, "/account/tokens", **form)
    assert answer.status_code == 409
    assert "Hãy viết khoá dùng cho việc gì" in text_of(answer)
    with city.store.read() as session:
        assert session.query(ApiToken).count() == 0


def test_a_token_may_do_all_only_when_that_was_chosen(city, visitor):
    enter(visitor)
    for scope, stored in (("all", "all"), ("", "read"), ("everything", "read")):
        page = post(visitor, "/account/tokens", label="x", scope=scope, expires="never").get_data(as_text=True)
        with city.store.write() as session:
            row = find_token(session, re.search(r"phusa_[\w-]+", page)[0], TODAY)
            assert (row.scope, row.expires_at) == (stored, None)
            session.delete(row)


def test_tokens_of_others_are_neither_seen_nor_ended(city, app):
    own, others = app.test_client(), app.test_client()
    enter(own)
    post(own, "/account/tokens", label="harvest", scope="all", expires="30")
    with city.store.read() as session:
        token_id = session.query(ApiToken).one().id
    enter(others, "other")
    assert "harvest" not in text_of(others.get("/account"))
    assert post(others, f"/account/tokens/{token_id}/end").status_code == 404
    assert "harvest" in text_of(own.get("/account"))
    post(own, f"/account/tokens/{token_id}/end")


def test_a_visitor_can_make_no_token(visitor):
    answer = post(visitor, "/account/tokens", seen_on="/user/login", label="x", scope="all", expires="30")
    assert answer.status_code == 403


def test_a_new_password_needs_the_old_one_and_signs_other_browsers_out(city, app):
    city.add_user("changing")
    here, there = app.test_client(), app.test_client()
    enter(here, "changing")
    enter(there, "changing")
    for current, new, again, status in (
        ("wrong-password", NEW, NEW, 403),
        (PASSWORD, NEW, "another one", 409),
        (PASSWORD, "short", "short", 409),
    ):
        refused = post(here, "/account/password", current=current, password=new, again=again)
        assert refused.status_code == status
        assert 'role="alert"' in refused.get_data(as_text=True)
    assert post(here, "/account/password", current=PASSWORD, password=NEW, again=NEW).status_code == 303
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 302
    assert enter(there, "changing").status_code == 403
    assert enter(there, "changing", NEW).status_code == 303


@pytest.mark.slow
def test_guessing_the_old_password_locks_like_any_guessing(city, app):
    city.add_user("watched")
    visitor = app.test_client()
    enter(visitor, "watched")
    for _ in range(10):
        assert post(visitor, "/account/password", current="wrong", password=NEW, again=NEW).status_code == 403
    assert post(visitor, "/account/password", current=PASSWORD, password=NEW, again=NEW).status_code == 403


def test_whether_an_account_exists_is_not_told(city, visitor):
    city.act(user_patch, {"id": "other", "email": "other@tphcm.example"})
    before = letters(city)
    answers = {
        re.sub(
            r'value="[^"]+"', "", post(visitor, "/user/reset", seen_on="/user/reset", name=name).get_data(as_text=True)
        )
        for name in ("other", "nobody", "nobody@tphcm.example", "")
    }
    assert len(answers) == 1
    assert letters(city) == before + 1


def test_an_invited_person_chooses_a_password_and_is_in(city, visitor):
    invited = {"email": "moi@tphcm.example", "group_id": "tong-dai-1022", "role": "editor"}
    name = city.act(user_invite, invited)["name"]
    with city.store.write() as session:  # the invitation is dated by the real clock, the pages by the city's
        find_user(session, name).reset_until = TODAY + timedelta(days=7)
    path = letter_path(city)
    for ask in (visitor.head, visitor.get, visitor.get):  # programs that look for viruses open every link; no harm done
        page = ask(path)
        assert page.status_code == 200
    assert name in text_of(page)
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "private, no-store"
    key = path.partition("key=")[2]
    refused = post(visitor, "/user/password", seen_on=path, key=key, password="short", again="short")
    assert refused.status_code == 409
    assert "ít nhất 8 ký tự" in text_of(refused)
    assert post(visitor, "/user/password", seen_on=path, key=key, password=NEW, again="other one").status_code == 409
    done = post(visitor, "/user/password", seen_on=path, key=key, password=NEW, again=NEW)
    assert done.status_code == 303
    account = visitor.get(done.headers["Location"])
    assert "Mật khẩu đã được đặt" in text_of(account)
    assert "Tổng đài 1022" in text_of(account)
    used = visitor.get(path)
    assert used.status_code == 404
    assert "đã dùng rồi hoặc đã hết hạn" in text_of(used)
    assert post(visitor, "/user/password", key=key, password=PASSWORD, again=PASSWORD).status_code == 404
    assert enter(visitor, name, NEW).status_code == 303


@pytest.mark.parametrize("key", ["", "guessed", "x" * 10_000])
def test_a_guessed_key_opens_nothing(visitor, key):
    assert visitor.get(f"/user/password?key={key}").status_code == 404


def test_a_forgotten_password_is_replaced_by_letter_and_other_browsers_are_out(city, app):
    city.add_user("forgetful")
    city.act(user_patch, {"id": "forgetful", "email": "forgetful@tphcm.example"})
    moment = NOW
    app = city.app(now=lambda: moment)
    open_one, visitor = app.test_client(), app.test_client()
    enter(open_one, "forgetful")
    post(visitor, "/en/user/reset", seen_on="/en/user/reset", name="Forgetful@tphcm.example")
    path = f"/en{letter_path(city)}"
    moment = NOW + timedelta(minutes=61)
    assert visitor.get(path).status_code == 404
    moment = NOW + timedelta(minutes=59)
    key = path.partition("key=")[2]
    done = post(visitor, "/en/user/password", seen_on=path, key=key, password=NEW, again=NEW)
    assert done.headers["Location"] == "/en/account"
    assert open_one.get("/account").status_code == 302
    assert enter(app.test_client(), "forgetful").status_code == 403


def test_search_engines_stay_out(visitor):
    enter(visitor)
    for path in ("/account", "/user/login", "/user/reset", "/user/password"):
        assert 'content="noindex"' in visitor.get(path).get_data(as_text=True)
