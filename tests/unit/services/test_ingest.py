from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from filling import ingest
from picture_files import encode, exif_with, photo, photo_file, png_header
from tamis.dataset.store import Store
from tamis.errors import InputError
from tamis.services.add import pictures as ingest_module
from tamis.types import Failure

EVERYTHING = [
    "sample_id",
    "path",
    "uri",
    "source",
    "width",
    "height",
    "format",
    "bytes",
    "content_hash",
    "phash",
    "thumbnail",
    "sharpness",
    "brightness",
    "contrast",
    "entropy",
    "captured_at",
    "latitude",
    "longitude",
    "orientation",
    "camera",
    "label",
    "split",
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "pets.tamis")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `photos` in the current folder: 20 good pictures and 4 bad ones."""
    folder = tmp_path / "photos"
    for number in range(20):
        kind = ("cats", "dogs")[number % 2]
        file = folder / kind / f"{number:02}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(photo_file(seed=number))
    (folder / "cats" / "empty.jpg").touch()
    (folder / "cats" / "text.png").write_text("hello")
    (folder / "dogs" / "bomb.png").write_bytes(png_header(30_000, 30_000))
    (folder / "dogs" / "half.jpg").write_bytes(photo_file(seed=50)[:900])
    (folder / "readme.txt").write_text("hello")
    monkeypatch.chdir(tmp_path)
    return folder


def rows(store: Store, *columns: str) -> list[dict[str, object]]:
    return store.read(columns or EVERYTHING).to_pylist()


def test_good_pictures_become_rows_and_bad_ones_failures(store: Store, photos: Path) -> None:
    report = ingest(store, ["photos"])

    assert (report.added, report.known) == (20, 0)
    assert report.failed == [
        Failure("photos/cats/empty.jpg", "the file is empty", "photos"),
        Failure(
            "photos/cats/text.png", "not a picture: the content is of no known format", "photos"
        ),
        Failure(
            "photos/dogs/bomb.png",
            "30000 x 30000 pixels are over the limit of 200 megapixels",
            "photos",
        ),
        Failure(
            "photos/dogs/half.jpg", "truncated: the file ends before the picture does", "photos"
        ),
    ]
    assert store.count() == 20
    stored = store.failures().select(["path", "reason", "source"]).to_pylist()
    assert [Failure(**row) for row in stored] == report.failed
    assert store.log()[-1].verb == "add"
    assert store.log()[-1].counts == {"added": 20, "known": 0, "failed": 4}


def test_what_a_row_holds(store: Store, tmp_path: Path) -> None:
    exif = exif_with(6, t271="ACME", t272="One")
    exif.get_ifd(0x8769)[36867] = "2021:07:14 09:30:15"
    exif.get_ifd(0x8825).update({1: "S", 2: (10.0, 30.0, 0.0), 3: "W", 4: (20.0, 0.0, 0.0)})
    data = encode(photo(600, 400), "JPEG", exif=exif)
    (tmp_path / "one.jpg").write_bytes(data)

    ingest(store, [str(tmp_path / "one.jpg")])

    (row,) = rows(store)
    assert row["path"] == row["uri"] == row["source"] == str(tmp_path / "one.jpg")
    assert (row["width"], row["height"], row["orientation"]) == (400, 600, 6)
    assert (row["format"], row["bytes"], row["camera"]) == ("JPEG", len(data), "ACME One")
    assert str(row["captured_at"]) == "2021-07-14 09:30:15"
    assert (row["latitude"], row["longitude"]) == (-10.5, -20.0)
    assert len(row["sample_id"]) == len(row["content_hash"]) == 32
    assert -(2**63) <= row["phash"] < 2**63
    assert Image.open(io.BytesIO(row["thumbnail"])).size == (171, 256)
    assert row["brightness"] == pytest.approx(
        np.asarray(Image.fromarray(photo(600, 400)).convert("L")).mean() / 255, abs=0.01
    )
    assert row["contrast"] > 0
    assert row["entropy"] > 0
    assert row["sharpness"] > 0
    assert (row["label"], row["split"]) == (None, None)
    assert store.read(["added_at"]).column(0)[0].as_py() is not None


def test_adding_again_adds_nothing(store: Store, photos: Path) -> None:
    first = ingest(store, ["photos"])
    before = rows(store)

    again = ingest(store, ["photos"])
    elsewhere = ingest(store, [str(photos), "photos/cats", "photos/*/1*.jpg"])

    assert (again.added, again.known, again.failed) == (0, 20, first.failed)
    assert (elsewhere.added, elsewhere.known) == (0, 20 + 10 + 10)
    assert rows(store) == before
    assert store.failures().num_rows == 4 + 4  # the same files, named in another way
    assert store.log()[-2].counts == {"added": 0, "known": 20, "failed": 4}


def test_known_pictures_are_not_decoded(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(store, ["photos"])
    decoded: list[str] = []
    examine = ingest_module.examine

    def note(data: bytes, path: str) -> object:
        decoded.append(path)
        return examine(data, path)

    monkeypatch.setattr(ingest_module, "examine", note)
    (photos / "new.jpg").write_bytes(photo_file(seed=99))

    report = ingest(store, ["photos"])

    assert (report.added, report.known) == (1, 20)
    assert "photos/new.jpg" in decoded
    assert len(decoded) == 5  # it, and the four that never became rows


def test_sources_that_overlap_add_each_picture_once(store: Store, photos: Path) -> None:
    report = ingest(store, ["photos", "photos/cats"])

    assert (report.added, report.known) == (20, 10)
    assert store.count() == 20


def test_the_same_content_in_two_places_is_two_samples(store: Store, tmp_path: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(photo_file())

    assert ingest(store, [f"{tmp_path}/*.jpg"]).added == 2
    first, second = rows(store, "sample_id", "content_hash")
    assert first["content_hash"] == second["content_hash"]
    assert first["sample_id"] != second["sample_id"]


def test_a_file_that_was_overwritten_is_a_new_sample(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(photo_file(seed=1))
    ingest(store, [f"{tmp_path}/a.jpg"])
    (tmp_path / "a.jpg").write_bytes(photo_file(seed=2))

    assert ingest(store, [f"{tmp_path}/a.jpg"]).added == 1
    assert store.count() == 2


def test_rows_do_not_depend_on_threads_or_checkpoints(tmp_path: Path, photos: Path) -> None:
    results = []
    for number, (threads, checkpoint) in enumerate([(1, 1000), (2, 3), (7, 1), (32, 5)]):
        store = Store.create(tmp_path / f"{number}.tamis")
        report = ingest(store, ["photos"], threads=threads, checkpoint_rows=checkpoint)
        results.append((rows(store), report, store.failures().drop(["time"]).to_pylist()))

    assert all(result == results[0] for result in results)
    assert [row["path"] for row in results[0][0]] == sorted(row["path"] for row in results[0][0])


def test_progress_counts_every_picture(store: Store, photos: Path) -> None:
    told: list[tuple[int, int | None]] = []

    ingest(store, ["photos"], progress=lambda done, total: told.append((done, total)))

    assert told == [(done, 24) for done in range(1, 25)]


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archives(kind: str, store: Store, tmp_path: Path) -> None:
    members = {f"{'ab'[n % 2]}/{n}.jpg": photo_file(seed=n) for n in range(30)}
    members["a/bad.jpg"] = b"rubbish"
    path = tmp_path / f"pets.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w:gz") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    told: list[int | None] = []

    report = ingest(
        store,
        [str(path)],
        labels="folder",
        threads=4,
        progress=lambda done, total: told.append(total),
    )

    assert report.added == 30
    assert [failure.path for failure in report.failed] == [f"{path}!a/bad.jpg"]
    assert rows(store, "uri", "label")[1] == {"uri": f"{path}!b/1.jpg", "label": "b"}
    assert set(told) == {31 if kind == "zip" else None}
    assert ingest(store, [str(path)]).known == 30


@pytest.mark.parametrize("source", ["nowhere", "empty", "photos/*.txt"])
def test_a_source_that_cannot_be_used_adds_nothing_of_the_others(
    source: str, store: Store, photos: Path
) -> None:
    (photos.parent / "empty").mkdir()

    with pytest.raises(InputError):
        ingest(store, ["photos", source])

    assert store.count() == 0
    assert [entry.verb for entry in store.log()] == ["create"]


def test_a_folder_that_vanishes_is_an_error_and_leaves_whole_checkpoints(
    store: Store, photos: Path
) -> None:
    def remove(done: int, total: int | None) -> None:
        if done == 7:
            photos.rename(photos.parent / "unplugged")

    with pytest.raises(InputError, match="photos disappeared while it was being read"):
        ingest(store, ["photos"], threads=1, checkpoint_rows=5, progress=remove)

    kept = store.count()
    assert 5 <= kept + store.failures().num_rows < 24
    assert (kept + store.failures().num_rows) % 5 == 0
    (photos.parent / "unplugged").rename(photos)
    assert ingest(store, ["photos"]).known == kept
    assert store.count() == 20


def test_a_folder_that_vanishes_while_it_is_listed_is_an_error(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def vanish(path: str) -> object:
        if str(path).endswith("dogs") and store.snapshot > 1:
            photos.rename(photos.parent / "unplugged")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish)

    with pytest.raises(InputError, match="photos disappeared while it was being read"):
        ingest(store, ["photos"], threads=1, checkpoint_rows=1)


def test_a_file_that_vanishes_costs_itself(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ingest_module.read_bytes

    def vanish(uri: str, path: str) -> bytes:
        if path.endswith("19.jpg"):
            Path(uri).unlink()
        return read(uri, path)

    monkeypatch.setattr(ingest_module, "read_bytes", vanish)

    report = ingest(store, ["photos"])

    assert report.added == 19
    missing = Failure("photos/dogs/19.jpg", "does not exist (any more)", "photos")
    assert missing in report.failed


def test_an_error_on_the_way_keeps_nothing_of_its_checkpoint(store: Store, photos: Path) -> None:
    def stop(done: int, total: int | None) -> None:
        if done == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(store, ["photos"], checkpoint_rows=5, progress=stop)

    kept = store.count()
    assert kept + store.failures().num_rows == 10
    report = ingest(store, ["photos"])
    assert (report.added, report.known) == (20 - kept, kept)


def test_labels_of_folders(store: Store, photos: Path) -> None:
    (photos / "00.jpg").write_bytes(photo_file(seed=77))

    ingest(store, ["photos"], labels="folder")

    by_label: dict[object, int] = {}
    for row in rows(store, "label"):
        by_label[row["label"]] = by_label.get(row["label"], 0) + 1
    assert by_label == {None: 1, "cats": 10, "dogs": 10}


def test_labels_of_a_table(store: Store, photos: Path) -> None:
    table = photos.parent / "labels.csv"
    table.write_text(
        "path,label,split\nphotos/cats/00.jpg,tabby,train\nphotos/cats/02.jpg,,test\n"
        "photos/cats/empty.jpg,none,train\nphotos/nowhere.jpg,x,\n"
    )

    report = ingest(store, ["photos"], labels="labels.csv")

    assert (report.labeled, report.label_rows) == (2, 4)
    assert rows(store, "path", "label", "split")[:3] == [
        {"path": "photos/cats/00.jpg", "label": "tabby", "split": "train"},
        {"path": "photos/cats/02.jpg", "label": None, "split": "test"},
        {"path": "photos/cats/04.jpg", "label": None, "split": None},
    ]


def test_a_table_that_matches_nothing_adds_nothing(store: Store, photos: Path) -> None:
    (photos.parent / "labels.csv").write_text("path,label\ncat.jpg,cat\n")

    with pytest.raises(InputError, match="none of the 1 paths"):
        ingest(store, ["photos"], labels="labels.csv")

    assert store.count() == 0


def test_labels_fill_gaps_of_known_pictures_and_overwrite_nothing(
    store: Store, photos: Path
) -> None:
    ingest(store, ["photos"])
    first = rows(store, "sample_id")[0]
    with store.operation("label") as operation:
        operation.set_marks([first["sample_id"]], {"label": ["by hand"]})
    (photos.parent / "labels.csv").write_text(
        "path,label,split\nphotos/cats/00.jpg,tabby,train\nphotos/cats/02.jpg,tabby,\n"
    )

    report = ingest(store, ["photos"], labels="labels.csv")

    assert (report.added, report.known, report.labeled) == (0, 20, 2)
    assert rows(store, "label", "split")[:3] == [
        {"label": "by hand", "split": "train"},
        {"label": "tabby", "split": None},
        {"label": None, "split": None},
    ]

    assert ingest(store, ["photos"], labels="folder").known == 20
    labels = [row["label"] for row in rows(store, "label")]
    assert labels[:3] == ["by hand", "tabby", "cats"]
    assert None not in labels


TESTS = Path(__file__).resolve().parents[2]


def test_a_run_that_is_killed_resumes(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(110):
        (folder / f"{number:03}.jpg").write_bytes(photo_file(seed=number, width=300, height=200))
    script = (
        "import os, signal, sys\n"
        "from tamis.dataset.store import Store\n"
        f"sys.path.insert(0, {str(TESTS)!r})\n"
        "from filling import ingest\n"
        "def progress(done, total):\n"
        "    if done == 70:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "ingest(Store.open(sys.argv[1]), [sys.argv[2]], checkpoint_rows=20, progress=progress)\n"
    )
    command = [sys.executable, "-c", script, str(store.path), str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr

    store = Store.open(store.path)
    done_before = store.count()
    assert done_before in {40, 60}  # the last checkpoint may have been under way

    report = ingest(store, [str(folder)])

    assert (report.added, report.known) == (110 - done_before, done_before)
    assert [row["path"] for row in rows(store, "path")] == sorted(
        str(file) for file in folder.iterdir()
    )


def test_many_files_are_open_at_no_time(store: Store, photos: Path) -> None:
    held: list[int] = []

    def count(done: int, total: int | None) -> None:
        held.append(len(list(Path("/proc/self/fd").iterdir())))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no list of open files here")
    ingest(store, ["photos"], threads=4, progress=count)

    assert max(held) - min(held) <= 8


def test_threads_work_ahead_only_so_far(
    store: Store, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    read = ingest_module.read_bytes

    def note(uri: str, path: str) -> bytes:
        started.append(path)
        return read(uri, path)

    monkeypatch.setattr(ingest_module, "read_bytes", note)
    ahead: list[int] = []

    def slow(done: int, total: int | None) -> None:
        # a thread that ran on without bound would now have the time to
        time.sleep(0.002)
        ahead.append(len(started) - done)

    ingest(store, ["photos"], threads=1, progress=slow)

    assert max(ahead) <= ingest_module._WINDOW_PER_THREAD
