"""Every verb's processor time, wall time and peak memory at a number of small pictures.

python benchmarks/scale.py [--pictures 10000] [--verbs add,embed,...] [--keep FOLDER]

Pictures of 64 x 48 pixels stand for large ones where only rows and vectors count: decoding and the
network are measured apart (`embed_throughput.py`). One in a hundred is a copy. Their vectors, 192
numbers each, come from a function. Each verb runs as a command of its own, so its memory is that of
its process with all it starts; the figures are the kernel's (`wait4`).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

KINDS: Final = 40
ENCODER: Final = """import numpy as np


def colors(pixels):
    small = pixels[:, :192, :192].reshape(len(pixels), 8, 24, 8, 24, 3).mean((2, 4))
    rows = small.reshape(len(pixels), -1).astype(np.float32)
    rows -= rows.mean(1, keepdims=True)
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-6)
"""
SPEC: Final = "'py:colors.py:colors?size=192&mean=0,0,0&std=1,1,1'"


def make(folder: Path, count: int) -> None:
    """Write pictures of 40 kinds in folders named by kind, and a label table with every tenth."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(60, 196, (KINDS, 1, 1, 3))
    labels = ["path,label"]
    for number in range(count):
        kind = int(rng.integers(KINDS))
        target = folder / f"{number // 10_000:04}" / f"{number:08}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        if number % 100 == 99:
            quality, source = 70, folder / f"{number // 10_000:04}" / f"{number - 50:08}.jpg"
            Image.open(source).save(target, quality=quality)
        else:
            drawn = np.clip(kinds[kind] + rng.normal(0, 60, (6, 8, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(drawn).resize((64, 48), Image.Resampling.BICUBIC).save(target)
        if number % 10 == 0:
            labels.append(f"{target.relative_to(folder)},kind {kind:02}")
    (folder / "labels.csv").write_text("\n".join(labels) + "\n")


STEPS: Final[tuple[tuple[str, str], ...]] = (
    ("add", "add photos --labels photos/labels.csv"),
    ("embed", f"embed --encoder {SPEC}"),
    ("info", "info"),
    ("check", "check"),
    ("duplicates", f"duplicates --apply --encoder {SPEC}"),
    ("index", f"index --encoder {SPEC}"),
    ("search", f"search --like photos/0000/00000007.jpg -k 20 --encoder {SPEC}"),
    (
        "search where",
        "search --like photos/0000/00000007.jpg -k 20 --where \"label = 'kind 03'\"",
    ),
    ("select", f"select 500 --encoder {SPEC}"),
    ("split", f"split --train .8 --val .1 --test .1 --encoder {SPEC}"),
    ("coverage", f"coverage --encoder {SPEC}"),
    ("cluster", f"cluster --k 40 --encoder {SPEC}"),
    ("label propagate", f"label propagate --encoder {SPEC}"),
    ("label mislabels", f"label mislabels --encoder {SPEC}"),
    ("probe train", f"probe train --name kinds --encoder {SPEC}"),
    ("probe predict", "probe predict --name kinds"),
    ("label set", 'label set checked --where "cluster = 3" --layer looked'),
    ("drift fit", f"drift fit --encoder {SPEC}"),
    ("drift check", 'drift check --where "cluster < 3" --no-monitor'),
    ("export csv", "export csv out-csv"),
    ("export folder", "export folder out-folder --where selected"),
    ("report", "report --out report.html"),
    ("undo", "undo"),
)


def run(words: list[str], folder: Path, limit: int | None) -> dict[str, Any]:
    """Run a command; return its exit code, seconds, and its peak memory in MiB.

    One that takes more processor seconds than the limit is stopped.
    """
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        out = os.open("last.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.execv(words[0], words)
    _, status, used = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "wall_s": round(time.monotonic() - began, 2),
        "peak_mib": round(used.ru_maxrss / 1024),
    }


def run_steps(
    steps: tuple[tuple[str, str], ...], verbs: str, folder: Path, limit: int | None = None
) -> None:
    """Run verbs in turn, those of a list with commas or all; print a line each, then the size."""
    wanted = set(filter(None, verbs.split(",")))
    tamis = str(Path(sys.executable).with_name("tamis"))
    for verb, line in steps:
        if wanted and verb not in wanted:
            continue
        found = run([tamis, *shlex.split(line), "--quiet"], folder, limit)
        sys.stdout.write(f"{verb:18} {json.dumps(found)}\n")
        if found["code"] not in {0, 1}:
            sys.stdout.write((folder / "last.log").read_text()[-800:])
        sys.stdout.flush()
    files = [file for file in (folder / "dataset.tamis").rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    sys.stdout.write(json.dumps({"dataset_mib": size >> 20}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--verbs", default="")
    parser.add_argument("--keep", type=Path, default=None)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = given.keep or Path(name)
        folder.mkdir(exist_ok=True)
        if not (folder / "photos").exists():
            make(folder / "photos", given.pictures)
            (folder / "colors.py").write_text(ENCODER)
        run_steps(STEPS, given.verbs, folder)


if __name__ == "__main__":
    main()
