"""The part of the Python face that helps to label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tamis.interfaces.stored import Stored
from tamis.types import no_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tamis.algo.selection import Strategy
    from tamis.services.rounds import Round, Simulation
    from tamis.types import Progress

__all__ = ["Labelling"]


class Labelling(Stored):
    """Verbs for rounds of labelling; `tamis.Dataset` has them."""

    def select_round(
        self,
        n: int,
        *,
        label_column: str = "label",
        strategy: Strategy | Mapping[str, float] | None = None,
        where: str | None = None,
        encoder: str | None = None,
        seed: int = 0,
        apply: bool = True,
        progress: Progress = no_progress,
    ) -> Round:
        """Choose the next `n` pictures to label, after what the labels so far have taught.

        Args:
            n: how many.
            label_column: where the labels are; pictures with one are learned from.
            strategy: how to pick; by the number of labels if not given.
            where: an SQL condition on the pictures to pick from.
            encoder: whose vectors; the only ones if not given.
            seed: the only source of chance.
            apply: mark the choice and keep the round in the log.
            progress: told how far it has come.

        Raises:
            UsageError: there is nothing to pick, or the strategy needs labels of two classes.
        """
        from tamis.services.rounds import select_round

        return select_round(
            self.store,
            n,
            column=self.vector_column(encoder),
            label_column=label_column,
            strategy=strategy,
            where=where,
            seed=seed,
            apply=apply,
            progress=progress,
        )

    def simulate_rounds(
        self,
        budget: int,
        *,
        rounds: int = 5,
        seeds: int = 10,
        strategies: Sequence[str | Mapping[str, float]] = ("schedule",),
        label_column: str = "label",
        where: str | None = None,
        encoder: str | None = None,
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> Simulation:
        """Hide the labels, play rounds by strategy and at random, and measure; changes nothing.

        Args:
            budget: labels after the last round.
            rounds: into how many equal rounds it is divided.
            seeds: runs of each strategy.
            strategies: names; `schedule` is what `select_round` does by itself.
            label_column: where the labels are.
            where: an SQL condition on the pictures that take part.
            encoder: whose vectors; the only ones if not given.
            seed: of the first run.
            progress: told how many rounds were played.

        Raises:
            UsageError: there are too few labels, or an option is out of range.
        """
        from tamis.services.rounds import simulate_rounds

        return simulate_rounds(
            self.store,
            budget,
            rounds=rounds,
            seeds=seeds,
            strategies=strategies,
            column=self.vector_column(encoder),
            label_column=label_column,
            where=where,
            seed=seed,
            progress=progress,
        )
