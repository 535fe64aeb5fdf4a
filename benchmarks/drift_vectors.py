"""Vectors of photographs and of the same photographs gone bad, for the benchmarks of drift.

    python benchmarks/drift_vectors.py PHOTOS LABELS.csv OTHER OUT.npz [--spec SPEC]
        [--changed 1000] [--kept-out shoes]

PHOTOS holds the files that the column `path` of the table names; OTHER is a folder of pictures of
another domain. Written are vectors `clean` of all photographs in random order, `blur05`, `blur1`,
`dark85`, `dark50`, `jpeg40`, `jpeg10` of the first `--changed` of them that are not of the class
kept out (NaN for the rest), `other`, and `label`. `blur` is Gaussian with a radius of half a pixel
or one at 400 pixels a side, `dark` leaves 85 or 50 % of the brightness, `jpeg` is saved at quality
40 or 10. Brightness and sharpness of the pictures lie beside them as `clean_brightness` and so on.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from tamis.encoders.preprocess import prepare
from tamis.encoders.registry import load_encoder


def as_jpeg(image, quality):
    held = io.BytesIO()
    image.save(held, "JPEG", quality=quality)
    return Image.open(held).convert("RGB")


KINDS = {
    "clean": lambda image: image,
    "blur05": lambda image: image.filter(ImageFilter.GaussianBlur(0.5)),
    "blur1": lambda image: image.filter(ImageFilter.GaussianBlur(1)),
    "dark85": lambda image: ImageEnhance.Brightness(image).enhance(0.85),
    "dark50": lambda image: ImageEnhance.Brightness(image).enhance(0.5),
    "jpeg40": lambda image: as_jpeg(image, 40),
    "jpeg10": lambda image: as_jpeg(image, 10),
}


def covariates(image):
    grey = np.asarray(image.convert("L"), np.float64)
    return grey.mean(), np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()


def opened(path):
    image = Image.open(path).convert("RGB")
    image.thumbnail((400, 400))
    return image


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--spec", default=None)
    parser.add_argument("--changed", type=int, default=1000)
    parser.add_argument("--kept-out", default="shoes")
    options = parser.parse_args()
    encoder = load_encoder(options.spec, threads=1) if options.spec else load_encoder(threads=1)
    with options.labels.open() as file:
        table = list(csv.DictReader(file))
    table = [table[at] for at in np.random.default_rng(0).permutation(len(table))]
    found = {name: [] for name in (*KINDS, "other")}
    simple = {name: [] for name in (*KINDS, "other")}

    def embed(image, name):
        found[name].append(encoder.embed(prepare(image, encoder.preprocessing)[None])[0])
        simple[name].append(covariates(image))

    changed = 0
    for row in table:
        image = opened(options.photos / row["path"])
        embed(image, "clean")
        changes = changed < options.changed and row["label"] != options.kept_out
        changed += changes
        for name, change in KINDS.items():
            if name == "clean":
                continue
            if changes:
                embed(change(image), name)
            else:
                found[name].append(np.full_like(found["clean"][0], np.nan))
                simple[name].append((np.nan, np.nan))
    for path in sorted(p for p in options.other.rglob("*") if p.suffix.lower() in {".jpg", ".png"}):
        embed(opened(path), "other")
    arrays = {name: np.stack(rows).astype(np.float32) for name, rows in found.items()}
    arrays |= {
        f"{name}_{column}": np.array(rows)[:, place]
        for name, rows in simple.items()
        for place, column in enumerate(("brightness", "sharpness"))
    }
    np.savez(options.out, label=np.array([row["label"] for row in table]), **arrays)


if __name__ == "__main__":
    main()
