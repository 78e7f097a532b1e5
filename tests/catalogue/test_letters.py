"""Letters, invitations and new passwords: through a real mail server, or left in the outbox."""

from __future__ import annotations

import re
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr
from pydantic import ValidationError as SettingsError
from samples.served_catalogue import catalogue_on
from servers.mail import PASSWORD, USER, running_mail_server

from catalogue.actions.accounts import user_invite
from catalogue.actions.context import utc_now
from catalogue.errors import NotAuthorized, NotFound, ValidationError
from catalogue.model import Member
from catalogue.people.account_keys import choose_password, find_user_of_key, send_reset_letter
from catalogue.people.accounts import find_user
from catalogue.settings import MailSection

CITY = "so-gtvt"
NOW = utc_now()


def invite(portal, user="admin", **given):
    params = {"email": "hoa.le@example.vn", "group_id": CITY, "role": "editor"}
    return portal.call("user_invite", {**params, **given}, user=user)


def outbox(portal):
    letters = (portal.settings.home / "outbox").glob("*.eml")
    return sorted(letters, key=lambda path: path.stat().st_mtime_ns)


def wait_for_letters():
    for thread in threading.enumerate():
        if thread.name == "letter":
            thread.join(timeout=30)


def key_of(message):
    found = re.search(r"http://portal\.example/user/password\?key=([\w-]+)", message.get_content())
    assert found
    return found[1]


def read(path):
    return message_from_bytes(path.read_bytes(), policy=policy.default)


@pytest.fixture
def city(catalogue):
    catalogue.add_user("admin")
    catalogue.call("organization_member_create", {"id": CITY, "username": "admin", "role": "admin"}, user="boss")
    return catalogue


@pytest.fixture
def mail_server():
    with running_mail_server() as server:
        yield server


@pytest.fixture
def mailed(tmp_path, mail_server):
    """Return a catalogue whose letters go through a mail server."""
    mail = MailSection(smtp_url=f"smtp://127.0.0.1:{mail_server.port}", sender="portal@tphcm.example")
    with catalogue_on(tmp_path / "mailed", mail=mail) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": CITY, "title": "Sở Giao thông"}, user="boss")
        yield portal
        wait_for_letters()


def test_an_invitation_makes_a_waiting_member_and_leaves_a_letter_for_the_operator(city):
    invited = invite(city)
    assert (invited["name"], invited["state"]) == ("hoa-le", "pending")
    with city.store.read() as session:
        member = session.query(Member).filter_by(user_id=invited["id"]).one()
        assert member.capacity == "editor"
    [path] = outbox(city)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    message = read(path)
    assert message["To"] == "hoa.le@example.vn"
    assert "Sở Giao thông" in message.get_content()
    with city.store.write() as session:
        user = find_user_of_key(session, key_of(message), NOW)
        choose_password(session, user, "hash")
        assert (user.name, user.state) == ("hoa-le", "active")


def test_a_key_is_for_one_use_for_a_while_and_for_accounts_that_are_there(city):
    invited = invite(city)
    key = key_of(read(outbox(city)[0]))
    with city.store.write() as session:
        assert find_user_of_key(session, key, NOW + timedelta(days=6)) is not None
        assert find_user_of_key(session, key, NOW + timedelta(days=8)) is None
        assert find_user_of_key(session, "", NOW) is None
        assert find_user_of_key(session, "guessed", NOW) is None
        user = find_user(session, invited["name"])
        assert key not in (user.reset_sha256, user.password_hash), "only the hash is stored"
        choose_password(session, user, "hash")
        assert find_user_of_key(session, key, NOW) is None
    invite(city, email="other@example.vn")
    city.call("user_delete", {"id": "other"}, user="boss")
    with city.store.write() as session:
        assert find_user_of_key(session, key_of(read(outbox(city)[1])), NOW) is None


def test_only_admins_of_the_organization_invite(city):
    for user in (None, "binh", "lan"):
        with pytest.raises(NotAuthorized):
            invite(city, user=user)
    assert invite(city, user="boss")["state"] == "pending"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"email": None}, {"email"}),
        ({"email": "nobody"}, {"email"}),
        ({"email": "LAN@example.vn"}, {"email"}),
        ({"role": "owner"}, {"role"}),
        ({"role": None}, {"role"}),
        ({"email": "x", "role": "owner"}, {"email", "role"}),
    ],
)
def test_wrong_invitations_are_told_by_field_and_leave_no_letter(city, given, fields):
    with pytest.raises(ValidationError) as refused:
        invite(city, **given)
    assert set(refused.value.error_dict) == fields
    assert outbox(city) == []


def test_an_organization_must_be_there(city):
    with pytest.raises(NotFound):
        invite(city, group_id="none")


def test_who_was_invited_before_gets_a_new_letter_whose_key_replaces_the_old_one(city):
    first, second = invite(city), invite(city, role="admin")
    assert first["id"] == second["id"]
    old, new = (key_of(read(path)) for path in outbox(city))
    with city.store.write() as session:
        assert find_user_of_key(session, old, NOW) is None
        assert find_user_of_key(session, new, NOW).id == first["id"]
        assert session.query(Member).filter_by(user_id=first["id"]).one().capacity == "admin"


