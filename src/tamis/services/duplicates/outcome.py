"""From verified pairs to groups, and the marks that stand for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tamis.algo.components import connected_components
from tamis.algo.duplicates import greedy_leader
from tamis.services.duplicates.result import Group, Pair, Region
from tamis.types import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tamis.algo.calibration import PairThresholds
    from tamis.services.duplicates.answers import Answers
    from tamis.services.duplicates.candidates import Candidates
    from tamis.services.duplicates.keeping import Keeping
    from tamis.services.duplicates.result import PixelBox
    from tamis.services.duplicates.samples import Samples
    from tamis.types import Indices

__all__ = ["Outcome"]


@dataclass(frozen=True)
class _Known:
    """What is known of a pair of samples."""

    score: float
    verdict: Verdict
    kind: str
    regions: list[Region]


class Outcome:
    """The pairs, groups and marks of a search, by sample.

    Attributes:
        keeper: `[n]`, which sample each one is dropped for; a kept one is its own.
        pairs: of samples.
    """

    def __init__(
        self,
        samples: Samples,
        candidates: Candidates,
        keeping: Keeping,
        keeper_of_candidates: Indices,
        thresholds: PairThresholds,
        *,
        answers: Answers,
    ) -> None:
        self._answers = answers
        self._samples, self._candidates, self._keeping = samples, candidates, keeping
        best = candidates.best_equal
        keeper = best.copy()
        keeper[candidates.rows] = candidates.rows[keeper_of_candidates]
        # An equal file may go with the keeper of its equal: the pixels are the same.
        self.keeper = answers.settled(keeper[best])
        self._compared = candidates.judged(thresholds)
        verdicts = self._compared.verdicts(thresholds)
        self._found = np.flatnonzero(verdicts != Verdict.DIFFERENT)
        self._verdicts = verdicts[self._found]
        self._left = candidates.rows[candidates.left[self._found]]
        self._right = candidates.rows[candidates.right[self._found]]
        self._equal = np.flatnonzero(best != np.arange(len(best)))
        self._known = self._all_known()

    def _all_known(self) -> dict[tuple[int, int], _Known]:
        found = self._compared.take(self._found)
        turned = self._candidates.turns[self._found] > 0
        known = {}
        for place, (a, b) in enumerate(zip(self._left.tolist(), self._right.tolist(), strict=True)):
            boxes = zip(found.left_regions[place], found.right_regions[place], strict=True)
            known[a, b] = _Known(
                score=float(found.score[place]),
                verdict=Verdict(str(self._verdicts[place])),
                kind=_way(bool(turned[place]), bool(found.flipped[place])),
                regions=[Region(self._pixels(a, x), self._pixels(b, y)) for x, y in boxes],
            )
        for row in self._equal.tolist():
            best = int(self._candidates.best_equal[row])
            known[min(row, best), max(row, best)] = _Known(1.0, Verdict.COPY, "exact", [])
        return known

    def _pixels(self, row: int, shares: NDArray[np.float32]) -> PixelBox:
        """A box in whole pixels that covers one given as shares of the picture's sides."""
        across, down = int(self._samples.widths[row]), int(self._samples.heights[row])
        x, y, width, height = (float(share) for share in shares)
        left, top = (int(np.clip(a * n, 0, n - 1)) for a, n in ((x, across), (y, down)))
        right, bottom = (
            int(np.clip(np.ceil(a * n - 1e-6), 1, n))
            for a, n in ((x + width, across), (y + height, down))
        )
        return left, top, max(right - left, 1), max(bottom - top, 1)

    def pairs(self) -> list[Pair]:
        """All pairs of one view, in the order of what they show."""
        samples = self._samples
        return [
            Pair(
                left=samples.path(a),
                right=samples.path(b),
                score=known.score,
                verdict=known.verdict,
                region=known.regions[0] if known.regions else None,
                kind=known.kind,
                regions=known.regions,
                left_id=samples.ids[a],
                right_id=samples.ids[b],
            )
            for (a, b), known in sorted(self._known.items())
        ]

    def groups(self) -> list[Group]:
        """What is dropped for what, then the changed versions among what is kept."""
        rows = np.arange(len(self.keeper))
        dropped = self._grouped(self.keeper, rows[self.keeper != rows], drop=True)
        kept = self.keeper == rows
        changed = (self._verdicts == Verdict.CHANGED) & kept[self._left] & kept[self._right]
        left, right = self._left[changed], self._right[changed]
        component = connected_components(len(rows), left, right)
        order = self._keeping.order(rows, component, look=False)
        leader = greedy_leader(len(rows), left, right, order)
        alike = self._grouped(leader, rows[leader != rows], drop=False)
        return [*dropped, *alike]

    def _grouped(self, keeper: Indices, rows: Indices, *, drop: bool) -> list[Group]:
        followers: dict[int, list[int]] = {}
        for row in rows.tolist():
            followers.setdefault(int(keeper[row]), []).append(row)
        # By what they show, copies and larger groups first.
        groups = [self._group(keep, followers[keep], drop=drop) for keep in sorted(followers)]
        return sorted(
            groups, key=lambda group: (group.verdict != Verdict.COPY, -len(group.members))
        )

    def _group(self, keep: int, rows: list[int], *, drop: bool) -> Group:
        ranked = sorted(rows, key=self._keeping.rank)
        known = [self._of(row, keep) for row in ranked]
        paths = [self._samples.path(row) for row in ranked]
        copies = all(pair.verdict == Verdict.COPY for pair in known)
        return Group(
            keep=self._samples.path(keep),
            drop=paths if drop else [],
            verdict=Verdict.COPY if copies else Verdict.CHANGED,
            members=[self._samples.path(keep), *paths],
            scores=[pair.score for pair in known],
            kinds=[_kind(pair) for pair in known],
            reasons=[self._why(keep, row) for row in ranked],
            ids=[self._samples.ids[row] for row in (keep, *ranked)],
        )

    def _why(self, keep: int, row: int) -> str:
        answered = self._answers.kept_for.get(row) == keep
        return "answer" if answered else self._keeping.why(keep, row)

    def _of(self, row: int, keep: int) -> _Known:
        """What is known of a picture and its keeper, or of its equal and that keeper."""
        equal_to = int(self._candidates.best_equal[row])
        pair = (row, keep) if equal_to == keep else (equal_to, keep)
        found = self._known.get((min(pair), max(pair)))
        return _Known(1.0, Verdict.COPY, "reviewed", []) if found is None else found

    def marks(self) -> dict[str, pa.Array]:
        """The marks of all samples that were searched; null where nothing was found."""
        ids = self._samples.ids
        known = [
            None if keep == row else self._of(row, keep)
            for row, keep in enumerate(self.keeper.tolist())
        ]
        keepers = [
            None if keep == row else ids[keep] for row, keep in enumerate(self.keeper.tolist())
        ]
        return {
            "duplicate_of": pa.array(keepers, pa.string()),
            "duplicate_score": pa.array([k and k.score for k in known], pa.float32()),
            "duplicate_kind": pa.array([k and _kind(k) for k in known], pa.string()),
            "duplicate_group": self._joined((Verdict.COPY,)),
            # What is undecided is at least a changed version.
            "changed_group": self._joined((Verdict.COPY, Verdict.CHANGED, Verdict.UNDECIDED)),
        }

    def _joined(self, verdicts: Iterable[Verdict]) -> pa.Array:
        """The groups that pairs of these verdicts join, chains included, each by its first id."""
        joined = np.isin(self._verdicts, [verdict.value for verdict in verdicts])
        # an answer can join what no verdict does, and part what one does
        dropped = np.array(list(self._answers.kept_for), np.int64)
        equal_to = self._candidates.best_equal[self._equal]
        left = np.concatenate([self._left[joined], self._equal, dropped])
        right = np.concatenate([self._right[joined], equal_to, self.keeper[dropped]])
        belong = ~self._answers.tell_different(left, right)
        left, right = left[belong], right[belong]
        component = connected_components(len(self.keeper), left, right)
        first = np.unique(component, return_index=True)[1]
        size = np.bincount(component, minlength=len(first))
        names = [self._samples.ids[first[c]] if size[c] > 1 else None for c in component.tolist()]
        return pa.array(names, pa.string())


def _kind(pair: _Known) -> str:
    return pair.kind if pair.verdict == Verdict.COPY else pair.verdict.value


def _way(turned: bool, flipped: bool) -> str:
    if turned:
        return "turned"
    return "flip" if flipped else "near"
