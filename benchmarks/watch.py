"""Frames of videos decided on with and without the gate: processor time, and what it changes.

Run:  python benchmarks/watch.py VIDEO... [--threshold T]

Both run the whole chain of `tamis watch` but the writing: decoding, gate, encoder, sieve, with the
bundled encoder on one thread.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

from tamis.algo.sieve import Gate, Sieve
from tamis.encoders.registry import load_encoder
from tamis.runtime.novelty import NoveltyFilter
from tamis.sources.video.open import open_frames


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--threshold", type=float, nargs="+", default=[0.92, 0.85])
    options = parser.parse_args()
    encoder = load_encoder("default", threads=1)
    for video in options.videos:
        begin = time.process_time()
        count = sum(1 for _ in open_frames(video).frames())
        alone = 1000 * (time.process_time() - begin) / count
        print(f"{video}: {count} frames, {alone:.1f} ms each to decode", flush=True)
        for threshold in options.threshold:
            kept = []
            for gate in (None, Gate()):
                novelty = NoveltyFilter(encoder, Sieve(threshold), gate=gate)
                begin = time.process_time()
                decisions = list(novelty.decide(open_frames(video).frames()))
                each = 1000 * (time.process_time() - begin) / count
                outcomes = Counter(decision.outcome for decision in decisions)
                kept.append({d.frame.number for d in decisions if d.outcome == "kept"})
                print(
                    f"  at {threshold} {'with' if gate else 'without'} the gate: "
                    f"{len(kept[-1])} kept, {outcomes['skipped']} skipped, {each:.1f} ms a frame"
                    + (f", {gate.missed} of {gate.audited} audited missed" if gate else ""),
                    flush=True,
                )
            print(f"  the gate changed {len(kept[0] ^ kept[1])} decisions", flush=True)


if __name__ == "__main__":
    main()