def test_a_name_comes_from_the_address_and_is_never_somebody_elses(city):
    names = [invite(city, email=email)["name"] for email in ("lan@x.vn", "lan@y.vn", "a@x.vn", "new@x.vn")]
    assert names == ["lan-2", "lan-3", "user-a", "user-new"]


def test_what_is_rolled_back_leaves_no_letter(city):
    with pytest.raises(RuntimeError), city.store.write() as session:
        context = city.services.context(session, find_user(session, "boss"))
        user_invite(context, {"email": "x@example.vn", "group_id": CITY, "role": "member"})
        assert len(outbox(city)) == 1
        raise RuntimeError
    assert outbox(city) == []


@pytest.mark.slow
def test_a_letter_goes_through_the_mail_server_in_both_languages(mailed, mail_server):
    invite(mailed, user="boss")
    message = mail_server.next_letter()
    assert message["From"] == "portal@tphcm.example"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert "Mở địa chỉ này để chọn mật khẩu" in text
    assert "invites you to look after the data of Sở Giao thông" in text
    assert key_of(message)
    wait_for_letters()
    assert outbox(mailed) == []


@pytest.mark.slow
def test_a_letter_that_is_refused_waits_in_the_outbox(mailed, mail_server):
    mail_server.refuses = True
    assert invite(mailed, user="boss")["state"] == "pending"
    wait_for_letters()
    assert len(outbox(mailed)) == 1


@pytest.mark.slow
def test_a_mail_server_that_is_down_stops_nothing(tmp_path):
    mail = MailSection(smtp_url="smtp://127.0.0.1:9")
    with catalogue_on(tmp_path, mail=mail) as portal:
        portal.add_user("boss", sysadmin=True)
        portal.call("organization_create", {"name": CITY}, user="boss")
        invite(portal, user="boss")
        wait_for_letters()
        assert len(outbox(portal)) == 1


@pytest.mark.slow
def test_passwords_travel_to_the_mail_server_under_a_certificate_that_is_checked(tmp_path, monkeypatch):
    certificate, tls = _certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running_mail_server(tls) as server:
        mail = MailSection(smtp_url=f"smtp+starttls://{USER}@127.0.0.1:{server.port}")
        for password, letters in ((PASSWORD, 1), ("wrong", 0)):
            with catalogue_on(tmp_path / password, mail=mail, mail_password=SecretStr(password)) as portal:
                portal.add_user("boss", sysadmin=True)
                portal.call("organization_create", {"name": CITY}, user="boss")
                invite(portal, user="boss")
                wait_for_letters()
                assert (len(server.letters), len(outbox(portal))) == (letters, 1 - letters)
                server.letters.clear()
        monkeypatch.delenv("SSL_CERT_FILE")
        with catalogue_on(tmp_path / "unknown", mail=mail, mail_password=SecretStr(PASSWORD)) as portal:
            portal.add_user("boss", sysadmin=True)
            portal.call("organization_create", {"name": CITY}, user="boss")
            invite(portal, user="boss")
            wait_for_letters()
            assert (server.letters, len(outbox(portal))) == ([], 1)


def _certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path, key_path = folder / "certificate.pem", folder / "key.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path, key_path)
    return path, tls


def test_a_forgotten_password_gets_a_letter_by_name_or_address_and_not_too_often(city):
    for written in ("nobody", "nobody@example.vn", ""):
        send_reset_letter(city.services, written, NOW)
    assert outbox(city) == []
    send_reset_letter(city.services, "lan", NOW)
    send_reset_letter(city.services, "LAN@example.vn", NOW + timedelta(minutes=1))
    assert len(outbox(city)) == 1
    send_reset_letter(city.services, "LAN@example.vn", NOW + timedelta(minutes=6))
    assert len(outbox(city)) == 2
    with city.store.write() as session:
        key = key_of(read(outbox(city)[-1]))
        assert find_user_of_key(session, key, NOW + timedelta(minutes=65)).name == "lan"
        assert find_user_of_key(session, key, NOW + timedelta(minutes=67)) is None


def test_a_new_password_unlocks_and_a_new_address_ends_the_key(city):
    send_reset_letter(city.services, "lan", NOW)
    with city.store.write() as session:
        find_user(session, "lan").locked_until = NOW + timedelta(days=1)
    city.call("user_patch", {"id": "lan", "email": "lan@new.example"}, user="lan")
    with city.store.write() as session:
        assert find_user_of_key(session, key_of(read(outbox(city)[0])), NOW) is None
        user = find_user(session, "lan")
        choose_password(session, user, "hash")
        assert user.locked_until is None


@pytest.mark.parametrize(
    "address",
    ["mail.example", "http://mail.example", "smtps://", "smtps://user:secret@mail.example", "smtp://user@mail.example"],
)
def test_a_setting_that_would_not_work_or_would_leak_is_refused(address):
    with pytest.raises(SettingsError) as refused:
        MailSection(smtp_url=address)
    assert "smtp" in str(refused.value) or "password" in str(refused.value)
