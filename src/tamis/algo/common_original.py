"""Two worn copies of one picture told by that picture, where they do not show it themselves.

A copy under a translucent mark and one at a quarter of the size show too little of the mark to tell
it from other content. Their original tells both: what differs between two copies of one picture is
no more than what each differs from it, provided that it shows all that they show, as finely.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tamis.types import Indices

__all__ = ["through_common_original"]

# No line for copies is drawn further.
_FURTHEST = 6.0


def through_common_original(  # noqa: PLR0917 - pairs, and what is known of them
    left: Indices,
    right: Indices,
    excess: NDArray[np.float64],
    covers: NDArray[np.bool_],
    sharper: NDArray[np.int8],
    pixels: Indices,
    unclear: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Bound the excess of pairs by that of both with a third picture.

    Being a copy is transitive through a picture that shows everything, so where their own pixels
    leave a pair unclear, the worse of both links decides. Where they show a difference, more is
    asked: that both residuals together explain it. They are independent, so that their squares
    add. A third picture counts if it covers both, one of which covers it as well (or they could be
    crops of different parts), and if neither is sharper or has more pixels. A pair of which each
    shows what the other lacks stays. O(P + pairs of copies of one picture).

    Args:
        left: `[P]` row numbers.
        right: `[P]` row numbers; each pair once.
        excess: `[P]`, how far the worst region of each pair exceeds what copying does; infinite for
            pairs that are not to lead from one picture to another.
        covers: `[P, 2]`, whether the left picture shows all of the right one, and the reverse.
        sharper: `[P]`, which picture is sharper: -1 the left one, 1 the right one, 0 neither.
        pixels: `[N]`, how many each picture has.
        unclear: `[P]`, whether the pixels of a pair say neither that it differs nor that it does
            not; none if not given.

    Returns:
        `[P]`, the least bound; infinite where there is none.
    """
    # of each picture: the larger ones it is a copy of, how near, and whether it is the whole
    originals: dict[int, dict[int, tuple[float, bool]]] = defaultdict(dict)
    for at in np.flatnonzero(excess < _FURTHEST).tolist():
        one, other = int(left[at]), int(right[at])
        for copy, original, here, side in ((other, one, 0, -1), (one, other, 1, 1)):
            as_fine = pixels[original] >= pixels[copy] and sharper[at] in {0, side}
            if covers[at, here] and as_fine:
                originals[copy][original] = float(excess[at]), bool(covers[at, 1 - here])
    bound = np.full(len(left), np.inf)
    worse = np.zeros(len(left), np.bool_) if unclear is None else unclear
    for at, (one, other) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        if one not in originals or other not in originals or not covers[at].any():
            continue
        for original in originals[one].keys() & originals[other].keys():
            (near, whole), (far, whole_too) = originals[one][original], originals[other][original]
            if whole or whole_too:
                both = max(near, far) if worse[at] else float(np.hypot(near, far))
                bound[at] = min(bound[at], both)
    return bound
