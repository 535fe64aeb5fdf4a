"""How well the frames that are kept of a video stand for those that are not, and what it costs.

    python benchmarks/video_coverage.py VIDEO... [--threshold .92] [--sheet FILE] [--chain]

Every frame is embedded by the bundled encoder. The sieve keeps K frames; the others have to keep
the same K. Of each frame that is not kept, the cosine distance to the nearest kept one says how
well it is stood for: the largest and the mean of them are compared.

    sieve        the frames that differ from all that were kept
    every n-th   K frames, evenly spaced
    histogram    the first frame and the K - 1 that differ most from the one before, by their hue,
                 saturation and brightness histograms
    scenedetect  the same by the frame score of PySceneDetect's content detector; and what its
                 detectors find by their own defaults (where it is installed)
    k-center     K frames by farthest-first traversal, which needs all frames at once: about the
                 best that the largest distance can be (at most twice the optimum)
    chained      the first frame of each group that chains of similar frames make, as a batch pass
                 for duplicates keeps them; as many as that gives

With `--chain` it also runs from the file to decisions with and without the gate, in turns, and
counts the decisions that the gate changed; the same on a made quiet camera, which shows every 150th
frame of the video for 200 frames each, with the noise of a sensor. Costs are processor seconds of
the whole process.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from PIL import Image, ImageDraw
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tamis.algo.sieve import Gate, Sieve
from tamis.algo.strategies.vectors.k_center import k_center
from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.runtime.novelty import NoveltyFilter
from tamis.sources.video.file import VideoFile
from tamis.sources.video.frames import Frame, Scaled, view_of

BATCH = 16
BINS = 32
SIDE = (192, 108)
COLUMNS = 8


def embedded(path, encoder):
    """Vectors of all frames, small pictures of them, and their histograms."""
    side = decode_side(encoder.preprocessing)
    pixels, vectors, small, histograms = [], [], [], []
    for frame in VideoFile(path, path).frames():
        image, size, extent = frame.pixels.scaled(side)
        pixels.append(prepare(image, encoder.preprocessing, size=size, extent=extent))
        small.append(image.resize(SIDE))
        histograms.append(histogram(image))
        if len(pixels) == BATCH:
            vectors.append(encoder.embed(np.stack(pixels)))
            pixels = []
    if pixels:
        vectors.append(encoder.embed(np.stack(pixels)))
    return np.concatenate(vectors), small, np.array(histograms)


def histogram(image):
    channels = np.asarray(image.convert("HSV")).reshape(-1, 3).T
    counts = [np.histogram(channel, BINS, (0, 256))[0] for channel in channels]
    return np.concatenate(counts) / channels.shape[1]


def largest_changes(change, count):
    """Choose the first frame and those that differ most from the one before."""
    order = 1 + np.argsort(-change, kind="stable")
    return np.sort(np.r_[0, order[: count - 1]])


def content_scores(path):
    """PySceneDetect's score of each frame against the one before, and its own choices."""
    from scenedetect import AdaptiveDetector, ContentDetector, StatsManager, detect, open_video
    from scenedetect.scene_manager import SceneManager

    stats = StatsManager()
    manager = SceneManager(stats)
    manager.auto_downscale = False
    manager.add_detector(ContentDetector())
    manager.detect_scenes(open_video(path))
    count = manager.stats_manager
    scores = []
    number = 1
    while count.metrics_exist(number, ["content_val"]):
        scores.append(count.get_metrics(number, ["content_val"])[0])
        number += 1
    own = {}
    for detector in (ContentDetector(), AdaptiveDetector()):
        scenes = detect(path, detector, start_in_scene=True)
        own[f"scenedetect {type(detector).__name__}"] = np.array(
            [scene[0].frame_num for scene in scenes]
        )
    return np.array(scores, dtype=np.float64), own


def chained(X, threshold):
    """First frame of each connected group of frames that are at least so similar."""
    _, group = connected_components(coo_matrix(threshold <= X @ X.T), directed=False)
    return np.sort(np.unique(group, return_index=True)[1])


def coverage(X, kept):
    """Largest and mean cosine distance of frames that are not kept to the nearest kept one."""
    dropped = np.setdiff1d(np.arange(len(X)), kept)
    nearest = (X[dropped].astype(np.float64) @ X[kept].T).max(axis=1)
    return 1.0 - nearest.min(), 1.0 - nearest.mean()


def report(name, X, kept, against=None):
    largest, mean = coverage(X, kept)
    ratio = "" if against is None else f"  {largest / against[0]:.2f}, {mean / against[1]:.2f}"
    print(f"  {name:28} {len(kept):5} kept  largest {largest:.4f}  mean {mean:.4f}{ratio}")
    return largest, mean


