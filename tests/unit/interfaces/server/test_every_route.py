"""Every route, mount and verb: refused to strangers, answered to the page."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.routing import Mount

from served_dataset import sample_id
from tamis.interfaces.server.app import make_app, make_routes
from tamis.interfaces.server.security import Door
from tamis.interfaces.server.segmenter import Segmenter
from tamis.interfaces.server.served import SERVED, served_fields
from tamis.verbs.registry import request_class

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tamis.interfaces.server.session import Session

BODIES: dict[str, Any] = {
    "/api/questions": {},
    "/api/facets": {},
    "/api/exports": {"format": "csv"},
    "/api/comparisons": {"a": {"filters": [{"column": "split", "values": ["val"]}]}},
    "/api/saved": {"name": "mine", "question": {}},
    "/api/verbs/{verb}": {},
    "/api/pictures/{id}/segments": {"points": [[5, 5.5, 1]]},
}


def requests_of(session: Session, page: TestClient) -> list[tuple[str, str, Any]]:
    """One request for each route that the description names and for each file of the mount."""
    session.segmenter = Segmenter("flood_segmenter:segment")
    with session.workspace.store.operation("made") as op:
        op.set_marks([sample_id(3)], {"selected": [True]})
    answer = page.post("/api/questions", json={}).json()["answer"]
    chosen = page.post("/api/selections", json={"answer": answer}).json()["name"]
    job = session.jobs.start("cluster", lambda _feedback: {})
    made = page.post("/api/exports", json={"format": "csv"}).json()["number"]
    assert session.jobs.of(made).over.wait(60)
    values = {
        "{answer}": answer,
        "{id}": sample_id(0),
        "{name}": chosen,
        "{verb}": "info",
        "{number}": str(job.number),
    }
    found: list[tuple[str, str, Any]] = []
    for route in make_routes(session):
        path = route.path
        if path.startswith("/api/exports/"):
            path = f"/api/exports/{made}"
        if path.endswith(("/answers", "/heat")):
            continue  # need a question, and a model
        path = path.replace("/api/saved/{name}", "/api/saved/mine")
        path = path.replace("{row}", "0").replace("{queue}", "propagated")
        for name, value in values.items():
            path = path.replace(name, value)
        body = {"answer": answer} if route.path == "/api/present" else BODIES.get(route.path)
        if route.path == "/api/selections":
            body = {"answer": answer}
        for method in sorted(route.methods - {"HEAD"}):
            found.append((method, path, body))
    [chosen] = page.get("/api/queues/picks").json()["items"]
    found.append(("POST", "/api/queues/picks/answers", {"key": chosen["key"], "answer": "take"}))
    found.append(("GET", f"/api/thumbnails?ids={sample_id(0)},{sample_id(1)}", None))
    # what forgets comes last
    found.sort(key=lambda one: one[0] == "DELETE")
    return [*found, ("GET", "/assets/page.js", None), ("GET", "/assets/page.css", None)]


def ask(client: TestClient, method: str, path: str, body: Any, **headers: str) -> Any:
    if path == "/api/examples":
        from served_dataset import picture

        content = {"content": picture(1, (64, 64))}
        headers["content-type"] = "application/octet-stream"
    else:
        content = {"json": body} if method == "POST" else {}
    return client.request(method, path, headers=headers, **content)


def test_every_route_is_refused_to_strangers_and_answered_to_the_page(
    session: Session, page: TestClient, stranger: TestClient
) -> None:
    asked = requests_of(session, page)
    assert len(asked) > 20
    for method, path, body in asked:
        refused = {
            "no cookie": ask(stranger, method, path, body, origin="http://127.0.0.1:8090"),
            "foreign host": ask(page, method, path, body, host="evil.example:8090"),
            "foreign origin": ask(page, method, path, body, origin="http://evil.example"),
        }
        for why, answer in refused.items():
            assert answer.status_code == 403, (why, method, path)
            assert not [name for name in answer.headers if name.startswith("access-control")]
        answer = ask(page, method, path, body)
        assert answer.status_code in {200, 202}, (method, path, answer.text)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_description_names_every_route_and_every_verb(
    session: Session, page: TestClient
) -> None:
    described = page.get("/openapi.json").json()["paths"]
    for route in make_routes(session):
        if route.path != "/api/verbs/{verb}":
            assert route.path in described
    for verb in SERVED:
        assert f"/api/verbs/{verb.replace(' ', '%20')}" in described
    operations = [one for path in described.values() for one in path.values()]
    assert all(one["summary"] for one in operations)


def test_there_is_one_mount_and_it_is_behind_the_guard(session: Session) -> None:
    guard: Any = make_app(session, Door("t", 1))
    mounts = [route for route in guard._app.routes if isinstance(route, Mount)]
    assert [mount.path for mount in mounts] == ["/assets"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/../app.py",
        "/assets/%2e%2e/app.py",
        "/assets/..%2f..%2fsecurity.py",
        "/assets//etc/passwd",
        "/etc/passwd",
        "/api/pictures/..%2f..%2fetc%2fpasswd/original",
        "/api/pictures/%2fetc%2fpasswd/original",
        "/api/pictures/%2fetc%2fpasswd/thumbnail",
        "/api/pictures/' OR 1=1/thumbnail",
        "/api/thumbnails?ids=/etc/passwd",
        "/api/exports/../../etc/passwd",
        "/api/answers/..%2f..%2fetc/rows",
    ],
)
def test_a_path_reaches_no_file(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code in {400, 404, 405}
    assert "root:" not in answer.text


@pytest.mark.parametrize(
    ("verb", "request_", "named"),
    [
        ("search", {"like": ["/etc/passwd"]}, "no sample id"),
        ("search", {"like": ["README"]}, "no sample id"),
        ("search", {"texts": ["x"], "unlike": "/etc/passwd"}, "no sample id"),
        ("search", {"texts": ["x"], "gallery": "/tmp/page.html"}, "gallery"),
        ("search", {"texts": ["x"], "open_page": True}, "open_page"),
        ("embed", {"encoder": "py:os:system"}, "encoder"),
        ("filter", {"texts": ["x"], "gallery": "x.html"}, "gallery"),
        ("add", {"sources": ["/etc"]}, "cannot ask for 'add'"),
        ("export", {"format": "csv", "out": "/tmp/x"}, "cannot ask for 'export'"),
        ("import", {"format": "coco", "path": "/etc/passwd"}, "cannot ask for 'import'"),
        ("encoders pack", {}, "cannot ask for"),
        ("label set", {"label": "x", "nonsense": 1}, "nonsense"),
        ("label set", [], "JSON object"),
    ],
)
def test_a_verb_is_given_no_file_and_no_program(
    page: TestClient, verb: str, request_: Any, named: str
) -> None:
    answer = page.post(f"/api/verbs/{verb}", json=request_)
    assert answer.status_code == 400
    assert named in answer.json()["error"]


def test_no_served_field_takes_a_path() -> None:
    reaching = {"out", "gallery", "sources", "path", "pictures", "open_page", "runner", "report"}
    for verb in SERVED:
        assert not reaching & set(served_fields(request_class(verb))), verb


@pytest.mark.parametrize(
    "body", [b"{", b"[" * 100_000, b'"x"', b"[]", b'{"filters": 3}', b'{"sort": "label"}', b"\xff"]
)
def test_what_is_no_request_is_refused_with_a_sentence(page: TestClient, body: bytes) -> None:
    for path in ("/api/questions", "/api/facets", "/api/selections", "/api/exports", "/api/saved"):
        answer = page.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 400
        assert answer.json()["error"]


def test_a_body_that_is_too_large_is_refused(page: TestClient, monkeypatch: Any) -> None:
    monkeypatch.setattr("tamis.interfaces.server.endpoints._MOST_BYTES", 2 << 20)
    for path in ("/api/questions", "/api/examples"):
        answer = page.post(path, content=b" " * ((2 << 20) + 1))
        assert answer.status_code == 400
        assert "at most 2 MB" in answer.json()["error"]


LONG = "9" * 5000
HALF = "\ud800"
WIDE: Any = 10**400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/questions", {"filters": [{"column": "a`b", "text": "x"}]}),
        ("/api/questions", {"filters": [{"column": "sharpness", "low": WIDE}]}),
        ("/api/questions", {"filters": [{"column": "sharpness", "values": [WIDE]}]}),
        ("/api/questions", {"like": [HALF]}),
        ("/api/facets", {"where": f"label = '{HALF}'"}),
        ("/api/selections", {"answer": "ANSWER", "name": 5}),
        ("/api/selections", {"answer": "ANSWER", "name": ["a"]}),
        ("/api/selections", {"answer": "ANSWER", "name": HALF}),
        ("/api/exports", {"format": "csv", "selection": ["a"]}),
        ("/api/verbs/label set", {"label": HALF, "all": True}),
        ("/api/verbs/label tag", {"name": HALF, "all": True}),
        ("/api/verbs/label boxes", {"sample": sample_id(0), "box": [[0, 0, WIDE, 1]]}),
        ("/api/verbs/checkout", {"to": WIDE}),
        ("/api/verbs/checkout", {"to": LONG}),
        ("/api/verbs/checkout", {"to": "\u00b2"}),
        ("/api/verbs/diff", {"a": "\u00b2", "b": 1}),
        ("/api/verbs/search", {"like": [sample_id(1)], "k": WIDE}),
        (f"/api/history?limit={LONG}", None),
        (f"/api/map/points/{LONG}", None),
        (f"/api/jobs/{LONG}", None),
        ("/api/exports/-1", None),
    ],
)
def test_what_no_page_asks_is_refused_with_a_sentence(
    page: TestClient, path: str, body: Any
) -> None:
    if isinstance(body, dict) and body.get("answer") == "ANSWER":
        body = body | {"answer": page.post("/api/questions", json={}).json()["answer"]}
    answer = page.get(path) if body is None else page.post(path, content=json.dumps(body))
    assert answer.status_code == 400
    assert len(answer.json()["error"]) < 500


def test_a_defect_of_ours_is_a_sentence_and_goes_to_the_log(
    session: Session, page: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    def broken(_question: object) -> None:
        raise ZeroDivisionError("at the end")

    monkeypatch.setattr(session, "ask", broken)
    answer = page.post("/api/questions", json={})
    assert answer.status_code == 500
    assert answer.json()["error"] == "a defect of tamis: ZeroDivisionError: at the end"
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (SystemExit(3), "the work ended its thread"),
        (ValueError("no\udce9.jpg"), "a defect of tamis: ValueError: no\udce9.jpg"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_job_that_fails_oddly_is_over_and_told(
    session: Session, page: TestClient, error: BaseException, said: str
) -> None:
    def work(_feedback: object) -> None:
        raise error

    job = session.jobs.start("embed", work)
    assert job.over.wait(60)
    [found] = page.get("/api/jobs").json()["jobs"]
    assert (found["state"], found["error"]) == ("failed", said)


def test_jobs_end_before_the_test_does(session: Session, page: TestClient) -> None:
    job = page.post("/api/verbs/label review", json={}).json()
    assert session.jobs.of(job["number"]).over.wait(60)
    found = page.get(f"/api/jobs/{job['number']}").json()
    assert found["state"] in {"done", "failed"}
    assert found["finished"] <= time.time()
