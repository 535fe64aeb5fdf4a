"""A folder that pictures keep coming into."""

from __future__ import annotations

import os
import shutil
import threading
import time

import pytest
from PIL import Image

import tamis.sources.video.folder as folder_module
from made_videos import scene
from tamis.errors import InputError, PictureError
from tamis.sources.video.folder import LiveFolder
from tamis.sources.video.inotify import FolderWatch
from tamis.sources.video.sampling import Sampling

SETTLED = folder_module._SETTLED
ABANDONED = folder_module._ABANDONED


class Clock:
    """The folder's clocks, which stand still but for `advance`.

    Time passes only where the folder waits for it: while it looks through its files it takes no
    time, however slow the machine is.
    """

    def __init__(self):
        self.now = float(int(time.time()))
        self._changed = threading.Condition()
        self._to_pass = 0.0
        self._waits = 0
        self._ended = False

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def date(self, path):
        """Let a file be changed at this time."""
        os.utime(path, (self.now, self.now))

    def folder_waits(self):
        """Let the time pass that the test asked for; the folder calls this when it has to wait."""
        with self._changed:
            self._waits += 1
            self.now += self._to_pass
            self._to_pass = 0.0
            self._changed.notify_all()

    def folder_ended(self):
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def advance(self, seconds):
        """Let time pass, until the folder has done all that is due after it."""
        with self._changed:
            self._to_pass += seconds
            self._wait_for(self._waits + 2)

    def until_it_waits(self):
        """Wait until the folder has looked for the first time."""
        with self._changed:
            self._wait_for(1)

    def _wait_for(self, waits):
        assert self._changed.wait_for(lambda: self._ended or self._waits >= waits, 60)


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    clock = Clock()
    notice = LiveFolder._notice

    def notice_by_the_clock(folder, watch, seconds):
        if seconds:
            clock.folder_waits()
        return notice(folder, watch, seconds)

    monkeypatch.setattr(folder_module, "time", clock)
    monkeypatch.setattr(folder_module, "_STEP", 0.002)
    monkeypatch.setattr(folder_module, "_LOOK_AGAIN", SETTLED)
    monkeypatch.setattr(LiveFolder, "_notice", notice_by_the_clock)
    return clock


@pytest.fixture(params=["notices", "looking"])
def way(request, monkeypatch):
    """With the system's notices, and without them, as on a network drive."""
    if request.param == "looking":
        monkeypatch.setattr("tamis.sources.video.inotify._c_library", lambda: None)
    elif not FolderWatch().works:
        pytest.skip("this system gives no notices")
    return request.param


def old(path, seconds=100.0):
    """Let a file look as if it had been there for a while."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def save(path, number, **options):
    """Put a picture there at once: by the test's clock a half of it might look old and whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        scene(number).save(file, Image.registered_extensions()[path.suffix], **options)
    return part.rename(path)


class Watching:
    """Takes frames in a thread."""

    def __init__(self, folder, clock):
        self.folder = folder
        self.clock = clock
        self.frames = []
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            for frame in self.folder.frames():
                self.frames.append(frame)
        finally:
            self.clock.folder_ended()

    def __enter__(self):
        self.thread.start()
        self.clock.until_it_waits()
        return self

    def __exit__(self, *_):
        self.folder.close()
        self.thread.join(60)
        assert not self.thread.is_alive()

    def wait_for(self, count):
        """Let so much time pass that all is taken, and return what was, which is so many."""
        for _ in range(100):
            if len(self.frames) >= count:
                break
            self.clock.advance(SETTLED / 10)
        assert len(self.frames) == count
        return [frame.path for frame in self.frames]


def test_what_is_there_is_taken_by_name_and_once_ends(tmp_path):
    for name in ("b.jpg", "a.png", "sub/c.jpg", "note.txt", ".hidden.jpg"):
        old(save(tmp_path / name, 1) if not name.endswith("txt") else _touch(tmp_path / name))
    folder = LiveFolder(str(tmp_path), "in/", once=True)
    frames = list(folder.frames())
    assert [frame.path for frame in frames] == ["in/a.png", "in/b.jpg", "in/sub/c.jpg"]
    assert [frame.number for frame in frames] == [0, 1, 2]
    assert frames[2].uri == str(tmp_path / "sub/c.jpg")
    assert frames[0].seconds == (tmp_path / "a.png").stat().st_mtime_ns / 1e9
    assert frames[0].pixels.image().size == (160, 120)
    assert frames[1].pixels.encoded() == (tmp_path / "b.jpg").read_bytes()
    assert frames[1].pixels.view(8, 6).shape == (6, 8, 3)


def _touch(path):
    path.write_text("x")
    return path


