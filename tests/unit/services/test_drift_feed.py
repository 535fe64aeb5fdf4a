"""Vectors on their way from a watch to a drift server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

import tamis
import tamis.sources.video.folder as folder_module
from drift_pictures import picture
from mosaic_encoder import Mosaic
from tamis.errors import InputError, UsageError
from tamis.services.watch import drift_feed
from tamis.services.watch.contract import Watch
from tamis.services.watch.drift_feed import DriftFeed, check_address, read_token

VECTOR = np.arange(3, dtype=np.float32)


class Receiver:
    """A server that answers with the statuses that it was given, then with 200."""

    def __init__(self, *statuses):
        self.asked, statuses = [], list(statuses)
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                asked.append((self.path, self.headers["Authorization"], body))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.end_headers()
                self.wfile.write(b'{"alarm": {"since": "frame 7"}}')

            def log_message(self, *_):
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/v1/references/line"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def fed(receiver, *series):
    with DriftFeed(receiver.address, "token") as feed:
        for number, name in enumerate(series):
            feed.add(name, f"{name} {number}", VECTOR + number)
    return feed


def test_vectors_arrive_in_their_order_a_source_at_a_time():
    with Receiver() as receiver:
        feed = fed(receiver, *"aaabba")
    assert (feed.sent, feed.lost, feed.alarm) == (6, 0, "drift since about frame 7")
    path, token, _ = receiver.asked[0]
    assert (path, token) == ("/v1/references/line/vectors", "Bearer token")
    bodies = [body for *_, body in receiver.asked]
    assert all({name[0] for name in body["ids"]} == {body["series"]} for body in bodies)
    assert [name for body in bodies for name in body["ids"]] == [
        f"{name} {number}" for number, name in enumerate("aaabba")
    ]
    assert bodies[0]["vectors"][0] == [0.0, 1.0, 2.0]


def test_a_server_that_is_busy_is_asked_again(monkeypatch):
    monkeypatch.setattr(drift_feed, "_PAUSE", 0.01)
    with Receiver(503, 429) as receiver, DriftFeed(receiver.address, "") as feed:
        feed.add("a", "one", VECTOR)
        for _ in range(2000):
            if feed.sent:
                break
            threading.Event().wait(0.01)
        assert (feed.sent, feed.lost) == (1, 0)
    assert [body["ids"] for *_, body in receiver.asked] == [["one"]] * 3


def test_what_is_refused_is_lost_and_told():
    with Receiver(403) as receiver:
        feed = fed(receiver, "a")
    assert (feed.sent, feed.lost) == (0, 1)
    assert "answered 403" in feed.error


def test_a_server_that_is_gone_costs_the_vectors_and_not_the_watch(monkeypatch):
    monkeypatch.setattr(drift_feed, "_MOST_WAITING", 5)
    monkeypatch.setattr(drift_feed, "_AT_ONCE", 2)
    with Receiver() as receiver:
        address = receiver.address
    with DriftFeed(address, "") as feed:
        for number in range(20):
            feed.add("a", f"{number}", VECTOR)
    assert (feed.sent, feed.lost) == (0, 20)
    assert feed.error


def test_a_watch_sends_each_frame_that_it_looks_at(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_module, "_SETTLED", 0.05)
    monkeypatch.setattr(folder_module, "_STEP", 0.01)
    for number in range(5):
        picture(number // 2).save(tmp_path / f"{number}.png")
    ds = tamis.open(tmp_path / "d.tamis")
    with Receiver() as receiver:
        report = ds.watch(
            tmp_path,
            encoder=Mosaic(),
            once=True,
            gate=False,
            threshold=0.95,
            drift=receiver.address,
        )
    assert (report.seen, report.drift_sent, report.drift_lost) == (5, 5, 0)
    assert report.kept < 5
    assert report.notes == ["the drift server is in alarm: drift since about frame 7"]
    names = [name for *_, body in receiver.asked for name in body["ids"]]
    assert len(set(names)) == 5


def test_wrong_use_is_refused(tmp_path):
    with pytest.raises(UsageError, match="give such as"):
        check_address("http://127.0.0.1:8765")
    with pytest.raises(UsageError, match="would look like drift"):
        Watch(["a.mp4"], drift="http://h/v1/references/a")
    with pytest.raises(UsageError, match="which drift server"):
        Watch(["a.mp4"], drift_token=tmp_path / "token")
    with pytest.raises(InputError, match="cannot be read"):
        read_token(tmp_path / "token")
    (tmp_path / "token").write_text("secret\n")
    assert (read_token(tmp_path / "token"), read_token(None)) == ("secret", "")
