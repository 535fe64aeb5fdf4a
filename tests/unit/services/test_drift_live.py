"""References that are watched: alarms, what survives a killed process, and who is told."""

from __future__ import annotations

import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live_references import arrived, reference_of, usual, watching
from tamis.errors import ConflictError, InputError, UsageError
from tamis.services.drift.comparison import Settings
from tamis.services.drift.live import reference as live_module
from tamis.services.drift.live.arrivals import arrivals_of
from tamis.services.drift.live.delivery import Delivery, Hooks
from tamis.services.drift.live.journal import Journal
from tamis.services.drift.live.state import LiveAlarm
from tamis.services.drift.live.window import Window


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    return reference_of(tmp_path_factory.mktemp("line") / "line.npz")


def abandoned(live):
    """What a killed process leaves: locks that are free, and no word of farewell."""
    live._held.release()


# Alarms


def test_a_drift_is_one_alarm_until_it_is_acknowledged(tmp_path, line):
    told = []
    with watching(tmp_path, {"line": line}, told=told.append) as live:
        for at in range(0, 200, 50):
            assert live.take("line", arrived(usual(at, 50), at)).alarms == ()
        assert not live.state("line").drift
        for at in range(200, 400, 20):
            live.take("line", arrived(usual(at, 20, shift=3), at, time=at))
        state = live.state("line")
        assert state.drift
        assert state.lasting > 0
        assert state.alarms == 1 + state.lasting
        assert len(told) == 1
        assert told[0] == state.alarm
        assert told[0].e_value >= state.e_value_for_alarm - 1e-9
        number = int(told[0].since.split()[1])
        assert 190 <= number <= int(told[0].picture.split()[1])
        assert told[0].figures == ("vectors",)
        assert not live.acknowledge("line").drift
        live.take("line", arrived(usual(1, 50), 1000))
        assert len(told) == 1


def test_references_that_drift_together_need_less_each(tmp_path, line):
    others = {f"camera{n}": line for n in range(9)}
    with watching(tmp_path / "one", {"line": line}) as live:
        alone = live.state("line").e_value_for_alarm
    with watching(tmp_path / "ten", {"line": line, **others}) as live:
        among = live.state("line").e_value_for_alarm
        assert (alone, among) == (20, 200)
        at = 0
        while not live.state("line").drift:
            at += 10
            live.take("line", arrived(usual(at, 10, shift=3), at))
        assert live.state("camera0").e_value_for_alarm == 100


def test_the_window_explains_an_alarm(tmp_path, line):
    with watching(tmp_path, {"line": line}) as live:
        with pytest.raises(UsageError, match="too few pictures: 0; a check needs"):
            live.check("line", Settings())
        live.take("line", arrived(usual(3, 40, shift=4)))
        found = live.check("line", Settings(permutations=99))
        assert found.drift
        assert found.cause == "content"
        assert found.pictures == 40
        assert any("brightness is not known" in note for note in found.notes)


# What is counted


def test_what_is_sent_again_is_not_counted_again(tmp_path, line):
    with watching(tmp_path, {"line": line}) as live:
        rows = usual(5, 30)
        assert live.take("line", arrived(rows)).counted == 30
        before = live.state("line")
        again = live.take("line", arrived(rows))
        assert (again.counted, again.repeated) == (0, 30)
        after = live.state("line")
        assert (after.e_value, after.units, after.window) == (before.e_value, 30, 30)
        assert after.repeated == 30


def test_of_a_request_only_what_is_new_counts(tmp_path, line):
    with watching(tmp_path, {"line": line}) as live:
        live.take("line", arrived(usual(5, 30)))
        taken = live.take("line", arrived(usual(6, 30), 20))
        assert (taken.counted, taken.repeated) == (20, 10)
        state = live.state("line")
        assert (state.pictures, state.units, state.repeated) == (50, 50, 10)
        assert [point[1] for point in state.history] == [30, 50]


def test_an_alarm_names_the_picture_that_raised_it(tmp_path, line):
    told = []
    with watching(tmp_path, {"line": line}, told=told.append) as live:
        for at in range(200):
            live.take("line", arrived(usual(at, 1, shift=3), at))
            if told:
                break
    assert (told[0].picture, told[0].pictures) == (f"picture {at}", at + 1)


def test_a_window_holds_the_latest_and_says_of_how_many_days_they_are():
    window = Window(5, 3)
    for at, hours in enumerate((0, 20, 30, 31)):
        window.add(arrived(np.eye(3)[:2], 2 * at, time=3600.0 * hours))
    side = window.side(in_blocks=False)
    assert (len(window), len(side.vectors), side.days) == (5, 5, 2)
    assert side.ids == [f"picture {row}" for row in range(3, 8)]


