"""What becomes of verdicts: groups, marks, rules of what to keep, conditions, the page.

Pictures are judged by their names here: `A-copy2.png` is a copy of all of `A`, `A-changed.png` a
changed version, `A-undecided.png` could be either. `A-marked.png` and `A-small.png` are copies of
all but each other.
"""

from __future__ import annotations

import json
import os
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from filling import add_crops, ingest
from tamis.algo.calibration import PairCalibration, PairThresholds
from tamis.dataset.store import Store
from tamis.errors import UsageError
from tamis.pages.tile import in_picture
from tamis.runtime.comparison import NO_REGIONS, Comparison
from tamis.runtime.workspace import Workspace
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SIDE = 64
LEFT_REGION, RIGHT_REGION = (0.25, 0.5, 0.25, 0.125), (0.5, 0.5, 0.1, 0.1)


class NamedVerifier:
    """Judges pairs by the names of their pictures."""

    def __init__(self, store, ids, *, progress):
        del progress
        self.names = [base(path) for path in store.read(["path"], ids=ids)["path"].to_pylist()]

    def compare(self, left, right, turns):
        verdicts = [
            self._verdict(self.names[a], self.names[b]) for a, b in zip(left, right, strict=True)
        ]
        changed = [verdict == Verdict.CHANGED for verdict in verdicts]

        def regions(box):
            return tuple(np.array([box], np.float32) if c else NO_REGIONS for c in changed)

        score = {Verdict.COPY: 0.95, Verdict.CHANGED: 0.4, Verdict.UNDECIDED: 0.93}
        return Comparison(
            score=np.array([score.get(v, 0.0) for v in verdicts], np.float32),
            view=np.array([0.9 * (v != Verdict.DIFFERENT) for v in verdicts], np.float32),
            undecidable=np.array([v == Verdict.UNDECIDED for v in verdicts], np.bool_),
            flipped=np.zeros(len(verdicts), np.bool_),
            left_regions=regions(LEFT_REGION),
            right_regions=regions(RIGHT_REGION),
            covers=np.array([[v != Verdict.DIFFERENT] * 2 for v in verdicts], np.bool_),
            sharper=np.zeros(len(verdicts), np.int8),
        )

    def _verdict(self, a, b):
        if a[0] != b[0]:
            return Verdict.DIFFERENT
        kinds = {re.split(r"[-.0-9]", name[2:])[0] for name in (a, b)}
        if "undecided" in kinds:
            return Verdict.UNDECIDED
        if kinds == {"marked", "small"}:
            return Verdict.CHANGED
        return Verdict.CHANGED if "changed" in kinds else Verdict.COPY

    def calibrate(self, candidates, rng, *, threshold=None):
        del candidates, rng
        lines = PairThresholds(copy=0.9, changed=0.5)
        return PairCalibration(lines, True, 0.0, {}, (0.0, 0.0), True, 1, ("read me",))


@pytest.fixture(autouse=True)
def named(monkeypatch):
    monkeypatch.setattr("tamis.services.duplicates.candidates.PairVerifier", NamedVerifier)


def found_in(store: Store, **options):
    return duplicates(Workspace(store), Duplicates(**options))


def save(folder: Path, names: Iterable[str], side: int = SIDE) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        noise = np.random.default_rng(list(name.encode())).integers(
            0, 256, (side, side, 3), dtype=np.uint8
        )
        Image.fromarray(noise).save(folder / name)


def dataset(place: Path, *sources: Path) -> Store:
    store = Store.create(place / "d.tamis")
    ingest(store, [str(source) for source in sources])
    embed(store)
    return store


