"""What the user named, as single pictures: listed, counted, checked."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.errors import InputError
from tamis.outside_text import is_storable, storable
from tamis.sources.archives import has_archive_extension, is_tar
from tamis.sources.objects.address import is_object_address
from tamis.sources.objects.listing import ObjectListing, require_answer
from tamis.sources.spread import NO_PICTURE, Location, expand_home, named_files, spread
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tamis.sources.exclusion import Exclusion

__all__ = ["SourceCount", "count_sources", "iter_locations", "require_source"]


@dataclass(frozen=True)
class SourceCount:
    """What sources hold.

    Attributes:
        pictures: how many; None where counting would mean unrolling a tar archive.
        videos: how many that are named or matched by a pattern.
        videos_in_folders: how many that lie in folders.
        first_video: one of them all, as the user gave it.
    """

    pictures: int | None
    videos: int
    videos_in_folders: int
    first_video: str | None


def iter_locations(
    sources: Sequence[str],
    *,
    videos_in_folders: bool = False,
    exclude: Exclusion | None = None,
    objects: ObjectListing | None = None,
) -> Iterator[Location | Failure]:
    """List the pictures of folders, globs, archives and single files, in a fixed order.

    A folder is searched at any depth, sorted by name; hidden files and files without a picture's
    extension are passed over. A file that is named by itself is always listed, whatever its name:
    as a failure if it is no picture by its content either. An archive that is named by itself is
    looked into. Of the pictures no more is read than that, and memory does not grow with their
    number but for an archive's table of contents. Videos that are named or matched by a pattern are
    listed as such; those in folders only if asked for.

    Args:
        sources: as the user gave them; a leading `~` is the home folder.
        videos_in_folders: list them, too.
        exclude: what is left out.
        objects: what sources at object stores hold; they are asked if None.

    Yields:
        Each picture's place, or what could not be listed: a folder without permission, a damaged
        archive or archive member, a name that is not UTF-8, a named file that is no picture.

    Raises:
        InputError: when its turn comes, a source that does not exist or holds no picture.
    """
    objects = objects or ObjectListing()
    for source in sources:
        found = False
        before = exclude.count if exclude else 0
        for item in _spread_without(source, exclude, objects):
            is_inside = isinstance(item, Location) and item.is_video and item.in_folder
            if is_inside and not videos_in_folders:
                continue
            found = True
            yield _with_writable_name(item)
        if not found and not objects.goes_on(source):
            taken_out = exclude.count - before if exclude else 0
            raise InputError(_nothing_found(source, videos=0, taken_out=taken_out))


def count_sources(
    sources: Sequence[str],
    *,
    videos_in_folders: bool = False,
    exclude: Exclusion | None = None,
    see: Callable[[Location], None] | None = None,
    objects: ObjectListing | None = None,
) -> SourceCount:
    """Check every source and count what it holds, before any picture is read.

    Args:
        sources: as the user gave them.
        videos_in_folders: whether a folder that holds nothing but videos is a source.
        exclude: what is left out.
        see: told of each picture, but for those in tar archives.
        objects: what sources at object stores hold; they are asked if None.

    Raises:
        InputError: a source does not exist, cannot be listed, or holds no picture; or all of them
            are files that are no pictures.
    """
    pictures: int | None = 0
    videos = inside = 0
    first = None
    wrong: list[str] = []
    objects = objects or ObjectListing()
    for source in sources:
        if any(is_tar(path) for path in named_files(source)):
            pictures = None
            continue
        listed = usable = 0
        before = exclude.count if exclude else 0
        for item in map(_with_writable_name, _spread_without(source, exclude, objects)):
            listed += 1
            if isinstance(item, Failure):
                usable += 1
                wrong += [source] if item.reason == NO_PICTURE else []
            elif item.is_video:
                first = first or item.path
                videos += not item.in_folder
                inside += item.in_folder
                usable += videos_in_folders or not item.in_folder
            else:
                usable += 1
                pictures = None if pictures is None else pictures + 1
                if see is not None:
                    see(item)
        if not usable and not objects.goes_on(source):
            taken_out = exclude.count - before if exclude else 0
            raise InputError(_nothing_found(source, videos=listed, taken_out=taken_out))
    if sources and len(wrong) == len(sources):
        raise InputError(f"{wrong[0]} is {NO_PICTURE}; check the path")
    return SourceCount(pictures, videos, inside, first)


def require_source(source: str) -> None:
    """Check that a source that was listed is still there.

    Raises:
        InputError: it vanished, such as a disk that was unplugged.
    """
    if is_object_address(source):
        require_answer(source)
        return
    given = expand_home(source)
    if not glob.has_magic(given) and not Path(given).exists():
        raise InputError(
            f"{source} disappeared while it was being read; what was committed before stands, "
            "add it again once it is back"
        )


def _spread_without(
    source: str, exclude: Exclusion | None, objects: ObjectListing
) -> Iterator[Location | Failure]:
    for item in spread(source, objects):
        if exclude is None or isinstance(item, Failure) or not exclude.takes_out(item.relative):
            yield item


def _with_writable_name(item: Location | Failure) -> Location | Failure:
    """Turn a name that no table can hold into a failure, spelt so that it can be shown."""
    texts = (item.path, item.source, item.uri if isinstance(item, Location) else "")
    if all(map(is_storable, texts)):
        return item
    source = item.source if is_storable(item.source) else ""
    return Failure(storable(item.path), "its name is not valid UTF-8; rename it", source)


def _nothing_found(source: str, *, videos: int, taken_out: int) -> str:
    if taken_out and not videos:
        return f"all that {source} holds is excluded ({taken_out} files); give other patterns"
    if videos:
        return (
            f"the folder {source} holds no pictures, only videos ({videos}); say how many seconds "
            "apart frames are to be taken (every), such as 1"
        )
    if is_object_address(source):
        return f"{source} holds no pictures; patterns (*) are not read there, give the folder"
    given = expand_home(source)
    if not Path(given).exists():
        return f"nothing that {source!r} matches is a picture or an archive"
    if not Path(given).is_dir():
        return f"the archive {source} holds no pictures"
    archives = [entry.name for entry in Path(given).iterdir() if has_archive_extension(entry.name)]
    hint = f"; it holds archives, name them to look into them: {archives[0]}" if archives else ""
    return f"the folder {source} holds no pictures{hint}"