def test_frames_count_when_their_block_is_whole(tmp_path):
    reference = reference_of(tmp_path / "video.npz", block=5, n=200)
    with watching(tmp_path, {"video": reference}) as live:
        live.take("video", arrived(usual(6, 7), series="a"))
        live.take("video", arrived(usual(7, 4), 100, series="b"))
        state = live.state("video")
        assert (state.pictures, state.units, state.waiting) == (11, 1, 6)
        live.take("video", arrived(usual(8, 3), 200, series="a"))
        assert (live.state("video").units, live.state("video").waiting) == (2, 4)


def test_memory_is_bounded(tmp_path, line, monkeypatch):
    monkeypatch.setattr(live_module, "_MOST_REMEMBERED", 100)
    monkeypatch.setattr(live_module, "_POINTS", 5)
    monkeypatch.setattr(live_module, "_UNITS_NAMED", 50)
    with watching(tmp_path, {"line": line}) as live:
        sizes = []
        for at in range(0, 400, 20):
            live.take("line", arrived(usual(at, 20), at))
            one = live._live["line"]
            sizes.append(sum(array.nbytes for array in one._arrays().values()))
        assert len(one._known) == 100
        assert live.state("line").window == 60
        assert len(live.state("line").history) == 5
        assert max(sizes[6:]) < 1.02 * min(sizes[6:])


def test_wrong_vectors_are_refused_and_nothing_is_counted(tmp_path, line):
    with watching(tmp_path, {"line": line}) as live:
        with pytest.raises(UsageError, match="24 dimensions"):
            live.take("line", arrived(np.ones((3, 7))))
        with pytest.raises(UsageError, match="there is no reference 'lime'; there are line"):
            live.take("lime", arrived(usual(0, 3)))
        assert live.state("line").pictures == 0
    for rows, said in (
        (np.zeros((1, 24)), "vector 0 has the length 0"),
        (np.full((1, 24), np.nan), "length nan"),
        (np.ones((2, 24)), "1 pictures and vectors of shape"),
    ):
        with pytest.raises(UsageError, match=said):
            arrivals_of(["a"], rows, {}, series=None, time=0)
    with pytest.raises(UsageError, match="no figure 'color'"):
        arrivals_of(["a"], np.ones((1, 24)), {"color": [1]}, series=None, time=0)
    with pytest.raises(UsageError, match="1 pictures and 2 of size"):
        arrivals_of(["a"], np.ones((1, 24)), {"size": [1, 2]}, series=None, time=0)


# What survives


@settings(max_examples=12, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=8),
    killed=st.sets(st.integers(0, 7)),
    closed=st.sets(st.integers(0, 7)),
)
def test_a_process_that_is_killed_at_any_moment_loses_nothing(
    tmp_path_factory, line, sizes, killed, closed
):
    folder = tmp_path_factory.mktemp("state")
    rows = usual(8, sum(sizes), shift=3)
    whole = watching(folder / "whole", {"line": line})
    live = watching(folder / "cut", {"line": line})
    at = 0
    for step, size in enumerate(sizes):
        sent = arrived(rows[at : at + size], at, time=step)
        assert whole.take("line", sent) == live.take("line", sent)
        if step == 4:
            whole.acknowledge("line")
            live.acknowledge("line")
        at += size
        if step in killed | closed:
            if step in closed:
                live.close()
            else:
                abandoned(live)
            live = watching(folder / "cut", {"line": line})
        assert whole.state("line") == live.state("line")
    whole.close()
    live.close()


def test_a_record_that_a_killed_process_left_unfinished_is_dropped(tmp_path):
    journal = Journal(tmp_path / "a.npz")
    journal.append(b"first")
    journal.append(b"second")
    data = (tmp_path / "a.journal").read_bytes()
    for end in range(len(data)):
        (tmp_path / "a.journal").write_bytes(data[:end])
        again = Journal(tmp_path / "a.npz")
        _, records = again.read()
        whole = len(data) // 2  # both are about as long
        assert records == [b"first"][: end >= whole]
        again.append(b"third")
        assert Journal(tmp_path / "a.npz").read()[1] == [*records, b"third"]


def test_a_crash_between_snapshot_and_journal_counts_nothing_twice(tmp_path):
    journal = Journal(tmp_path / "a.npz")
    journal.append(b"first", b"second")
    old = (tmp_path / "a.journal").read_bytes()
    journal.snapshot({"sum": np.array(2)})
    (tmp_path / "a.journal").write_bytes(old)
    again = Journal(tmp_path / "a.npz")
    arrays, records = again.read()
    assert (int(arrays["sum"]), records, again.number) == (2, [], 2)


def test_a_damaged_state_is_said_and_another_server_is_kept_out(tmp_path, line):
    with (
        watching(tmp_path, {"line": line}),
        pytest.raises(ConflictError, match="another server keeps its state"),
    ):
        watching(tmp_path, {"line": line})
    (state,) = tmp_path.glob("*.npz")
    state.write_bytes(b"no arrays")
    with pytest.raises(InputError, match="remove it to begin anew"):
        watching(tmp_path, {"line": line})


