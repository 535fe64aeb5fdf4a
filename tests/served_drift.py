"""`tamis drift serve` as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal
    from pathlib import Path

__all__ = ["Server"]


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
