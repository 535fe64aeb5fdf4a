"""A folder of every format and every damage: the good are embedded, the bad are named."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from hostile_files import bad_files, good_files

if TYPE_CHECKING:
    from pathlib import Path

PEAK_MIB = 800
_NOT_UTF8 = b"caf\xe9.jpg"

# A process of its own starts the command: what Linux calls a child's peak begins with that of
# the process it was forked from, and a test run may be large.
_MEASURE = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, done.stdout, done.stderr, peak]))
"""


@dataclass(frozen=True)
class Measured:
    """What a command did and how much memory it took at its peak."""

    document: Any
    err: str
    peak_mib: float


def measured(folder: Path, *arguments: str) -> Measured:
    command = [sys.executable, "-W", "error", "-m", "tamis", *arguments, "--json"]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, *command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    code, out, err, peak = json.loads(done.stdout)
    assert code == 0, f"exit {code}\n{out}\n{err}"
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Measured(json.loads(out), err, peak / unit)


def add_and_embed(folder: Path, source: str, dataset: str) -> tuple[Measured, Measured]:
    added = measured(folder, "add", source, "-d", dataset)
    return added, measured(folder, "embed", "-d", dataset)


def vectors_of(dataset: Path, source: str) -> dict[str, np.ndarray]:
    from tamis.dataset.store import Store

    store = Store.open(dataset)
    [column] = store.vector_columns()
    ids, vectors = store.vectors(column.name)
    rows = store.read(["sample_id", "path"]).to_pylist()
    paths = {row["sample_id"]: row["path"].removeprefix(f"{source}/") for row in rows}
    return {paths[name]: vector for name, vector in zip(ids, vectors, strict=True)}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """`all` with good, bad and no files at all; `good` with the good alone."""
    root = tmp_path_factory.mktemp("hostile")
    everything, alone = root / "all", root / "good"
    everything.mkdir()
    alone.mkdir()
    for name, data in good_files().items():
        (everything / name).write_bytes(data)
        (alone / name).write_bytes(data)
    for name, (data, _) in bad_files().items():
        (everything / name).write_bytes(data)
    (everything / "folder.jpg").mkdir()
    (everything / "folder.jpg" / "inside.png").write_bytes(good_files()["rgb.png"])
    os.mkfifo(everything / "pipe.jpg")
    (everything / "locked.jpg").write_bytes(good_files()["baseline.jpg"])
    (everything / "locked.jpg").chmod(0)
    (everything / "gone.jpg").symlink_to("nowhere.jpg")
    (everything / "itself.jpg").symlink_to("itself.jpg")
    (everything / "round-and-round").symlink_to(".")
    (everything / "another-name.jpg").symlink_to("baseline.jpg")
    (everything / "notes.txt").write_text("passed over")
    return root


@pytest.fixture(scope="module")
def not_utf8(hostile):
    """Whether this disk takes a name that is not UTF-8."""
    try:
        with open(os.path.join(os.fsencode(hostile / "all"), _NOT_UTF8), "wb") as file:  # noqa: PTH118, PTH123
            file.write(good_files()["baseline.jpg"])
    except OSError:  # macOS refuses it
        return False
    return True


@pytest.fixture(scope="module")
def unlocked(hostile):
    """Whether permissions do not bind this user, as they do not bind root."""
    return os.access(hostile / "all" / "locked.jpg", os.R_OK)


@pytest.fixture(scope="module")
def results(hostile, not_utf8):
    return add_and_embed(hostile, "all", "all.tamis")


@pytest.fixture(scope="module")
def alone(hostile, cli_in):
    """The vectors of the good ones where there is no bad one."""
    tamis = cli_in(hostile)
    for arguments in (["add", "good"], ["embed"]):
        tamis(*arguments, "-d", "good.tamis")
    return vectors_of(hostile / "good.tamis", "good")


def test_every_good_one_is_embedded(hostile, results, unlocked):
    added, embedded = results
    wanted = {*good_files(), "folder.jpg/inside.png", "another-name.jpg"}
    wanted -= {"baseline.jpg"}  # the same place, found by the link first
    wanted |= {"locked.jpg"} if unlocked else set()
    failed = {failure["path"]: failure["reason"] for failure in added.document["failed"]}
    assert {name: failed[f"all/{name}"] for name in wanted if f"all/{name}" in failed} == {}
    assert added.document["added"] == len(wanted)
    assert embedded.document["failed"] == []
    assert embedded.document["embedded"] == len(wanted)
    assert vectors_of(hostile / "all.tamis", "all").keys() == wanted


def test_every_bad_one_is_named_with_its_reason(results, not_utf8, unlocked):
    added, _ = results
    failed = {failure["path"]: failure["reason"] for failure in added.document["failed"]}
    wanted = {f"all/{name}": reason for name, (_, reason) in bad_files().items()}
    wanted["all/pipe.jpg"] = "not a regular file"
    wanted["all/gone.jpg"] = "does not exist"
    wanted["all/itself.jpg"] = "cannot be read"
    if not unlocked:
        wanted["all/locked.jpg"] = "no permission"
    if not_utf8:
        wanted["all/caf\\xe9.jpg"] = "not valid UTF-8"
    assert failed.keys() == wanted.keys()
    other = {path: failed[path] for path in wanted if not re.search(wanted[path], failed[path])}
    assert other == {}
    assert all("\n" not in reason and len(reason) < 160 for reason in failed.values())


def test_nothing_crashes_or_warns_and_memory_stays_bounded(results):
    for run in results:
        assert "Traceback" not in run.err
        assert "Warning" not in run.err
        assert run.peak_mib < PEAK_MIB


@pytest.mark.usefixtures("results")
def test_bad_files_leave_the_vectors_of_good_ones_alone(hostile, alone):
    beside = vectors_of(hostile / "all.tamis", "all")
    assert alone.keys() == good_files().keys()
    beside["baseline.jpg"] = beside.pop("another-name.jpg")  # one place, found by the link first
    for name, vector in alone.items():
        assert np.isclose(np.linalg.norm(vector), 1, atol=1e-5)
        np.testing.assert_allclose(beside[name], vector, atol=1e-6, err_msg=name)
