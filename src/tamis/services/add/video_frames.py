"""The frames of videos as samples, each decoded only if the dataset may lack it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tamis.errors import PictureError
from tamis.images.picture_record import examine_image, sample_id
from tamis.services.add.sample_rows import NewSample
from tamis.sources.image_reference import ImageReference
from tamis.sources.locations import require_source
from tamis.sources.video.file import UnreadableVideoError, VideoFile
from tamis.sources.video.frame_reader import frame_content_hash
from tamis.types import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tamis.services.add.known_pictures import KnownPictures
    from tamis.sources.spread import Location
    from tamis.sources.video.frames import Frame
    from tamis.sources.video.sampling import Sampling
    from tamis.types import Vectors

__all__ = ["VideoFrame", "frame_sample", "frames_of_video"]


@dataclass(frozen=True)
class VideoFrame:
    """One frame of a video file.

    Attributes:
        location: the frame's place.
        video: absolute path of the video.
        sample_id: its name in the dataset.
        content: what identifies its pixels.
        is_known: whether the dataset holds it.
        frame: the frame itself; None if the dataset holds it.
    """

    location: Location
    video: str
    sample_id: str
    content: str
    is_known: bool
    frame: Frame | None = None


def frames_of_video(
    location: Location,
    sampling: Sampling,
    known: KnownPictures,
    expect: Callable[[int | None], None],
) -> Iterator[VideoFrame | Failure]:
    """Yield the frames that are taken of a video, in their order, and then what is wrong with it.

    Where the dataset holds all of them, which takes no decoding to tell, none is decoded.

    Args:
        location: the video.
        sampling: which frames are taken.
        known: what the dataset holds.
        expect: told first how many frames there will be at most; None where the file does not say.

    Raises:
        MissingExtraError: PyAV is not installed.
        InputError: the video's whole source vanished.
    """
    try:
        video = VideoFile(location.uri, location.path, sampling=sampling)
        numbers = video.sampled_numbers()
        expect(None if numbers is None else numbers.size)
        if numbers is not None:
            listed = [_named(location, number, known) for number in numbers.tolist()]
            if listed and all(item.is_known for item in listed):
                yield from listed
                return
        given = 0
        for frame in video.frames():
            item = _named(location, frame.number, known)
            yield item if item.is_known else replace(item, frame=frame)
            given += 1
        if video.damage is not None:
            yield Failure(location.path, video.damage, location.source)
        elif not given:
            # what decoders drop in silence is not lost in silence
            yield Failure(location.path, "none of its frames can be decoded", location.source)
    except (UnreadableVideoError, PictureError) as error:
        require_source(location.source)
        yield Failure(location.path, error.reason, location.source)


def _named(location: Location, number: int, known: KnownPictures) -> VideoFrame:
    content = frame_content_hash(location.uri, number, location.path)
    uri = str(ImageReference(location.uri, frame=number))
    place = replace(
        location,
        path=str(ImageReference(location.path, frame=number)),
        uri=uri,
        relative=str(ImageReference(location.relative, frame=number)),
        is_video=False,
    )
    spelt = str(ImageReference(known.places.of(location.uri), frame=number))
    found = known.find(content, spelt)
    name = found or sample_id(content, spelt)
    return VideoFrame(place, location.uri, name, content, is_known=found is not None)


def frame_sample(item: VideoFrame, frame: Frame, vector: Vectors | None = None) -> NewSample:
    """Measure a decoded frame.

    Args:
        item: where it lies.
        frame: its picture.
        vector: `[D]` float32, if it was embedded.

    Raises:
        PictureError: it cannot be decoded.
    """
    pixels = frame.pixels
    record = examine_image(pixels.image(), format=pixels.format, captured_at=frame.captured_at)
    columns = {"video": item.video, "frame": frame.number, "seconds": frame.seconds}
    return NewSample(item.location, item.sample_id, item.content, None, record, columns, vector)