def embed(store: Store) -> None:
    """The same vector for all of a letter, so that they propose each other."""
    rows = store.read(["sample_id", "path"]).to_pylist()
    vectors = np.array(
        [np.random.default_rng(ord(base(row["path"])[0])).normal(size=8) for row in rows]
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789", 8)
        op.set_vectors(column, [row["sample_id"] for row in rows], vectors.astype(np.float32))


def base(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def dropped(report) -> dict[str, str]:
    return {base(path): base(group.keep) for group in report.groups for path in group.drop}


ALL = ["A-copy1.png", "A-copy2.png", "A-changed.png", "B-copy.png", "B-undecided.png", "C-copy.png"]


@pytest.fixture
def store(tmp_path) -> Store:
    save(tmp_path / "p", ALL)
    return dataset(tmp_path, tmp_path / "p")


def test_copies_of_one_original_are_copies_of_each_other(tmp_path):
    save(tmp_path / "p", ["A-copy.png", "B-copy.png"])
    save(tmp_path / "p", ["A-marked.png", "A-small.png", "B-marked.png"], SIDE // 2)
    report = found_in(dataset(tmp_path, tmp_path / "p"))
    assert report.verdicts == {"copy": 4, "changed": 0, "undecided": 0}
    assert all(pair.region is None for pair in report.pairs)
    assert dropped(report) == {
        "A-marked.png": "A-copy.png",
        "A-small.png": "A-copy.png",
        "B-marked.png": "B-copy.png",
    }
    # what no original decides stays undecided
    save(tmp_path / "r", ["A-copy.png"])
    save(tmp_path / "r", ["A-marked.png", "A-undecided.png"], SIDE // 2)
    unsure = found_in(dataset(tmp_path / "r", tmp_path / "r"))
    assert unsure.verdicts == {"copy": 1, "changed": 0, "undecided": 2}
    # without the original nothing tells that what differs is a mark
    save(tmp_path / "q", ["A-marked.png", "A-small.png"])
    alone = found_in(dataset(tmp_path / "q", tmp_path / "q"))
    assert alone.verdicts == {"copy": 0, "changed": 1, "undecided": 0}


def test_only_copies_are_dropped(store):
    report = found_in(store, prefer=["path"])
    assert dropped(report) == {"A-copy2.png": "A-copy1.png"}
    assert [(group.verdict, len(group.drop)) for group in report.groups] == [
        ("copy", 1),
        ("changed", 0),
    ]
    assert [base(path) for path in report.groups[1].members] == ["A-changed.png", "A-copy1.png"]
    assert report.verdicts == {"copy": 1, "changed": 2, "undecided": 1}
    assert report.dropped == 1


def test_changed_ones_are_dropped_if_asked(store):
    report = found_in(store, drop="changed", prefer=["path"], apply=True)
    assert dropped(report) == {"A-copy1.png": "A-changed.png", "A-copy2.png": "A-changed.png"}
    assert [group.verdict for group in report.groups] == ["changed"]
    kinds = store.read(["path", "duplicate_kind"]).to_pylist()
    kinds = {base(row["path"]): row["duplicate_kind"] for row in kinds}
    assert kinds["A-copy1.png"] == "changed"
    assert kinds["B-undecided.png"] is None


def test_regions_are_in_pixels_of_each_file(tmp_path):
    save(tmp_path / "p", ["A-copy.png"], 80)
    save(tmp_path / "p", ["A-changed.png"], 40)
    report = found_in(dataset(tmp_path, tmp_path / "p"))
    (pair,) = report.pairs
    assert pair.verdict == "changed"
    sizes = {"A-copy.png": 80, "A-changed.png": 40}
    for path, box, share in (
        (pair.left, pair.region.left, LEFT_REGION),
        (pair.right, pair.region.right, RIGHT_REGION),
    ):
        side = sizes[base(path)]
        assert box == tuple(round(part * side) for part in share)
    assert pair.regions == [pair.region]


def test_notes_say_what_is_not_dropped(store):
    notes = found_in(store).notes
    assert notes[0] == "read me"
    assert any(
        "2 pairs show the same view" in note and "unless what to drop is changed" in note
        for note in notes
    )
    assert any("1 pair shows" in note and "undecided" in note for note in notes)
    assert not any("what to drop" in note for note in found_in(store, drop="changed").notes)


def test_marks_join_copies_and_changed_ones_apart(store):
    found_in(store, apply=True)
    rows = {
        base(row["path"]): row
        for row in store.read(
            ["path", "duplicate_of", "duplicate_group", "changed_group"]
        ).to_pylist()
    }
    a = [rows[name] for name in ("A-copy1.png", "A-copy2.png", "A-changed.png")]
    assert a[0]["duplicate_group"] == a[1]["duplicate_group"] is not None
    assert a[2]["duplicate_group"] is None
    assert len({row["changed_group"] for row in a}) == 1
    b = rows["B-copy.png"], rows["B-undecided.png"]
    assert [row["duplicate_group"] for row in b] == [None, None]
    assert b[0]["changed_group"] == b[1]["changed_group"] is not None
    assert rows["C-copy.png"]["changed_group"] is None
    counts = store.log()[-1].counts
    assert (counts["threshold"], counts["changed_threshold"]) == (0.9, 0.5)
    assert (counts["copy_pairs"], counts["changed_pairs"], counts["undecided_pairs"]) == (1, 2, 1)
    assert counts["shared_template"] == 1


def test_thresholds_move_the_lines(store):
    assert found_in(store, threshold=0.3).verdicts["copy"] == 3
    assert found_in(store, threshold=0.96).verdicts == {
        "copy": 0,
        "changed": 3,
        "undecided": 1,
    }
    assert found_in(store, threshold=0.96, changed_threshold=0.95).pairs == []


@pytest.mark.parametrize("line", ["threshold", "changed_threshold"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "best", float("nan")])
def test_lines_out_of_range(store, line, value):
    with pytest.raises(UsageError, match="threshold"):
        found_in(store, **{line: value})


def test_unknown_drop_and_rules_are_refused(store):
    with pytest.raises(UsageError, match="copies or changed"):
        found_in(store, drop="all")
    with pytest.raises(UsageError, match="prettiest"):
        found_in(store, prefer=["prettiest"])
    with pytest.raises(UsageError, match="fulfills"):
        found_in(store, where="width > 9999")


@pytest.mark.parametrize("number", [30, 90])
def test_any_number_of_copies_leaves_one(tmp_path, number):
    """Each has only copies for neighbours; later rounds join who is left."""
    save(tmp_path / "p", [f"A-copy{n:02}.png" for n in range(number)], 16)
    report = found_in(dataset(tmp_path, tmp_path / "p"))
    assert [len(group.drop) for group in report.groups] == [number - 1]


def test_copies_of_one_picture_are_all_compared_unless_they_are_many(tmp_path):
    """Each proposes its nearest eight only."""
    for number in (12, 25):
        place = tmp_path / str(number)
        save(place / "p", [f"A-copy{n:02}.png" for n in range(number)], 16)
        report = found_in(dataset(place, place / "p"))
        all_pairs = number * (number - 1) // 2
        assert (report.verdicts["copy"] == all_pairs) == (number == 12)


# Rules


def test_a_file_that_is_there_goes_before_any_rule(tmp_path):
    save(tmp_path / "p", ["A-copy1.png"], 200)
    save(tmp_path / "p", ["A-copy2.png"], 50)
    store = dataset(tmp_path, tmp_path / "p")
    assert dropped(found_in(store)) == {"A-copy2.png": "A-copy1.png"}
    (tmp_path / "p" / "A-copy1.png").unlink()
    report = found_in(store, prefer=["resolution"])
    assert dropped(report) == {"A-copy1.png": "A-copy2.png"}
    assert report.groups[0].reasons == ["present"]


def test_of_equal_files_one_that_is_there_stays(tmp_path):
    save(tmp_path / "p", ["A-copy1.png"])
    (tmp_path / "p" / "A-copy2.png").write_bytes((tmp_path / "p" / "A-copy1.png").read_bytes())
    store = dataset(tmp_path, tmp_path / "p")
    assert dropped(found_in(store)) == {"A-copy2.png": "A-copy1.png"}
    (tmp_path / "p" / "A-copy1.png").unlink()
    assert dropped(found_in(store)) == {"A-copy1.png": "A-copy2.png"}


def keeps(store: Store, *prefer: str) -> str:
    return base(found_in(store, prefer=prefer).groups[0].keep)


def test_rules_by_place_size_label_and_time(tmp_path):
    save(tmp_path / "raw", ["A-copy1.png"], 40)
    save(tmp_path / "web", ["A-copy2.png"], 80)
    save(tmp_path / "web", ["A-copy3.png"], 60)
    store = dataset(tmp_path, tmp_path / "raw", tmp_path / "web")
    times = {"A-copy1.png": 2000, "A-copy2.png": 3000, "A-copy3.png": 1000}
    for name, time in times.items():
        (file,) = tmp_path.glob(f"*/{name}")
        os.utime(file, (time, time))
    ids = {base(r["path"]): r["sample_id"] for r in store.read(["path", "sample_id"]).to_pylist()}
    with store.operation("label") as op:
        op.set_marks([ids["A-copy3.png"]], {"label": pa.array(["cat"])})
    assert keeps(store) == "A-copy2.png"
    assert keeps(store, "resolution", "oldest") == "A-copy2.png"
    assert keeps(store, f"folder={tmp_path / 'raw'}") == "A-copy1.png"
    assert keeps(store, "folder=*/raw") == "A-copy1.png"
    notes = found_in(store, prefer=[f"folder={tmp_path / 'raw'}, folder=*/rwa"]).notes
    assert [note for note in notes if "folder=" in note] == [
        "No picture lies in '*/rwa', so that the rule folder=*/rwa decides nothing."
    ]
    assert keeps(store, "oldest") == "A-copy3.png"
    assert keeps(store, "newest") == "A-copy2.png"
    assert keeps(store, "labelled") == "A-copy3.png"
    assert keeps(store, "unlabeled, oldest") == "A-copy1.png"
    assert keeps(store, "folder=*/web,oldest") == "A-copy3.png"
    assert keeps(store, "path") == "A-copy1.png"
    assert keeps(store, "size") == "A-copy2.png"


def test_the_camera_s_time_counts_before_the_file_s(tmp_path):
    save(tmp_path / "p", ["A-copy1.png", "A-copy2.png"])
    for name, year in (("A-copy1.png", 2021), ("A-copy2.png", 2001)):
        file = tmp_path / "p" / name
        exif = Image.Exif()
        exif[306] = exif.get_ifd(0x8769)[36867] = f"{year}:05:05 12:00:00"
        with Image.open(file) as picture:
            picture.load()
        picture.save(file, exif=exif)
    os.utime(tmp_path / "p" / "A-copy1.png", (1000, 1000))
    store = dataset(tmp_path, tmp_path / "p")
    assert keeps(store, "oldest") == "A-copy2.png"
    assert keeps(store, "newest") == "A-copy1.png"


def test_reasons_name_the_rule_that_decided(tmp_path):
    save(tmp_path / "p", ["A-copy1.png"], 80)
    save(tmp_path / "p", ["A-copy2.png"], 40)
    (group,) = found_in(dataset(tmp_path, tmp_path / "p")).groups
    assert group.reasons == ["resolution"]


# Subsets and parts


def marks(store: Store) -> list[dict]:
    names = [name for name in store.columns() if name.startswith(("duplicate", "changed"))]
    return store.read(["sample_id", *names]).sort_by("sample_id").to_pylist()


def test_a_condition_marks_only_what_fulfils_it(tmp_path):
    save(tmp_path / "p", ["A-copy1.png", "A-copy2.png", "B-copy1.png", "B-copy2.png"])
    store = dataset(tmp_path, tmp_path / "p")
    found_in(store, prefer=["path"], apply=True)
    before = marks(store)
    where = "path LIKE '%A-copy%'"
    report = found_in(store, prefer=["newest", "size"], where=where, apply=True)
    assert report.pictures == 2
    inside = set(store.read(["sample_id"], where)["sample_id"].to_pylist())
    for old, new in zip(before, marks(store), strict=True):
        assert old == new or old["sample_id"] in inside
    assert store.log()[-1].options["where"] == where
    store.undo()
    assert marks(store) == before


def test_marks_for_what_a_condition_leaves_out_are_cleared_and_said(tmp_path):
    save(tmp_path / "p", ["A-copy1.png", "A-copy2.png", "A-copy3.png"])
    store = dataset(tmp_path, tmp_path / "p")
    found_in(store, prefer=["path"], apply=True)
    where = "path LIKE '%copy2%' OR path LIKE '%copy3%'"
    report = found_in(store, where=where, prefer=["path"], apply=True)
    assert dropped(report) == {"A-copy3.png": "A-copy2.png"}
    assert any("2 were marked" in note for note in report.notes)


@pytest.fixture
def boxed(tmp_path) -> Store:
    """Two pictures with two boxes each, and a byte-for-byte copy of the first with its own."""
    save(tmp_path / "p", ["A-copy.png", "B-copy.png"])
    (tmp_path / "p" / "Z-copy.png").write_bytes((tmp_path / "p" / "A-copy.png").read_bytes())
    names = ["A-copy.png", "B-copy.png", "Z-copy.png"]
    boxes = [(n, x) for n in range(3) for x in (0, 30)]
    document = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": "thing"}],
        "annotations": [
            {"image_id": n, "category_id": 1, "bbox": [x, 4, 24, 24]} for n, x in boxes
        ],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(document))
    store = Store.create(tmp_path / "d.tamis")
    ingest(store, [str(tmp_path / "p")])
    add_crops(store, str(tmp_path / "boxes.json"))
    embed(store)
    return store


def test_crops_of_one_picture_are_no_equals(boxed, monkeypatch):
    """They share the file's hash; each is equal only to the same box of an equal file."""
    monkeypatch.setattr(NamedVerifier, "_verdict", lambda *_: Verdict.DIFFERENT)
    report = found_in(boxed, where="kind = 'crop'", prefer=["path"], apply=True)
    assert report.pictures == 6
    pairs = {(base(pair.left), base(pair.right), pair.kind) for pair in report.pairs}
    found = {frozenset(pair[:2]) for pair in pairs}
    assert found == {
        frozenset({f"A-copy.png#xywh={x},4,24,24", f"Z-copy.png#xywh={x},4,24,24"}) for x in (0, 30)
    }
    assert {kind for *_, kind in pairs} == {"exact"}
    marked = boxed.read(["kind"], "duplicate_of IS NOT NULL")["kind"].to_pylist()
    assert marked == ["crop", "crop"]


def test_crops_are_left_out_unless_asked_for(boxed):
    report = found_in(boxed)
    assert report.pictures == 3
    assert dropped(report) == {"Z-copy.png": "A-copy.png"}


# The page


class Boxes(HTMLParser):
    """Collects the boxes drawn, and the texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.boxes: list[tuple[str | None, ...]] = []
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        values = dict(attrs)
        if values.get("class") == "box":
            self.boxes.append(values["style"])

    def handle_data(self, data):
        self.texts.append(data.strip())


def test_page_shows_pairs_with_their_boxes(store, tmp_path):
    out = tmp_path / "pairs.html"
    report = found_in(store, prefer=["path"], gallery=out)
    assert report.gallery == str(out)
    page = Boxes(out.read_text("utf-8"))
    changed = [pair for pair in report.pairs if pair.verdict == "changed"]
    sizes = {
        row["sample_id"]: row for row in store.read(["sample_id", "width", "height"]).to_pylist()
    }
    ends = [
        (pair_id, box)
        for pair in changed
        for pair_id, box in ((pair.left_id, pair.region.left), (pair.right_id, pair.region.right))
    ]
    expected = [
        "left: {}%; top: {}%; width: {}%; height: {}%".format(
            *in_picture(box, (sizes[one]["width"], sizes[one]["height"]))
        )
        for one, box in ends
    ]
    assert sorted(page.boxes) == sorted(expected)
    assert {"Copies", "Changed", "Undecided"} <= set(page.texts)
    assert "read me" in page.texts
    text = " ".join(page.texts)
    assert "A-copy1.png is kept: its path comes first" in text
    assert not page.tags & {"iframe", "object", "embed"}


def test_page_escapes_names_and_replaces_itself(tmp_path):
    save(tmp_path / "p", ["A-<b>&.png", "A-copy.png"])
    store = dataset(tmp_path, tmp_path / "p")
    for _ in range(2):
        found_in(store, gallery=tmp_path / "pairs.html")
    page = (tmp_path / "pairs.html").read_text("utf-8")
    assert "A-<b>" not in page
    assert "A-&lt;b&gt;&amp;.png" in page


def test_page_shows_a_bounded_number_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr("tamis.services.duplicates.gallery._MOST_SHOWN", 2)
    save(tmp_path / "p", [f"A-copy{number}.png" for number in range(4)])
    store = dataset(tmp_path, tmp_path / "p")
    found_in(store, gallery=tmp_path / "pairs.html")
    page = (tmp_path / "pairs.html").read_text("utf-8")
    assert page.count('class="group of-two pair"') == 2
    assert "2 of 6 pairs shown" in page


@pytest.mark.parametrize("name", ["pairs.txt", "folder.html"])
def test_page_needs_the_name_of_an_html_file(store, tmp_path, name):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(UsageError, match="html"):
        found_in(store, gallery=tmp_path / name)


def test_nothing_found_is_a_page_too(tmp_path):
    save(tmp_path / "p", ["A-copy.png", "B-copy.png"])
    store = dataset(tmp_path, tmp_path / "p")
    out = tmp_path / "pairs.html"
    found_in(store, gallery=out)
    assert out.read_text("utf-8").count("None.") == 3
