"""Whether pairs of pictures are copies, changed views or different: verified on their pixels."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from tamis.algo.calibration import PairCalibration, PairScores, calibrate_pairs, copy_score
from tamis.algo.pair_comparison import compare_pictures
from tamis.algo.verification import COARSE_SIDE, GREY_SIDE
from tamis.dataset.content_order import content_order
from tamis.dataset.grey_pictures import GreyPictures
from tamis.dataset.samples import Samples
from tamis.images.copies import COPY_KINDS, compressed, copy_of
from tamis.runtime.comparison import NO_REGIONS, Comparison
from tamis.runtime.original_pixels import OriginalPixels
from tamis.runtime.pair_registration import registered
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tamis.algo.pair_comparison import PairResidual
    from tamis.dataset.store import Store
    from tamis.types import Indices, Progress

__all__ = ["PairVerifier"]

_AT_ONCE, _AT_ONCE_IN_COLOUR = 1024, 128
_THREADS = 2
_SAMPLED, _FEWEST_SAMPLED, _RANDOM_PAIRS = 120, 40, 250
# Where more than this share of the first random pairs show one view, that is what was asked.
_FIRST_PAIRS, _MOSTLY_SHARED = 60, 0.5
# Compression alone brings no copy further than this.
_WORN = (2.5, 12.0)
# In units of the usual line: nearer than this, the thumbnails do not decide, the files do.
_ON_THE_LINE = (3.3, 9.0)
# The same once the files were seen.
_UNDECIDED = (4.2, 5.8)
# A copy that was cropped lies in its original but for this share: a tilt leaves corners, a shaken
# camera a rim. A wider one, 12 of 256 pixels, may hold content of its own.
_CROPPED = 12 / 256
# Over every line, so that two views that are shifted against each other are changed versions.
_SHIFTED = 8.0
# Under this many pixels a side, a change of a twentieth of the side is hardly a pixel.
_SMALLEST_GRID = 40
# No translucent mark stands out further: there is no need to look at it larger.
_MOST_MARKED = 40.0
# Files have to show this much more than thumbnails, along a side.
_LARGER = 1.3
# An upright reading that scores this need not be read mirrored as well.
_SURELY_COPY = 0.6


class PairVerifier:
    """Compares pictures of a dataset by their pixels, two at a time.

    Thumbnails are decoded once where memory allows; the files are opened only for pairs that the
    thumbnails leave on the line between copy and changed, and a file that is gone, changed or
    damaged leaves the decision with the thumbnails.
    """

    def __init__(
        self, store: Store, ids: Sequence[str], *, progress: Progress = no_progress
    ) -> None:
        """Decode the thumbnails.

        Args:
            store: the dataset.
            ids: samples that have a thumbnail.
            progress: told how many pairs are compared.
        """
        self._pictures = GreyPictures.of_samples(store, ids, small=COARSE_SIDE, large=GREY_SIDE)
        self._originals = OriginalPixels(store, ids)
        self._count, self._progress = len(ids), progress
        # Neither which picture is named first nor what is drawn may change with names and folders.
        self._order = content_order(Samples(store), ids)
        self._rank = np.empty_like(self._order)
        self._rank[self._order] = np.arange(len(ids))

    def compare(self, left: Indices, right: Indices, turns: Indices | None = None) -> Comparison:
        """Compare pairs of pictures.

        About .4 ms of one core for a pair that differs already when small, 2 ms for one that
        differs in its fine detail, 25 ms for one that shows the same view, and 100 ms if its files
        have to be opened. Which picture of a pair is called left makes no difference but for
        turned pairs, nor do names and folders.

        Args:
            left: `[P]` numbers of `ids`.
            right: `[P]` numbers of `ids`.
            turns: `[P]` quarters counter-clockwise that the right picture is turned by before it is
                compared, mirrored or not; none if not given. Regions lie in it as it is stored.
        """
        swapped = self._rank[left] > self._rank[right]
        if turns is not None:
            swapped &= turns == 0
        first, second = np.where(swapped, right, left), np.where(swapped, left, right)
        compared = _compared(self._pictures, self._originals, first, second, self._progress, turns)
        return compared.swapped(swapped)

    def calibrate(
        self,
        candidates: Comparison,
        rng: np.random.Generator,
        *,
        threshold: float | None = None,
    ) -> PairCalibration:
        """Find the thresholds for these pictures.

        Copies made of sampled pictures, random pairs and the candidates all enter. About 6 seconds
        of one core for the copies; none are made where the threshold for copies is given.

        Args:
            candidates: pairs of nearest neighbours, compared.
            rng: draws the pictures, the pairs and the crops.
            threshold: score from which a pair is a copy, if it is not to be found.
        """
        n = self._count
        made = {}
        if threshold is None:
            kinds, copies = self._made_copies(rng)
            made = {
                kind: _scores(copies.take(np.flatnonzero(kinds == kind))) for kind in COPY_KINDS
            }
        return calibrate_pairs(
            made, _scores(candidates), self._random_pairs(rng), pictures=n, threshold=threshold
        )

    def _random_pairs(self, rng: np.random.Generator) -> PairScores:
        """Compare random pairs; few are enough where most of them share a view."""
        n = self._count
        drawn = rng.integers(0, max(n, 1), (2, _RANDOM_PAIRS if n > 1 else 0))
        pairs = np.sort(drawn[:, drawn[0] != drawn[1]], axis=0)
        found = self._on_thumbnails(pairs[:, :_FIRST_PAIRS])
        if np.count_nonzero(found.view) <= _MOSTLY_SHARED * found.view.size:
            rest = self._on_thumbnails(pairs[:, _FIRST_PAIRS:])
            found = PairScores(*(np.concatenate(both) for both in zip(found, rest, strict=True)))
        return found

    def _on_thumbnails(self, pairs: Indices) -> PairScores:
        """Compare pairs `[2, P]` by rank on thumbnails alone: how many pass is asked, not which."""
        # Few pictures make few pairs, each drawn many times and compared once.
        drawn, again = np.unique(pairs, axis=1, return_inverse=True)
        left, right = self._order[drawn]
        compared = _compared(self._pictures, None, left, right, no_progress)
        return _scores(compared.take(again))

    def _made_copies(self, rng: np.random.Generator) -> tuple[NDArray[np.str_], Comparison]:
        """Copy sampled pictures, each in one way, and compare them with their originals."""
        n = self._count
        if n == 0:
            return np.empty(0, np.str_), Comparison.ruled_out(0)
        count = min(_SAMPLED, max(n, min(2 * n, _FEWEST_SAMPLED)))
        drawn = np.concatenate([rng.permutation(n) for _ in range(-(-count // n))])[:count]
        sampled = self._order[drawn]
        kinds = np.array([COPY_KINDS[at % len(COPY_KINDS)] for at in range(count)])
        shown = self._pictures.thumbnails(sampled)
        jpegs = list(shown)
        for row, thumbnail, kind in zip(sampled.tolist(), shown, kinds.tolist(), strict=True):
            jpegs.append(copy_of(self._originals.image(row), thumbnail, kind, rng))
        made = GreyPictures(
            lambda rows: [jpegs[row] for row in rows],
            2 * count,
            small=COARSE_SIDE,
            large=GREY_SIDE,
        )
        pairs = np.arange(count)
        return kinds, _compared(made, None, pairs, pairs + count, no_progress)


def _scores(compared: Comparison) -> PairScores:
    return PairScores(compared.score, compared.view)


_Colours: TypeAlias = "dict[int, NDArray[np.uint8]]"


def _compared(  # noqa: PLR0917 - pictures in two forms, and pairs
    pictures: GreyPictures,
    originals: OriginalPixels | None,
    left: Indices,
    right: Indices,
    progress: Progress,
    turns: Indices | None = None,
) -> Comparison:
    turns = np.zeros(len(left), np.int64) if turns is None else turns
    parts = [Comparison.ruled_out(0)]
    for start in range(0, len(left), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        parts.append(_compared_part(pictures, originals, left[part], right[part], turns[part]))
        progress(min(start + _AT_ONCE, len(left)), len(left))
    return Comparison.joined(parts)


def _compared_part(
    pictures: GreyPictures,
    originals: OriginalPixels | None,
    left: Indices,
    right: Indices,
    turns: Indices,
) -> Comparison:
    count = len(left)
    readings = registered(pictures, left, right, turns)
    view, score = np.zeros((2, count), np.float32)
    flipped, undecidable = np.zeros((2, count), np.bool_)
    left_regions, right_regions = [NO_REGIONS] * count, [NO_REGIONS] * count
    covers, sharper = np.zeros((count, 2), np.bool_), np.zeros(count, np.int8)
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(readings.pair), _AT_ONCE_IN_COLOUR):
            part = np.arange(start, min(start + _AT_ONCE_IN_COLOUR, len(readings.pair)))
            pairs = readings.pair[part]
            colours = pictures.colours(np.concatenate([left[pairs], right[pairs]]))

            def decided(at: int, colours: _Colours = colours) -> _Decided | None:
                pair = readings.pair[at]
                one, other = int(left[pair]), int(right[pair])
                way = _Way(bool(readings.flipped[at]), int(turns[pair]))
                if way.flipped and score[pair] >= _SURELY_COPY:
                    return None
                first = compare_pictures(
                    colours[one], way.applied(colours[other]), readings.maps[at]
                )
                return _decide(first, originals, one, other, way)

            for at, found in zip(part.tolist(), pool.map(decided, part.tolist()), strict=True):
                pair = int(readings.pair[at])
                view[pair] = max(view[pair], readings.view[at])
                if found is None or found.score <= score[pair]:
                    continue
                score[pair], undecidable[pair] = found.score, found.undecidable
                flipped[pair] = readings.flipped[at]
                left_regions[pair], right_regions[pair] = found.regions
                covers[pair], sharper[pair] = found.covers, found.sharper
    return Comparison(
        score,
        view,
        undecidable,
        flipped,
        tuple(left_regions),
        tuple(right_regions),
        covers,
        sharper,
    )


class _Way(NamedTuple):
    """How the right picture is brought to lie like the left one: turned, then mirrored."""

    flipped: bool
    turns: int

    def applied(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        turned = np.rot90(picture, self.turns)
        return np.ascontiguousarray(turned[:, ::-1] if self.flipped else turned)

    def undone(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return boxes `[K, 4]` of the picture so brought, as they lie in it as it is stored."""
        x, y, width, height = boxes.T
        if self.flipped:
            x = 1 - x - width
        for _ in range(self.turns):
            x, y, width, height = 1 - y - height, x, height, width
        return np.stack([x, y, width, height], axis=1)


