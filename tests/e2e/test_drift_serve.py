"""`tamis drift serve` as a process: killed in the middle of a stream, started again, ended."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from live_references import reference_of, usual
from served_drift import Server

if TYPE_CHECKING:
    from pathlib import Path


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
