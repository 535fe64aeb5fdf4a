"""The same pictures get the same verdicts and splits, wherever they lie and whatever their names.

Sample ids, and with them the order of rows, come from where files lie. Each test stores the same
bytes in two folders, under other names and added in another order, and compares by content.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from filling import ingest
from fixed_camera import frame
from tamis.dataset.content_order import content_order
from tamis.dataset.samples import Samples
from tamis.dataset.store import Store
from tamis.runtime.pair_verification import PairVerifier
from tamis.runtime.workspace import Workspace
from tamis.services.duplicates.contract import Duplicates
from tamis.services.duplicates.run import duplicates
from tamis.services.split.contract import Split
from tamis.services.split.run import make_splits

SIZE = (160, 120)
FRAMES = 4


def write(folder, names):
    """Frames of one camera, which are changed versions, and a worn copy and a thumbnail of two."""
    folder.mkdir()
    for number, name in enumerate(names):
        picture = frame(3, number % FRAMES, SIZE)
        if number == FRAMES:
            picture = picture.resize((120, 90))
        picture.save(folder / name, quality=92 if number < FRAMES else 15)
    return [str(folder / name) for name in names]


def stored(place, names, order):
    place.mkdir()
    files = write(place / "p", names)
    store = Store.create(place / "d.tamis")
    for at in order:
        ingest(store, [files[at]])
    rows = Samples(store).of().table("sample_id", "uri").to_pylist()
    vectors = np.stack([vector(row["uri"]) for row in rows])
    with store.operation("embed") as op:
        column = op.add_vector_column("py:made", "0123456789", vectors.shape[1])
        op.set_vectors(column, [row["sample_id"] for row in rows], vectors)
    return store


def vector(file):
    with Image.open(file) as picture:
        small = np.asarray(picture.convert("L").resize((6, 6)), np.float32).ravel()
    small -= small.mean()
    return small / np.linalg.norm(small)


@pytest.fixture(scope="module")
def here_and_there(tmp_path_factory):
    root = tmp_path_factory.mktemp("moved")
    count = FRAMES + 2
    here = stored(root / "here", [f"a{n}.jpg" for n in range(count)], range(count))
    names = [f"z{(7 * n) % count}.jpg" for n in range(count)]
    there = stored(root / "elsewhere", names, reversed(range(count)))
    orders = [contents(store, Samples(store).of().ids) for store in (here, there)]
    assert orders[0] != orders[1], "the rows have to differ for this to tell anything"
    return here, there


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    for name in ("_SAMPLED", "_FEWEST_SAMPLED", "_RANDOM_PAIRS"):
        monkeypatch.setattr(f"tamis.runtime.pair_verification.{name}", 6)


def contents(store, ids):
    return Samples(store).rows(["content_hash"], ids).column(0).to_pylist()


def test_the_order_of_content_is_that_of_no_name(here_and_there):
    for store in here_and_there:
        ids = Samples(store).of().ids
        found = contents(store, [ids[at] for at in content_order(Samples(store), ids)])
        assert found == sorted(found)


def test_verdicts_do_not_depend_on_names(here_and_there):
    told = []
    for store in here_and_there:
        report = duplicates(Workspace(store), Duplicates(seed=5))
        ends = [(pair.left_id, pair.right_id) for pair in report.pairs]
        hashes = [tuple(contents(store, list(pair))) for pair in ends]
        about = [(pair.verdict, pair.score, pair.kind, pair.regions) for pair in report.pairs]
        groups = [(group.verdict, contents(store, list(group.ids))) for group in report.groups]
        told.append((list(zip(hashes, about, strict=True)), groups, report.calibration))
    assert told[0] == told[1]
    verdicts = {about[0] for _, about in told[0][0]}
    assert {"copy", "changed"} <= verdicts


def test_splits_do_not_depend_on_names(here_and_there):
    placed = []
    for store in here_and_there:
        workspace = Workspace(store)
        request = Split(train=0.5, val=0.25, test=0.25, changed="apart", seed=3, apply=True)
        report = make_splits(workspace, request)
        rows = Samples(store).of().table("content_hash", "split").to_pylist()
        store.undo()
        by_content = {row["content_hash"]: row["split"] for row in rows}
        placed.append((by_content, report.groups, report.copies, report.changed))
    assert placed[0] == placed[1]


def test_which_picture_is_named_first_makes_no_difference(here_and_there):
    here, _ = here_and_there
    verifier = PairVerifier(here, Samples(here).of().ids)
    left, right = np.triu_indices(4, 1)
    one, other = verifier.compare(left, right), verifier.compare(right, left)
    assert np.array_equal(one.score, other.score)
    assert np.array_equal(one.view, other.view)
    assert np.array_equal(one.covers, other.covers[:, ::-1])
    assert np.array_equal(one.sharper, -other.sharper)
    for at in range(len(one)):
        assert np.array_equal(one.left_regions[at], other.right_regions[at])
        assert np.array_equal(one.right_regions[at], other.left_regions[at])
    assert any(len(boxes) for boxes in one.left_regions)
