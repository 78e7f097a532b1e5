"""Every action and every other address under hostile requests: refused by the contract, never a failure or a leak.

The requests come from a seed: a fault that is found here is found again. What a test prints repeats it.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from samples.hostile import Call, Caller, address
from samples.portal_on_disk import SamplePortal, id_of
from samples.served_catalogue import ServedCatalogue

from catalogue.actions.context import utc_now
from catalogue.actions.parameter_table import parameter_table
from catalogue.actions.registry import ACTIONS
from catalogue.errors import CatalogueError
from catalogue.model import Group, Resource, User
from catalogue.people.browser_sessions import open_browser_session
from cityportal.server import Portal
from cityportal.settings import read_settings

pytestmark = pytest.mark.slow

SEED = 20261122
CALLS_PER_ACTION = 8
REQUESTS_PER_ADDRESS = 3
HTML_ANSWERS = {404, 405, 413, 414, 415, 431}  # what the server refuses before it is a call
ERROR_STATUS = {
    None: 200,
    "Validation Error": 409,
    "Not Found Error": 404,
    "Authorization Error": 403,
    "Integrity Error": 400,
    "Search Query Error": 400,
    "Search Error": 409,
}
RELEASE = "2026-11-22.1"
ORGANIZATIONS = ("org-a", "org-b")
NAMES = [
    "bus",
    "r1",
    "theme",
    "modes",
    "lan",
    "binh",
    "xe",
    RELEASE,
    "wards.csv.gz",
    "den-do",
    "package_show",
    *ORGANIZATIONS,
]


def hidden_dataset(organization: str) -> dict[str, Any]:
    """Return a private dataset of which every word is found again; only id, name and file are ever sent."""
    mark = f"zq{organization[-1]}"
    return {
        "id": f"{mark}idzq",
        "name": f"{mark}namezq",
        "title": f"{mark}titlezq",
        "notes": f"{mark}noteszq",
        "private": True,
        "owner_org": organization,
        "tags": [{"name": f"{mark}tagzq"}],
        "groups": [{"name": "theme"}],
        "extras": [{"key": f"{mark}keyzq", "value": f"{mark}valuezq"}],
        "resources": [
            {
                "id": f"{mark}filezq",
                "name": f"{mark}labelzq",
                "format": f"{mark}formatzq",
                "url": f"http://x.vn/{mark}urlzq",
            }
        ],
    }


WORDS_OF_MARKS = ("id", "name", "title", "notes", "tag", "key", "value", "file", "label", "format", "url")
MARKS = {one: [f"zq{one[-1]}{word}zq" for word in WORDS_OF_MARKS] for one in ORGANIZATIONS}
HIDDEN_NAMES = [f"zq{one[-1]}{word}zq" for one in ORGANIZATIONS for word in ("id", "name", "file")]
EVERY_MARK = [mark for marks in MARKS.values() for mark in marks]
HIDDEN_FROM = {"anonymous": EVERY_MARK, "binh": EVERY_MARK, "lan": MARKS["org-b"], "boss": []}


class World:
    """A portal with a released dataset, one with pushed rows, a hidden one per organization, and people who call."""

    def __init__(self, home: Path) -> None:
        settings = read_settings(home=home, site_url="http://portal.example", publisher={"definitions": home / "none"})
        self.portal = Portal(settings, parts=frozenset({"public", "workspace"}), environment={})
        self.services = self.portal.catalogue
        opened = self.services
        self.catalogue = ServedCatalogue(opened.settings, opened.store, opened.search, opened.files)
        people = ("root", "boss", "lan", "binh")
        self.tokens = {one: self.catalogue.add_user(one, sysadmin=one in {"root", "boss"}) for one in people}
        self.restore()
        for organization in ORGANIZATIONS:
            self.act("package_create", hidden_dataset(organization))
        self.act("package_create", {"id": id_of("den-do"), "name": "den-do", "title": "Đèn đỏ", "owner_org": "org-a"})
        SamplePortal(home, opened.settings, opened.store, opened.files, opened.search).publish("den-do", RELEASE)
        self.names = ["zq", *NAMES, self.act("package_show", {"id": "bus"})["id"], id_of("den-do/wards")]

    def act(self, name: str, params: dict[str, Any]) -> Any:
        return self.catalogue.call(name, params, user="root")

    def restore(self) -> None:
        """Bring back what the calls need; what is there stays."""
        with self.services.store.read() as session:
            groups = session.query(Group).filter(Group.name.in_((*ORGANIZATIONS, "theme")), Group.state == "active")
            resource = session.get(Resource, "r1")
            if groups.count() == 3 and resource is not None and resource.state == "active":
                return
        for name, params in (
            *(("organization_create", {"name": one}) for one in ORGANIZATIONS),
            ("organization_member_create", {"id": "org-a", "username": "lan", "role": "editor"}),
            ("group_create", {"name": "theme"}),
            ("vocabulary_create", {"name": "modes", "tags": [{"name": "xe"}]}),
            ("dataset_purge", {"id": "bus"}),
            ("package_create", {"name": "bus", "owner_org": "org-a", "tags": [{"name": "xe"}]}),
            ("resource_create", {"package_id": "bus", "id": "r1", "url": "http://x.vn/bus.csv"}),
            ("datastore_create", {"resource_id": "r1", "records": [{"a": "1"}, {"a": "Huế"}], "force": True}),
        ):
            with suppress(CatalogueError):
                self.act(name, params)

    def client(self, person: str = "anonymous") -> FlaskClient:
        """Return a browser in which this person is signed in."""
        assert self.portal.flask is not None
        client = self.portal.flask.test_client()
        if person != "anonymous":
            with self.services.store.write() as session:
                user = session.query(User).filter_by(name=person).one()
                key = open_browser_session(session, user, utc_now())
            with client.session_transaction() as cookie:
                cookie["key"], cookie["form_token"] = key, "token"
        return client


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.portal.close()


class Watch(logging.Handler):
    """Keeps what is logged as an error, or with an exception."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.statuses: set[int] = set()

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            trace = traceback.format_exception(*record.exc_info)[-7:] if record.exc_info else []
            self.seen.append(f"{record.getMessage()} {''.join(trace)}"[-1500:])


