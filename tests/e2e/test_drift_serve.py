"""`tamis drift serve` as a process: killed in the middle of a stream, started again, ended."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

from live_references import reference_of, usual

if TYPE_CHECKING:
    from pathlib import Path


class Server:
    """The command, once it has said where it listens."""

    def __init__(self, folder: Path) -> None:
        words = ["drift", "serve", "line.npz", "--port", "0", "--state", "state", "--window", "50"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tamis", *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        assert said.endswith("token in state/token\n"), self.process.stderr
        self.url = said.split()[0] + "/v1/references/line"
        self.token = (folder / "state" / "token").read_text().strip()

    def ask(self, path: str = "", body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def end(self, number: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    reference_of(tmp_path / "line.npz")
    stream = usual(0, 90, shift=2)
    server = Server(tmp_path)
    for at in range(0, 60, 20):
        server.ask("/vectors", {"vectors": stream[at : at + 20].tolist()})
    before = server.ask()
    assert (before["pictures"], before["window"]) == (60, 50)
    assert server.end(signal.SIGKILL)[0] == -signal.SIGKILL
    server = Server(tmp_path)
    assert server.ask() == before
    # the client does not know whether its last request arrived, and sends it again
    server.ask("/vectors", {"vectors": stream[40:60].tolist()})
    again = server.ask()
    assert (again["pictures"], again["e_value"]) == (60, before["e_value"])
    after = server.ask("/vectors", {"vectors": stream[60:].tolist()})
    assert after["pictures"] == 90
    assert server.end(signal.SIGTERM) == (0, "")
    assert not list((tmp_path / "state").glob("*.journal"))
