"""The guard in front of every server: by Host, Origin, cookie and token."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from tamis.interfaces.server.security import Door, Guard, new_token

DOOR = Door("secret-token", 8090, public=frozenset({"/healthz"}))
HOME = "http://127.0.0.1:8090"


def client(door: Door = DOOR, base: str = HOME) -> TestClient:
    async def said(_request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    routes = [Route(path, said, methods=["GET", "POST"]) for path in ("/", "/healthz")]
    app = Guard(Starlette(routes=routes), door)
    return TestClient(app, base, follow_redirects=False, headers={"user-agent": "test"})


def let_in(door: Door = DOOR, base: str = HOME) -> TestClient:
    visitor = client(door, base)
    assert visitor.get("/", params={"token": door.token}).status_code == 303
    return visitor


def test_the_token_is_exchanged_for_a_cookie_and_leaves_the_address() -> None:
    visitor = client()
    answer = visitor.get("/?token=secret-token&where=label+%3D+1")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/?where=label+%3D+1"
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("tamis-8090=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "secret-token" not in cookie
    assert visitor.get("/").text == "inside"


@pytest.mark.parametrize("query", ["", "?token=", "?token=other", "?token=%F0%9F%8D%92"])
def test_without_the_token_nobody_comes_in(query: str) -> None:
    assert client().get("/" + query).status_code == 403


def test_the_token_counts_on_the_first_page_only() -> None:
    assert client().get("/healthz/x?token=secret-token").status_code == 403
    assert client().post("/?token=secret-token", headers={"origin": HOME}).status_code == 403


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8090",
        "127.0.0.1:9999",
        "127.0.0.1",
        "127.0.0.1.evil.example:8090",
        "",
        ":8090",
    ],
)
def test_another_host_is_refused_even_with_the_cookie(host: str) -> None:
    assert let_in().get("/", headers={"host": host}).status_code == 403
    assert client().get("/healthz", headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["localhost:8090", "LOCALHOST:8090", "[::1]:8090"])
def test_this_machine_has_several_names(host: str) -> None:
    assert let_in().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "null", "https://127.0.0.1:8090", "http://127.0.0.1:8091", "http://["],
)
def test_another_origin_is_refused_for_reads_and_writes(origin: str) -> None:
    visitor = let_in()
    for answer in (
        visitor.get("/", headers={"origin": origin}),
        visitor.post("/", headers={"origin": origin}),
        visitor.get("/healthz", headers={"origin": origin}),
    ):
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_write_by_cookie_needs_an_origin() -> None:
    visitor = let_in()
    assert visitor.post("/").status_code == 403
    assert visitor.post("/", headers={"origin": HOME}).status_code == 200


def test_a_program_gives_the_token_as_bearer() -> None:
    bearer = {"authorization": "Bearer secret-token"}
    assert client().post("/", headers=bearer).status_code == 200
    assert client().post("/", headers={"authorization": "Bearer x"}).status_code == 403
    foreign = {**bearer, "origin": "http://evil.example"}
    assert client().post("/", headers=foreign).status_code == 403


def test_public_paths_need_no_token() -> None:
    assert client().get("/healthz").text == "inside"


def test_a_cookie_of_another_port_or_start_is_none() -> None:
    visitor = let_in()
    pass_ = visitor.cookies["tamis-8090"]
    other = client(Door("secret-token", 8091), "http://127.0.0.1:8091")
    assert other.get("/", headers={"cookie": f"tamis-8090={pass_}"}).status_code == 403
    later = client(Door(new_token(), 8090))
    assert later.get("/", headers={"cookie": f"tamis-8090={pass_}"}).status_code == 403


def test_every_answer_says_what_a_browser_may_do() -> None:
    for answer in (client().get("/"), let_in().get("/")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_a_server_for_all_addresses_answers_to_numbers_not_to_foreign_names() -> None:
    door = Door("secret-token", 8090, host="0.0.0.0")
    visitor = let_in(door, "http://192.168.1.20:8090")
    assert visitor.get("/", headers={"host": "192.168.1.21:8090"}).status_code == 200
    assert visitor.get("/", headers={"host": "evil.example:8090"}).status_code == 403
    assert door.address == "http://127.0.0.1:8090/?token=secret-token"
    assert Door("t", 1).answers_to("192.168.1.20:1") is False
