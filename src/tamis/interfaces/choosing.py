"""The part of the Python face that chooses pictures: duplicates, what to label, what stands out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.algo.selection import Strategy
    from tamis.services.selection import ScoreReport, Selection
    from tamis.types import Progress

__all__ = ["Choosing"]


class Choosing(Stored):
    """Verbs that choose among pictures; `tamis.Dataset` has them."""

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
