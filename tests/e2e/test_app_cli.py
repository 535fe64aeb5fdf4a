"""`tamis app` as a process: one line at once, and an end in good order."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING
from urllib.request import Request, urlopen

from served_dataset import served_dataset

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from command_line import CommandLine


def test_it_prints_its_address_at_once_and_ctrl_c_ends_it_well(tmp_path: Path) -> None:
    path = served_dataset(tmp_path, 6)
    words = [sys.executable, "-W", "error", "-m", "tamis", "app", str(path), "--port", "0"]
    started = subprocess.Popen(
        [*words, "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    try:
        assert started.stdout is not None
        address = started.stdout.readline().strip()  # no more follows, yet it is here
        assert address.startswith("http://127.0.0.1:")
        home, _, token = address.partition("/?token=")
        asked = Request(f"{home}/api/dataset", headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked, timeout=60) as answer:
            assert b'"pictures":6' in answer.read()
        started.send_signal(signal.SIGINT)
        out, err = started.communicate(timeout=60)
    finally:
        started.kill()
        started.wait()
    assert (started.returncode, out, err) == (0, "", "")


def test_what_cannot_be_served_is_said_in_a_sentence(
    tamis_cli: CommandLine, tmp_path: Path
) -> None:
    assert "nowhere.tamis" in tamis_cli("app", "nowhere.tamis", "--no-open", code=2).err
    served_dataset(tmp_path, 3)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = tamis_cli("app", "line3.tamis", "--port", port, "--no-open", code=2).err
        assert f"port {port} is in use" in said
    open_to_all = ("app", "line3.tamis", "--host", "0.0.0.0", "--no-open")
    assert "--remote" in tamis_cli(*open_to_all, code=2).err
    assert "--port" in tamis_cli("app", "--port", "99999", code=2).err


def test_without_its_extra_it_says_what_to_install(
    tamis_cli: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_dataset(tmp_path, 3)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    said = tamis_cli("app", "line3.tamis", "--no-open", code=2).err
    assert "pip install 'tamis[app]'" in said