def test_what_comes_is_taken_once_it_is_whole(tmp_path, way, clock):
    whole = save(tmp_path.parent / f"{way}.jpg", 2).read_bytes()
    with Watching(LiveFolder(str(tmp_path), "in"), clock) as watching:
        with (tmp_path / "slow.jpg").open("wb") as file:
            for start in range(0, len(whole), len(whole) // 6 + 1):
                file.write(whole[start : start + len(whole) // 6 + 1])
                file.flush()
                clock.advance(SETTLED / 2)
                clock.date(tmp_path / "slow.jpg")
                clock.advance(SETTLED / 2)
                assert watching.frames == []
        assert watching.wait_for(1) == ["in/slow.jpg"]
        assert watching.frames[0].pixels.encoded() == whole
        (tmp_path / "moved.jpg.tmp").write_bytes(whole)
        (tmp_path / "moved.jpg.tmp").rename(tmp_path / "moved.jpg")
        assert watching.wait_for(2)[1] == "in/moved.jpg"


def test_new_folders_are_looked_into(tmp_path, way, clock):
    with Watching(LiveFolder(str(tmp_path), "in"), clock) as watching:
        save(tmp_path / "2026/01/a.jpg", 1)
        watching.wait_for(1)
        clock.advance(SETTLED)
        save(tmp_path / "2026/01/b.jpg", 2)
        save(tmp_path / "2026/02/c.jpg", 3)
        assert sorted(watching.wait_for(3)) == [
            "in/2026/01/a.jpg",
            "in/2026/01/b.jpg",
            "in/2026/02/c.jpg",
        ]


def test_a_file_that_changes_is_news_again_and_one_that_does_not_is_not(tmp_path, way, clock):
    path = save(tmp_path / "a.jpg", 1)
    old(path)
    with Watching(LiveFolder(str(tmp_path), "in"), clock) as watching:
        watching.wait_for(1)
        for _ in range(3):
            clock.advance(SETTLED)
        assert len(watching.frames) == 1
        save(path, 2, quality=50)
        assert watching.wait_for(2) == ["in/a.jpg", "in/a.jpg"]


def test_a_writer_that_pauses_is_waited_for_and_one_that_died_is_not(tmp_path, clock):
    if not FolderWatch().works:
        pytest.skip("this system gives no notices")
    whole = save(tmp_path.parent / "x.jpg", 2).read_bytes()
    folder = LiveFolder(str(tmp_path), "in")

    def begin(name):
        file = (tmp_path / name).open("wb")
        file.write(whole[:100])
        file.flush()
        clock.advance(0)
        assert str(tmp_path / name) in folder._writing
        clock.date(tmp_path / name)
        clock.advance(SETTLED)
        return file

    with Watching(folder, clock) as watching:
        with begin("paused.jpg") as file:
            for _ in range(4):
                clock.advance(0.2 * ABANDONED)
            assert watching.frames == []
            file.write(whole[100:])
        assert watching.wait_for(1) == ["in/paused.jpg"]
        assert watching.frames[0].pixels.encoded() == whole
        with begin("died.jpg"):
            clock.advance(ABANDONED - 2 * SETTLED)
            assert len(watching.frames) == 1
            clock.advance(2 * SETTLED)
            assert watching.wait_for(2)[1] == "in/died.jpg"


def test_files_that_an_earlier_run_took_are_passed_over(tmp_path):
    for name in ("a.jpg", "b.jpg"):
        old(save(tmp_path / name, 1))
    first = LiveFolder(str(tmp_path), "in", once=True)
    done = {first.key_of(frame) for frame in first.frames()}
    assert len(done) == 2
    assert list(LiveFolder(str(tmp_path), "in", done=done, once=True).frames()) == []
    save(tmp_path / "b.jpg", 7)
    old(tmp_path / "b.jpg", 50)
    again = LiveFolder(str(tmp_path), "in", done=done, once=True)
    assert [frame.path for frame in again.frames()] == ["in/b.jpg"]


def test_sampling_by_time_goes_by_the_time_of_change(tmp_path):
    now = 1_700_000_000
    for second in range(10):
        path = save(tmp_path / f"{second}.jpg", second)
        os.utime(path, (now + second, now + second))
    folder = LiveFolder(str(tmp_path), "in", sampling=Sampling(every=4.0), once=True)
    assert [frame.path for frame in folder.frames()] == ["in/0.jpg", "in/4.jpg", "in/8.jpg"]


def test_a_broken_file_says_so_when_looked_at(tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff nonsense")
    old(tmp_path / "bad.jpg")
    [frame] = LiveFolder(str(tmp_path), "in", once=True).frames()
    with pytest.raises(PictureError, match=r"in/bad\.jpg"):
        frame.pixels.view(8, 6)


def test_a_file_dated_in_the_future_is_taken_once_it_settles(tmp_path, clock):
    path = save(tmp_path / "a.jpg", 1)
    os.utime(path, (time.time() + 1e6, time.time() + 1e6))
    with Watching(LiveFolder(str(tmp_path), "in", once=True), clock) as watching:
        assert watching.frames == []
        assert watching.wait_for(1) == ["in/a.jpg"]


def test_a_folder_that_is_not_there_or_vanishes_is_bad_input(tmp_path, clock):
    with pytest.raises(InputError, match="there is no folder in"):
        LiveFolder(str(tmp_path / "in"), "in")
    (tmp_path / "in").mkdir()
    folder = LiveFolder(str(tmp_path / "in"), "in")
    old(save(tmp_path / "in/a.jpg", 1))
    frames = folder.frames()
    next(frames)
    shutil.rmtree(tmp_path / "in")
    clock.now += SETTLED
    with pytest.raises(InputError, match="cannot list the folder in"):
        next(frames)


def test_a_restart_samples_the_same_files(tmp_path):
    for number in range(6):
        path = save(tmp_path / f"{number}.png", number)
        os.utime(path, (1_000_000 + number, 1_000_000 + number))

    def names(folder):
        return [frame.path for frame in folder.frames()]

    sampling = Sampling(every=3.0)
    folder = LiveFolder(str(tmp_path), "in", sampling=sampling, once=True)
    taken = [(frame.path, folder.key_of(frame)) for frame in folder.frames()]
    done = {key for _, key in taken[:1]}
    again = LiveFolder(str(tmp_path), "in", sampling=sampling, done=done, once=True)
    assert names(again) == [path for path, _ in taken[1:]]
    assert 2 <= len(taken) <= 3
