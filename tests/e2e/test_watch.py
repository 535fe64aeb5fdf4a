"""`tamis watch` as a user runs it: streams that break off, kills, signals, metrics."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from dying_tamis import ROWS_A_BATCH, WATCH_COMMITTED, WATCH_POINTS

import tamis
from made_videos import MOTION_JPEG, StreamServer, motion_jpeg, scene, write_video

pytest.importorskip("av")

PATIENCE = 300.0
"""Seconds after which a process that does nothing is given up; only a defect takes so long."""


class Watching:
    """A `tamis watch` that runs."""

    def __init__(self, folder, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tamis", "watch", *map(str, arguments), "--json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.dataset = folder / "dataset.tamis"

    def wait_for_rows(self, count, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if (self.dataset / "dataset.json").exists():
                rows = len(tamis.open(self.dataset, create=False))
                if rows >= count:
                    return
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.1)
        raise AssertionError(f"fewer than {count} rows after {seconds} s")

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, err
        return json.loads(out)

    def kill(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def watching(tmp_path):
    """Start watches that end with the test at the latest."""
    started = []

    def start(*arguments):
        started.append(Watching(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.kill()
        one.process.stdout.close()
        one.process.stderr.close()


def shown(numbers, each):
    """Return scenes that the bundled encoder tells apart at .9, each for some frames."""
    return [scene(number) for number in numbers for _ in range(each)]


def paths_of(dataset):
    return tamis.open(dataset, create=False).table(["path"])["path"].to_pylist()


def test_a_stream_that_breaks_off_and_comes_back_is_watched_until_told_to_stop(watching):
    sent = [shown([1, 2], 8), shown([2, 3], 8)]

    def serve(number):
        yield from motion_jpeg(sent[min(number, 1)], 0.05)

    with StreamServer(serve, MOTION_JPEG) as server:
        run = watching(server.url, "--out", "kept", "--metrics", "0", "--threshold", "0.9")
        note = run.process.stderr.readline()
        url = re.search(r"metrics at (http://127\.0\.0\.1:\d+/metrics)", note)[1]
        run.wait_for_rows(3)
        with urllib.request.urlopen(url) as answer:
            lines = answer.read().decode().splitlines()
        report = run.end()
    values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    label = f'{{source="{server.url}"}}'
    assert float(values[f"tamis_watch_frames_kept_total{label}"]) == 3
    assert float(values[f"tamis_watch_frames_seen_total{label}"]) >= 16
    assert float(values[f"tamis_watch_reconnects_total{label}"]) >= 1
    assert float(values["tamis_watch_kept_in_memory"]) == 3
    assert report["kept"] == 3
    assert report["reconnects"] >= 1
    assert report["seen"] == report["kept"] + report["dropped"] + report["behind"]
    # kept frames are the camera's own files
    jpegs = {part[:-2] for frames in sent for part in list(motion_jpeg(frames))[1::2]}
    rows = tamis.open(run.dataset).table(["uri", "source", "captured_at"]).to_pylist()
    assert all(Path(row["uri"]).read_bytes() in jpegs for row in rows)
    assert all(row["source"] == server.url and row["captured_at"] for row in rows)
    assert tamis.open(run.dataset).vectors().shape == (3, 1280)


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """A folder with a video of 24 scenes, and the numbers of the frames that a watch keeps."""
    folder = tmp_path_factory.mktemp("line")
    write_video(folder / "line.avi", shown(range(24), 3), codec="mjpeg")
    whole = tamis.open(folder / "whole.tamis")
    whole.watch(folder / "line.avi", threshold=0.9, gate=False)
    numbers = [int(path.rpartition("=")[2]) for path in whole.table(["path"])["path"].to_pylist()]
    assert len(numbers) >= 24
    return folder, numbers


@pytest.mark.parametrize("point", WATCH_POINTS)
def test_a_kill_loses_and_doubles_nothing(tmp_path, line, monkeypatch, point):
    folder, numbers = line
    shutil.copy2(folder / "line.avi", tmp_path)
    monkeypatch.chdir(tmp_path)
    dying = [sys.executable, Path(__file__).with_name("dying_tamis.py"), point, "watch", "line.avi"]
    options = ["--threshold", "0.9", "--out", "kept", "--no-gate"]
    killed = subprocess.run([*dying, *options], capture_output=True, check=False, timeout=PATIENCE)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    first = paths_of("dataset.tamis")
    least = 2 * ROWS_A_BATCH if point in WATCH_COMMITTED else ROWS_A_BATCH
    assert least <= len(first) < len(numbers)
    dataset = tamis.open("dataset.tamis", create=False)
    report = dataset.watch("line.avi", threshold=0.9, out="kept", gate=False)
    paths = paths_of("dataset.tamis")
    assert paths[: len(first)] == first
    assert [int(Path(path).stem) for path in paths] == numbers
    assert len(first) + report.kept == len(numbers)
    # it goes on from the last rows that were saved together with how far it had come
    assert report.seen < 24 * 3
    # every copy has its row and every row its copy
    files = sorted(str(file.relative_to(tmp_path)) for file in (tmp_path / "kept").rglob("*.*"))
    assert files == sorted(paths)


def test_a_folder_that_is_written_to_is_watched_through_a_kill(tmp_path, watching):
    folder = tmp_path / "in"
    folder.mkdir()
    scene(0).save(folder / "0.png")
    arguments = ("in", "--threshold", "0.9")
    run = watching(*arguments)
    run.wait_for_rows(1)
    scene(1).save(tmp_path / "whole.png")
    data = (tmp_path / "whole.png").read_bytes()
    with (folder / "1.png").open("wb") as file:
        file.write(data[:1000])
        file.flush()
        scene(2).save(folder / "2.png")
        run.wait_for_rows(2)
        assert paths_of(run.dataset) == ["in/0.png", "in/2.png"]
        file.write(data[1000:])
    run.wait_for_rows(3)
    run.kill()
    scene(2).save(folder / "again.png")
    scene(3).save(folder / "3.png")
    run = watching(*arguments)
    run.wait_for_rows(4)
    report = run.end(signal.SIGINT)
    assert (report["kept"], report["failed"]) == (1, 0)
    assert sorted(paths_of(run.dataset)) == [f"in/{n}.png" for n in range(4)]


def test_what_it_prints_and_how_it_is_misused(tmp_path, tamis_cli):
    write_video(tmp_path / "a.avi", shown([1, 2], 5), codec="mjpeg")
    run = tamis_cli("watch", "a.avi", "--threshold", "0.9", "--no-gate")
    assert re.match(
        r"10 seen, [23] kept, [78] dropped \(0 before the encoder\), [\d.]+ frames", run.out
    )
    assert run.err == "frames of a cosine similarity of 0.900 or more to a kept one are dropped\n"
    for arguments, message in (
        (("gone.mp4",), "no file or folder 'gone.mp4'"),
        (("a.avi", "--threshold", "high"), "--threshold is 'high'"),
        (("a.avi", "--rate", "5/day", "--max-kept", "3"), "both steer"),
    ):
        wrong = tamis_cli("watch", *arguments, "-d", "other.tamis", code=2)
        assert message in wrong.err
    assert not (tmp_path / "other.tamis").exists()
