"""The watch: what it keeps, where it goes on, how it falls behind."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import tamis
import tamis.sources.video.folder as folder_module
from cell_encoder import Cells
from made_videos import MOTION_JPEG, StreamServer, motion_jpeg, scene, scenes, write_video
from mosaic_encoder import Mosaic
from part_pictures import save_parts, with_hole
from tamis.dataset.store import Store
from tamis.errors import ConflictError, InputError, UsageError
from tamis.observability.metrics import MetricsServer, parse_address
from tamis.services.watch.checkpoint import Progress, WatchCheckpoint
from tamis.services.watch.contract import Watch
from tamis.services.watch.counts import SourceCount, WatchCounts, metrics_of
from tamis.services.watch.plan import WatchPlan, parse_rate
from tamis.services.watch.threshold import USUAL, measured_threshold

pytest.importorskip("av")


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(folder_module, "_SETTLED", 0.2)
    monkeypatch.setattr(folder_module, "_STEP", 0.02)


@pytest.fixture
def ds(tmp_path):
    return tamis.open(tmp_path / "d.tamis")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "line.mp4"
    write_video(path, scenes([1, 2, 3, 1, 4, 2], 20), rate=10)
    return path


def look(ds, *sources, encoder=None, threshold=0.95, **options):
    return ds.watch(*sources, encoder=encoder or Mosaic(), threshold=threshold, **options)


def frames_kept(ds):
    return [int(path.rpartition("=")[2]) for path in ds.table(["path"])["path"].to_pylist()]


def test_a_video_leaves_a_row_with_its_vector_for_each_new_frame(ds, video):
    report = look(ds, video)
    assert (report.seen, report.kept, report.dropped) == (120, 4, 116)
    assert (report.failed, report.behind, report.corrupt) == (0, 0, 0)
    assert report.embedded + report.skipped == 120
    assert frames_kept(ds) == [0, 20, 40, 80]
    row = ds.table(["path", "uri", "source", "width", "thumbnail", "sharpness"]).to_pylist()[1]
    assert row["uri"] == row["path"] == f"{video}!frame=20"
    assert row["source"] == str(video)
    place = ds.table(["video", "frame", "seconds"]).to_pylist()[1]
    assert place == {"video": str(video), "frame": 20, "seconds": 2.0}
    assert row["width"] == 160
    assert row["thumbnail"]
    # the vector is the one that embedding the row would give
    stored = ds.vectors()
    other = Mosaic(fingerprint="f" * 32)
    ds.embed(other)
    assert np.array_equal(stored, ds.store.vectors(ds.vector_column("f" * 32))[1])
    entry = [entry for entry in ds.log() if entry.verb == "watch"]
    assert [(e.state, e.counts["kept"], e.counts["seen"]) for e in entry] == [("done", 4, 120)]


def test_watching_again_keeps_nothing_twice_and_other_options_look_again(ds, video):
    look(ds, video)
    again = look(ds, video)
    assert (again.seen, again.kept) == (0, 0)
    coarser = look(ds, video, threshold=0.9)
    assert (coarser.seen, coarser.kept) == (120, 0)
    assert len(ds) == 4
    ds.undo()
    ds.undo()
    assert len(ds) == 0
    assert look(ds, video).kept == 4


def test_a_watch_that_was_stopped_goes_on_where_it_was(ds, video):
    whole = look(tamis.open(ds.path.with_name("whole.tamis")), video, gate=False)
    runs = []
    for _ in range(40):
        stop = threading.Event()
        encoder = Mosaic(pause=0.002)
        runs.append(
            look(
                ds,
                video,
                gate=False,
                encoder=encoder,
                stop=stop,
                tell=lambda counts, stop=stop: stop.set() if counts.decided > 20 else None,
            )
        )
        if runs[-1].seen == 0:
            break
    assert len(runs) > 2
    assert sum(run.seen for run in runs) == whole.seen == 120
    assert sum(run.kept for run in runs) == whole.kept == len(ds) == 4


def test_copies_are_written_and_each_has_its_row(ds, video, tmp_path):
    report = look(ds, video, out=tmp_path / "kept")
    assert report.out == str(tmp_path / "kept")
    files = sorted((tmp_path / "kept").rglob("*.jpg"))
    rows = ds.table(["uri", "content_hash", "format"]).to_pylist()
    assert [row["uri"] for row in rows] == list(map(str, files))
    assert {row["format"] for row in rows} == {"JPEG"}
    # what is written and what was seen are the same to an encoder
    ds.embed(other := Mosaic(fingerprint="f" * 32))
    copies = ds.store.vectors(ds.vector_column(other.fingerprint))[1]
    assert (ds.vectors("0123456789abcdef" * 2) * copies).sum(axis=1).min() > 0.999


def test_what_the_dataset_holds_counts_as_kept(ds, video, tmp_path):
    (tmp_path / "photos").mkdir()
    scene(2).save(tmp_path / "photos/a.png")
    ds.add(tmp_path / "photos")
    ds.embed(Mosaic())
    assert look(ds, video).kept == 3
    assert look(ds, video, per_stream=True).kept == 1


def test_a_folder_is_watched_once_and_goes_on_with_what_is_new(ds, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in (1, 2, 1):
        scene(number).save(folder / f"{len(list(folder.iterdir()))}.png")
    (folder / "bad.jpg").write_bytes(b"no picture")
    first = look(ds, folder, once=True)
    assert (first.seen, first.kept, first.dropped, first.failed) == (4, 2, 1, 1)
    assert [(f.path, f.source) for f in first.reasons] == [(f"{folder}/bad.jpg", str(folder))]
    assert ds.info()["failed"] == 1
    scene(3).save(folder / "new.png")
    second = look(ds, folder, once=True)
    assert (second.seen, second.kept) == (1, 1)
    # a row of a file is the one that adding it makes
    assert ds.add(folder).known == 3


def test_a_window_and_bounded_memory_go_on_as_if_never_stopped(ds, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    now = time.time() - 10_000
    for number, kind in enumerate([1, 2, 1, 1, 2]):
        path = folder / f"{number}.png"
        scene(kind).save(path)
        _touch(path, now + 100 * number)
        # of a memory of 150 s, the second scene is forgotten when it comes back
        report = look(ds, folder, once=True, window=150.0, sample="1")
        assert report.seen == 1
    assert [Path(p).name for p in ds.table(["path"])["path"].to_pylist()] == [
        "0.png",
        "1.png",
        "2.png",
        "4.png",
    ]
    bounded = look(ds, folder, once=True, max_kept=2, threshold=0.99)
    assert bounded.in_memory <= 2
    assert bounded.threshold < 0.99
    assert look(ds, folder, once=True, max_kept=2, threshold=0.99).threshold == bounded.threshold


def _touch(path, when):
    import os

    os.utime(path, (when, when))


class Late(Mosaic):
    """An encoder that is done with its first batch only when all frames have come."""

    def __init__(self, all_came):
        super().__init__()
        self.all_came = all_came

    def embed(self, pixels):
        give_up = time.monotonic() + 60
        while not self.all_came():
            assert time.monotonic() < give_up
            time.sleep(0.005)
        return super().embed(pixels)


def test_falling_behind_drops_the_oldest_and_counts_them(ds):
    frames = scenes([1, 2, 3, 4], 60)
    came = threading.Event()
    stop = threading.Event()

    def serve(number):
        if number == 0:
            return motion_jpeg(frames)
        # who connects again has taken all frames of the first connection
        came.set()
        return None

    def tell(counts):
        if counts.sources[0].behind + counts.decided == len(frames):
            stop.set()

    with StreamServer(serve, MOTION_JPEG) as server:
        report = look(
            ds, server.url, encoder=Late(came.is_set), gate=False, seconds=600, stop=stop, tell=tell
        )
    # 32 may wait beside the eight that are looked at
    assert len(frames) - 32 - 8 <= report.behind <= len(frames) - 32
    assert report.seen == report.kept + report.dropped + report.failed + report.behind
    assert report.seen == len(frames)
    assert report.sources[0].behind == report.behind


def test_a_watch_that_blocks_loses_nothing(ds, video):
    report = look(ds, video, encoder=Mosaic(pause=0.005), behind="block", gate=False)
    assert (report.behind, report.seen) == (0, 120)
    other = tamis.open(ds.path.with_name("other.tamis"))
    late = Late(lambda: not any(t.name.startswith("tamis-decode") for t in threading.enumerate()))
    assert 120 - 32 - 8 <= look(other, video, encoder=late, behind="drop", gate=False).behind <= 88


def test_several_sources_share_what_was_kept_or_not(ds, video, tmp_path):
    other = tmp_path / "other.mp4"
    write_video(other, scenes([2, 5], 10))
    report = look(ds, video, other)
    assert report.seen == 140
    assert report.kept == 5
    assert {count.source for count in report.sources} == {str(video), str(other)}
    apart = tamis.open(tmp_path / "apart.tamis")
    assert look(apart, video, other, per_stream=True).kept == 6


def test_a_source_that_fails_costs_the_source_unless_it_is_the_last(ds, video):
    nowhere = "http://127.0.0.1:9/live"
    plan = {"seconds": 600.0}
    with StreamServer(lambda _n: None) as server:
        report = look(ds, video, server.url, **plan)
        assert report.kept == 4
        assert "404" in report.reasons[0].reason
        with pytest.raises(InputError, match="404"):
            look(ds, server.url, **plan)
    with pytest.raises(UsageError, match="given twice"):
        look(ds, nowhere, nowhere)
    with pytest.raises(InputError, match="no file or folder"):
        look(ds, "gone.mp4")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": 1.5}, "threshold is 1.5; give a value from -1 to 1"),
        ({"rate": "500"}, "cannot keep '500'"),
        ({"rate": "5/day", "max_kept": 4}, "both steer"),
        ({"copy": False, "out": "x"}, "none are to be made"),
        ({"window": -1.0}, "window"),
        ({"sample": "often"}, "sample is 'often'; give a number or frame or keyframe"),
        ({"seconds": 0.0}, "cannot watch for"),
        ({"metrics": "http"}, "cannot serve metrics"),
    ],
)
def test_options_that_cannot_be_are_refused(ds, video, options, message):
    with pytest.raises(UsageError, match=message):
        look(ds, video, **options)
    assert len(ds.log()) == 1


def test_sources_that_do_not_fit_the_options_are_refused(tmp_path, video):
    (tmp_path / "in").mkdir()
    for options, sources, message in (
        ({}, [], "at least one"),
        ({"copy": False}, ["rtsp://cam/1"], "only once"),
        ({"out": tmp_path / "in/kept"}, [str(tmp_path / "in")], "lies inside"),
        ({"window": 9.0}, [str(video), "rtsp://cam/1"], "one clock"),
    ):
        with pytest.raises(UsageError, match=message):
            WatchPlan(Watch(sources, **options)).check(sources)
    cameras = ["rtsp://cam/1", "rtsp://cam/2"]
    WatchPlan(Watch(cameras, window=9.0)).check(cameras)
    assert parse_rate("2.5/hour").period == 3600


def test_a_second_watch_of_the_same_kind_is_refused(tmp_path):
    store = Store.create(tmp_path / "d.tamis")
    with (
        WatchCheckpoint(store, "one"),
        WatchCheckpoint(store, "two"),
        pytest.raises(ConflictError, match="another process"),
    ):
        WatchCheckpoint(store, "one")


def test_copies_of_a_killed_watch_without_rows_are_removed(ds, video, tmp_path):
    look(ds, video, out=tmp_path / "kept")
    files = list((tmp_path / "kept").rglob("*.jpg"))
    orphan = tmp_path / "kept/orphan.jpg"
    orphan.write_bytes(b"x")
    folder = next((ds.path / "watch").iterdir())
    named = [["ab" * 16, str(orphan)]]
    kept = ds.table(["sample_id", "uri"]).to_pylist()
    named += [[row["sample_id"], row["uri"]] for row in kept]
    (folder / "copies.json").write_text(json.dumps(named))
    look(ds, video, out=tmp_path / "kept")
    assert not orphan.exists()
    assert all(file.exists() for file in files)


def test_the_threshold_is_what_harmless_changes_leave(ds, video):
    report = look(ds, video, threshold="auto")
    assert 0.5 < report.threshold < 0.995
    assert report.kept >= 4
    # remembered, though the rest of the video would give another
    assert look(ds, video, threshold="auto").threshold == report.threshold
    assert measured_threshold(Mosaic(), []) == USUAL


def test_the_speed_is_that_of_the_last_ten_seconds_and_the_lag_the_longest(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("tamis.services.watch.counts.time.monotonic", lambda: clock[0])
    fast, slow = SourceCount("a", lag=0.25), SourceCount("b", lag=3.0)
    counts = WatchCounts([fast, slow], _began=100.0)
    for second in range(1, 21):
        clock[0] = 100.0 + second
        # 30 frames a second at first, 5 at last, half of them of each source
        fast.kept += 15 if second <= 5 else 2
        slow.skipped += 15 if second <= 5 else 3
        counts.tick()
        if second == 4:
            assert counts.fps == pytest.approx(30, rel=0.35)
    assert counts.fps == pytest.approx(5)
    assert counts.lag == 3.0
    assert (counts.decided, counts.dropped) == (225, slow.skipped)
    assert counts.seconds == pytest.approx(20)


def test_counts_are_served_as_prometheus_reads_them():
    counts = WatchCounts(
        [SourceCount('cam "1"\\x', seen=7, kept=2, behind=3, lag=0.25), SourceCount("b")]
    )
    with MetricsServer(parse_address("0"), lambda: metrics_of(counts)) as server:
        assert server.url.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(server.url) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            text = answer.read().decode()
    assert 'tamis_watch_frames_seen_total{source="cam \\"1\\"\\\\x"} 7.0' in text
    assert 'tamis_watch_frames_kept_total{source="cam \\"1\\"\\\\x"} 2.0' in text
    assert 'tamis_watch_frames_dropped_behind_total{source="cam \\"1\\"\\\\x"} 3.0' in text
    assert 'tamis_watch_lag_seconds{source="cam \\"1\\"\\\\x"} 0.25' in text
    assert 'tamis_watch_lag_seconds{source="b"} 0.0' in text
    lines = text.splitlines()
    for place, line in enumerate(lines):
        if line.startswith("# HELP"):
            name = line.split()[2]
            assert lines[place + 1] in {f"# TYPE {name} counter", f"# TYPE {name} gauge"}
            assert lines[place + 2].startswith(name)
    assert text.endswith("\n")


def test_an_address_that_is_taken_is_refused():
    with (
        MetricsServer(parse_address("0"), list) as first,
        pytest.raises(UsageError, match="cannot serve metrics at 127"),
        MetricsServer(parse_address(first.url.split("/")[2]), list),
    ):
        pass


def test_what_an_earlier_version_remembered_is_read(tmp_path):
    """The file's words stay, whatever the code calls them."""
    store = Store.create(tmp_path / "d.tamis")
    folder = store.path / "watch" / "one"
    folder.mkdir(parents=True)
    state = {
        "format": 1,
        "epoch": "12ab34cd",
        "threshold": 0.9,
        "operations": [],
        "places": {"/a.mp4": {"next": 7, "finished": False, "changed": [1, 2]}},
        "folders": {"/in": "12ab34cd-0.taken"},
        "lanes": {"": {"threshold": 0.8, "ids": ["ab"], "seen": [3.0]}},
    }
    (folder / "state.json").write_text(json.dumps(state))
    with WatchCheckpoint(store, "one") as checkpoint:
        assert checkpoint.threshold == 0.9
        assert checkpoint.places["/a.mp4"].next == 7
        assert checkpoint.sieves[""].ids == ["ab"]
        checkpoint.save(None, Progress(checkpoint.places, checkpoint.sieves, {}))
    assert json.loads((folder / "state.json").read_text()) == state


