"""Pictures and datasets at a real object store: adding, adding again, pushing and pulling.

    python benchmarks/object_stores.py s3://BUCKET/FOLDER --pictures 2000 --keys 50000

The address and the credentials are those of the guide to object stores; the bucket must exist. All
that is written lies below the folder. Prints seconds of the clock and of the processor, and whether
the store lets two writers of one key both win.
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

import tamis
from tamis.dataset.object_place import ObjectPlace, require_conditional_puts
from tamis.errors import TamisError
from tamis.sources.objects.address import ObjectAddress
from tamis.sources.objects.listing import ObjectListing


@contextmanager
def timed(what: str):
    wall, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{what:<44} {time.monotonic() - wall:7.2f} s  {cpu:7.2f} CPU s", flush=True)


def picture(seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    buffer = io.BytesIO()
    coarse.resize((320, 240)).save(buffer, "JPEG")
    return buffer.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--pictures", type=int, default=500)
    parser.add_argument("--keys", type=int, default=0, help="tiny objects to list")
    given = parser.parse_args()
    root = ObjectAddress.parse(given.address.rstrip("/") + f"/{time.time_ns()}")
    place = ObjectPlace(root)
    pictures = place.within("pictures")
    with ThreadPoolExecutor(16) as pool, timed(f"put {given.pictures} pictures"):
        names = [f"{n % 7}/{n:06d}.jpg" for n in range(given.pictures)]
        list(pool.map(lambda n: pictures.put(names[n], picture(n)), range(given.pictures)))
    with tempfile.TemporaryDirectory() as folder:
        dataset = tamis.open(Path(folder) / "first.tamis")
        with timed("add"):
            report = dataset.add(pictures.place)
        print(f"    {report.added} added, {len(report.failed)} failed")
        pictures.put("0/new.jpg", picture(-1 % 2**32))
        with timed("add again with one new"):
            report = dataset.add(pictures.place)
        print(f"    {report.added} added, {report.known} known")
        with timed("check"):
            found = dataset.check().problems
        print(f"    {len(found)} problems {found[:1]}")
        if given.keys:
            many = place.within("many")
            with ThreadPoolExecutor(32) as pool, timed(f"put {given.keys} keys"):
                list(pool.map(lambda n: many.put(f"{n:08d}.jpg", b"x"), range(given.keys)))
            with timed(f"list {given.keys} keys"):
                count = sum(1 for _ in ObjectListing().of(many.place))
            print(f"    {count} listed")
        try:
            with timed("probe"):
                require_conditional_puts(place.within("probe"))
            print("    of two writers one wins")
        except TamisError as error:
            print(f"    refused: {error}")
            return
        copy = f"{root}/copy.tamis"
        with timed("push"):
            print("   ", dataset.push(copy))
        other = Path(folder) / "second.tamis"
        with timed("pull"):
            from tamis.services.copies.contract import Pull
            from tamis.services.copies.run import pull_to

            print("   ", pull_to(other, Pull(copy)))
        same = tamis.open(other).table(["sample_id"]).equals(dataset.table(["sample_id"]))
        print(f"    the same rows: {same}; problems: {len(tamis.open(other).check().problems)}")


if __name__ == "__main__":
    sys.exit(main())
