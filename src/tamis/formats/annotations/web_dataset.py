"""WebDataset: tar shards in which files of one stem belong together."""

from __future__ import annotations

import json
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any, Final, Self

from tamis.errors import InputError
from tamis.formats.annotations.records import read_record
from tamis.formats.annotations.source_annotation import SourceAnnotation, place, text
from tamis.images.formats import PICTURE_EXTENSIONS
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tamis.formats.annotations.source_annotation import Said

__all__ = ["is_web_dataset", "read_web_dataset", "shards_of"]

_LARGEST: Final = 64 << 20
_LOOKED_AT: Final = 20
_SAID: Final = (".cls", ".txt", ".json")


def shards_of(source: Path) -> list[Path]:
    """Return the tar files in a folder, or the file itself."""
    return sorted(source.glob("*.tar")) if source.is_dir() else [source]


def is_web_dataset(file: Path) -> bool:
    """Tell whether a tar file says something of its pictures, by its first members."""
    try:
        with tarfile.open(file, "r|") as tar:
            for number, member in enumerate(tar):
                if posixpath.splitext(member.name)[1].lower() in (".cls", ".json"):
                    return True
                if number >= _LOOKED_AT:
                    break
    except (OSError, tarfile.TarError):
        return False
    return False


def read_web_dataset(source: Path) -> Iterator[Said]:
    """Read shards in one pass each; no picture is read.

    `STEM.cls` is a class, or its number by `classes.txt` beside the shards; `STEM.txt` a caption;
    `STEM.json` a record (see `records`), whose class and captions count instead. Nothing is
    unpacked. Memory: what is said of one picture.

    Raises:
        InputError: there is no shard, or one is damaged.
    """
    shards = shards_of(source)
    if not shards:
        raise InputError(f"{source} has no .tar file, as WebDataset has them")
    for shard in shards:
        try:
            names = _names(shard.parent / "classes.txt")
            with tarfile.open(shard, "r|*", tarinfo=_Member) as tar:
                yield from _pictures(shard, tar, names)
        except (OSError, EOFError, tarfile.TarError, ValueError) as error:
            raise InputError(f"{shard} cannot be read as a shard: {error}") from error


class _Member(tarfile.TarInfo):
    """A member; where its header is damaged or cut off, the shard does not just end there."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """Return the member of a header, as `tarfile` asks.

        Raises:
            ReadError: the header is damaged.
        """
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise tarfile.ReadError(f"damaged, or cut off: {error}") from error
            raise


def _names(file: Path) -> Sequence[str] | None:
    if not file.is_file():
        return None
    return [line.strip() for line in file.read_text("utf-8-sig").splitlines() if line.strip()]


def _pictures(shard: Path, tar: tarfile.TarFile, names: Sequence[str] | None) -> Iterator[Said]:
    key, picture, said = "", "", dict[str, bytes]()
    for member in tar:
        tar.members.clear()  # type: ignore[attr-defined]  # or each is remembered
        if not member.isfile():
            continue
        folder, name = posixpath.split(member.name)
        stem, ending = _parts(name)
        if (here := posixpath.join(folder, stem)) != key:
            yield from _said(shard, picture, said, names)
            key, picture, said = here, "", {}
        if ending in PICTURE_EXTENSIONS:
            picture = picture or member.name
        elif ending in _SAID:
            if member.size > _LARGEST:
                reason = f"{member.name!a} has {member.size} bytes, too many to be read"
                yield Failure(str(shard), reason, str(shard))
                continue
            stream = tar.extractfile(member)
            said[ending] = stream.read() if stream else b""
    yield from _said(shard, picture, said, names)


def _parts(name: str) -> tuple[str, str]:
    """Return the stem, up to the first dot as WebDataset has it, and the last ending."""
    stem = name[: name.index(".", 1)] if "." in name[1:] else name
    return stem, posixpath.splitext(name)[1].lower()


def _said(
    shard: Path, picture: str, said: dict[str, bytes], names: Sequence[str] | None
) -> Iterator[Said]:
    if not said:
        return
    if not picture:
        reason = f"{', '.join(sorted(said))} of no picture"
        yield Failure(str(shard), reason, str(shard))
        return
    try:
        name = text(picture)
        record = json.loads(said[".json"]) if ".json" in said else {}
        if not isinstance(record, dict):
            record = {}
        common: dict[str, Any] = {
            "picture": name,
            "places": (
                place(shard.parent, shard.name, name.lstrip("/")),
                place(shard.parent, name.lstrip("/")),
            ),
        }
        if ".cls" in said and not record.keys() & {"label", "labels"}:
            label = _class(said[".cls"].decode().strip(), names)
            yield SourceAnnotation(label=label, kind="classification", **common)
        if ".txt" in said and not record.keys() & {"captions", "text", "caption"}:
            caption = text(said[".txt"].decode())
            yield SourceAnnotation(label=None, kind="caption", text=caption, **common)
        classes = {} if names is None else {"label": names}
    except (ValueError, RecursionError) as error:
        reason = f"what is said of {picture!a} cannot be used: {error}"
        yield Failure(str(shard), reason, str(shard))
        return
    yield from read_record(record, common, shard, classes)


def _class(word: str, names: Sequence[str] | None) -> str:
    if names is None or not word.isdecimal():
        return text(word)
    if int(word) >= len(names):
        raise ValueError(f"there is no class {word}")
    return text(names[int(word)])
