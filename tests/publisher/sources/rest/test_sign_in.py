"""Signing in: keys in the query, and tokens that are fetched once, renewed in time, and never told."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from pydantic import ValidationError
from samples.source_reader import Read
from servers.http import HttpServer, Reply, Request, running_http

from publisher.errors import SourceError
from publisher.secrets import Secrets
from publisher.sources.rest.client import RestClient
from publisher.sources.rest.spec import RestSource

SECRET = "hidden secret/+"
BASIC = "Basic bWU6aGlkZGVuJTIwc2VjcmV0JTJGJTJC"  # me:hidden%20secret%2F%2B


def rest(server: HttpServer, *, body: bool = False, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
    auth = {"kind": "oauth2", "token_url": "env:TOKENS", "client_id": "me", "client_secret": "env:SECRET", "scope": "read",
            "client_authentication": "body" if body else "basic"}  # fmt: skip
    spec = {"kind": "rest", "url": "env:SERVICE", "auth": auth, "requests_per_second": 10_000, "retries": 0, **more}
    return spec, {"SERVICE": f"{server.url}/rows", "TOKENS": f"{server.url}/token", "SECRET": SECRET}


def with_tokens(server: HttpServer, *, lifetime: int = 3600, refused: tuple[int, ...] = ()) -> None:
    """Hand out token1, token2…; rows are given for the newest token, unless its number is refused."""
    numbers = count(1)
    newest = ""

    def token(_: Request) -> Reply:
        nonlocal newest
        newest = f"token{next(numbers)}"
        return Reply({"access_token": newest, "token_type": "Bearer", "expires_in": lifetime})

    def rows(request: Request) -> Reply:
        good = request.headers.get("authorization") == f"Bearer {newest}" and int(newest[5:]) not in refused
        return Reply([{"id": 1}]) if good else Reply({}, 401)

    server.routes |= {"/token": token, "/rows": rows}


@pytest.mark.parametrize("body", [False, True])
def test_a_token_is_fetched_with_the_client_s_name_and_secret(read: Read, http_server: HttpServer, body: bool) -> None:
    with_tokens(http_server)
    spec, secrets = rest(http_server, body=body)
    assert len(read(spec, "id", secrets=secrets)) == 1
    asked = http_server.requests[0]
    assert asked.method == "POST"
    assert asked.body.decode().startswith("grant_type=client_credentials&scope=read")
    assert (b"client_secret=hidden+secret%2F%2B" in asked.body) is body
    assert asked.headers.get("authorization") == (None if body else BASIC)


def test_one_token_serves_many_pages_and_is_renewed_before_it_expires(http_server: HttpServer) -> None:
    with_tokens(http_server, lifetime=100)
    spec, secrets = rest(http_server)
    now = 0.0
    with RestClient(
        RestSource.model_validate(spec), Secrets(secrets), clock=lambda: now, sleep=lambda _: None
    ) as client:
        for moment, tokens in ((0.0, 1), (60.0, 1), (75.0, 2), (140.0, 2)):
            now = moment
            answer = client.get("", {})
            assert answer.body is not None
            answer.body.close()
            assert sum(request.path == "/token" for request in http_server.requests) == tokens


def test_a_refused_token_is_renewed_once(read: Read, http_server: HttpServer) -> None:
    with_tokens(http_server, refused=(1,))
    spec, secrets = rest(http_server)
    assert len(read(spec, "id", secrets=secrets)) == 1
    http_server.requests.clear()
    with_tokens(http_server, refused=(1, 2, 3))
    with pytest.raises(SourceError, match="refused the sign-in"):
        read(spec, "id", secrets=secrets)
    assert [request.path for request in http_server.requests] == ["/token", "/rows", "/token", "/rows"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"error": "invalid_client", "echo": SECRET}, 401), "refused us (401)"),
        (Reply({"access_token": "x", "token_type": "mac"}), "sent no bearer token"),
        (Reply({"access_token": "x\r\nInjected: 1", "token_type": "bearer"}), "sent no bearer token"),
        (Reply(b"<html>"), "sent no bearer token"),
        (Reply(b" " * 2_000_000), "far more than a token"),
        (Reply({}, 503), "does not answer"),
        (Reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), "refused us (302)"),
    ],
)
def test_a_token_endpoint_that_fails_is_named_and_no_secret_told(
    read: Read, http_server: HttpServer, reply: Reply, message: str
) -> None:
    http_server.routes["/token"] = lambda _: reply
    spec, secrets = rest(http_server)
    with pytest.raises(SourceError) as raised:
        read(spec, "id", secrets=secrets)
    assert message in raised.value.message
    assert SECRET not in str(raised.value)


def test_a_key_may_go_in_the_query_with_what_the_address_has(read: Read, http_server: HttpServer) -> None:
    with running_http() as server:
        server.routes["/rows"] = lambda request: Reply(
            [{"id": 1}] if request.query == {"key": "k&=ệ", "a": "1", "b": ""} else []
        )
        got = read(
            {"kind": "rest", "url": "env:SERVICE", "auth": {"kind": "api_key", "parameter": "key", "key": "env:KEY"}},
            "id", secrets={"SERVICE": f"{server.url}/rows?a=1&b=&key=old", "KEY": "k&=ệ"},
        )  # fmt: skip
        assert len(got) == 1


def test_a_key_goes_one_way() -> None:
    for auth in ({}, {"header": "X", "parameter": "y"}):
        with pytest.raises(ValidationError, match="either `header` or `parameter`"):
            RestSource.model_validate(
                {"kind": "rest", "url": "env:A", "auth": {"kind": "api_key", "key": "env:K", **auth}}
            )
