"""What takes bytes from strangers: each target reads some, and says so in a sentence if it cannot.

A target is called with bytes. It may return, or raise what its function documents; anything else is
a finding, as are a message of several lines and one that is longer than a screen.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.dataset.snapshots import SnapshotChain
from tamis.dataset.storage import LocalStorage
from tamis.encoders.legacy_checkpoint import read_legacy_checkpoint
from tamis.errors import PictureError, TamisError
from tamis.formats.annotations.read import read_as
from tamis.formats.annotations.source_annotation import SourceAnnotation
from tamis.images.decode import Limits
from tamis.images.picture_record import examine
from tamis.outside_arrays import read_array, read_arrays
from tamis.sources.archive_base import ArchiveError, MemberError
from tamis.sources.archives import close_archives, open_archive

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits(max_pixels=4_000_000, max_memory=200 << 20)
LONGEST = 1500
ENDINGS = {
    "coco": ".json",
    "labelme": ".json",
    "labelstudio": ".json",
    "voc": ".xml",
    "cvat": ".xml",
    "csv": ".csv",
    "webdataset": ".tar",
}


def sentence(error: Exception) -> None:
    text = str(error)
    assert text
    assert "\n" not in text
    assert len(text) < LONGEST


def picture(data: bytes) -> None:
    try:
        examine(data, "fuzzed", limits=LIMITS)
    except PictureError as error:
        sentence(error)


def archive(ending: str) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"fuzzed{ending}")
            file.write_bytes(data)
            try:
                opened = open_archive(str(file))
                names = [name for name in opened.members() if isinstance(name, str)]
                for name in names[:20]:
                    try:
                        opened.read(name, 1 << 20)
                    except MemberError as error:
                        sentence(error)
            except ArchiveError as error:
                sentence(error)
            finally:
                close_archives()

    return target


def annotations(name: str) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, f"fuzzed{ENDINGS[name]}")
            file.write_bytes(data)
            try:
                for one in read_as(name, file):
                    if isinstance(one, SourceAnnotation):
                        one.placed(80, 60, 1)
            except TamisError as error:
                sentence(error)

    return target


def arrays(data: bytes) -> None:
    for read in (read_arrays, read_array):
        with suppress(ValueError):
            read(data)


def checkpoint(data: bytes) -> None:
    try:
        read_legacy_checkpoint(data, "fuzzed")
    except TamisError as error:
        sentence(error)


def snapshot(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = LocalStorage(Path(folder))
        storage.put("00000001.json", data)
        try:
            SnapshotChain(storage).read(1)
        except TamisError as error:
            sentence(error)


TARGETS: dict[str, tuple[Callable[[bytes], None], tuple[str, ...]]] = {
    "pictures": (picture, ("*.jpg", "*.png", "*.gif", "*.webp", "*.tif", "*.bmp", "*.avif")),
    "zip archives": (archive(".zip"), ("*.zip",)),
    "tar archives": (archive(".tar"), ("*.tar", "*.tgz")),
    "arrays": (arrays, ("*.npz", "*.npy")),
    "checkpoints": (checkpoint, ("*.pt",)),
    "snapshots": (snapshot, ("snapshot.json",)),
    **{name: (annotations(name), (f"{name}{ending}",)) for name, ending in ENDINGS.items()},
}
"""Each target with the files of the corpus that it begins from."""
