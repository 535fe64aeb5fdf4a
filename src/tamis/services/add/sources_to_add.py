"""What the user wants to add: checked and counted before anything is read."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tamis.outside_text import storable
from tamis.services.add.known_objects import last_key
from tamis.sources.exclusion import Exclusion
from tamis.sources.folder_labels import FolderLabels
from tamis.sources.label_table import TableLabels
from tamis.sources.labels import open_labels
from tamis.sources.locations import count_sources, iter_locations
from tamis.sources.objects.address import is_object_address
from tamis.sources.objects.listing import ObjectListing
from tamis.sources.spread import Location
from tamis.sources.twin_names import TwinNames
from tamis.sources.video.library import load_av
from tamis.sources.video.sampling import EVERY_FRAME, Sampling, parse_sampling
from tamis.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tamis.dataset.store import Store
    from tamis.services.add.contract import Add
    from tamis.types import Failure

__all__ = ["ONE_A_SECOND", "SourcesToAdd"]

ONE_A_SECOND = Sampling(every=1.0)
"""How often frames are taken of a video that is named, unless told."""


def sampling_of(request: Add) -> Sampling | None:
    """Return which frames of videos are meant; None leaves it to where the videos lie."""
    if request.every is not None:
        return parse_sampling(str(request.every))
    return EVERY_FRAME if request.new_only else None


class SourcesToAdd:
    """Sources, where their labels come from, and which frames of their videos are taken.

    Args:
        request: what was asked for.
        store: the dataset.

    Attributes:
        labels: says what is known of each picture.
        twins: pairs of pictures of one name.
        sampling: which frames of videos are taken.
        videos: how many videos they are taken of.
        videos_passed_over: how many videos lie in folders and are not asked for.
        has_objects: whether a source lies at an object store or web server.
        params: what the log says of it all.

    Raises:
        InputError: a source is missing or empty; the label table cannot be used or speaks of none
            of the pictures, or none lies at the label level.
        MissingExtraError: there are videos to take frames of and PyAV is not installed.
    """

    def __init__(self, request: Add, store: Store) -> None:
        sampling = sampling_of(request)
        self.labels = open_labels(request.labels, request.label_level)
        self.twins = TwinNames()
        self.sampling = sampling or ONE_A_SECOND
        self.params: dict[str, object] = {
            "sources": [storable(source) for source in request.sources],
            "labels": storable(request.labels),
        }
        self._sources = request.sources
        self._exclude = Exclusion(request.exclude)
        self._in_folders = sampling is not None
        self._objects = (
            ObjectListing(partial(last_key, store)) if request.later_keys else ObjectListing()
        )
        self.has_objects = any(map(is_object_address, self._sources))
        there = count_sources(
            self._sources,
            videos_in_folders=self._in_folders,
            exclude=self._exclude,
            see=self.twins.see,
            objects=self._objects,
        )
        self.twins.listed()
        self.videos = there.videos + (there.videos_in_folders if self._in_folders else 0)
        self.videos_passed_over = 0 if self._in_folders else there.videos_in_folders
        if self.videos:
            load_av(f"reading the video {there.first_video}")
        self.labels.survey(item for item in self.locations() if isinstance(item, Location))
        self._count = there.pictures
        self._unopened = self.videos

    def locations(self) -> Iterator[Location | Failure]:
        """List the pictures and videos; see `iter_locations`."""
        self._exclude.restart()
        return iter_locations(
            self._sources,
            videos_in_folders=self._in_folders,
            exclude=self._exclude,
            objects=self._objects,
        )

    @property
    def total(self) -> int | None:
        """How many pictures and frames there are; None until every video was opened."""
        return None if self._unopened else self._count

    def expect_frames(self, frames: int | None) -> None:
        """Note how many frames a video will give; None if it does not say."""
        self._unopened -= 1
        self._count = None if self._count is None or frames is None else self._count + frames

    @property
    def label_level(self) -> int | None:
        """Which folders gave labels, as in `FolderLabels`; None where none did."""
        return self.labels.level if isinstance(self.labels, FolderLabels) else None

    @property
    def unlabeled(self) -> int | None:
        """How many pictures seen got nothing from the label table; None without a table."""
        return self.labels.without if isinstance(self.labels, TableLabels) else None

    def notes(self) -> list[str]:
        """Return sentences on what the user should know, once everything was added."""
        notes = self.labels.notes()
        for pattern, count in self._exclude.counts.items():
            notes.append(
                f"{counted(count, 'file was')} left out, as they fit {pattern!r}"
                if count
                else f"nothing was left out by {pattern!r}, which no file or folder fits"
                + ("; a pattern with a slash is of the path below the source" * ("/" in pattern))
            )
        twins = self.twins.note()
        return notes if twins is None else [*notes, twins]

    @property
    def labeled(self) -> int | None:
        """How many rows of the label table were of a picture seen; None without a table."""
        return self.labels.matched if isinstance(self.labels, TableLabels) else None

    @property
    def label_rows(self) -> int | None:
        """How many rows the label table has; None without a table."""
        return self.labels.rows if isinstance(self.labels, TableLabels) else None
