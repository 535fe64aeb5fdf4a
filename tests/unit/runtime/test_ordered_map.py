"""Many items through a stage: in order, bounded, each fault costing what it is at fault for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tamis.errors import InputError, PictureError, UsageError, WorkerError
from tamis.runtime.ordered_map import ordered_map
from tamis.runtime.stage import Stage


@dataclass(frozen=True)
class Work(Stage):
    """Squares numbers; strings and lists are orders to go wrong."""

    fail_open: str = ""

    @contextmanager
    def open(self):
        if self.fail_open == "die":
            os._exit(7)
        if self.fail_open:
            raise UsageError(self.fail_open)
        yield self._square

    def _square(self, item):
        if isinstance(item, list):
            return [self._square(part) for part in item]
        if item == "bad":
            raise PictureError("x.jpg", "is damaged")
        if item == "gone":
            raise InputError("the disk is gone")
        if item == "defect":
            raise UnpicklableError("no", "way")
        if item == "print":
            print("a line among the answers")  # noqa: T201
            os.write(1, b"and another")
            return sys.stdin.read()
        if item == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if item == "exit":
            os._exit(3)
        if item == "pid":
            return os.getpid()
        if item == "main":
            return [name for name in vars(sys.modules["__main__"]) if name == "pytest"]
        if item == "slow":
            time.sleep(60)
        return item * item

    def failed(self, item, reason):
        return f"{item}: {reason}"

    def parts(self, item):
        return item if isinstance(item, list) else [item]

    def joined(self, outcomes):
        return list(outcomes)


class UnpicklableError(Exception):
    def __init__(self, one, two):
        super().__init__(one)


KINDS = pytest.mark.parametrize("processes", [False, True], ids=["threads", "processes"])


@settings(max_examples=40, deadline=None)
@given(
    items=st.lists(st.integers(0, 9) | st.just("bad"), max_size=30),
    workers=st.integers(1, 5),
    ahead=st.integers(1, 4),
)
def test_outcomes_come_in_the_order_of_the_items(items, workers, ahead):
    found = list(ordered_map(Work(), items, workers=workers, ahead=ahead, weight=lambda _: 1))
    assert found == ["bad: is damaged" if n == "bad" else n * n for n in items]


def test_processes_give_the_same_in_the_same_order():
    items = [*range(20), "bad", *range(20)]
    kinds = [list(ordered_map(Work(), items, workers=2, processes=p)) for p in (False, True)]
    assert kinds[0] == kinds[1]


@KINDS
def test_errors_keep_their_type_and_come_in_their_turn(processes):
    seen = []
    with pytest.raises(InputError, match="the disk is gone"):
        seen.extend(ordered_map(Work(), [1, 2, "gone", 3], workers=2, processes=processes))
    assert seen == [1, 4]


@KINDS
def test_a_stage_that_cannot_be_opened_says_why(processes):
    with pytest.raises(UsageError, match="no such model"):
        list(ordered_map(Work("no such model"), [1], workers=2, processes=processes))


def test_a_process_that_dies_costs_its_item_alone():
    items = [1, "crash", 2, "exit", 3, [4, "crash", 5], 6]
    found = list(ordered_map(Work(), items, workers=2, processes=True))
    assert found == [
        1,
        "crash: was ended by SIGSEGV",
        4,
        "exit: ended with exit code 3",
        9,
        [16, "crash: was ended by SIGSEGV", 25],
        36,
    ]


def test_a_process_that_dies_before_it_begins_ends_the_run():
    with pytest.raises(WorkerError, match="ended with exit code 7"):
        list(ordered_map(Work("die"), [1], workers=1, processes=True))


def test_what_cannot_be_pickled_tells_where_it_was_raised():
    with pytest.raises(RuntimeError, match="in _square"):
        list(ordered_map(Work(), ["defect"], workers=1, processes=True))


def test_a_worker_that_prints_or_reads_does_no_harm(capfd):
    assert list(ordered_map(Work(), [2, "print", 3], workers=1, processes=True)) == [4, "", 9]
    assert "among the answers" in capfd.readouterr().err


def test_a_process_serves_many_items_and_runs_no_main_module():
    pids = list(ordered_map(Work(), ["pid"] * 12, workers=2, processes=True))
    assert 1 <= len(set(pids)) <= 2
    assert os.getpid() not in pids
    assert list(ordered_map(Work(), ["main"], workers=1, processes=True)) == [[]]


@KINDS
def test_few_items_are_taken_ahead(processes):
    taken = []

    def items():
        for number in range(40):
            taken.append(number)
            yield number

    behind = []
    for number, _ in enumerate(ordered_map(Work(), items(), workers=2, processes=processes)):
        behind.append(len(taken) - number)
    assert max(behind) <= 2 * 2 + 1


def test_what_is_under_way_weighs_no_more_than_there_is_room_for():
    under_way, met = [], []

    def items():
        for size in [1, 1, 3, 8, 2, 2, 2, 1, 20, 1, 1] * 5:
            met.append(sum(under_way) <= 2 * 4 or len(under_way) == 1)
            under_way.append(size)
            yield size

    for outcome in ordered_map(Work(), items(), workers=2, ahead=4, weight=lambda size: size):
        assert under_way.pop(0) ** 2 == outcome
    assert under_way == []
    assert len(met) == 55
    assert all(met)


@KINDS
def test_closing_stops_what_is_under_way(processes):
    begin = time.monotonic()
    items = [1, 2, *["slow" if processes else 3] * 9]
    with closing(ordered_map(Work(), items, workers=3, processes=processes)) as outcomes:
        assert next(outcomes) == 1
    assert time.monotonic() - begin < 50
    assert not [t for t in threading.enumerate() if t.name.startswith("tamis-work")]


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_ctrl_c_ends_the_parent_once_and_leaves_no_process(tmp_path):
    script = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from contextlib import closing\n"
        # what was started in the background may have inherited that it is ignored
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from test_ordered_map import Work\n"
        "from tamis.runtime.ordered_map import ordered_map\n"
        "print(next(ordered_map(Work(), ['pid'], workers=1, processes=True)), flush=True)\n"
        "with closing(ordered_map(Work(), ['pid', 'slow'], workers=1, processes=True)) as pids:\n"
        "    for pid in pids:\n"
        "        print(pid, flush=True)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, Path(__file__).parent],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    parent.stdout.readline()
    worker = int(parent.stdout.readline())
    os.killpg(parent.pid, signal.SIGINT)
    _, err = parent.communicate(timeout=50)
    assert err.count("KeyboardInterrupt") == 1
    # who takes over the orphan reaps it in its own time
    give_up = time.monotonic() + 60
    while is_there(worker) and time.monotonic() < give_up:
        time.sleep(0.01)
    assert not is_there(worker)
