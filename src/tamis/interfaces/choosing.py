"""The part of the Python face that chooses pictures: duplicates, what to label, what stands out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.algo.selection import Strategy
    from tamis.services.duplicates import Drop, DuplicateReport
    from tamis.services.selection import ScoreReport, Selection
    from tamis.types import Progress

__all__ = ["Choosing"]

PathLike = str | os.PathLike[str]


class Choosing(Stored):
    """Verbs that choose among pictures; `tamis.Dataset` has them."""

    def duplicates(
        self,
        *,
        threshold: float | str = "auto",
        changed_threshold: float | str = "auto",
        drop: Drop = "copies",
        prefer: str | Sequence[str] = (),
        where: str | None = None,
        rotations: bool = False,
        apply: bool = False,
        gallery: PathLike | None = None,
        encoder: str | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> DuplicateReport:
        """Find copies and changed versions of pictures, and which of each group to keep.

        A copy differs by noise and processing only; a changed version shows the same view with
        other content somewhere, and the pair says where. Nothing is ever deleted from disk; with
        `apply` the dropped ones get the mark `duplicate_of`.

        Args:
            threshold: score in (0, 1] from which a pair is a copy, or `auto`.
            changed_threshold: agreement in (0, 1] from which a pair shows one view, or `auto`.
            drop: `copies`, or `changed` to drop changed versions as well.
            prefer: which copy to keep, e.g. `["folder=raw", "oldest"]`; the first rule that tells
                two copies apart decides.
            where: SQL condition on what is compared and marked.
            rotations: find copies turned by 90, 180 and 270 degrees as well.
            apply: set the marks.
            gallery: write a page of the pairs to this HTML file.
            encoder: whose vectors propose pairs; the only ones if None.
            seed: makes the search repeatable.
            progress: told how many pairs are compared.

        Raises:
            UsageError: an argument is wrong, or there are no vectors.
        """
        from tamis.pages.pair_page import require_page
        from tamis.services.duplicates import find_duplicates, write_duplicate_gallery

        if gallery is not None:
            require_page(Path(gallery))
        report = find_duplicates(
            self.store,
            column=self.vector_column(encoder),
            threshold=threshold,
            changed_threshold=changed_threshold,
            drop=drop,
            prefer=[prefer] if isinstance(prefer, str) else prefer,
            where=where,
            rotations=rotations,
            apply=apply,
            seed=seed,
            progress=progress,
        )
        if gallery is not None:
            write_duplicate_gallery(self.store, report, Path(gallery))
        return report

    def select(
        self,
        n: int,
        *,
        strategy: Strategy | Mapping[str, float] = "default",
        diverse: float | None = None,
        where: str | None = None,
        labelled: str | None = None,
        forbid: str | None = None,
        include: str | None = None,
        quotas: Sequence[str] = (),
        encoder: str | None = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = no_progress,
    ) -> Selection:
        """Choose the `n` pictures that represent the dataset, a share of them for diversity.

        Args:
            n: how many.
            strategy: how, e.g. `k-means`, or several with shares, e.g. `{"dpp": .5, "random": .5}`.
            diverse: share of the default strategy that goes to what is farthest from the rest; if
                None none of the first 30 and a fifth of what is beyond.
            where: SQL condition on what may be chosen and is to be represented.
            labelled: SQL condition on pictures that are labelled already and represent others.
            forbid: SQL condition on pictures that are represented but not chosen.
            include: SQL condition on pictures that are chosen in any case and count in `n`.
            quotas: how many of each group, e.g. `["label=cat:10", "label=*:2.."]`.
            encoder: which vectors; the only ones if None.
            seed: makes the choice repeatable.
            apply: mark the choice.
            progress: told before and after.

        Raises:
            UsageError: nothing can be chosen, or the quotas cannot be met.
        """
        from tamis.services.selection import select

        return select(
            self.store,
            n,
            column=self.vector_column(encoder),
            strategy=strategy,
            diverse=diverse,
            where=where,
            labelled=labelled,
            forbid=forbid,
            include=include,
            quotas=quotas,
            seed=seed,
            apply=apply,
            progress=progress,
        )

    def scores(
        self,
        *,
        where: str | None = None,
        encoder: str | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> ScoreReport:
        """Mark how representative and how unique each picture is."""
        from tamis.services.selection import score

        return score(
            self.store,
            column=self.vector_column(encoder),
            where=where,
            seed=seed,
            progress=progress,
        )
