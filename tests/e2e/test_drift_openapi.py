"""The drift server under requests that schemathesis makes up from its description."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from live_references import reference_of
from served_drift import Server

if TYPE_CHECKING:
    from pathlib import Path

ST = shutil.which("st")


@pytest.mark.nightly
@pytest.mark.skipif(ST is None, reason="schemathesis is not installed (pip install schemathesis)")
def test_made_up_requests_are_answered_as_described(tmp_path: Path) -> None:
    reference_of(tmp_path / "line.npz")
    server = Server(tmp_path)
    root = server.url.partition("/v1/")[0]
    try:
        words = [str(ST), "run", f"{root}/openapi.json", "--max-examples", "50"]
        # lists of unequal length pass the schema, and are refused
        words += ["--exclude-checks", "positive_data_acceptance", "--request-timeout", "60"]
        words += ["-H", f"Authorization: Bearer {server.token}"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, done.stdout
    finally:
        server.process.terminate()
        server.process.communicate(timeout=60)