@pytest.fixture
def watch() -> Iterator[Watch]:
    handler = Watch()
    logging.getLogger().addHandler(handler)
    yield handler
    logging.getLogger().removeHandler(handler)


def send(client: FlaskClient, call: Call, hidden: list[str], watch: Watch, *, is_action: bool) -> str:
    """Send a request and return what is wrong with the answer, empty when nothing is."""
    watch.seen.clear()
    response = client.open(call.path, **call.options())
    watch.statuses.add(response.status_code)
    data = response.get_data()
    if response.status_code >= 500 or watch.seen:
        return f"{response.status_code} {' '.join(watch.seen)}"
    shown = [mark for mark in hidden if mark.encode() in data]
    told = [mark for mark in shown if mark not in call.sent]
    if told:
        return f"shows {told}: {data[:300]!r}"
    return envelope_fault(call, response) if is_action else ""


def envelope_fault(call: Call, response: Any) -> str:
    """Return what of an action's answer the contract does not know."""
    status, kind = response.status_code, response.headers.get("Content-Type", "")
    if kind.startswith("text/html") or status == 304:
        return "" if status in {*HTML_ANSWERS, 304} else f"HTML with {status}"
    try:
        text = response.get_data().decode()
        if kind.startswith("application/javascript"):
            text = re.fullmatch(r"[\w.$\[\]]+\((.*)\);", text, re.DOTALL)[1]
        answer = json.loads(text, parse_constant=pytest.fail)
    except (ValueError, TypeError) as error:
        return f"no JSON: {error}"
    if isinstance(answer, str):
        return "" if status == 400 and answer.startswith("Bad request") else f"a bare text with {status}"
    is_good = status == 200
    help_ = f"http://portal.example/api/3/action/help_show?name={call.path.rpartition('/')[2]}"
    if set(answer) != {"help", "success", "result" if is_good else "error"} or answer["success"] is not is_good:
        return f"no envelope: {text[:200]}"
    named = None if is_good else answer["error"].get("__type")
    return "" if ERROR_STATUS.get(named) == status and answer["help"] == help_ else f"{named} with {status}"


def shrunk(client: FlaskClient, call: Call, attempt: Any) -> Call:
    """Return the call with as few parameters as still show a fault."""
    for name in list(call.params):
        smaller = call.without(name)
        if attempt(client, smaller):
            call = smaller
    return call


@pytest.mark.parametrize("caller", list(HIDDEN_FROM))
def test_no_call_of_an_action_breaks_it_or_shows_what_is_hidden(world: World, watch: Watch, caller: str) -> None:
    client, token = world.client(), world.tokens.get(caller)
    names = [name for name in world.names if name != caller]
    sender = Caller(names, HIDDEN_NAMES, Random(f"{SEED} {caller}"))

    def attempt(client: FlaskClient, call: Call) -> str:
        headers = call.headers | {"Authorization": token} if token else call.headers
        return send(client, replace(call, headers=headers), HIDDEN_FROM[caller], watch, is_action=True)

    faults = []
    for action in ACTIONS:
        world.restore()
        made = sender.calls(action, parameter_table()[action].parameters, many=CALLS_PER_ACTION)
        faulty = [(call, fault) for call in made if (fault := attempt(client, call))]
        faults += [f"{caller}: {shrunk(client, call, attempt)}\n    {fault}" for call, fault in faulty]
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:20])
    assert watch.statuses >= {200, 400, 404, 409}


@pytest.mark.parametrize("visitor", ["anonymous", "binh", "boss"])
def test_no_request_to_any_other_address_breaks_it_or_shows_what_is_hidden(
    world: World, watch: Watch, visitor: str
) -> None:
    chance = Random(f"{SEED} {visitor}")
    client = world.client(visitor)
    assert world.portal.flask is not None
    faults = []
    for rule in world.portal.flask.url_map.iter_rules():
        if "action_0" in rule.endpoint or "logout" in rule.endpoint or "everywhere" in rule.endpoint:
            continue
        for method in sorted((rule.methods or set()) - {"OPTIONS"}) * REQUESTS_PER_ADDRESS:
            call = address(rule.rule, [*world.names, *HIDDEN_NAMES], chance, method=method)
            if fault := send(client, call, HIDDEN_FROM[visitor], watch, is_action=False):
                faults.append(f"{visitor}: {call}\n    {fault}")
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:20])
    assert watch.statuses >= {200, 404}


def test_the_marks_are_there_for_who_may_see_them(world: World) -> None:
    """Without this the tests above could pass because nothing is hidden at all."""
    answer = world.client().get(
        "/api/3/action/package_search?include_private=true", headers={"Authorization": world.tokens["boss"]}
    )
    assert [mark for mark in EVERY_MARK if mark not in answer.text] == []
