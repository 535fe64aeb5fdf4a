"""The story of `make demo`: from a folder as cameras leave it to a report.

python tools/demo.py OUT KEEP (--wheels FOLDER | --photos FOLDER)

The pictures are a user's, or made on the spot from photographs in wheels (`demo_pictures.py`).
Each step is the command that a user would type; what it answers is printed under it.
"""

from __future__ import annotations

import argparse
import io
import shlex
import shutil
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Final

from demo_pictures import make_pictures

from tamis.interfaces.cli.main import main as tamis

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_BLANK: Final = "contrast > 0.01"
LINES: Final = 7
"""Of each answer."""


def main(out: Path, keep: str, wheels: Path, photos: Path | None) -> int:
    """Tell the story; return the exit code of the step that failed, else 0."""
    started = time.monotonic()
    dataset = out / "dataset.tamis"
    example = None
    out.mkdir(exist_ok=True)
    if photos is None:
        photos = out / "photos"
        for old in (photos, dataset):
            shutil.rmtree(old, ignore_errors=True)
        count = make_pictures(photos, wheels)
        example = photos / "coffee" / "IMG_0003.jpg"
        _say(
            f"{count} files in {photos}: 16 places, each with pictures that were sent, edited and "
            "cropped, and one view in which a ball has appeared; two of the files are broken."
        )
    for number, (title, command) in enumerate(_steps(out, photos, keep, example), 1):
        _say(f"{number}. {title}")
        words = [*command, "-d", str(dataset)]
        sys.stdout.write(f"$ tamis {shlex.join(command)}\n")
        sys.stdout.flush()
        with redirect_stdout(io.StringIO()) as answer:
            code = tamis(words)
        lines = answer.getvalue().splitlines()
        sys.stdout.writelines(f"{line.rstrip()}\n" for line in lines[:LINES])
        if len(lines) > LINES:
            sys.stdout.write(f"... and {len(lines) - LINES} more lines\n")
        if code:
            return code
    _say(f"Done in {time.monotonic() - started:.0f} s. Open these in a browser:")
    pages = [out / name for name in ("duplicates.html", "search.html", "report.html")]
    sys.stdout.writelines(f"  {page.resolve().as_uri()}\n" for page in pages if page.exists())
    tamis_here = shlex.quote(str(Path(sys.executable).with_name("tamis")))
    _say("Look around, search and label in the browser:")
    sys.stdout.write(f"  {tamis_here} app {shlex.quote(str(dataset))}\n")
    return 0


def _steps(
    out: Path, photos: Path, keep: str, example: Path | None
) -> list[tuple[str, Sequence[str]]]:
    steps: list[tuple[str, Sequence[str]]] = [
        (
            "Add the pictures; folders are labels, broken files are listed.",
            ["add", str(photos), "--labels", "folder"],
        ),
        ("Compute a vector for each.", ["embed"]),
        (
            "Compare pixels: copies are set aside, views with something new in them stay.",
            ["duplicates", "--apply", "--gallery", str(out / "duplicates.html")],
        ),
        (
            f"Choose the {keep} that represent the rest best.",
            ["select", keep, "--where", NOT_BLANK],
        ),
        (
            "Split them, without views that leak from train into test.",
            ["split", "--train", ".7", "--val", ".15", "--test", ".15"],
        ),
        ("Explain every decision on one page.", ["report", "--out", str(out / "report.html")]),
    ]
    if example is not None:
        search = ["search", "--like", str(example), "-k", "12"]
        steps.insert(
            5,
            ("Find what looks like one.", [*search, "--gallery", str(out / "search.html")]),
        )
    return steps


def _say(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("keep")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--wheels", type=Path)
    source.add_argument("--photos", type=Path)
    given = parser.parse_args()
    raise SystemExit(main(given.out, given.keep, given.wheels, given.photos))
