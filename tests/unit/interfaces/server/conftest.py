"""A server over a small dataset, asked without a socket."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from served_dataset import served_dataset
from tamis.interfaces.server.app import make_app
from tamis.interfaces.server.security import Door
from tamis.interfaces.server.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = "http://127.0.0.1:8090"
DOOR = Door("secret-token", 8090)


@pytest.fixture(scope="session")
def dataset_master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of sixty pictures that no test changes."""
    return served_dataset(tmp_path_factory.mktemp("served"))


@pytest.fixture
def dataset(dataset_master: Path, tmp_path: Path) -> Path:
    """A dataset of sixty pictures."""
    return Path(shutil.copytree(dataset_master, tmp_path / dataset_master.name))


@pytest.fixture
def session(dataset: Path) -> Iterator[Session]:
    """The session of a server."""
    made = Session(dataset)
    yield made
    made.close()


@pytest.fixture
def stranger(session: Session) -> TestClient:
    """Somebody who has no token."""
    return TestClient(make_app(session, DOOR), HOME, follow_redirects=False)


@pytest.fixture
def page(session: Session) -> TestClient:
    """The page: it has the cookie, and says where it comes from."""
    client = TestClient(
        make_app(session, DOOR), HOME, follow_redirects=False, headers={"origin": HOME}
    )
    assert client.get("/", params={"token": "secret-token"}).status_code == 303
    return client
