"""The OpenAPI description: it knows every action, a validator accepts it, and a program that attacks by it finds no fault."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from flask import Flask
from openapi_spec_validator import OpenAPIV31SpecValidator
from samples.portal_on_disk import SamplePortal, open_portal
from werkzeug.serving import make_server

from catalogue.actions.parameter_table import KINDS, parameter_table
from catalogue.actions.registry import ACTIONS
from catalogue.tongues.described import Portal
from catalogue.web.action_api import action_api_blueprint
from catalogue.web.open_formats import open_formats_blueprint
from catalogue.web.openapi import openapi_document

PORTAL = Portal(url="https://data.example.vn", title="Dữ liệu mở")
DOCUMENT = openapi_document(PORTAL)


def test_every_action_is_in_the_table() -> None:
    missing = sorted(set(ACTIONS) - set(parameter_table()))
    assert missing == [], "add a line to catalogue/actions/parameter_table.yaml"


def test_the_table_tells_of_no_action_that_is_not_there() -> None:
    assert sorted(set(parameter_table()) - set(ACTIONS)) == []


def test_results_are_kinds_or_schemas() -> None:
    known = set(KINDS) | set(DOCUMENT["components"]["schemas"])
    assert {name: told.result for name, told in parameter_table().items() if told.result not in known} == {}


def test_every_action_says_what_it_does() -> None:
    for name in ACTIONS:
        for operation in DOCUMENT["paths"][f"/api/3/action/{name}"].values():
            assert len(operation["summary"]) > 10, name


def test_reading_actions_have_get_and_writing_ones_have_not() -> None:
    for name, action in ACTIONS.items():
        item = DOCUMENT["paths"][f"/api/3/action/{name}"]
        assert set(item) == ({"get", "post"} if action.reads else {"post"})
        assert ({} in item["post"]["security"]) is action.reads


@pytest.mark.slow
def test_a_validator_of_the_standard_accepts_it() -> None:
    errors = list(OpenAPIV31SpecValidator(json.loads(json.dumps(DOCUMENT))).iter_errors())
    assert errors == []


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len(names) == len(set(names))


# ---- attacked by its own description -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A seeded catalogue with all its addresses behind HTTP."""
    portal = seeded(open_portal(tmp_path_factory.mktemp("portal")))
    app = Flask("test")
    app.register_blueprint(action_api_blueprint(portal.services))
    app.register_blueprint(open_formats_blueprint(portal.services))
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    portal.search.close()
    portal.store.close()


def seeded(portal: SamplePortal) -> SamplePortal:
    portal.add_group("so-gtvt", "Sở Giao thông")
    portal.add_group("do-thi", "Đô thị", is_organization=False)
    portal.add_dataset("mot", title="Một", organization="so-gtvt", groups=["do-thi"], tags=["nhãn"])
    portal.add_dataset("rieng", title="Riêng", organization="so-gtvt", private=True)
    portal.publish("mot", "2026-11-22.1")
    return portal


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # the program and what it builds on warn of their own ways
def test_a_program_that_attacks_by_the_description_finds_no_fault(url: str) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    from hypothesis.errors import Unsatisfiable
    from schemathesis.core.failures import FailureGroup

    schema = schemathesis.openapi.from_dict(with_examples(url))
    calls: list[tuple[str, int]] = []
    faults: dict[str, str] = {}
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                attack(operation, operation.as_strategy(generation_mode=mode), url, calls)
            except Unsatisfiable:
                continue  # an operation without parameters can be called in no wrong way
            except FailureGroup as group:
                faults[operation.label] = "\n".join(str(one) for one in group.exceptions)
    assert faults == {}, "\n\n".join(f"{label}: {text}" for label, text in faults.items())
    assert len(calls) > 2 * len(ACTIONS)
    assert {status for _, status in calls} >= {200, 403, 404, 409}


def with_examples(url: str) -> dict[str, Any]:
    """Return the description with names that the portal knows, so that some of the calls find something."""
    told: dict[str, Any] = requests.get(f"{url}/api/3/openapi.json", timeout=30).json()
    package = requests.get(f"{url}/api/3/action/package_show?id=mot", timeout=30).json()["result"]
    known = {"id": ["mot", "so-gtvt", "do-thi", "rieng"], "resource_id": [package["resources"][0]["id"]]}
    operations = [operation for item in told["paths"].values() for operation in item.values()]
    parameters = [one for operation in operations for one in operation.get("parameters", [])]
    for parameter in [*parameters, *told["components"]["parameters"].values()]:
        if parameter.get("name") in known:
            parameter["schema"] = {"anyOf": [{"enum": known[parameter["name"]]}, parameter["schema"]]}
    return told


def attack(operation: Any, strategy: Any, url: str, calls: list[tuple[str, int]]) -> None:
    """Call one operation a few times."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import checks

    wanted = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]

    @settings(
        max_examples=2,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def call(case: Any) -> None:
        response = case.call(base_url=url, timeout=30)
        calls.append((operation.label, response.status_code))
        case.validate_response(response, checks=wanted)

    call()