class _Decided(NamedTuple):
    score: float
    undecidable: bool
    regions: tuple[NDArray[np.float32], NDArray[np.float32]]
    covers: tuple[bool, bool]
    sharper: int


def _decide(
    first: PairResidual,
    originals: OriginalPixels | None,
    left: int,
    right: int,
    way: _Way,
) -> _Decided:
    """Decide a pair on its thumbnails, or on its files where those leave it on the line.

    Also on its files where a translucent mark is too thin to be told in thumbnails.
    """
    line = _UNDECIDED[0]
    unmarked = first.unmarked(line)
    # Thumbnails show too little of a mark to tell it from a smear of the same colour.
    mark_taken_off = unmarked.excess < line <= first.excess
    found, undecidable = _unworn(unmarked), mark_taken_off
    on_the_line = _ON_THE_LINE[0] <= found.excess < _ON_THE_LINE[1]
    ask_files = on_the_line or mark_taken_off
    marked = found.excess < _MOST_MARKED and not ask_files and found.may_be_marked(line)
    if originals is not None and (ask_files or marked):
        one, other = originals.pixels(left), originals.pixels(right)
        larger = one is not None and min(one.shape[:2]) > _LARGER * min(first.left_shape)
        if larger and one is not None and other is not None:
            seen = compare_pictures(one, way.applied(other), first.map(), settled=True)
            seen = _unworn(seen.unmarked(line))
            found = seen if ask_files or seen.excess < line else found
            undecidable = False
        undecidable |= on_the_line and _UNDECIDED[0] <= found.excess < _UNDECIDED[1]
    blind = 0 < found.grid < _SMALLEST_GRID or found.slides
    undecidable |= blind
    excess, regions = found.excess, found.regions(_UNDECIDED[0])
    left_beyond, right_beyond = found.beyond()
    if excess < _SHIFTED and min(left_beyond, right_beyond) > _CROPPED:
        # Each shows what the other lacks: dropping either would lose it.
        excess, undecidable, regions = _SHIFTED, False, found.rims()
    return _Decided(
        copy_score(excess),
        undecidable,
        (regions[0], way.undone(regions[1])),
        # Where nothing could be seen, nothing is known to be covered.
        (not blind and right_beyond <= _CROPPED, not blind and left_beyond <= _CROPPED),
        found.sharper,
    )


def _unworn(found: PairResidual) -> PairResidual:
    """Judge places by what compression does to them, where that could decide."""
    return found.unworn(compressed) if _WORN[0] <= found.excess < _WORN[1] else found