@pytest.fixture(scope="module")
def parts_model(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    save_parts(root / "good", range(24))
    ds = tamis.open(root / "good.tamis")
    ds.add(root / "good")
    cells = Cells()
    ds.defects_fit(encoder=cells, levels=["stride8"], side=64, model="bank", out=root / "m.npz")
    return root / "m.npz", cells


def test_with_a_model_of_defects_what_is_anomalous_is_kept(ds, tmp_path, parts_model):
    model, cells = parts_model
    ds.workspace.encoders.add(cells)
    line = tmp_path / "line"
    save_parts(line, range(100, 104))
    # alike but for their flaw: a memory of what was kept would drop the second
    save_parts(line, range(200, 202), with_hole)
    (line / "bad.png").write_bytes(b"no picture")
    report = look_for(ds, line, model)
    assert (report.seen, report.kept, report.nominal, report.failed) == (7, 2, 4, 1)
    assert report.dropped == 0
    assert report.embedded == 2
    assert sorted(Path(p).name for p in ds.table(["path"])["path"].to_pylist()) == [
        "part0200.png",
        "part0201.png",
    ]
    again = look_for(ds, line, model)
    assert (again.seen, again.kept) == (0, 0)
    entry = next(entry for entry in ds.log() if entry.verb == "watch")
    assert entry.counts["nominal"] == 4


def look_for(ds, line, model):
    return ds.watch(line, encoder=Mosaic(), defects=str(model), gate=False, once=True)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "gate"),
        ({"gate": False, "threshold": 0.9}, "threshold"),
        ({"gate": False, "rate": "5/day"}, "threshold"),
        ({"gate": False, "window": 5.0}, "window"),
        ({"gate": False, "drift": "http://h/v1/references/a"}, "drift server"),
    ],
)
def test_what_would_decide_beside_a_model_of_defects_is_refused(options, why):
    with pytest.raises(UsageError, match=why):
        Watch(["line"], defects="defects", **options).check()
