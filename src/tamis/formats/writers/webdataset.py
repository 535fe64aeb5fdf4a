"""Write WebDataset: tar shards in which files of one stem belong together."""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any, Final

from tamis.formats.exports.annotated_picture import AnnotationFormat
from tamis.formats.exports.records import Records

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tamis.formats.exports.annotated_picture import AnnotatedPicture, Exported

__all__ = ["WebDatasetWriter"]

_SHARD_BYTES: Final = 1 << 30
_SHARD_PICTURES: Final = 10_000


class WebDatasetWriter:
    """Writes `SPLIT-000000.tar` and so on, of 1 GiB or 10,000 pictures each, and `classes.txt`.

    A picture is `STEM.jpg` (or as its file ends), `STEM.json` its record (see `records`),
    `STEM.cls` the number of its class by `classes.txt` and `STEM.txt` its first caption. A shard
    is the same bytes for the same content.
    """

    def picture_place(self, picture: AnnotatedPicture) -> str:
        """See `AnnotationWriter`. The file is inside a shard; this is its name there."""
        return _member(picture)

    def write(self, folder: Path, exported: Exported) -> list[str]:
        """See `AnnotationWriter`."""
        records = Records(exported)
        numbers = {name: number for number, name in enumerate(exported.classes)}
        shards = {subset: _Shards(folder, subset or "data") for subset in exported.subsets}
        try:
            for picture in exported.annotated:
                record = records.of(picture)  # counts what is lost of those that are there, too
                if _member(picture) in shards[picture.subset].done:
                    continue
                content = exported.content(picture)
                if content is not None:
                    members = [(_member(picture), content), *_members(picture, record, numbers)]
                    shards[picture.subset].add(members)
            for one in shards.values():
                one.finish()
        finally:
            for one in shards.values():
                one.close()
        names = "".join(f"{name}\n" for name in numbers)
        (folder / "classes.txt").write_text(names, encoding="utf-8")
        return [*(name for one in shards.values() for name in one.names), "classes.txt"]


def _member(picture: AnnotatedPicture) -> str:
    stem, ending = posixpath.splitext(picture.name)
    return f"{stem}{ending.lower()}"


def _members(
    picture: AnnotatedPicture, record: dict[str, Any], numbers: dict[str, int]
) -> Iterator[tuple[str, bytes]]:
    stem = posixpath.splitext(picture.name)[0]
    if picture.label is not None:
        yield f"{stem}.cls", str(numbers[picture.label]).encode()
    yield f"{stem}.json", json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    if captions := record.get("captions"):
        yield f"{stem}.txt", captions[0].encode()


class _Shards:
    """The shards of one split; those that an earlier run finished stay.

    Attributes:
        names: of the shards.
        done: members that finished shards had from the beginning.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._tar: tarfile.TarFile | None = None
        self._bytes = self._count = 0
        self.names: list[str] = []
        self.done: set[str] = set()
        while (there := folder / self._next).is_file():
            self.names.append(there.name)
            with tarfile.open(there) as tar:
                self.done.update(tar.getnames())

    @property
    def _next(self) -> str:
        return f"{self._name}-{len(self.names):06d}.tar"

    def add(self, members: list[tuple[str, bytes]]) -> None:
        """Write the files of one picture, which stay in one shard."""
        if self._tar is not None and (
            self._bytes >= _SHARD_BYTES or self._count >= _SHARD_PICTURES
        ):
            self.finish()
        if self._tar is None:
            self._tar = tarfile.open(self._folder / f"{self._next}.part", "w")  # noqa: SIM115
            self._bytes = self._count = 0
        self._count += 1
        for name, content in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            self._tar.addfile(entry, io.BytesIO(content))
            self._bytes += len(content)

    def finish(self) -> None:
        """End the shard that is open, and give it its name."""
        if self._tar is not None:
            self.close()
            (self._folder / f"{self._next}.part").rename(self._folder / self._next)
            self.names.append(self._next)

    def close(self) -> None:
        """Close the shard that is open as it is."""
        if self._tar is not None:
            self._tar.close()
            self._tar = None


FORMAT = AnnotationFormat(WebDatasetWriter, packs_pictures=True, dots_in_names=False)