def write_sheet(target, rows):
    """Draw up to two lines of frames of each contender, with the numbers of frames."""
    lines = [
        (name if start == 0 else "", frames[start : start + COLUMNS])
        for name, frames in rows
        for start in range(0, min(len(frames), 2 * COLUMNS), COLUMNS)
    ]
    label, gap = 110, 4
    width = label + COLUMNS * (SIDE[0] + gap)
    sheet = Image.new("RGB", (width, len(lines) * (SIDE[1] + gap)), "white")
    pen = ImageDraw.Draw(sheet)
    for line, (name, frames) in enumerate(lines):
        top = line * (SIDE[1] + gap)
        pen.text((4, top + 4), name, fill="black")
        for place, (number, picture) in enumerate(frames):
            left = label + place * (SIDE[0] + gap)
            sheet.paste(picture, (left, top))
            pen.rectangle((left, top, left + 34, top + 13), fill="black")
            pen.text((left + 3, top + 1), str(number), fill="white")
    sheet.save(target)


def compare(path, encoder, threshold):
    """Print how the choices of all contenders do, and return some frames of each."""
    begin = time.process_time()
    X, small, histograms = embedded(path, encoder)
    seconds = time.process_time() - begin
    print(
        f"\n{Path(path).name}: {len(X)} frames, {1000 * seconds / len(X):.1f} ms a frame to embed"
    )
    sieve = Sieve(threshold)
    kept = np.flatnonzero([verdict.kept for verdict in sieve.offer_many(X)])
    count = len(kept)
    ours = report("sieve", X, kept)
    choices = {"sieve": kept}
    choices["every n-th"] = np.unique(np.linspace(0, len(X) - 1, count).round().astype(int))
    change = np.abs(np.diff(histograms, axis=0)).sum(axis=1)
    choices["histogram"] = largest_changes(change, count)
    own = {}
    try:
        scores, own = content_scores(path)
        choices["scenedetect"] = largest_changes(scores, count)
    except ImportError:
        print("  scenedetect is not installed")
    choices["k-center"] = np.sort(k_center(X, count).indices)
    for name, chosen in list(choices.items())[1:]:
        report(name, X, chosen, ours)
    own["chained"] = chained(X, threshold)
    for name, chosen in own.items():
        if len(chosen):
            report(name, X, chosen, ours)
    return [
        (f"{Path(path).stem[:14]}\n{name}", [(n, small[n]) for n in spread(chosen)])
        for name, chosen in choices.items()
    ]


def spread(chosen):
    """At most sixteen of them, evenly spaced."""
    places = np.unique(np.linspace(0, len(chosen) - 1, 2 * COLUMNS).round().astype(int))
    return chosen[places]


class NoisyPixels:
    """A still picture as a sensor takes it again and again."""

    format = "RAW"

    def __init__(self, picture, seed):
        self._picture, self._seed = picture, seed

    def image(self, min_side=None):
        """See `tamis.sources.video.frames.Pixels`."""
        del min_side
        noise = np.random.default_rng(self._seed).normal(0, 2.0, self._picture.shape)
        return Image.fromarray(np.clip(self._picture + noise, 0, 255).astype(np.uint8))

    def view(self, width, height):
        """See `tamis.sources.video.frames.Pixels`."""
        return view_of(self.image(), width, height)

    def scaled(self, min_side):
        """See `tamis.sources.video.frames.Pixels`."""
        del min_side
        image = self.image()
        return Scaled(image, image.size, (0.0, 0.0, float(image.width), float(image.height)))


def quiet(path):
    """Frames of a camera in front of which something happens every 200 frames."""
    stills = (f for f in VideoFile(path, path).frames() if f.number % 150 == 0)
    pictures = [np.asarray(frame.pixels.image().resize((320, 180))) for frame in stills]
    for number in range(200 * len(pictures)):
        pixels = NoisyPixels(pictures[number // 200], number)
        yield Frame(f"quiet!{number}", None, path, number, number / 25.0, None, pixels)


def chain(name, frames, encoder, threshold):
    """From the source to decisions, without and with the gate, in turns."""
    decided, used = {}, {}
    for gated in (False, True, False, True):
        gate = Gate() if gated else None
        chosen = NoveltyFilter(encoder, Sieve(threshold), gate=gate)
        begin = time.process_time()
        verdicts = [d.outcome == "kept" for d in chosen.decide(frames())]
        seconds = time.process_time() - begin
        used[gated] = min(seconds, used.get(gated, np.inf))
        decided[gated] = (np.array(verdicts), chosen.embedded, gate)
    (plain, _, _), (quick, passed, gate) = decided[False], decided[True]
    count = len(plain)
    print(
        f"  {name}: {count / used[False]:.1f} frames a processor second without the gate, "
        f"{count / used[True]:.1f} with it ({used[False] / used[True]:.2f} times); {passed} of "
        f"{count} embedded; {int((plain != quick).sum())} decisions changed; "
        f"audits {gate.audited}, misses {gate.missed}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--threshold", type=float, default=0.92)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--chain", action="store_true")
    parser.add_argument("--no-coverage", action="store_true", help="the chain alone")
    arguments = parser.parse_args()
    encoder = load_encoder("default", threads=1)
    threshold = arguments.threshold
    sheets = []
    for path in arguments.videos:
        if not arguments.no_coverage:
            sheets += compare(path, encoder, threshold)
        if arguments.chain:
            chain("chain", lambda path=path: VideoFile(path, path).frames(), encoder, threshold)
            chain("quiet camera", lambda path=path: quiet(path), encoder, threshold)
    if arguments.sheet and sheets:
        write_sheet(arguments.sheet, sheets)


if __name__ == "__main__":
    main()
