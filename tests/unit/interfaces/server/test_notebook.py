"""Who may frame the page, and what strangers see of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.testclient import TestClient

import tamis
from served_dataset import sample_id
from tamis.errors import UsageError
from tamis.interfaces.server.app import SHELL, STATIC, make_app
from tamis.interfaces.server.notebook import NOTEBOOKS, open_in_notebook
from tamis.interfaces.server.security import Door

if TYPE_CHECKING:
    from pathlib import Path

    from tamis.interfaces.server.session import Session

HOME = "http://127.0.0.1:8090"


@pytest.fixture
def framed(session: Session) -> TestClient:
    door = Door("secret-token", 8090, public=SHELL, framed_by=NOTEBOOKS)
    return TestClient(make_app(session, door), HOME, follow_redirects=False)


def test_strangers_get_the_page_and_nothing_else(framed: TestClient) -> None:
    assert {f"/assets/{one.name}" for one in (STATIC / "assets").iterdir()} | {"/"} == SHELL
    for path in SHELL:
        answer = framed.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert policy.endswith("frame-ancestors http://127.0.0.1:* http://localhost:*")
        assert "x-frame-options" not in answer.headers
    for path in ("/api/dataset", "/api/map/places", f"/api/pictures/{sample_id(0)}/thumbnail"):
        assert framed.get(path).status_code == 403
        assert framed.get(path, headers={"authorization": "Bearer no"}).status_code == 403
    bearer = {"authorization": "Bearer secret-token"}
    assert framed.get("/api/dataset", headers=bearer).status_code == 200
    assert framed.get("/", headers={"host": "evil.example"}).status_code == 403
    assert framed.get("/", headers={"origin": "http://evil.example"}).status_code == 403


def test_without_a_notebook_nobody_frames_it(page: TestClient) -> None:
    answer = page.get("/")
    assert answer.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_what_is_present_is_told(page: TestClient, session: Session) -> None:
    answer = page.post("/api/questions", json={"where": "label = 'cat'"}).json()
    body: dict[str, Any] = {"answer": answer["answer"], "ranges": [[1, 3]]}
    name = page.post("/api/selections", json=body).json()["name"]
    said = {"answer": answer["answer"], "selection": name}
    assert page.post("/api/present", json=said).status_code == 200
    assert session.shown is not None
    assert session.chosen is not None
    assert (len(session.shown), len(session.chosen)) == (answer["count"], 2)
    assert page.post("/api/present", json={"answer": answer["answer"]}).status_code == 200
    assert session.chosen is None
    for wrong in ({}, {"answer": "gone"}, {"answer": answer["answer"], "selection": "gone"}):
        assert page.post("/api/present", json=wrong).status_code == 400


@pytest.mark.parametrize("origin", ["evil", "http://a b", "https://x; script-src *", "https://ö"])
def test_what_is_no_origin_is_refused(dataset: Path, origin: str) -> None:
    with pytest.raises(UsageError, match="is no origin"):
        open_in_notebook(dataset, 700, (origin,))
    with pytest.raises(UsageError, match="height is 10"):
        tamis.open(dataset).app(height=10)