def test_another_reference_of_the_same_name_begins_anew(tmp_path, line):
    with watching(tmp_path, {"line": line}) as live:
        live.take("line", arrived(usual(0, 10)))
    other = reference_of(tmp_path / "other.npz", seed=5)
    with watching(tmp_path, {"line": other}) as live:
        assert live.state("line").pictures == 0


# Who is told

ALARM = LiveAlarm("line", 1, "b.png", "a.png", 25.0, ("vectors",), 80, 1000.0)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def test_a_command_is_told_again_until_it_works(tmp_path):
    clock, file = Clock(), tmp_path / "told.json"
    script = (
        "import pathlib, sys; file = pathlib.Path(sys.argv[1]); tries = file.with_suffix('.n'); "
        "n = int(tries.read_text()) if tries.exists() else 0; tries.write_text(str(n + 1)); "
        "n < 1 and sys.exit('not yet'); file.write_bytes(sys.stdin.buffer.read())"
    )
    hooks = Hooks(command=[sys.executable, "-c", script, str(file)])
    delivery = Delivery(tmp_path, hooks, clock=clock)
    delivery.put(ALARM)
    delivery.put(ALARM)
    assert delivery.waiting == 1
    assert delivery.attempt() == 1.0
    assert "exit code 1: not yet" in delivery.last_error
    # another process goes on
    delivery = Delivery(tmp_path, hooks, clock=clock)
    assert delivery.attempt() == 1.0
    clock.now = 1.0
    assert delivery.attempt() is None
    told = json.loads(file.read_text())
    assert (told["picture"], told["number"]) == ("b.png", 1)
    assert told["message"].startswith("drift from line: the running e-value reached 25")
    assert (delivery.delivered, delivery.waiting) == (1, 0)
    Delivery(tmp_path, hooks, clock=clock).put(ALARM)
    assert Delivery(tmp_path, hooks, clock=clock).waiting == 0


def test_an_address_is_told_again_until_it_accepts(tmp_path):
    asked = []

    class Webhook(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response((503, 302, 204)[len(asked) - 1])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_):
            pass

    clock = Clock()
    with HTTPServer(("127.0.0.1", 0), Webhook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        delivery = Delivery(
            tmp_path, Hooks(url=f"http://127.0.0.1:{server.server_port}/"), clock=clock
        )
        delivery.put(ALARM)
        pauses = []
        for _ in range(3):
            pauses.append(delivery.attempt())
            clock.now += pauses[-1] or 0
        server.shutdown()
        thread.join()
    assert pauses == [1.0, 2.0, None]
    assert [key for key, _ in asked] == ["line/1"] * 3
    assert asked[0] == asked[2]
    assert delivery.failures == 2


@pytest.mark.parametrize(
    "answer", [b"no HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200]
)
def test_an_address_that_answers_nonsense_is_tried_again(tmp_path, answer):
    def speak(listener):
        there, _ = listener.accept()
        with there:
            there.recv(65536)
            there.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=speak, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        delivery = Delivery(tmp_path, Hooks(url=url), clock=Clock())
        delivery.put(ALARM)
        assert delivery.attempt() == 1.0
        thread.join()
    assert (delivery.failures, delivery.waiting) == (1, 1)
    assert delivery.last_error.startswith("url: ")


def test_what_no_attempt_can_bring_is_given_up_and_counted(tmp_path):
    clock = Clock()
    delivery = Delivery(tmp_path, Hooks(command=[str(tmp_path / "nothing")]), clock=clock)
    delivery.put(ALARM)
    pauses = []
    while (pause := delivery.attempt()) is not None:
        pauses.append(pause)
        clock.now += pause
    assert pauses[:4] == [1, 2, 4, 8]
    assert max(pauses) == 300
    assert delivery.given_up == 1


def test_an_alarm_that_nobody_was_told_of_before_the_process_died_is_told(tmp_path, line):
    live = watching(tmp_path, {"line": line})
    for at in range(0, 100, 20):
        live.take("line", arrived(usual(at, 20, shift=3), at))
    alarm = live.state("line").alarm
    assert alarm is not None
    abandoned(live)
    told = []
    watching(tmp_path, {"line": line}, told=told.append).close()
    assert told == [alarm]


def test_alarms_are_brought_by_a_thread_of_their_own(tmp_path):
    file = tmp_path / "told"
    script = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text('told')"
    with Delivery(tmp_path, Hooks(command=[sys.executable, "-c", script, str(file)])) as delivery:
        delivery.put(ALARM)
        for _ in range(2000):
            if delivery.delivered:
                break
            threading.Event().wait(0.01)
    assert file.read_text() == "told"
