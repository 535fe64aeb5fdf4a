"""The drift server under load on loopback: requests a second, how long they take, memory.

    python benchmarks/drift_serve.py [--requests 2000] [--clients 4] [--vectors 1] [--dim 1280]

A reference of 2,000 random vectors is served by a process of its own; clients post vectors, one
request after the other, and each is counted and forced to disk before it is answered. Half way the
server is killed (SIGKILL) and started again; its count must be that of the requests answered.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from live_references import reference_of


class Server:
    """The server as a process."""

    def __init__(self, folder):
        words = ["drift", "serve", "line.npz", "--port", "0", "--state", "state"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tamis", *words], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        self.port = int(self.process.stdout.readline().split()[0].rpartition(":")[2])
        self.token = (Path(folder) / "state" / "token").read_text().strip()

    def connect(self):
        """A connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def memory(self):
        """Most memory that it has used, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def ask(server, connection, method, path="", body=None, *, kind="application/x-npy"):
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": kind}
    connection.request(method, f"/v1/references/line{path}", body, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == 200, content
    return json.loads(content)


def load(server, options, first):
    taken, lock = [], threading.Lock()

    def client(number):
        rng = np.random.default_rng([first, number])
        connection = server.connect()
        for _ in range(options.requests // options.clients // 2):
            held = io.BytesIO()
            np.save(held, rng.normal(size=(options.vectors, options.dim)).astype(np.float32))
            begin = time.perf_counter()
            ask(server, connection, "POST", "/vectors", held.getvalue())
            with lock:
                taken.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=client, args=(n,)) for n in range(options.clients)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, time.perf_counter() - begin


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--vectors", type=int, default=1)
    parser.add_argument("--dim", type=int, default=1280)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = np.random.default_rng(0).normal(size=(2000, options.dim))
        reference_of(Path(folder) / "line.npz", vectors=rows.astype(np.float32))
        server, all_taken, seconds = Server(folder), [], 0.0
        for half in range(2):
            taken, wall = load(server, options, half)
            all_taken += taken
            seconds += wall
            state = ask(server, server.connect(), "GET")
            assert state["pictures"] == len(all_taken) * options.vectors, state["pictures"]
            memory = server.memory()
            server.process.send_signal(signal.SIGKILL if half == 0 else signal.SIGTERM)
            server.process.wait()
            if half == 0:
                begin = time.perf_counter()
                server = Server(folder)
                again = ask(server, server.connect(), "GET")
                assert again == state
                restart = time.perf_counter() - begin
    ms = np.quantile(all_taken, [0.5, 0.95, 0.99]) * 1000
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{len(all_taken)} requests of {options.vectors} vectors by {options.clients} clients: "
        f"{len(all_taken) / seconds:.0f} a second; {ms[0]:.1f} ms median, {ms[1]:.1f} 95 %, "
        f"{ms[2]:.1f} 99 %; {memory:.0f} MB at most; {used.ru_utime + used.ru_stime:.1f} s of "
        f"processor, two starts among it; back in {restart:.1f} s after SIGKILL, nothing lost; "
        f"drift {state['drift']}"
    )


if __name__ == "__main__":
    main()
