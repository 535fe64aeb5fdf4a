"""Ways from a JPEG file to an encoder's input: their cost, and what they do to the vectors.

    python benchmarks/decoding.py PICTURES [--limit 200] [--large 12] [--rounds 3]

Takes the JPEGs of a folder as they are, and some of them enlarged to 12 megapixels with a slight
grain (quality 90). Each way reads, decodes and prepares them on one thread, the ways taking turns;
a picture's best round counts. Prints pictures per processor second, and the cosine (mean, least)
of the bundled encoder's vectors to those of full decoding. `simplejpeg`, `pyvips`, `cv2` and
`torchvision` take part where they are installed.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tamis.encoders.preprocess import decode_side, prepare
from tamis.encoders.registry import load_encoder
from tamis.images.decode import decode

ENCODER = "bundled:efficientnet-lite0"
BATCH = 8
LONG, SHORT = 4000, 3000
GRAIN = 4.0


def full(data, preprocessing):
    return prepare(Image.open(io.BytesIO(data)).convert("RGB"), preprocessing)


def _laid_out(picture, preprocessing):
    size = (picture.width, picture.height)
    return prepare(picture.image, preprocessing, size=size, extent=picture.extent)


def tamis(data, preprocessing):
    return _laid_out(decode(data, "x", min_side=decode_side(preprocessing)), preprocessing)


def tamis_from_less(data, preprocessing):
    return _laid_out(decode(data, "x", min_side=decode_side(preprocessing) // 2), preprocessing)


def draft_once(data, preprocessing):
    picture = Image.open(io.BytesIO(data))
    side = decode_side(preprocessing) // 4
    picture.draft("RGB", (side, side))
    return prepare(picture.convert("RGB"), preprocessing)


def without_antialiasing(data, preprocessing):
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    scale = decode_side(preprocessing) // 4 / min(picture.size)
    size = (int(picture.width * scale), int(picture.height * scale))
    whole = (0, 0, *picture.size)
    smaller = picture.transform(size, Image.Transform.EXTENT, whole, Image.Resampling.BICUBIC)
    return prepare(smaller, preprocessing)


def simplejpeg_ways():
    import simplejpeg

    def way(times):
        def run(data, preprocessing):
            side = times * (decode_side(preprocessing) // 4)
            pixels = simplejpeg.decode_jpeg(data, min_height=side, min_width=side)
            return prepare(Image.fromarray(pixels), preprocessing)

        return run

    def whole(data, preprocessing):
        return prepare(Image.fromarray(simplejpeg.decode_jpeg(data)), preprocessing)

    return {
        "simplejpeg, full": whole,
        "simplejpeg, at least four times": way(4),
        "simplejpeg, at least twice": way(2),
        "simplejpeg, at least once": way(1),
    }


def pyvips_ways():
    import pyvips

    pyvips.cache_set_max(0)

    def whole(data, preprocessing):
        return prepare(
            Image.fromarray(pyvips.Image.new_from_buffer(data, "").numpy()), preprocessing
        )

    def thumbnail(data, preprocessing):
        side = decode_side(preprocessing) // 4
        return pyvips.Image.thumbnail_buffer(data, side, height=side, crop="centre").numpy()

    return {"pyvips, full": whole, "pyvips, its own thumbnail": thumbnail}


def cv2_ways():
    import cv2

    cv2.setNumThreads(1)

    def smaller(pixels, preprocessing):
        scale = decode_side(preprocessing) // 4 / min(pixels.shape[:2])
        size = (int(pixels.shape[1] * scale), int(pixels.shape[0] * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        return prepare(Image.fromarray(pixels), preprocessing)

    def whole(data, preprocessing):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
        return smaller(pixels, preprocessing)

    def reduced(data, preprocessing):
        shortest = min(Image.open(io.BytesIO(data)).size)
        flags = {
            8: cv2.IMREAD_REDUCED_COLOR_8,
            4: cv2.IMREAD_REDUCED_COLOR_4,
            2: cv2.IMREAD_REDUCED_COLOR_2,
        }
        least = decode_side(preprocessing) // 2
        fitting = (flag for by, flag in flags.items() if shortest // by >= least)
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), next(fitting, cv2.IMREAD_COLOR))
        return smaller(np.ascontiguousarray(pixels[..., ::-1]), preprocessing)

    return {"cv2, full, INTER_AREA": whole, "cv2, at least twice, INTER_AREA": reduced}


def torchvision_ways():
    import torch
    from torchvision.io import ImageReadMode, decode_jpeg
    from torchvision.transforms.v2 import functional

    torch.set_num_threads(1)

    def whole(data, preprocessing):
        tensor = decode_jpeg(
            torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB
        )
        side = decode_side(preprocessing) // 4
        kind = functional.InterpolationMode(preprocessing.interpolation)
        smaller = functional.resize(tensor, [side], interpolation=kind, antialias=True)
        pixels = smaller.permute(1, 2, 0).numpy()
        # torchvision's own crop rounds the other way, which is no matter of decoding
        top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
        return pixels[top : top + side, left : left + side]

    return {"torchvision, full, antialiased": whole}


def all_ways():
    ways = {
        "full": full,
        "tamis (draft, at least four times)": tamis,
        "the same, at least twice": tamis_from_less,
        "draft, at least once": draft_once,
        "full, no antialiasing": without_antialiasing,
    }
    for others in (simplejpeg_ways, pyvips_ways, cv2_ways, torchvision_ways):
        try:
            ways |= others()
        except ModuleNotFoundError as error:
            print(f"{error.name} is not installed")
    return ways


def write_large(sources, folder):
    rng = np.random.default_rng(0)
    for number, source in enumerate(sources):
        picture = Image.open(source).convert("RGB")
        size = (LONG, SHORT) if picture.width > picture.height else (SHORT, LONG)
        pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float32)
        grain = rng.normal(0, GRAIN, pixels.shape).astype(np.float32)
        target = folder / f"{number:03}.jpg"
        Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(target, quality=90)
        yield target


def seconds_of(way, file, preprocessing):
    begin = time.process_time()
    way(file.read_bytes(), preprocessing)
    return time.process_time() - begin


def compare(title, files, ways, encoder, rounds):
    preprocessing = encoder.preprocessing
    best = {name: np.full(len(files), np.inf) for name in ways}
    for _ in range(rounds):
        for number, file in enumerate(files):
            for name, way in ways.items():
                seconds = seconds_of(way, file, preprocessing)
                best[name][number] = min(best[name][number], seconds)
    vectors = {name: [] for name in ways}
    for start in range(0, len(files), BATCH):
        batch = [file.read_bytes() for file in files[start : start + BATCH]]
        for name, way in ways.items():
            pixels = np.stack([way(data, preprocessing) for data in batch])
            vectors[name].append(encoder.embed(pixels))
    reference = np.concatenate(vectors["full"])
    print(f"\n{title}: {len(files)} pictures")
    print("| way | pictures per processor second | mean cosine | least |\n|---|---|---|---|")
    for name in ways:
        cosines = (np.concatenate(vectors[name]) * reference).sum(1)
        speed = len(files) / best[name].sum()
        print(f"| {name} | {speed:.1f} | {cosines.mean():.5f} | {cosines.min():.5f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--large", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    files = sorted(options.pictures.rglob("*.jpg"))
    files = files[:: max(1, len(files) // options.limit)][: options.limit]
    encoder = load_encoder(ENCODER)
    ways = all_ways()
    compare("As they are", files, ways, encoder, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        sources = files[:: max(1, len(files) // options.large)][: options.large]
        large = list(write_large(sources, Path(folder)))
        compare("12 megapixels", large, ways, encoder, options.rounds)


if __name__ == "__main__":
    main()
