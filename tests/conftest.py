"""Fixtures that every kind of test may use."""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# `make test` tries the same examples on every machine, so that what it says depends on the code
# alone; `make nightly` lets chance choose them. How fast the machine is decides nothing.
settings.register_profile(
    "repeatable",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    database=None,
)
settings.register_profile(
    "nightly",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=500,
    print_blob=True,
)
settings.load_profile("repeatable")


def pytest_configure() -> None:
    generator = "hypothesis.internal.conjecture.providers"
    if settings.default.derandomize and find_spec(generator):
        # Hypothesis also tries constants found in the modules of ours that are imported so far:
        # those depend on the tests that the same worker happened to run before.
        providers = importlib.import_module(generator)
        providers._get_local_constants = getattr(providers, "Constants", None)


@pytest.fixture(scope="session", autouse=True)
def no_power_cuts() -> Iterator[None]:
    """Nothing waits for the disk: no test cuts the power, and a killed process loses no write.

    What has to be forced to disk, and when, is asked where `os.fsync` is replaced by a witness.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def object_server():
    """A server of objects that `s3://photos` leads to; requests are sent again at once."""
    pytest.importorskip("obstore")
    server_of = importlib.import_module("object_server")
    with server_of.running_object_server() as server, server_of.quick_object_client(server):
        yield server


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real pictures; the test is skipped where it is absent."""
    folder = Path(os.environ.get("TAMIS_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real pictures at {folder}")
    return folder
