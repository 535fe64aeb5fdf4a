"""Use an installed tamis as a new user does, away from its source: `python tools/try_wheel.py BIN`.

It makes pictures, runs the whole pipeline on them, reads the report, opens the page and asks it for
a picture. Only the standard library and the given environment are used.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Final

MAKE_PICTURES: Final = """
import numpy as np
from PIL import Image
from pathlib import Path

for label in ("coarse", "fine"):
    folder = Path("photos", label)
    folder.mkdir(parents=True)
    for number in range(12):
        rng = np.random.default_rng([number, len(label)])
        cells = 4 if label == "coarse" else 24
        noise = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240), 3).save(folder / f"{number}.jpg")
Path("photos/coarse/copy.jpg").write_bytes(Path("photos/coarse/0.jpg").read_bytes())
"""


def main(programs: Path) -> None:
    """Try each thing in turn; stop at the first that fails."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, programs / "python", "-c", MAKE_PICTURES)
        home = run(folder, programs / "python", "-c", "import tamis; print(tamis.__file__)")
        if "site-packages" not in home:
            raise SystemExit(f"tamis was not imported from the wheel but from {home}")
        tamis = programs / "tamis"
        curate = ["curate", "photos", "--keep", "8", "--labels", "folder", "--out", "curated"]
        run(folder, tamis, *curate)
        report = (folder / "curated" / "report.html").read_text("utf-8")
        if "data:image" not in report:
            raise SystemExit("the report shows no picture")
        dataset = ["-d", "curated/dataset.tamis"]
        found = run(folder, tamis, "search", "--like", "photos/fine/3.jpg", "--json", *dataset)
        if not json.loads(found)["hits"]:
            raise SystemExit("the search found nothing")
        opened(folder, tamis)
    sys.stdout.write("the wheel works: pipeline, report, search and page\n")


def run(folder: Path, *words: str | Path) -> str:
    """Return what a command prints; one that fails ends everything with what it said."""
    sys.stdout.write(f"$ {' '.join(str(word).partition(chr(10))[0] for word in words)}\n")
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise SystemExit(f"it ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def opened(folder: Path, tamis: Path) -> None:
    """Open the page by the address that `tamis app` prints, and fetch its script."""
    words = [str(tamis), "app", "curated/dataset.tamis", "--no-open"]
    with subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
        try:
            assert server.stdout is not None
            address = server.stdout.readline().split()[-1]
            browser = urllib.request.build_opener(
                urllib.request.HTTPCookieProcessor(CookieJar()), urllib.request.ProxyHandler({})
            )
            with browser.open(address) as page:
                shown = page.read().decode()
            script = shown.split('src="')[1].split('"')[0]
            with browser.open(f"{address.partition('/?')[0]}/{script.lstrip('/')}") as answer:
                if not answer.read():
                    raise SystemExit("the page's script is empty")
        finally:
            server.terminate()


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
